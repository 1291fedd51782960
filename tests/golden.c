#include "tests/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "tests/check.h"

enum { SEED = 42 }; /* of the reference's random streams */

float golden_weight(int index, int64_t i) {
  return check_value((uint64_t)(10 * index), (uint64_t)i);
}

/* Noise that changes with the step plus a fixed rank-one part. */
float golden_gradient(int index, int t, int64_t row, int64_t col, int64_t cols) {
  uint64_t stream = (uint64_t)(10 * index);
  double a = (double)check_value(stream + 8, (uint64_t)row);
  double b = (double)check_value(stream + 9, (uint64_t)col);
  float noise = (float)(0.1 * (double)check_value(stream + (uint64_t)t,
                                                  (uint64_t)(row * cols + col)));
  return (float)((double)noise + 0.3 * a * b / sqrt((double)cols));
}

/* ---- reading a case ---- */

/* Returns 0 when the option was set, 1 when the method does not know it or its choice. */
static int set_option(const Optimizer *method, GoldenCase *c, const char *name,
                      const char *value) {
  Err err;
  if (strcmp(name, "lr") == 0) c->common.lr = strtod(value, NULL);
  else if (strcmp(name, "wd") == 0) c->common.weight_decay = strtod(value, NULL);
  else {
    const Option *row = option_find(method->options, name);
    if (row) value = option_new_word(row, value);
    if (!row || (row->type == OPTION_CHOICE && word_index(row->choices, value) < 0)) return 1;
    check(option_set(row, c->options, value, c->label, &err) == 0, "golden %s: %s", method->name,
          err.text);
  }
  return 0;
}

const char *golden_case(const char *line, GoldenCase *c) {
  int used = 0;
  if (sscanf(line, "case %79s optimizer %39s rows %lld cols %lld blocks %d steps %d index %d "
             "options%n", c->label, c->optimizer, &c->rows, &c->cols, &c->blocks, &c->steps,
             &c->index, &used) != 7 || used == 0)
    return NULL;
  return line + used;
}

int golden_option(const char **at, char name[GOLDEN_WORD], char value[GOLDEN_WORD]) {
  int length = 0;
  *at += strspn(*at, " ");
  if (!**at) return 0;
  if (sscanf(*at, "%63[^= \n]=%63[^ \n]%n", name, value, &length) != 2) return -1;
  *at += length;
  return 1;
}

/* Reads the line of a case. Returns 1 if the case must be skipped, -1 if the line is not a case. */
static int read_case(const Optimizer *method, const char *line, GoldenCase *c) {
  OptionSet set = {.title = "options", .rows = method->options, .values = c->options};
  char name[GOLDEN_WORD], value[GOLDEN_WORD];
  const char *at = golden_case(line, c);
  int skip = 0, found;
  if (!at) return -1;
  options_default(&set);
  while ((found = golden_option(&at, name, value)) > 0) skip |= set_option(method, c, name, value);
  return found < 0 ? -1 : skip;
}

double *golden_values(const char *line, int64_t n) {
  double *values = malloc((size_t)n * sizeof *values);
  for (int64_t i = 0; i < n; i++) {
    char *end;
    values[i] = strtod(line, &end);
    if (end == line) {
      free(values);
      return NULL;
    }
    line = end;
  }
  return values;
}

/* ---- running a case ---- */

/* W after the case's steps; NULL when the optimizer does not open. To be freed. */
static float *run_case(const Optimizer *method, const GoldenCase *c) {
  int64_t size = c->rows * c->cols;
  float *w = malloc((size_t)size * sizeof *w), *g = malloc((size_t)size * sizeof *g);
  Param p = {.name = "h.0.mlp.golden", .role = ROLE_MATRIX, .rows = c->rows, .cols = c->cols,
             .blocks = c->blocks, .head_rows = c->blocks, .head_cols = 1, .decay = 1, .w = w,
             .g = g};
  OptimizerState *state;
  Err err;
  for (int64_t i = 0; i < size; i++) w[i] = golden_weight(c->index, i);
  if (optimizer_open(&state, method, c->options, &c->common, &p, 1, SEED, &err)) {
    check(0, "golden %s %s: %s", method->name, c->label, err.text);
    free(w), free(g);
    return NULL;
  }
  for (int t = 1; t <= c->steps; t++) {
    for (int64_t i = 0; i < size; i++)
      g[i] = golden_gradient(c->index, t, i / c->cols, i % c->cols, c->cols);
    optimizer_step(state, t, 1);
  }
  optimizer_close(state);
  free(g);
  return w;
}

/* Number by number, and the whole change. */
static void compare(const Optimizer *method, const GoldenCase *c, const float *w,
                    const double *want, double tolerance, GoldenResult *result) {
  double most = 0, off = 0, error = 0, change = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < c->rows * c->cols; i++) {
    double moved = want[i] - (double)golden_weight(c->index, i), e = fabs(w[i] - want[i]);
    most = fmax(most, fabs(moved));
    if (!(e <= off)) off = e, at = i;
    error += e * e;
    change += moved * moved;
  }
  double relative = sqrt(error / change);
  check(off <= 3e-4 * most + 2e-6,
        "golden %s %s (case %d): weight %lld is %.9g, not %.9g; the largest change is %.3g",
        method->name, c->label, c->index, (long long)at, (double)w[at], want[at], most);
  check(relative <= tolerance, "golden %s %s (case %d): relative error %.2g of W - W0",
        method->name, c->label, c->index, relative);
  if (relative <= result->worst) return;
  result->worst = relative;
  snprintf(result->where, sizeof result->where, "%s", c->label);
}

void golden_check(const Optimizer *method, const GoldenCase *c, const double *want,
                  double tolerance, GoldenResult *result) {
  float *w = run_case(method, c);
  if (w) compare(method, c, w, want, tolerance, result);
  if (w) result->run++;
  else result->skipped++;
  free(w);
}

static void run_text(const Optimizer *method, char *text, double tolerance, GoldenResult *r) {
  void *options = calloc(1, method->options_size + 1);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    GoldenCase c = {.options = options};
    memset(options, 0, method->options_size);
    int skip = read_case(method, line, &c);
    char *numbers = strtok(NULL, "\n");
    double *want = skip < 0 || !numbers ? NULL : golden_values(numbers, c.rows * c.cols);
    check(want && strcmp(c.optimizer, method->name) == 0, "golden %s: malformed: %.60s",
          method->name, line);
    if (want && !skip) golden_check(method, &c, want, tolerance, r);
    else r->skipped++;
    free(want);
  }
  free(options);
}

GoldenResult golden_run(const Optimizer *method, double tolerance) {
  GoldenResult r = {0, 0, 0, ""};
  char path[128], *text;
  size_t size;
  Err err;
  snprintf(path, sizeof path, "tests/golden/%s.txt.gz", method->name);
  if (!file_exists(path)) return r;
  if (file_read(path, &text, &size, &err)) {
    check(0, "golden %s: %s", method->name, err.text);
    return r;
  }
  run_text(method, text, tolerance, &r);
  check(r.run > 0, "golden %s: none of %d cases could be run", method->name, r.skipped);
  free(text);
  return r;
}
