#include "tools/measure/step.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "optim/gradient.h"

void bench_step_header(void) {
  printf("%-22s %9s %9s | %7s %7s %7s %7s | %7s %9s | %8s %9s\n", "whole training steps",
         "tokens/s", "GFLOP/s", "forward", "backwd", "optim", "step", "ceiling", "fraction",
         "optim ms", "memory MB");
}

typedef struct {
  double forward, backward, optimizer, ceiling;
} Round;

static void run_round(GPT2 *m, OptimizerState *o, const Batch *batch, int64_t t, Round *r) {
  m->times = (PassTimes){0, 0};
  gpt2_forward(m, batch);
  gpt2_backward(m, batch);
  double start = clock_seconds();
  gradient_norm(m->params, m->param_count);
  optimizer_step(o, t, 1e-3);
  *r = (Round){m->times.forward, m->times.backward, clock_seconds() - start, 0};
}

static double column(const Round *rounds, int n, int which) {
  double x[ROUNDS_MAX];
  for (int i = 0; i < n; i++) {
    const Round *r = &rounds[i];
    x[i] = which == 0 ? r->forward : which == 1 ? r->backward : which == 2 ? r->optimizer
           : which == 3 ? r->ceiling : r->forward + r->backward + r->optimizer;
  }
  return median(x, n);
}

static void print_line(const char *name, const GPT2 *m, const OptimizerState *o, int64_t B,
                       const Round *rounds, int n) {
  int64_t T = m->size.context;
  double forward = column(rounds, n, 0), backward = column(rounds, n, 1);
  double optimizer = column(rounds, n, 2), ceiling = column(rounds, n, 3);
  double step = column(rounds, n, 4), tokens = (double)(B * T);
  double flops = tokens * gpt2_train_flops(m, T);
  double memory = 2 * (double)m->weight_bytes + (double)m->activation_bytes +
                  (double)optimizer_state_bytes(o) + (double)optimizer_scratch_bytes(o);
  printf("%-22s %9.0f %9.1f | %6.1f%% %6.1f%% %6.1f%% %6.1f%% | %7.1f %8.1f%% | %8.1f %9.0f\n",
         name, tokens / step, flops / step / 1e9, 100 * flops / 3 / forward / ceiling,
         100 * flops * 2 / 3 / backward / ceiling, 100 * optimizer / step,
         100 * (forward + backward + optimizer) / step, ceiling / 1e9,
         100 * flops / step / ceiling, 1e3 * optimizer, memory / 1e6);
  fflush(stdout);
}

int bench_step(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
               int rounds, Err *err) {
  GPT2 *m;
  OptimizerState *o;
  OptimizerOptions common = {.lr = 1e-3, .aux_lr = 1e-3, .aux_beta1 = 0.9, .aux_beta2 = 0.95,
                             .aux_eps = 1e-8};
  int64_t n = B * size->context;
  void *options = calloc(1, method->options_size + 1);
  OptionSet set = {method->name, method->options, options};
  options_default(&set);
  if (gpt2_open(&m, size, B, 1, err) ||
      optimizer_open(&o, method, options, &common, m->params, m->param_count, 1, err)) {
    free(options);
    return -1;
  }
  gpt2_init(m, 1);
  int32_t *tokens = calloc((size_t)n + 1, sizeof *tokens);
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  for (int64_t i = 0; i <= n; i++) tokens[i] = (int32_t)random_below(&random, (uint32_t)size->V);
  Batch batch = {tokens, tokens + 1, B, size->context, 1.0 / (double)n, 0};
  ProductShape shapes[5];
  int count = product_shapes(size, n, shapes);
  Round round[ROUNDS_MAX];
  run_round(m, o, &batch, 1, &round[0]); /* touches all memory */
  for (int i = 0; i < rounds; i++) {
    run_round(m, o, &batch, i + 2, &round[i]);
    round[i].ceiling = sgemm_ceiling(shapes, count);
  }
  print_line(name, m, o, B, round, rounds);
  free(tokens);
  free(options);
  optimizer_close(o);
  gpt2_close(m);
  return 0;
}
