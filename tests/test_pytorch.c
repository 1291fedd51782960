/* Loss, logits, gradients and ten AdamW steps of a 2-layer GPT-2 against PyTorch in float64
   (tests/torch_fixture.py made the numbers). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "model/decoder.h"
#include "model/gpt2.h"
#include "optim/adamw.h"
#include "optim/harness.h"
#include "tests/check.h"
#include "tests/fixture.h"

enum { B = 3, T = 8, V = 40, C = 24, STEPS = 10 };
static const ModelOptions SIZE = {.L = 2, .NH = 3, .C = C, .context = T, .V = V};

static void set_weights(GPT2 *m) {
  for (int p = 0; p < m->param_count; p++) {
    Param *param = &m->params[p];
    int norm = strstr(param->name, "ln_") && strstr(param->name, ".weight");
    for (int64_t i = 0; i < param_size(param); i++) {
      float w = (float)(0.15 * (double)check_value(1000 + (uint64_t)p, (uint64_t)i));
      param->w[i] = w + (norm ? 1.0f : 0.0f);
    }
  }
}

static void batch_of(int step, int32_t *x, int32_t *y) {
  for (int b = 0; b < B; b++)
    for (int t = 0; t <= T; t++) {
      uint64_t i = ((uint64_t)(2000 + step) << 32) + (uint64_t)(b * (T + 1) + t);
      int32_t token = (int32_t)(check_splitmix(i) % V);
      if (t < T) x[b * T + t] = token;
      if (t > 0) y[b * T + t - 1] = token;
    }
}

static double worst_change;

/* Every number, relative to the largest. */
static void check_gradient(const Param *p, const FixtureTensor *want) {
  double worst = 0, scale = 1e-3;
  for (int64_t i = 0; i < param_size(p); i++) scale = fmax(scale, fabs(want->values[i]));
  for (int64_t i = 0; i < param_size(p); i++) {
    double error = fabs(p->g[i] - want->values[i]) / scale;
    if (!(error <= worst)) worst = error;
  }
  check(worst <= 1e-5, "grad/%s: relative error %.2g", p->name, worst);
}

/* Relative to the change W - W0. Adam divides by |g|: where a gradient is nearly zero it multiplies
   the rounding error, so that single numbers depend on the processor, but the norm hardly does:
   measured 1.0e-5 at most. */
static void check_weights(const Param *p, const real *start, const FixtureTensor *want) {
  double error = 0, change = 0;
  /* The key bias has no effect on attention: its gradient is rounding noise, which Adam makes as
     large as any other step. */
  int skip_keys = strstr(p->name, "c_attn.bias") != NULL;
  for (int64_t i = 0; i < param_size(p); i++) {
    if (skip_keys && i >= C && i < 2 * C) continue;
    error += pow(p->w[i] - want->values[i], 2);
    change += pow(start[i] - want->values[i], 2);
  }
  double relative = sqrt(error / change);
  worst_change = fmax(worst_change, relative);
  check(relative <= 5e-5, "adamw/%s: relative error %.2g of W - W0", p->name, relative);
}

static const FixtureTensor *fixture_of(const Fixture *f, const char *what, const Param *p) {
  char name[128];
  snprintf(name, sizeof name, "%s/%s", what, p->name);
  const FixtureTensor *want = fixture_find(f, name);
  check(param_size(p) == want->rows * want->cols, "%s: other size", name);
  return want;
}

int main(void) {
  Err err;
  GPT2 *m, *start;
  OptimizerState *state;
  int32_t x[B * T], y[B * T];
  real logits[B * V];
  AdamwOptions adam = {.adam = {0.9, 0.95, 1e-8}, .scope = SCOPE_ALL};
  OptimizerOptions common = {.lr = 1e-2, .weight_decay = 0.1, .embedding_decay = 1};
  threads_start(0);
  Fixture f = fixture_read("tests/fixtures/gpt2.txt.gz");
  if (gpt2_open(&m, &SIZE, B, 1, &err) || gpt2_open(&start, &SIZE, B, 0, &err) ||
      optimizer_open(&state, &adamw, &adam, &common, m->params, m->param_count, 1, &err)) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  set_weights(m);
  batch_of(0, x, y);
  const FixtureTensor *want = fixture_find(&f, "logits"), *losses = fixture_find(&f, "loss");
  Decoder *decoder;
  if (decoder_open(&decoder, m, &err)) check(0, "%s", err.text);
  for (int b = 0; b < B; b++) {
    decoder_clear(decoder);
    decoder_feed(decoder, x + b * T, T, logits + b * V);
  }
  decoder_close(decoder);
  for (int b = 0; b < B; b++)
    for (int v = 0; v < V; v++)
      check_near(logits[b * V + v], want->values[(b * T + T - 1) * V + v], 1e-5,
                 "logit %d of row %d", v, b);
  for (int step = 0; step < STEPS; step++) {
    batch_of(step, x, y);
    Batch batch = {.x = x, .y = y, .B = B, .T = T};
    double loss = gpt2_loss_gradient(m, &batch, 1.0 / (B * T), 0);
    check_near(loss, losses->values[step], 1e-5, "loss of step %d", step);
    gpt2_backward(m);
    for (int p = 0; p < m->param_count && step == 0; p++)
      check_gradient(&m->params[p], fixture_of(&f, "grad", &m->params[p]));
    optimizer_step(state, step + 1, 1);
  }
  set_weights(start);
  for (int p = 0; p < m->param_count; p++)
    check_weights(&m->params[p], start->params[p].w, fixture_of(&f, "adamw", &m->params[p]));
  printf("  ten steps: off by %.1e of W - W0 at most\n", worst_change);
  gpt2_close(start);
  optimizer_close(state);
  gpt2_close(m);
  fixture_free(&f);
  return check_report("pytorch");
}
