#include "tools/measure/trainer.h"

#include <stdlib.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/random.h"
#include "optim/gradient.h"

static void random_batch(Trainer *t, int64_t B) {
  const ModelOptions *size = &t->model->size;
  int64_t n = B * size->context;
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  t->tokens = calloc((size_t)n + 1, sizeof *t->tokens);
  for (int64_t i = 0; i <= n; i++)
    t->tokens[i] = (int32_t)random_below(&random, (uint32_t)size->V);
  t->batch = (Batch){t->tokens, t->tokens + 1, B, size->context, 1.0 / (double)n, 0};
}

int trainer_open(Trainer *t, const ModelOptions *size, int64_t B, const Optimizer *method,
                 Err *err) {
  *t = (Trainer){.common = {.lr = 1e-3, .aux_lr = 1e-3, .aux_beta1 = 0.9, .aux_beta2 = 0.95,
                            .aux_eps = 1e-8}};
  t->options = calloc(1, method->options_size + 1);
  OptionSet set = {method->name, method->options, t->options};
  options_default(&set);
  if (gpt2_open(&t->model, size, B, 1, err) ||
      optimizer_open(&t->optimizer, method, t->options, &t->common, t->model->params,
                     t->model->param_count, 1, err)) {
    trainer_close(t);
    return -1;
  }
  gpt2_init(t->model, 1);
  random_batch(t, B);
  trainer_step(t);
  return 0;
}

void trainer_close(Trainer *t) {
  optimizer_close(t->optimizer);
  gpt2_close(t->model);
  free(t->options);
  free(t->tokens);
  *t = (Trainer){0};
}

StepSeconds trainer_step(Trainer *t) {
  GPT2 *m = t->model;
  threads_follow_load();
  m->times = (PassTimes){0, 0};
  gpt2_forward(m, &t->batch);
  gpt2_backward(m, &t->batch);
  double start = clock_seconds();
  gradient_norm(m->params, m->param_count);
  optimizer_step(t->optimizer, ++t->t, 1e-3);
  return (StepSeconds){m->times.forward, m->times.backward, clock_seconds() - start};
}

double trainer_flops(const Trainer *t) {
  return (double)(t->batch.B * t->batch.T) * gpt2_train_flops(t->model, t->batch.T);
}

double trainer_bytes(const Trainer *t) {
  const GPT2 *m = t->model;
  return 2 * (double)m->weight_bytes + (double)m->activation_bytes +
         (double)optimizer_state_bytes(t->optimizer) +
         (double)optimizer_scratch_bytes(t->optimizer);
}
