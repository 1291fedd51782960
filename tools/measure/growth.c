#include "tools/measure/growth.h"

#include <stdio.h>

#include "core/blas.h"
#include "tools/measure/trainer.h"

enum { TOKENS = 4096, HEAD = 64, POINTS = 6 };

/* Seconds and FLOPs of a token, with the optimizer's share of the seconds. */
typedef struct {
  double seconds, flops, optimizer;
} Cost;

static int measure(const ModelOptions *size, int64_t B, const Optimizer *method, int rounds,
                   Cost *cost, Err *err) {
  Trainer t;
  double steps[ROUNDS_MAX], updates[ROUNDS_MAX], tokens = (double)(B * size->context);
  if (trainer_open(&t, size, B, method, err)) return -1;
  for (int i = 0; i < rounds; i++) {
    StepSeconds s = trainer_step(&t);
    steps[i] = s.forward + s.backward + s.optimizer;
    updates[i] = s.optimizer;
  }
  double step = median(steps, rounds);
  *cost = (Cost){step / tokens, trainer_flops(&t) / tokens, median(updates, rounds) / step};
  trainer_close(&t);
  return 0;
}

static void print_header(const char *axis) {
  printf("\n%-10s %10s %9s %9s %9s %11s\n", axis, "us/token", "x first", "x theory", "GFLOP/s",
         "optimizer");
}

/* Theory: time per token in proportion to its FLOPs; threads divide it. */
static void print_row(int64_t value, const Cost *c, const Cost *first, double divided) {
  printf("%-10lld %10.1f %9.2f %9.2f %9.1f %10.1f%%\n", (long long)value, 1e6 * c->seconds,
         c->seconds / first->seconds, c->flops / first->flops / divided,
         c->flops / c->seconds / 1e9, 100 * c->optimizer);
  fflush(stdout);
}

static int threads_axis(const ModelOptions *size, const Optimizer *method, int rounds, Err *err) {
  int most = threads_count();
  Cost cost, first;
  print_header("threads");
  for (int threads = 1; threads <= most; threads = 2 * threads < most || threads == most
                                                       ? 2 * threads : most) {
    threads_start(threads);
    if (measure(size, TOKENS / size->context, method, rounds, &cost, err)) return -1;
    if (threads == 1) first = cost;
    print_row(threads, &cost, &first, threads);
  }
  threads_start(most);
  return 0;
}

int bench_growth(const ModelOptions *size, const Optimizer *method, int rounds, Err *err) {
  enum { CONTEXT, BATCH, LAYERS, CHANNELS, AXES };
  static const struct {
    const char *name;
    int64_t values[POINTS];
  } axes[AXES] = {
      {"context", {128, 256, 512, 1024, 2048, 4096}},
      {"batch", {1, 2, 4, 8, 16, 32}},
      {"layers", {2, 4, 8, 16}},
      {"channels", {128, 256, 384, 512, 768, 1024}},
  };
  printf("\nGrowth of the time per token: %lld layers, %lld channels, vocabulary %lld, %lld x "
         "%lld tokens, where nothing else is said\n", (long long)size->L, (long long)size->C,
         (long long)size->V, (long long)(TOKENS / size->context), (long long)size->context);
  for (int axis = 0; axis < AXES; axis++) {
    Cost cost, first;
    print_header(axes[axis].name);
    for (int i = 0; i < POINTS && axes[axis].values[i]; i++) {
      ModelOptions s = *size;
      int64_t value = axes[axis].values[i];
      if (axis == CONTEXT) s.context = value;
      if (axis == LAYERS) s.L = value;
      if (axis == CHANNELS) s.C = value;
      s.NH = s.C / HEAD;
      if (measure(&s, axis == BATCH ? value : TOKENS / s.context, method, rounds, &cost, err))
        return -1;
      if (i == 0) first = cost;
      print_row(value, &cost, &first, 1);
    }
  }
  return threads_axis(size, method, rounds, err);
}
