/* The sets of options in tools/specs/as-published: each is what the reference takes from its
   source, its steps are the reference's, and nothing of it depends on what is tuned here. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/file.h"
#include "run/config.h"
#include "tests/check.h"
#include "tests/golden.h"

#define FOLDER "tools/specs/as-published"

static Err err;

/* ./train @FOLDER/name --model MODEL. Returns 0, or -1 after a failed check. */
static int read_set(Config *c, const char *name, const char *model) {
  char program[] = "train", file[128], option[] = "--model", word[32];
  snprintf(file, sizeof file, "@%s/%s", FOLDER, name);
  snprintf(word, sizeof word, "%s", model);
  char *argv[] = {program, file, option, word, NULL};
  int status = config_read(c, 4, argv, &err);
  check(status == 0, "%s/%s: %s", FOLDER, name, status ? err.text : "");
  return status;
}

/* The value of an option as text; "" when there is none. */
static void show(const Config *c, const char *name, char value[OPTION_TEXT]) {
  *value = 0;
  for (const OptionSet *set = c->sets; set->rows; set++) {
    const Option *row = option_find(set->rows, name);
    if (row) option_show(row, set->values, value, OPTION_TEXT);
  }
}

static int same_value(const char *a, const char *b) {
  char *end_a, *end_b;
  double x = strtod(a, &end_a), y = strtod(b, &end_b);
  if (*a && *b && !*end_a && !*end_b) return fabs(x - y) <= 1e-12 * fabs(y);
  return strcmp(a, b) == 0;
}

/* Every option that the reference takes from the source has that value in the file. */
static void check_settings(const Config *c, const GoldenCase *g, const char *at) {
  char name[GOLDEN_WORD], want[GOLDEN_WORD], value[OPTION_TEXT];
  int found;
  check(strcmp(c->method->name, g->optimizer) == 0, "%s is of %s, not %s", g->label,
        c->method->name, g->optimizer);
  while ((found = golden_option(&at, name, want)) > 0) {
    show(c, name, value);
    check(same_value(value, want), "%s: %s is %s, in the source %s", g->label, name, value, want);
  }
  check(found == 0, "%s: malformed options", g->label);
}

/* Every option of the method, the harness and the schedule is the same beside models that have
   tuned settings and those that have none. */
static void check_independent(const Config *c, const char *name) {
  static const char *const models[] = {"micro", "gpt2"};
  char a[OPTION_TEXT], b[OPTION_TEXT];
  for (int k = 0; k < 2; k++) {
    Config other;
    if (read_set(&other, name, models[k])) continue;
    for (int i = 0; c->sets[i].rows; i++) {
      if (c->sets[i].values == &c->run || c->sets[i].values == &c->model ||
          c->sets[i].values == &c->data)
        continue;
      for (const Option *row = c->sets[i].rows; row->name; row++) {
        option_show(row, c->sets[i].values, a, sizeof a);
        option_show(row, other.sets[i].values, b, sizeof b);
        check(c->sets[i].unused || strcmp(a, b) == 0, "%s: %s is %s for nano, %s for %s", name,
              row->name, a, b, models[k]);
      }
    }
    config_free(&other);
  }
}

/* 4e-5 as in test_laws, and the rounding of the weights themselves: half of 2^-23 of each for every
   step, beside the change W - W0, which published rates make small. */
static double tolerance_of(const GoldenCase *g, const double *want) {
  double change = 0, size = 0;
  for (int64_t i = 0; i < g->rows * g->cols; i++) {
    change += pow(want[i] - (double)golden_weight(g->index, i), 2);
    size += want[i] * want[i];
  }
  return 4e-5 + g->steps * ldexp(1, -24) * sqrt(size / change);
}

static void test_case(const char *line, const char *numbers, GoldenResult *result) {
  GoldenCase g = {0};
  Config c;
  const char *options = golden_case(line, &g);
  double *want = options && numbers ? golden_values(numbers, g.rows * g.cols) : NULL;
  check(want != NULL, "malformed: %.60s", line);
  if (!want || read_set(&c, g.label, "nano")) {
    free(want);
    return;
  }
  check_settings(&c, &g, options);
  check_independent(&c, g.label);
  g.common = c.optimizer;
  g.options = c.method_options;
  golden_check(c.method, &g, want, tolerance_of(&g, want), result);
  config_free(&c);
  free(want);
}

/* No file without a case. */
static void test_files(const char *text) {
  DIR *folder = opendir(FOLDER);
  struct dirent *entry;
  int files = 0;
  check(folder != NULL, "%s cannot be opened", FOLDER);
  while (folder && (entry = readdir(folder))) {
    char head[300];
    if (*entry->d_name == '.') continue;
    snprintf(head, sizeof head, "case %s ", entry->d_name);
    check(strstr(text, head) != NULL, "%s/%s has no case in the reference", FOLDER, entry->d_name);
    files++;
  }
  check(files > 0, "%s is empty", FOLDER);
  if (folder) closedir(folder);
}

int main(void) {
  GoldenResult result = {0};
  char *text;
  size_t size;
  threads_start(1);
  if (file_read("tests/golden/as-published.txt.gz", &text, &size, &err)) {
    check(0, "%s", err.text);
    return check_report("published");
  }
  test_files(text);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
    test_case(line, strtok(NULL, "\n"), &result);
  check(result.run > 0 && result.skipped == 0, "%d cases run, %d not", result.run, result.skipped);
  printf("  %d cases run, off by %.1e at most (%s)\n", result.run, result.worst, result.where);
  free(text);
  return check_report("published");
}
