/* Option files: read, applied to a table, and shown again. */
#include <stdlib.h>
#include <string.h>

#include "core/option.h"
#include "tests/fuzz/input.h"

typedef struct {
  int64_t steps;
  double rate;
  char name[OPTION_TEXT];
  int order;
} Values;

#define FIELD(member) offsetof(Values, member)
static const Option rows[] = {
    {.name = "steps", .help = "",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "400", .min = 1, .max = 1e12},
    {.name = "rate", .help = "",
     .type = OPTION_REAL, .at = FIELD(rate), .fallback = "0.1", .max = 1e6},
    {.name = "name", .help = "",
     .type = OPTION_WORD, .at = FIELD(name), .fallback = ""},
    {.name = "order", .help = "",
     .type = OPTION_CHOICE, .at = FIELD(order), .fallback = "shuffle",
     .choices = "shuffle|sequential"},
    {0},
};

/* Every value that is shown must be read back unchanged. */
static void show(const Values *values) {
  Values again;
  Err err;
  char text[OPTION_TEXT], twice[OPTION_TEXT];
  for (const Option *row = rows; row->name; row++) {
    option_show(row, values, text, sizeof text);
    if (option_set(row, &again, text, "shown", &err)) abort();
    option_show(row, &again, twice, sizeof twice);
    if (strcmp(text, twice) != 0) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t copy[1 << 16];
  Values values;
  const OptionSet sets[] = {{.title = "values", .rows = rows, .values = &values}, {0}};
  const OptionSet others[] = {{0}};
  Settings s = {0};
  Err err;
  char *argv[] = {"fuzz", "@options.txt"};
  if (size > sizeof copy) return 0;
  for (size_t i = 0; i < size; i++) copy[i] = data[i] == '/' ? '_' : data[i]; /* no other files */
  input_file("options.txt", copy, size);
  if (settings_read(&s, 2, argv, &err) == 0 && options_apply(sets, others, &s, &err) == 0)
    show(&values);
  settings_free(&s);
  return 0;
}
