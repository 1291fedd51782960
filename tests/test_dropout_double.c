/* The model options in double precision: masks of dropout, attention with dropout against three
   loops, the gradient of whole models against finite differences, and changes that must not change
   the masks. Tests: model/dropout model/gpt2 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "model/attention.h"
#include "model/gelu.h"
#include "model/gpt2.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static real *array(int64_t n, uint64_t stream) {
  real *x = malloc((size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++) x[i] = (real)check_value(stream, (uint64_t)i);
  return x;
}

static double dot_product(const real *a, const real *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double worst_difference(const real *a, const real *b, int64_t n) {
  double worst = 0;
  for (int64_t i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
  return worst;
}

/* ---- masks ---- */

enum { N = 20000 };

static void check_other(const real *mask, Dropout d, int64_t row, const char *what) {
  static real other[N];
  int same = 0;
  dropout_mask(other, &d, row, 0, N);
  for (int i = 0; i < N; i++) same += other[i] == mask[i];
  double p = d.rate, expected = N * (p * p + (1 - p) * (1 - p));
  check(fabs(same - expected) < 6 * sqrt(N / 4.0), "another %s: %d of %d numbers are the same",
        what, same, N);
}

static void test_masks(double rate) {
  static real mask[N], part[N];
  const Dropout d = {.rate = rate, .seed = 1, .step = 3, .first = 2, .place = 1, .places = 7};
  int dropped = 0, wrong = 0;
  dropout_mask(mask, &d, 0, 0, N);
  for (int i = 0; i < N; i++) {
    dropped += mask[i] == 0;
    wrong += mask[i] != 0 && fabs(mask[i] * (1 - rate) - 1) > 1e-4;
  }
  check(wrong == 0, "rate %g: %d numbers are neither 0 nor 1/(1 - rate)", rate, wrong);
  check(fabs(dropped - rate * N) < 6 * sqrt(rate * (1 - rate) * N), "rate %g: %d of %d dropped",
        rate, dropped, N);
  for (int n = 1; n < 40; n++) {
    dropout_mask(part, &d, 0, 8 * n, 37 * n);
    check(memcmp(part, mask + 8 * n, (size_t)(37 * n) * sizeof *mask) == 0,
          "rate %g: numbers %d to %d differ when computed alone", rate, 8 * n, 45 * n);
  }
  Dropout other = d;
  check_other(mask, d, 1, "row");
  other.first = 1;
  dropout_mask(part, &other, 1, 0, N);
  check(memcmp(part, mask, sizeof mask) == 0,
        "the mask of row 2 of the step depends on where the batch begins");
  check_other(mask, (Dropout){rate, 2, 3, 2, 1, 7}, 0, "seed");
  check_other(mask, (Dropout){rate, 1, 4, 2, 1, 7}, 0, "step");
  check_other(mask, (Dropout){rate, 1, 3, 2, 2, 7}, 0, "place");
}

/* ---- attention ---- */

typedef struct {
  int64_t B, T, C, NH;
  Dropout drop;
  real *qkv, *y, *lse, *dy;
} Attention;

static double attention_sum(Attention *a) {
  attention_forward(a->y, a->lse, a->qkv, a->B, a->T, a->C, a->NH, &a->drop);
  return dot_product(a->y, a->dy, a->B * a->T * a->C);
}

/* One row of one head: the weights after their softmax, times the mask, times v. */
static void naive_row(const Attention *a, int64_t b, int64_t h, int64_t t, real *y) {
  int64_t hs = a->C / a->NH, ld = 3 * a->C;
  const real *q = a->qkv + (b * a->T + t) * ld + h * hs;
  const real *k = a->qkv + b * a->T * ld + a->C + h * hs, *v = k + a->C;
  real *mask = malloc((size_t)(t + 1) * sizeof *mask);
  double sum = 0;
  dropout_mask(mask, &a->drop, b, (h * a->T + t) * ((a->T + 7) / 8 * 8), t + 1);
  for (int64_t j = 0; j < hs; j++) y[j] = 0;
  for (int64_t s = 0; s <= t; s++) {
    double p = exp(dot_product(q, k + s * ld, hs) / sqrt((double)hs));
    sum += p;
    for (int64_t j = 0; j < hs; j++) y[j] += p * mask[s] * v[s * ld + j];
  }
  for (int64_t j = 0; j < hs; j++) y[j] /= sum;
  free(mask);
}

static void test_attention(int64_t B, int64_t T, int64_t C, int64_t NH) {
  char shape[80];
  snprintf(shape, sizeof shape, "B %lld T %lld C %lld NH %lld", (long long)B, (long long)T,
           (long long)C, (long long)NH);
  int64_t n = B * T * C, hs = C / NH;
  const Dropout drop = {.rate = 0.4, .seed = 9, .step = 2, .first = 3, .place = 1, .places = 4};
  Attention a = {B, T, C, NH, drop,
                 array(3 * n, 1), array(n, 2), array(B * NH * T, 3), array(n, 4)};
  real *dqkv = array(3 * n, 6), *along = array(3 * n, 7), *want = array(n, 8);
  attention_sum(&a);
  for (int64_t i = 0; i < B * T * NH; i++)
    naive_row(&a, i / NH / T, i % NH, i / NH % T, want + i / NH * C + i % NH * hs);
  check(worst_difference(a.y, want, n) <= 1e-12, "attention_forward with dropout, %s", shape);
  attention_backward(dqkv, a.dy, a.y, a.lse, a.qkv, B, T, C, NH, &a.drop);
  double got = dot_product(dqkv, along, 3 * n), h = 1e-5, sums[2];
  for (int side = 0; side < 2; side++) {
    for (int64_t i = 0; i < 3 * n; i++) a.qkv[i] += (side ? -2 : 1) * h * along[i];
    sums[side] = attention_sum(&a);
  }
  double slope = (sums[0] - sums[1]) / (2 * h);
  check(fabs(got - slope) <= 1e-7 * (1 + sqrt(dot_product(dqkv, dqkv, 3 * n))),
        "attention_backward with dropout, %s: %.12g, by finite differences %.12g", shape, got,
        slope);
  free(a.qkv), free(a.y), free(a.lse), free(a.dy);
  free(dqkv), free(along), free(want);
}

/* ---- whole models ---- */

typedef struct {
  const char *name;
  ModelOptions size;
} Case;

#define SIZES .L = 2, .NH = 3, .C = 12, .context = 7, .V = 17
static const Case cases[] = {
    {"dropout", {SIZES, .dropout = 0.3}},
    {"bias off", {SIZES, .bias = BIAS_OFF}},
    {"exact gelu", {SIZES, .gelu = GELU_EXACT}},
    {"untied", {SIZES, .head = HEAD_UNTIED}},
    {"all", {SIZES, .dropout = 0.5, .bias = BIAS_OFF, .gelu = GELU_EXACT, .head = HEAD_UNTIED}},
    {"all, T 65", {.L = 1, .NH = 2, .C = 8, .context = 65, .V = 9, .dropout = 0.2,
                   .gelu = GELU_EXACT, .head = HEAD_UNTIED}},
};
enum { B = 4 };

typedef struct {
  GPT2 *m;
  int32_t *x, *y;
  Batch batch;
} Trial;

static Trial open_trial(const Case *c) {
  Trial t;
  Err err;
  int64_t n = B * c->size.context;
  if (gpt2_open(&t.m, &c->size, B, 1, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
  t.m->dropout_seed = 77;
  for (int p = 0; p < t.m->param_count; p++) {
    Param *param = &t.m->params[p];
    int norm = strstr(param->name, "ln_") && strstr(param->name, ".weight");
    for (int64_t i = 0; i < param_size(param); i++)
      param->w[i] = 0.3 * (double)check_value(100 + (uint64_t)p, (uint64_t)i) + norm;
  }
  t.x = malloc((size_t)n * sizeof *t.x);
  t.y = malloc((size_t)n * sizeof *t.y);
  for (int64_t i = 0; i < n; i++) {
    t.x[i] = (int32_t)(check_splitmix((uint64_t)i) % (uint64_t)c->size.V);
    t.y[i] = (int32_t)(check_splitmix((uint64_t)(i + n)) % (uint64_t)c->size.V);
  }
  t.batch = (Batch){.x = t.x, .y = t.y, .B = B, .T = c->size.context, .step = 4};
  return t;
}

static void close_trial(Trial *t) {
  gpt2_close(t->m);
  free(t->x), free(t->y);
}

/* Loss and gradient (to be freed) in passes of `pass` rows. */
static double in_passes(Trial *t, int64_t pass, real **gradient) {
  double loss = 0, weight = 1.0 / (double)(B * t->batch.T);
  int64_t size = 0;
  for (int64_t first = 0; first < B; first += pass) {
    Batch part = t->batch;
    part.first = first;
    part.x += first * part.T;
    part.y += first * part.T;
    part.B = B - first < pass ? B - first : pass;
    loss += gpt2_loss_gradient(t->m, &part, weight, first > 0) * (double)part.B / B;
    gpt2_backward(t->m);
  }
  *gradient = malloc((size_t)gpt2_weights(t->m) * sizeof **gradient);
  for (int p = 0; p < t->m->param_count; size += param_size(&t->m->params[p]), p++)
    memcpy(*gradient + size, t->m->params[p].g,
           (size_t)param_size(&t->m->params[p]) * sizeof **gradient);
  return loss;
}

/* Moves one parameter along a random direction and returns the loss with the masks of the batch. */
static double moved_loss(Trial *t, Param *p, double step) {
  for (int64_t i = 0; i < param_size(p); i++)
    p->w[i] += step * (double)check_value(999, (uint64_t)i);
  return gpt2_loss_gradient(t->m, &t->batch, 1, 0);
}

static void test_gradient(const Case *c) {
  static const double weights[] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};
  static const int moves[] = {-2, 1, 2, 1}; /* to -2, -1, 1, 2 */
  const double h = 1e-4;
  Trial t = open_trial(c);
  real *gradient, *at;
  for (int p = 0; p < t.m->param_count; p++) /* to be set, not added to */
    for (int64_t i = 0; i < param_size(&t.m->params[p]); i++) t.m->params[p].g[i] = 7;
  in_passes(&t, B, &gradient);
  at = gradient;
  for (int k = 0; k < t.m->param_count; at += param_size(&t.m->params[k]), k++) {
    Param *p = &t.m->params[k];
    double got = 0, size = 0, want = 0;
    for (int64_t i = 0; i < param_size(p); i++) {
      got += at[i] * (double)check_value(999, (uint64_t)i);
      size += at[i] * at[i];
    }
    for (int i = 0; i < 4; i++) want += weights[i] * moved_loss(&t, p, moves[i] * h) / h;
    moved_loss(&t, p, -2 * h);
    check(fabs(got - want) <= 1e-7 * fmax(sqrt(size), fabs(want)) + 3e-10,
          "%s: gradient of %s %.12g, by finite differences %.12g", c->name, p->name, got, want);
  }
  free(gradient);
  close_trial(&t);
}

/* Micro-batches and validation change nothing; another step, seed or row changes the masks. */
static void test_same(const Case *c) {
  Trial t = open_trial(c);
  real *whole, *parts;
  double loss = in_passes(&t, B, &whole), plain = gpt2_loss(t.m, &t.batch);
  int64_t n = gpt2_weights(t.m);
  for (int64_t pass = 1; pass < B; pass++) {
    check_near(in_passes(&t, pass, &parts), loss, 1e-12, "%s: loss, %d rows a pass", c->name,
               (int)pass);
    double error = worst_difference(parts, whole, n);
    check(error <= 1e-12, "%s, %d rows a pass: gradient off by %.2g", c->name, (int)pass, error);
    free(parts);
  }
  Batch other = t.batch;
  other.step++;
  double next = gpt2_loss_gradient(t.m, &other, 1, 0);
  other = t.batch;
  other.first++;
  double shifted = gpt2_loss_gradient(t.m, &other, 1, 0);
  t.m->dropout_seed++;
  double reseeded = gpt2_loss_gradient(t.m, &t.batch, 1, 0);
  int drops = c->size.dropout > 0;
  check((next != loss) == drops && (shifted != loss) == drops && (reseeded != loss) == drops &&
        (plain != loss) == drops, "%s: losses %.12g, next step %.12g, next row %.12g, other seed "
        "%.12g, validation %.12g", c->name, loss, next, shifted, reseeded, plain);
  t.m->size.dropout = 0;
  check(gpt2_loss_gradient(t.m, &t.batch, 1, 0) == plain, "%s: validation has dropout", c->name);
  free(whole);
  close_trial(&t);
}

/* 1 and 2 threads give the same bits; threads_start is called between models. */
static void test_threads(const Case *c) {
  real *one, *two;
  threads_start(1);
  Trial t = open_trial(c);
  double loss = in_passes(&t, B, &one);
  int64_t n = gpt2_weights(t.m);
  close_trial(&t);
  threads_start(2);
  t = open_trial(c);
  check_near(in_passes(&t, B, &two), loss, 1e-14, "%s: loss with 2 threads", c->name);
  check(worst_difference(one, two, n) <= 1e-13, "%s: gradient with 2 threads", c->name);
  close_trial(&t);
  free(one), free(two);
}

int main(void) {
  static const double rates[] = {0.1, 0.5, 0.9};
  static const int64_t shapes[][4] = {{1, 1, 1, 1}, {2, 5, 6, 3}, {1, 65, 8, 2}, {2, 130, 12, 4}};
  threads_start(2);
  for (int i = 0; i < COUNT(rates); i++) test_masks(rates[i]);
  for (int i = 0; i < COUNT(shapes); i++)
    test_attention(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
  for (int i = 0; i < COUNT(cases); i++) {
    test_gradient(&cases[i]);
    test_same(&cases[i]);
    test_threads(&cases[i]);
  }
  return check_report("dropout in double");
}
