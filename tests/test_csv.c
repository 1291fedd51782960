/* CSV files: whole, cut off, damaged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "core/file.h"
#include "tests/check.h"

static const char path[] = "build/test_csv.csv";

/* Reads a text to its end; the sum of all numbers, or NaN with a sentence. */
static double sum_of(const char *text, size_t size, Csv *csv, Err *err) {
  double sum = 0, number;
  int more = -1;
  check(file_write(path, text, size, err) == 0, "%s", err->text);
  if (csv_open(csv, path, err)) return NAN;
  while ((more = csv_row(csv, err)) > 0)
    for (int i = 0; i < csv->columns; i++) {
      if (csv_number(csv, i, &number, err)) return NAN;
      if (!isnan(number)) sum += number;
    }
  return more < 0 ? NAN : sum;
}

static void test_reading(void) {
  static const struct {
    const char *text;
    double sum;
    int line, cut;
  } good[] = {
      {"a,b\n1,2\n3,4\n", 10, 3, 0},  {"a,b\r\n1,2\r\n", 3, 2, 0}, {"a,b\n,5\n", 5, 2, 0},
      {"a,b\n1,2\n3,4", 3, 2, 1},     {"a,b\n", 0, 1, 0},          {"a,b", 0, 1, 0},
      {"a\n1e-3\n-2\n", -1.999, 3, 0}, {"a,b\n1,2\n3", 3, 2, 1},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    Csv csv;
    Err err = {""};
    double sum = sum_of(good[i].text, strlen(good[i].text), &csv, &err);
    check_near(sum, good[i].sum, 1e-15, "case %zu: %s", i, err.text);
    check(csv.line == good[i].line && csv.cut == good[i].cut, "case %zu: line %d, cut %d", i,
          csv.line, csv.cut);
    csv_close(&csv);
  }
}

static void test_columns(void) {
  Csv csv;
  Err err = {""};
  check(sum_of("step,loss\n7,1.5\n", 16, &csv, &err) == 8.5, "%s", err.text);
  check(csv_column(&csv, "step") == 0 && csv_column(&csv, "loss") == 1, "columns by name");
  check(csv_column(&csv, "los") == -1 && csv_column(&csv, "") == -1, "no such column");
  csv_close(&csv);
}

static void test_errors(void) {
  static const struct {
    const char *text;
    size_t size;
    const char *says;
  } bad[] = {
      {"", 0, "the file is empty"},
      {"a,b\n1\n", 6, "line 2: this row has fewer cells"},
      {"a,b\n1,2,3\n", 10, "line 2: this row has more cells"},
      {"a,b\n1,2\n\n3,4\n", 13, "line 3: this row has fewer cells"},
      {"a,b\n1,2x\n", 9, "line 2: \"2x\" in column b is not a number"},
      {"a,b\n1,\0\n", 8, "it holds zero bytes"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Csv csv;
    Err err = {""};
    double sum = sum_of(bad[i].text, bad[i].size, &csv, &err);
    check(isnan(sum) && strstr(err.text, bad[i].says), "case %zu should say \"%s\": %s", i,
          bad[i].says, err.text);
    csv_close(&csv);
  }
}

static void test_writing(void) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  csv_put(out, 0.1, 3);
  csv_put(out, NAN, 3);
  csv_put(out, 123456, 3);
  csv_put_word(out, "plain");
  csv_put_word(out, "a \"b\", c");
  fclose(out);
  check(strcmp(text, ",0.1,,1.23e+05plain\"a \"\"b\"\", c\"") == 0, "written: %s", text);
  free(text);
}

static void test_last_line(void) {
  check(csv_last_line("a\nbc\nd\n", 7) == 5, "the last of three");
  check(csv_last_line("a\n", 2) == 0 && csv_last_line("", 0) == 0, "the only one, and none");
}

int main(void) {
  test_reading();
  test_columns();
  test_errors();
  test_writing();
  test_last_line();
  remove(path);
  return check_report("csv");
}
