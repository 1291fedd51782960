#include "tools/measure/measure.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/blas.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/quantile.h"
#include "core/random.h"

static const double MEASURE_SECONDS = 0.03; /* of one product, at least */

int subject_open(Subject *s, const Optimizer *method, const char *settings, const GPT2 *m,
                 Err *err) {
  Settings said = {0};
  *s = (Subject){0};
  options_default(&(OptionSet){
      .title = "optimizer", .rows = optimizer_options, .values = &s->common});
  options_default(&(OptionSet){
      .title = "auxiliary", .rows = auxiliary_options, .values = &s->common});
  s->options = memory_take(1, method->options_size + 1);
  OptionSet sets[] = {{.title = method->name, .rows = method->options, .values = s->options}, {0}};
  int status = settings_preset(&said, FROM_PRESET, "bench", settings, err) ||
               options_apply(sets, NULL, &said, err) ||
               optimizer_open(&s->state, method, s->options, &s->common, m->params,
                              m->param_count, 1, err);
  settings_free(&said);
  return status ? -1 : 0;
}

void subject_close(Subject *s) {
  optimizer_close(s->state);
  free(s->options);
}

double subject_seconds(Subject *s) {
  double start = clock_seconds();
  optimizer_step(s->state, ++s->t, 1e-3);
  return clock_seconds() - start;
}

int product_shapes(const ModelOptions *s, int64_t rows, ProductShape *shapes) {
  int64_t chunk = rows < 512 ? rows : 512; /* of the classifier */
  const ProductShape all[] = {
      {rows, s->C, 3 * s->C, s->L},
      {rows, s->C, s->C, s->L},
      {rows, s->C, 4 * s->C, s->L},
      {rows, 4 * s->C, s->C, s->L},
      {chunk, s->C, s->V, (rows + chunk - 1) / chunk},
  };
  memcpy(shapes, all, sizeof all);
  return sizeof all / sizeof *all;
}

static void product(int form, const ProductShape *p, float *x, float *w, float *y) {
  int64_t n = p->rows, in = p->in, out = p->out;
  if (form == 0) gemm(PLAIN, TRANSPOSED, n, out, in, 1, x, in, w, in, 0, y, out);
  if (form == 1) gemm(PLAIN, PLAIN, n, in, out, 1, y, out, w, in, 0, x, in);
  if (form == 2) gemm(TRANSPOSED, PLAIN, out, in, n, 1, y, out, x, in, 0, w, in);
}

/* Random numbers, since a processor is faster on zeros, which take less power (1.4 % where this was
   measured). They repeat with an odd period, so that rows differ. */
static void fill(float *x, size_t n) {
  enum { PERIOD = 4099 };
  float normals[PERIOD];
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  random_normals(&random, normals, PERIOD);
  for (size_t i = 0; i < n; i++) x[i] = normals[i % PERIOD];
}

/* Seconds of a product in its fastest form. */
static double best_seconds(const ProductShape *p, float *x, float *w, float *y) {
  double best = 1e30;
  for (int form = 0; form < 3; form++) {
    product(form, p, x, w, y);
    double start = clock_seconds(), spent;
    int64_t calls = 0;
    do {
      product(form, p, x, w, y);
      calls++;
      spent = clock_seconds() - start;
    } while (spent < MEASURE_SECONDS);
    if (spent / (double)calls < best) best = spent / (double)calls;
  }
  return best;
}

double sgemm_ceiling(const ProductShape *shapes, int count) {
  double flops = 0, seconds = 0;
  for (int i = 0; i < count; i++) {
    const ProductShape *p = &shapes[i];
    size_t sizes[3] = {(size_t)(p->rows * p->in), (size_t)(p->out * p->in),
                       (size_t)(p->rows * p->out)};
    float *x, *w, *y, *memory;
    size_t bytes = 0;
    Err err;
    for (int k = 0; k < 3; k++) bytes += arena_round(sizes[k] * sizeof(float));
    if (arena_take((void **)&memory, bytes, "the measurement", &err)) return 0;
    ArenaRow rows[] = {{(void **)&x, sizes[0] * sizeof(float)},
                       {(void **)&w, sizes[1] * sizeof(float)},
                       {(void **)&y, sizes[2] * sizeof(float)}};
    arena_assign(rows, 3, memory);
    fill(x, sizes[0]);
    fill(w, sizes[1]);
    double times = (double)p->times;
    seconds += times * best_seconds(p, x, w, y);
    flops += times * 2 * (double)p->rows * (double)p->in * (double)p->out;
    arena_free(memory, bytes);
  }
  return flops / seconds;
}

double copy_bandwidth(void) {
  enum { FLOATS = 1 << 26, PIECE = 1 << 16 };
  size_t bytes = (size_t)FLOATS * sizeof(float);
  float *from, *to;
  Err err;
  double times[5];
  if (arena_take((void **)&from, bytes, "the measurement", &err)) return 0;
  if (arena_take((void **)&to, bytes, "the measurement", &err)) return 0;
  for (int round = -1; round < 5; round++) {
    double start = clock_seconds();
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < FLOATS / PIECE; i++)
      for (int64_t j = 0; j < PIECE; j++) to[i * PIECE + j] = from[i * PIECE + j] + 1;
    if (round >= 0) times[round] = clock_seconds() - start;
  }
  arena_free(from, bytes);
  arena_free(to, bytes);
  return 2 * (double)bytes / quantile(times, 5, 0.5);
}
