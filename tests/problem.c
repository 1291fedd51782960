#include "tests/problem.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static Err err;

/* Prints the case if an assertion fails. */
static char now[160];

static void say_where(int signal_number) {
  (void)signal_number;
  printf("  FAILED: stopped in: %s\n", now);
  fflush(stdout);
}

float problem_weight(int i, int64_t j) { return check_value(500 + (uint64_t)i, (uint64_t)j); }

Problem problem_make(const Optimizer *method, const Shape *shapes, int count) {
  Problem p = {.method = method, .count = count, .seed = 42,
               .common = {.lr = 0.02, .weight_decay = 0.1, .embedding_decay = 1,
                          .aux_lr = 0.01, .aux = {0.9, 0.95, 1e-8}}};
  p.options = calloc(1, method->options_size + 1);
  OptionSet set = {.title = "options", .rows = method->options, .values = p.options};
  options_default(&set);
  for (int i = 0; i < count; i++) {
    const Shape *s = &shapes[i];
    size_t size = (size_t)(s->rows * s->cols);
    p.params[i] = (Param){.role = s->role, .rows = s->rows, .cols = s->cols, .blocks = s->blocks,
                          .head_rows = s->head_rows, .head_cols = s->head_cols,
                          .decay = s->role != ROLE_VECTOR, .w = malloc(size * sizeof(float)),
                          .g = calloc(size, sizeof(float))};
    snprintf(p.params[i].name, sizeof p.params[i].name, "h.0.%s.p%d", i % 2 ? "mlp" : "attn", i);
    for (int64_t j = 0; j < s->rows * s->cols; j++) p.params[i].w[j] = problem_weight(i, j);
  }
  return p;
}

int problem_try(Problem *p) {
  snprintf(now, sizeof now, "%s", p->method->name);
  signal(SIGABRT, say_where);
  return optimizer_open(&p->state, p->method, p->options, &p->common, p->params, p->count, p->seed,
                        &err);
}

void problem_start(Problem *p) {
  if (problem_try(p) == 0) return;
  check(0, "%s does not open: %s", p->method->name, err.text);
  exit(check_report(p->method->name));
}

void problem_free(Problem *p) {
  optimizer_close(p->state);
  for (int i = 0; i < p->count; i++) free(p->params[i].w), free(p->params[i].g);
  free(p->options);
}

void problem_set_if_there(Problem *p, const char *name, const char *value) {
  const Option *row = option_find(p->method->options, name);
  Err ignored;
  if (row) option_set(row, p->options, value, "test", &ignored);
}

const char *const kind_names[] = {"noise", "uneven noise", "rank one", "zero",
                                         "one entry", "1e-30", "1e30"};

static float entry(Kind kind, uint64_t stream, int64_t i, int64_t row, int64_t col) {
  float x = check_value(stream, (uint64_t)i);
  switch (kind) {
    case UNEVEN: return x * powf(10, -(float)(col % 9)); /* small numbers show more */
    case RANK_ONE: return check_value(stream, (uint64_t)row) * check_value(9, (uint64_t)col);
    case ZERO: return 0;
    case ONE_ENTRY: return i == 0 ? -3 : 0;
    case TINY: return 1e-30f * x;
    case HUGE_NOISE: return 1e30f * x;
    default: return x;
  }
}

void problem_gradients(Problem *p, Kind kind, int64_t t) {
  snprintf(now, sizeof now, "%s, step %lld on %s", p->method->name, (long long)t, kind_names[kind]);
  for (int i = 0; i < p->count; i++)
    for (int64_t j = 0; j < param_size(&p->params[i]); j++)
      p->params[i].g[j] = entry(kind, 700 + 20 * (uint64_t)t + (uint64_t)i, j,
                                j / p->params[i].cols, j % p->params[i].cols);
}

void problem_run(Problem *p, Kind kind, int64_t from, int64_t to) {
  for (int64_t t = from; t <= to; t++) {
    problem_gradients(p, kind, t);
    optimizer_step(p->state, t, 1);
  }
}

int problem_same_weights(const Problem *a, const Problem *b) {
  for (int i = 0; i < a->count; i++)
    if (memcmp(a->params[i].w, b->params[i].w,
               (size_t)param_size(&a->params[i]) * sizeof(float)) != 0)
      return 0;
  return 1;
}

double problem_difference(const Problem *a, const Problem *b) {
  double off = 0, moved = 0;
  for (int i = 0; i < a->count; i++)
    for (int64_t j = 0; j < param_size(&a->params[i]); j++) {
      double w0 = (double)problem_weight(i, j), w = b->params[i].w[j];
      off += pow((double)a->params[i].w[j] - w, 2);
      moved += pow(w - w0, 2);
    }
  return sqrt(off / moved);
}
