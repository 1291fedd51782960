/* The whole network in double precision: its gradient against finite differences, and results that
   must not depend on how batches are split. Tests: model/gpt2 core/param */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "model/decoder.h"
#include "model/gpt2.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* One model with a batch of B rows of T tokens, T up to the context. */
typedef struct {
  ModelOptions size;
  int64_t B, T;
} Case;

static const Case cases[] = {
    {{.L = 1, .NH = 1, .C = 2, .context = 1, .V = 2}, 1, 1},
    {{.L = 1, .NH = 2, .C = 4, .context = 3, .V = 5}, 3, 2},
    {{.L = 2, .NH = 3, .C = 15, .context = 7, .V = 17}, 2, 7},
    {{.L = 3, .NH = 1, .C = 7, .context = 65, .V = 31}, 1, 65},
    {{.L = 2, .NH = 4, .C = 24, .context = 11, .V = 257}, 5, 9},
};

static char about[160]; /* the current case, for messages */

static void describe(const Case *c) {
  const ModelOptions *s = &c->size;
  snprintf(about, sizeof about, "L %lld NH %lld C %lld context %lld V %lld, B %lld T %lld",
           (long long)s->L, (long long)s->NH, (long long)s->C, (long long)s->context,
           (long long)s->V, (long long)c->B, (long long)c->T);
}

static GPT2 *open_model(const ModelOptions *size, int64_t B, int training) {
  GPT2 *m;
  Err err;
  if (gpt2_open(&m, size, B, training, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
  return m;
}

/* Weights large enough for every part of the network to matter. */
static void set_weights(GPT2 *m) {
  for (int p = 0; p < m->param_count; p++) {
    Param *param = &m->params[p];
    int norm = strstr(param->name, "ln_") && strstr(param->name, ".weight");
    for (int64_t i = 0; i < param_size(param); i++)
      param->w[i] = 0.3 * (double)check_value(100 + (uint64_t)p, (uint64_t)i) + norm;
  }
}

static int32_t *tokens(uint64_t stream, int64_t n, int64_t V) {
  int32_t *x = malloc((size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++)
    x[i] = (int32_t)(check_splitmix((stream << 32) + (uint64_t)i) % (uint64_t)V);
  return x;
}

/* All gradients in one array, in the order of the params; the caller frees it. */
static real *gradients(const GPT2 *m) {
  real *g = malloc((size_t)gpt2_weights(m) * sizeof *g), *at = g;
  for (int p = 0; p < m->param_count; at += param_size(&m->params[p]), p++)
    memcpy(at, m->params[p].g, (size_t)param_size(&m->params[p]) * sizeof *at);
  return g;
}

/* max |a - b| relative to max |b|, or infinity with a NaN. */
static double difference(const real *a, const real *b, int64_t n) {
  double worst = 0, scale = 1e-300;
  for (int64_t i = 0; i < n; i++) {
    if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
    if (fabs(b[i]) > scale) scale = fabs(b[i]);
  }
  return isfinite(worst) ? worst / scale : INFINITY;
}

/* ---- the gradient ---- */

/* "c_attn.weight" of "h.1.attn.c_attn.weight"; the same for all layers. */
static const char *kind_of(const Param *p) {
  return p->layer < 0 ? p->name : strchr(p->name + 2, '.') + 1;
}

static int has_kind(const Param *p, const char *kind) {
  return !kind || strcmp(kind_of(p), kind) == 0;
}

/* Moves the weights of one kind (NULL: all) by `step` along random direction number k. */
static void move(GPT2 *m, const char *kind, int k, double step) {
  for (int p = 0; p < m->param_count; p++) {
    Param *param = &m->params[p];
    if (!has_kind(param, kind)) continue;
    for (int64_t i = 0; i < param_size(param); i++)
      param->w[i] += step * (double)check_value((uint64_t)(1000 + 100 * k + p), (uint64_t)i);
  }
}

/* The gradient along that direction, and the size of such a number by chance. */
static double along(const GPT2 *m, const char *kind, int k, double *size) {
  double sum = 0, squares = 0;
  for (int p = 0; p < m->param_count; p++) {
    const Param *param = &m->params[p];
    if (!has_kind(param, kind)) continue;
    for (int64_t i = 0; i < param_size(param); i++) {
      sum += param->g[i] * (double)check_value((uint64_t)(1000 + 100 * k + p), (uint64_t)i);
      squares += param->g[i] * param->g[i];
    }
  }
  *size = sqrt(squares);
  return sum;
}

static double slope(GPT2 *m, const Batch *batch, const char *kind, int k) {
  static const double weights[] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};
  static const int moves[] = {-2, 1, 2, 1}; /* to -2, -1, 1, 2 */
  const double h = 1e-4;
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    move(m, kind, k, moves[i] * h);
    sum += weights[i] * gpt2_loss(m, batch);
  }
  move(m, kind, k, -2 * h);
  return sum / h;
}

static void check_directions(GPT2 *m, const Batch *batch, const char *kind) {
  for (int k = 0; k < 3; k++) {
    double size, got = along(m, kind, k, &size), want = slope(m, batch, kind, k);
    if (fabs(want) > size) size = fabs(want);
    check(fabs(got - want) <= 1e-7 * size + 3e-10,
          "%s: gradient along direction %d of %s is %.12g, by finite differences %.12g", about, k,
          kind ? kind : "all weights", got, want);
  }
}

static void test_gradient(const Case *c) {
  GPT2 *m = open_model(&c->size, c->B, 1);
  int64_t n = c->B * c->T, C = c->size.C;
  int32_t *x = tokens(1, n, c->size.V), *y = tokens(2, n, c->size.V);
  Batch batch = {.x = x, .y = y, .B = c->B, .T = c->T};
  describe(c);
  set_weights(m);
  for (int p = 0; p < m->param_count; p++) /* to be set, not added to */
    for (int64_t i = 0; i < param_size(&m->params[p]); i++) m->params[p].g[i] = 7;
  gpt2_loss_gradient(m, &batch, 1.0 / (double)n, 0);
  gpt2_backward(m);
  for (int p = 0; p < m->param_count; p++)
    if (m->params[p].layer <= 0) check_directions(m, &batch, kind_of(&m->params[p]));
  check_directions(m, &batch, NULL);
  double unused = 0;
  for (int64_t i = c->T * C; i < c->size.context * C; i++) unused += fabs(m->params[1].g[i]);
  check(unused == 0, "%s: positions after T have a gradient", about);
  gpt2_close(m);
  free(x), free(y);
}

/* ---- what must not change results ---- */

/* Loss and gradient (to be freed) of 4 rows in passes of `pass` rows. */
static double in_passes(GPT2 *m, const Batch *whole, int64_t pass, real **gradient) {
  double loss = 0;
  for (int64_t first = 0; first < whole->B; first += pass) {
    int64_t rows = whole->B - first < pass ? whole->B - first : pass;
    Batch batch = *whole;
    batch.x += first * whole->T;
    batch.y += first * whole->T;
    batch.B = rows;
    double weight = 1.0 / (double)(whole->B * whole->T);
    loss += gpt2_loss_gradient(m, &batch, weight, first > 0) * (double)rows / (double)whole->B;
    gpt2_backward(m);
  }
  *gradient = gradients(m);
  return loss;
}

static void test_passes(const Case *c) {
  enum { ROWS = 4 };
  GPT2 *m = open_model(&c->size, ROWS, 1);
  int64_t n = ROWS * c->T;
  int32_t *x = tokens(3, n, c->size.V), *y = tokens(4, n, c->size.V);
  Batch batch = {.x = x, .y = y, .B = ROWS, .T = c->T};
  real *whole, *parts;
  describe(c);
  set_weights(m);
  double loss = in_passes(m, &batch, ROWS, &whole);
  for (int64_t pass = 1; pass < ROWS; pass++) { /* 1+1+1+1, 2+2, 3+1 */
    check_near(in_passes(m, &batch, pass, &parts), loss, 1e-12, "%s: loss of 4 rows, %lld a pass",
               about, (long long)pass);
    double error = difference(parts, whole, gpt2_weights(m));
    check(error <= 1e-12, "%s: 4 rows, %lld a pass: gradient off by %.2g", about, (long long)pass,
          error);
    free(parts);
  }
  gpt2_close(m);
  free(x), free(y), free(whole);
}

static void test_evaluation(const Case *c) {
  GPT2 *m = open_model(&c->size, c->B, 1), *no_gradients = open_model(&c->size, c->B, 0);
  int64_t n = c->B * c->T;
  int32_t *x = tokens(5, n, c->size.V), *y = tokens(6, n, c->size.V);
  Batch batch = {.x = x, .y = y, .B = c->B, .T = c->T};
  describe(c);
  set_weights(m);
  set_weights(no_gradients);
  double loss = gpt2_loss_gradient(m, &batch, 1.0 / (double)n, 0);
  gpt2_backward(m);
  real *before = gradients(m);
  double again = gpt2_loss(m, &batch), other = gpt2_loss(no_gradients, &batch);
  real *after = gradients(m);
  check(again == loss, "%s: loss %.17g when training, %.17g when evaluating", about, loss, again);
  check(other == loss, "%s: loss %.17g when training, %.17g of a model without gradients", about,
        loss, other);
  check(memcmp(before, after, (size_t)gpt2_weights(m) * sizeof *before) == 0,
        "%s: evaluating changed the gradients", about);
  check(!no_gradients->params[0].g, "%s: a model that does not train has gradients", about);
  gpt2_close(m);
  gpt2_close(no_gradients);
  free(x), free(y), free(before), free(after);
}

/* ---- logits ---- */

/* -log softmax(logits)[y] */
static double loss_of(const real *logits, int64_t V, int32_t y) {
  double sum = 0;
  for (int64_t v = 0; v < V; v++) sum += exp(logits[v] - logits[y]);
  return log(sum);
}

/* The loss is the mean over all prefixes of the next token's loss by the decoder's logits. */
static void test_next_logits(const Case *c) {
  GPT2 *m = open_model(&c->size, c->B, 0);
  int64_t V = c->size.V, n = c->B * c->T;
  int32_t *x = tokens(7, n, V), *y = tokens(8, n, V);
  real *logits = malloc((size_t)V * sizeof *logits);
  Decoder *decoder;
  Err err;
  double sum = 0;
  Batch batch = {.x = x, .y = y, .B = c->B, .T = c->T};
  describe(c);
  set_weights(m);
  if (decoder_open(&decoder, m, &err)) check(0, "%s", err.text);
  for (int64_t i = 0; i < n; i++) {
    if (i % c->T == 0) decoder_clear(decoder);
    decoder_feed(decoder, x + i, 1, logits);
    sum += loss_of(logits, V, y[i]);
  }
  decoder_close(decoder);
  check_near(gpt2_loss(m, &batch), sum / (double)n, 1e-12, "%s: loss from the next logits", about);
  gpt2_close(m);
  free(x), free(y), free(logits);
}

/* ---- sizes ---- */

/* A block has 12 C^2 weights in matrices, 13 C in biases and LayerNorms. */
static int64_t weights_formula(const ModelOptions *s) {
  return s->V * s->C + s->context * s->C + s->L * (12 * s->C * s->C + 13 * s->C) + 2 * s->C;
}

static int64_t setting(const Settings *s, const char *name) {
  return (int64_t)strtod(settings_find(s, name, NULL), NULL);
}

/* The published sizes: 124M, 355M, 774M and 1558M. */
static void test_preset(const char *name, int64_t weights) {
  Settings s = {0};
  Err err;
  if (settings_preset(&s, FROM_PRESET, name, model_preset(name), &err)) exit(1);
  ModelOptions size = {.L = setting(&s, "layers"), .NH = setting(&s, "heads"),
                       .C = setting(&s, "channels"), .context = setting(&s, "context"),
                       .V = setting(&s, "vocab")};
  check(weights_formula(&size) == weights, "%s has %lld weights, not %lld", name,
        (long long)weights_formula(&size), (long long)weights);
  check(size.C % size.NH == 0, "%s: heads do not divide channels", name);
  settings_free(&s);
}

static void test_sizes(const Case *c) {
  GPT2 *m = open_model(&c->size, c->B, 1);
  int64_t n = weights_formula(&c->size), T = c->T, V = c->size.V, C = c->size.C, L = c->size.L;
  describe(c);
  check(gpt2_weights(m) == n, "%s: %lld weights, by the formula %lld", about,
        (long long)gpt2_weights(m), (long long)n);
  double flops = 6 * (double)(V * C + L * (12 * C * C + 13 * C) + 2 * C) + 6 * (double)(L * C * T);
  check_near(gpt2_train_flops(m, T), flops, 1e-15, "%s: FLOPs of a token", about);
  for (int p = 0; p < m->param_count; p++) {
    const Param *a = &m->params[p];
    check((uintptr_t)a->w % 64 == 0 && (uintptr_t)a->g % 64 == 0, "%s: %s is not aligned", about,
          a->name);
    check(a->rows % a->blocks == 0 && a->rows % a->head_rows == 0 && a->cols % a->head_cols == 0,
          "%s: %s cannot be cut", about, a->name);
    check(a->decay == (a->role != ROLE_VECTOR), "%s: %s: decay is %d", about, a->name, a->decay);
  }
  gpt2_close(m);
}

/* ---- initial weights ---- */

static void test_init(const ModelOptions *size) {
  enum { ROWS = 4 };
  Case c = {*size, ROWS, size->context};
  GPT2 *m = open_model(size, ROWS, 0), *again = open_model(size, ROWS, 0);
  int64_t n = ROWS * size->context;
  int32_t *x = tokens(10, n, size->V), *y = tokens(11, n, size->V);
  Batch batch = {.x = x, .y = y, .B = ROWS, .T = size->context};
  int same = 1, other = 0;
  describe(&c);
  gpt2_init(m, 1);
  gpt2_init(again, 1);
  check_near(gpt2_loss(m, &batch) - log((double)size->V), 0, 0.1, "%s: first loss - ln V",
             about);
  for (int p = 0; p < m->param_count; p++)
    same &= memcmp(m->params[p].w, again->params[p].w,
                   (size_t)param_size(&m->params[p]) * sizeof(real)) == 0;
  gpt2_init(again, 2);
  for (int p = 0; p < m->param_count; p++)
    other |= m->params[p].w[0] != again->params[p].w[0];
  check(same, "%s: the same seed gives other weights", about);
  check(other, "%s: another seed gives the same weights", about);
  gpt2_close(m);
  gpt2_close(again);
  free(x), free(y);
}

/* The standard deviation of every kind of weight, with a model large enough to see it. */
static void test_init_sizes(void) {
  ModelOptions size = {.L = 3, .NH = 2, .C = 96, .context = 64, .V = 300, .init_sd = 0.02};
  GPT2 *m = open_model(&size, 1, 0);
  gpt2_init(m, 3);
  for (int p = 0; p < m->param_count; p++) {
    const Param *a = &m->params[p];
    double sum = 0, squares = 0, n = (double)param_size(a);
    for (int64_t i = 0; i < param_size(a); i++) sum += a->w[i], squares += a->w[i] * a->w[i];
    double mean = sum / n, sd = sqrt(fmax(0, squares / n - mean * mean));
    int norm = strstr(a->name, "ln_") && strstr(a->name, ".weight");
    double want = a->role == ROLE_VECTOR ? 0 : strstr(a->name, "c_proj") ? 0.02 / sqrt(6) : 0.02;
    check(fabs(mean - norm) <= 4 * want / sqrt(n), "%s: mean %g at first", a->name, mean);
    check(fabs(sd - want) <= 0.05 * want, "%s: deviation %g at first, not %g", a->name, sd, want);
  }
  gpt2_close(m);
}

static void test_open_error(void) {
  ModelOptions size = {.L = 1, .NH = 3, .C = 16, .context = 4, .V = 5};
  GPT2 *m = (GPT2 *)&size; /* anything but NULL */
  Err err = {""};
  check(gpt2_open(&m, &size, 1, 1, &err) == -1 && !m, "3 heads in 16 channels are accepted");
  check(strstr(err.text, "--heads 3") && strstr(err.text, "--channels 16"),
        "3 heads in 16 channels: the sentence names neither: %s", err.text);
}

int main(void) {
  static const ModelOptions initial[] = {
      {.L = 2, .NH = 2, .C = 32, .context = 16, .V = 257, .init_sd = 0.02},
      {.L = 1, .NH = 1, .C = 16, .context = 8, .V = 4096, .init_sd = 0.02},
      {.L = 4, .NH = 3, .C = 48, .context = 33, .V = 64, .init_sd = 0.02},
      {.L = 2, .NH = 1, .C = 8, .context = 5, .V = 2, .init_sd = 0.02},
  };
  threads_start(2);
  for (int i = 0; i < COUNT(cases); i++) {
    test_gradient(&cases[i]);
    test_passes(&cases[i]);
    test_evaluation(&cases[i]);
    test_next_logits(&cases[i]);
    test_sizes(&cases[i]);
  }
  for (int i = 0; i < COUNT(initial); i++) test_init(&initial[i]);
  test_init_sizes();
  test_preset("gpt2", 124439808);
  test_preset("gpt2-medium", 354823168);
  test_preset("gpt2-large", 774030080);
  test_preset("gpt2-xl", 1557611200);
  test_open_error();
  return check_report("model in double");
}
