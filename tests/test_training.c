/* AdamW and Muon fit one batch to a loss below 0.1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "model/gpt2.h"
#include "optim/harness.h"
#include "optim/registry.h"
#include "tests/check.h"

enum { B = 4, T = 16, V = 257, STEPS = 200 };

static double fit(const char *name, double lr) {
  const ModelOptions size = {.L = 2, .NH = 2, .C = 32, .context = T, .V = V, .init_sd = 0.02};
  OptimizerOptions common = {.lr = lr, .aux_lr = 1e-2, .aux = {0.9, 0.95, 1e-8}};
  Err err;
  const Optimizer *method = optimizer_find(name, &err);
  void *options = calloc(1, method->options_size);
  OptionSet set = {.title = name, .rows = method->options, .values = options};
  options_default(&set);
  GPT2 *m;
  OptimizerState *state;
  int32_t tokens[B * T + 1];
  double loss = 0;
  for (int i = 0; i <= B * T; i++) tokens[i] = (int32_t)(check_splitmix((uint64_t)i) % V);
  if (gpt2_open(&m, &size, B, 1, &err) ||
      optimizer_open(&state, method, options, &common, m->params, m->param_count, 1, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
  gpt2_init(m, 1);
  Batch batch = {.x = tokens, .y = tokens + 1, .B = B, .T = T};
  for (int t = 1; t <= STEPS; t++) {
    loss = gpt2_loss_gradient(m, &batch, 1.0 / (B * T), 0);
    gpt2_backward(m);
    optimizer_step(state, t, 1 - (t - 1.0) / STEPS);
  }
  optimizer_close(state);
  gpt2_close(m);
  free(options);
  return loss;
}

int main(void) {
  threads_start(0);
  double adam = fit("adamw", 1e-2), muon = fit("muon", 0.02);
  check(adam < 0.1, "adamw: one batch ends at loss %g after %d steps", adam, STEPS);
  check(muon < 0.1, "muon: one batch ends at loss %g after %d steps", muon, STEPS);
  return check_report("training");
}
