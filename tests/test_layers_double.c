/* Every layer against finite differences and against the plain formula, in double precision. Tests:
   model/attention model/classifier model/embedding model/gelu model/layernorm model/linear */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "model/attention.h"
#include "model/classifier.h"
#include "model/embedding.h"
#include "model/gelu.h"
#include "model/layernorm.h"
#include "model/linear.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static uint64_t stream; /* increases with every array, so that no two have the same numbers */
static char shape[128]; /* of the current case, for messages */

static real *random_array(int64_t n, double scale) {
  real *a = calloc((size_t)n, sizeof *a);
  stream++;
  for (int64_t i = 0; i < n; i++) a[i] = scale * (double)check_value(stream, (uint64_t)i);
  return a;
}

static int32_t *random_tokens(int64_t n, int64_t V) {
  int32_t *x = malloc((size_t)n * sizeof *x);
  stream++;
  for (int64_t i = 0; i < n; i++)
    x[i] = (int32_t)(check_splitmix((stream << 32) + (uint64_t)i) % (uint64_t)V);
  x[0] = (int32_t)(V - 1); /* both ends occur */
  if (n > 1) x[n - 1] = 0;
  return x;
}

static real *copy_of(const real *a, int64_t n) {
  real *b = malloc((size_t)n * sizeof *b);
  memcpy(b, a, (size_t)n * sizeof *b);
  return b;
}

static double dot(const real *a, const real *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double largest(const real *a, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fabs(a[i]) > most ? fabs(a[i]) : most;
  return most;
}

/* max |got - want|, NaN counting as infinite, is at most tolerance * max(1, max |want|). */
static void check_same(const real *got, const real *want, int64_t n, double tolerance,
                       const char *what) {
  double worst = 0, scale = largest(want, n);
  int64_t at = 0;
  for (int64_t i = 0; i < n; i++)
    if (!(fabs(got[i] - want[i]) <= worst)) worst = fabs(got[i] - want[i]), at = i;
  check(worst <= tolerance * (scale > 1 ? scale : 1), "%s, %s: number %lld is %.17g, not %.17g",
        what, shape, (long long)at, got[at], want[at]);
}

/* ---- finite differences ---- */

/* A layer's outputs, weighted with fixed numbers and summed, as a function of its inputs. */
typedef double Loss(const void *with);

/* Five points: the error is h^4, so that h can be large enough to keep rounding small. */
static double slope(real *at, const real *from, const real *direction, int64_t n, Loss *loss,
                    const void *with) {
  static const double weights[] = {1 / 12., -8 / 12., 8 / 12., -1 / 12.};
  static const int steps[] = {-2, -1, 1, 2};
  const double h = 5e-4;
  double sum = 0;
  for (int k = 0; k < 4; k++) {
    for (int64_t i = 0; i < n; i++) at[i] = from[i] + steps[k] * h * direction[i];
    sum += weights[k] * loss(with);
  }
  memcpy(at, from, (size_t)n * sizeof *at);
  return sum / h;
}

/* The gradient (n) of loss at `at` (n), to 1e-7 of its size along some random directions and some
   single coordinates. `at` is changed and restored. */
static void check_gradient(const char *what, real *at, const real *gradient, int64_t n,
                           Loss *loss, const void *with) {
  enum { DIRECTIONS = 3, COORDINATES = 4 };
  real *from = copy_of(at, n);
  double rms = sqrt(dot(gradient, gradient, n) / (double)n), rounding = 1e-11 * fabs(loss(with));
  for (int k = 0; k < DIRECTIONS + COORDINATES; k++) {
    real *d = random_array(n, 1);
    int64_t only = k == DIRECTIONS ? 0 : k == DIRECTIONS + 1 ? n - 1
                   : (int64_t)(check_splitmix(stream) % (uint64_t)n);
    if (k >= DIRECTIONS) {
      memset(d, 0, (size_t)n * sizeof *d);
      d[only] = 1;
    }
    double want = slope(at, from, d, n, loss, with), got = dot(gradient, d, n);
    double size = rms * sqrt(dot(d, d, n));
    if (fabs(want) > size) size = fabs(want);
    check(fabs(got - want) <= 1e-7 * size + rounding + 1e-11,
          "d%s, %s, %s %lld: gradient %.12g, finite difference %.12g", what, shape,
          k < DIRECTIONS ? "direction" : "number", (long long)(k < DIRECTIONS ? k : only), got,
          want);
    free(d);
  }
  free(from);
}

/* `again` must equal before + first, number by number, as accumulate = 1 demands. */
static void check_added(const char *what, const real *again, const real *before,
                        const real *first, int64_t n) {
  real *sum = copy_of(before, n);
  for (int64_t i = 0; i < n; i++) sum[i] += first[i];
  check_same(again, sum, n, 1e-13, what);
  free(sum);
}

/* ---- embedding ---- */

typedef struct {
  int64_t B, T, C, V, rows;
  int32_t *x;
  real *wte, *wpe, *y, *dy;
} Embedding;

static double embedding_sum(const void *with) {
  const Embedding *e = with;
  embedding_forward(e->y, e->x, e->wte, e->wpe, e->B, e->T, e->C);
  return dot(e->y, e->dy, e->B * e->T * e->C);
}

static void check_embedding_adds(const Embedding *e, const real *dwte, const real *dwpe) {
  real *more_te = random_array(e->V * e->C, 1), *more_pe = random_array(e->rows * e->C, 1);
  real *te = copy_of(more_te, e->V * e->C), *pe = copy_of(more_pe, e->rows * e->C);
  embedding_backward(te, pe, e->dy, e->x, e->B, e->T, e->C, e->rows, 1);
  check_added("embedding adds to dwte", te, more_te, dwte, e->V * e->C);
  check_added("embedding adds to dwpe", pe, more_pe, dwpe, e->rows * e->C);
  free(more_te), free(more_pe), free(te), free(pe);
}

static void test_embedding(int64_t B, int64_t T, int64_t C, int64_t V, int64_t rows) {
  snprintf(shape, sizeof shape, "B %lld T %lld C %lld V %lld rows %lld", (long long)B,
           (long long)T, (long long)C, (long long)V, (long long)rows);
  int64_t n = B * T;
  Embedding e = {B, T, C, V, rows, random_tokens(n, V), random_array(V * C, 1),
                 random_array(rows * C, 1), random_array(n * C, 1), random_array(n * C, 1)};
  real *dwte = calloc((size_t)(V * C), sizeof *dwte), *dwpe = random_array(rows * C, 1);
  real *want = random_array(n * C, 1);
  for (int64_t i = 0; i < n * C; i++)
    want[i] = e.wte[e.x[i / C] * C + i % C] + e.wpe[i / C % T * C + i % C];
  embedding_sum(&e);
  check_same(e.y, want, n * C, 0, "embedding_forward");
  embedding_backward(dwte, dwpe, e.dy, e.x, B, T, C, rows, 0);
  check_gradient("wte", e.wte, dwte, V * C, embedding_sum, &e);
  check_gradient("wpe", e.wpe, dwpe, rows * C, embedding_sum, &e);
  check(largest(dwpe + T * C, (rows - T) * C) == 0, "dwpe, %s: not zero after T", shape);
  check_embedding_adds(&e, dwte, dwpe);
  free(e.x), free(e.wte), free(e.wpe), free(e.y), free(e.dy), free(dwte), free(dwpe), free(want);
}

/* ---- LayerNorm ---- */

typedef struct {
  int64_t n, C;
  real *x, *w, *b, *y, *stats, *dy;
} Norm;

static double norm_sum(const void *with) {
  const Norm *l = with;
  layernorm_forward(l->y, l->stats, l->x, l->w, l->b, l->n, l->C);
  return dot(l->y, l->dy, l->n * l->C);
}

static void check_norm_forward(const Norm *l) {
  real *want = random_array(l->n * l->C, 1), *again = random_array(l->n * l->C, 1);
  for (int64_t i = 0; i < l->n; i++) {
    double mean = 0, var = 0;
    for (int64_t j = 0; j < l->C; j++) mean += l->x[i * l->C + j] / (double)l->C;
    for (int64_t j = 0; j < l->C; j++) var += pow(l->x[i * l->C + j] - mean, 2) / (double)l->C;
    for (int64_t j = 0; j < l->C; j++)
      want[i * l->C + j] = (l->x[i * l->C + j] - mean) / sqrt(var + 1e-5) * l->w[j] + l->b[j];
  }
  norm_sum(l);
  check_same(l->y, want, l->n * l->C, 1e-11, "layernorm_forward");
  layernorm_again(again, l->stats, l->x, l->w, l->b, l->n, l->C);
  check_same(again, l->y, l->n * l->C, 0, "layernorm_again");
  free(want), free(again);
}

static void check_norm_adds(const Norm *l, const real *dx, const real *dw, const real *db) {
  int64_t n = l->n, C = l->C;
  real *more_x = random_array(n * C, 1), *more_w = random_array(C, 1), *more_b = random_array(C, 1);
  real *x = copy_of(more_x, n * C), *w = copy_of(more_w, C), *b = copy_of(more_b, C);
  layernorm_backward(x, w, b, l->dy, l->stats, l->x, l->w, n, C, 1);
  check_added("layernorm adds to dx", x, more_x, dx, n * C);
  check_added("layernorm adds to dw", w, more_w, dw, C);
  check_added("layernorm adds to db", b, more_b, db, C);
  free(more_x), free(more_w), free(more_b), free(x), free(w), free(b);
}

static void test_layernorm(int64_t n, int64_t C) {
  snprintf(shape, sizeof shape, "n %lld C %lld", (long long)n, (long long)C);
  Norm l = {n, C, random_array(n * C, 1.5), random_array(C, 1), random_array(C, 1),
            random_array(n * C, 1), random_array(n * 2, 1), random_array(n * C, 1)};
  real *dx = calloc((size_t)(n * C), sizeof *dx), *dw = random_array(C, 1);
  real *db = random_array(C, 1);
  check_norm_forward(&l);
  layernorm_backward(dx, dw, db, l.dy, l.stats, l.x, l.w, n, C, 0);
  check_gradient("x of layernorm", l.x, dx, n * C, norm_sum, &l);
  check_gradient("w of layernorm", l.w, dw, C, norm_sum, &l);
  check_gradient("b of layernorm", l.b, db, C, norm_sum, &l);
  norm_sum(&l);
  check_norm_adds(&l, dx, dw, db);
  free(l.x), free(l.w), free(l.b), free(l.y), free(l.stats), free(l.dy);
  free(dx), free(dw), free(db);
}

/* ---- linear ---- */

typedef struct {
  int64_t n, in, out;
  real *x, *w, *b, *residual, *y, *dy;
} Linear;

static double linear_sum(const void *with) {
  const Linear *l = with;
  linear_forward_residual(l->y, l->residual, l->x, l->w, l->b, l->n, l->in, l->out);
  return dot(l->y, l->dy, l->n * l->out);
}

static void check_linear_forward(const Linear *l) {
  int64_t size = l->n * l->out;
  real *want = random_array(size, 1);
  for (int64_t i = 0; i < size; i++)
    want[i] = l->b[i % l->out] +
              dot(l->x + i / l->out * l->in, l->w + i % l->out * l->in, l->in);
  linear_forward(l->y, l->x, l->w, l->b, l->n, l->in, l->out);
  check_same(l->y, want, size, 1e-13, "linear_forward");
  for (int64_t i = 0; i < size; i++) want[i] += l->residual[i];
  linear_sum(l);
  check_same(l->y, want, size, 1e-13, "linear_forward_residual");
  free(want);
}

static void check_linear_adds(const Linear *l, const real *dw, const real *db) {
  int64_t size = l->out * l->in;
  real *more_w = random_array(size, 1), *more_b = random_array(l->out, 1);
  real *w = copy_of(more_w, size), *b = copy_of(more_b, l->out), *alone = random_array(size, 1);
  real *alone_b = random_array(l->out, 1);
  linear_weight_gradient(w, b, l->dy, l->x, l->n, l->in, l->out, 1);
  check_added("linear adds to dw", w, more_w, dw, size);
  check_added("linear adds to db", b, more_b, db, l->out);
  linear_weight_gradient(alone, alone_b, l->dy, l->x, l->n, l->in, l->out, 0);
  check_same(alone, dw, size, 0, "dw of linear_weight_gradient");
  check_same(alone_b, db, l->out, 0, "db of linear_weight_gradient");
  free(more_w), free(more_b), free(w), free(b), free(alone), free(alone_b);
}

static void test_linear(int64_t n, int64_t in, int64_t out) {
  snprintf(shape, sizeof shape, "n %lld in %lld out %lld", (long long)n, (long long)in,
           (long long)out);
  Linear l = {n, in, out, random_array(n * in, 1), random_array(out * in, 1),
              random_array(out, 1), random_array(n * out, 1), random_array(n * out, 1),
              random_array(n * out, 1)};
  real *dx = random_array(n * in, 1), *dw = random_array(out * in, 1), *db = random_array(out, 1);
  check_linear_forward(&l);
  linear_backward(dx, dw, db, l.dy, l.x, l.w, n, in, out, 0);
  check_gradient("x of linear", l.x, dx, n * in, linear_sum, &l);
  check_gradient("w of linear", l.w, dw, out * in, linear_sum, &l);
  check_gradient("b of linear", l.b, db, out, linear_sum, &l);
  check_linear_adds(&l, dw, db);
  free(l.x), free(l.w), free(l.b), free(l.residual), free(l.y), free(l.dy);
  free(dx), free(dw), free(db);
}

/* ---- GELU ---- */

typedef struct {
  int64_t n;
  real *x, *y, *dy;
} Gelu;

static double gelu_sum(const void *with) {
  const Gelu *g = with;
  gelu_forward(g->y, g->x, g->n, GELU_TANH);
  return dot(g->y, g->dy, g->n);
}

static void test_gelu(int64_t n) {
  static const double far[] = {0, -30, 30, -9, 9, -1e-12, 1e5, -1e5};
  snprintf(shape, sizeof shape, "n %lld", (long long)n);
  Gelu g = {n, random_array(n, 2), random_array(n, 1), random_array(n, 1)};
  real *dx = copy_of(g.dy, n), *again = random_array(n, 1), *want = random_array(n, 1);
  gelu_backward(again, dx, g.x, n, GELU_TANH);
  check_gradient("x of gelu", g.x, dx, n, gelu_sum, &g);
  for (int64_t i = 0; i < n && i < COUNT(far) && n > 50; i++) g.x[i] = far[i];
  for (int64_t i = 0; i < n; i++)
    want[i] = g.x[i] / 2 *
              (1 + tanh(sqrt(2 / 3.14159265358979323846) * (g.x[i] + 0.044715 * pow(g.x[i], 3))));
  gelu_sum(&g);
  check_same(g.y, want, n, 1e-14, "gelu_forward against tanh");
  memcpy(dx, g.dy, (size_t)n * sizeof *dx);
  gelu_backward(again, dx, g.x, n, GELU_TANH);
  check_same(again, g.y, n, 1e-14, "gelu again in gelu_backward");
  check(isfinite(dot(dx, dx, n)), "gelu_backward, %s: not finite far from zero", shape);
  free(g.x), free(g.y), free(g.dy), free(dx), free(again), free(want);
}

/* ---- attention ---- */

typedef struct {
  int64_t B, T, C, NH;
  real *qkv, *y, *lse, *dy;
} Attention;

static double attention_sum(const void *with) {
  const Attention *a = with;
  attention_forward(a->y, a->lse, a->qkv, a->B, a->T, a->C, a->NH, NULL);
  return dot(a->y, a->dy, a->B * a->T * a->C);
}

/* One row of one head: softmax of q . k / sqrt(hs) over the keys 0..t, times v. */
static void naive_row(const Attention *a, int64_t b, int64_t h, int64_t t, real *y, real *lse) {
  int64_t hs = a->C / a->NH, ld = 3 * a->C;
  const real *q = a->qkv + (b * a->T + t) * ld + h * hs;
  const real *k = a->qkv + b * a->T * ld + a->C + h * hs, *v = k + a->C;
  double sum = 0;
  for (int64_t j = 0; j < hs; j++) y[j] = 0;
  for (int64_t s = 0; s <= t; s++) {
    double p = exp(dot(q, k + s * ld, hs) / sqrt((double)hs));
    sum += p;
    for (int64_t j = 0; j < hs; j++) y[j] += p * v[s * ld + j];
  }
  for (int64_t j = 0; j < hs; j++) y[j] /= sum;
  *lse = log(sum);
}

static void check_attention_forward(const Attention *a) {
  int64_t n = a->B * a->T * a->C, rows = a->B * a->NH * a->T, hs = a->C / a->NH;
  real *want = random_array(n, 1), *lse = random_array(rows, 1);
  for (int64_t b = 0; b < a->B; b++)
    for (int64_t h = 0; h < a->NH; h++)
      for (int64_t t = 0; t < a->T; t++)
        naive_row(a, b, h, t, want + (b * a->T + t) * a->C + h * hs,
                  lse + (b * a->NH + h) * a->T + t);
  attention_sum(a);
  check_same(a->y, want, n, 1e-12, "attention_forward against three loops");
  check_same(a->lse, lse, rows, 1e-12, "log-sum-exp of attention_forward");
  free(want), free(lse);
}

/* Tokens after t do not change a bit of the outputs up to t, and get no gradient from them. */
static void check_causal(const Attention *a, int64_t t) {
  int64_t C = a->C, T = a->T, n = a->B * T * C;
  attention_sum(a);
  real *y = copy_of(a->y, n), *qkv = copy_of(a->qkv, 3 * n), *dqkv = random_array(3 * n, 1);
  real *other = random_array(3 * n, 3), *dy = copy_of(a->dy, n);
  double leak = 0;
  for (int64_t i = 0; i < 3 * n; i++)
    if (i / (3 * C) % T > t) a->qkv[i] = other[i];
  attention_sum(a);
  for (int64_t i = 0; i < n; i++)
    if (i / C % T <= t) leak = fmax(leak, fabs(a->y[i] - y[i]));
  check(leak == 0, "attention, %s: tokens after %lld change earlier outputs by %g", shape,
        (long long)t, leak);
  leak = 0;
  for (int64_t i = 0; i < n; i++)
    if (i / C % T > t) dy[i] = 0;
  attention_backward(dqkv, dy, a->y, a->lse, a->qkv, a->B, T, C, a->NH, NULL);
  for (int64_t i = 0; i < 3 * n; i++)
    if (i / (3 * C) % T > t) leak = fmax(leak, fabs(dqkv[i]));
  check(leak == 0, "attention, %s: outputs up to %lld send a gradient %g to later tokens", shape,
        (long long)t, leak);
  memcpy(a->qkv, qkv, (size_t)(3 * n) * sizeof *qkv);
  free(y), free(qkv), free(dqkv), free(other), free(dy);
}

static void test_attention(int64_t B, int64_t T, int64_t C, int64_t NH) {
  snprintf(shape, sizeof shape, "B %lld T %lld C %lld NH %lld", (long long)B, (long long)T,
           (long long)C, (long long)NH);
  int64_t n = B * T * C;
  Attention a = {B, T, C, NH, random_array(3 * n, 1), random_array(n, 1),
                 random_array(B * NH * T, 1), random_array(n, 1)};
  real *dqkv = random_array(3 * n, 1);
  check_attention_forward(&a);
  attention_backward(dqkv, a.dy, a.y, a.lse, a.qkv, B, T, C, NH, NULL);
  check_gradient("qkv of attention", a.qkv, dqkv, 3 * n, attention_sum, &a);
  check_causal(&a, 0);
  check_causal(&a, T / 2);
  if (T > 1) check_causal(&a, T - 2);
  free(a.qkv), free(a.y), free(a.lse), free(a.dy), free(dqkv);
}

/* ---- classifier ---- */

typedef struct {
  int64_t n, C, V;
  double weight;
  int32_t *y;
  real *x, *wte, *scratch;
} Classifier;

static double classifier_sum(const void *with) {
  const Classifier *c = with;
  return c->weight * classifier_loss(c->x, c->y, c->wte, c->n, c->C, c->V, c->scratch,
                                     &(ClassifierTimes){0});
}

static double naive_loss(const Classifier *c) {
  double loss = 0;
  for (int64_t i = 0; i < c->n; i++) {
    double sum = 0, target = dot(c->x + i * c->C, c->wte + c->y[i] * c->C, c->C);
    for (int64_t v = 0; v < c->V; v++)
      sum += exp(dot(c->x + i * c->C, c->wte + v * c->C, c->C) - target);
    loss += log(sum);
  }
  return loss;
}

static void check_logits(const Classifier *c) {
  int64_t size = c->n * c->V;
  real *logits = random_array(size, 1), *want = random_array(size, 1);
  for (int64_t i = 0; i < size; i++)
    want[i] = dot(c->x + i / c->V * c->C, c->wte + i % c->V * c->C, c->C);
  classifier_logits(logits, c->x, c->wte, c->n, c->C, c->V);
  check_same(logits, want, size, 1e-13, "classifier_logits");
  free(logits), free(want);
}

static void check_classifier_adds(const Classifier *c, const real *dx, const real *dwte) {
  int64_t size = c->V * c->C;
  real *more = random_array(size, 1), *sum = copy_of(more, size);
  real *dx_again = random_array(c->n * c->C, 1);
  ClassifierTimes times = {0};
  classifier_gradient(dx_again, sum, c->x, c->y, c->wte, c->n, c->C, c->V, c->weight, 1,
                      c->scratch, &times);
  check_added("classifier adds to dwte", sum, more, dwte, size);
  check_same(dx_again, dx, c->n * c->C, 0, "dx of classifier with accumulate");
  free(more), free(sum), free(dx_again);
}

static void test_classifier(int64_t n, int64_t C, int64_t V) {
  snprintf(shape, sizeof shape, "n %lld C %lld V %lld", (long long)n, (long long)C, (long long)V);
  Classifier c = {n, C, V, 0.37, random_tokens(n, V), random_array(n * C, 1),
                  random_array(V * C, 1), random_array((int64_t)classifier_scratch(n, V), 1)};
  real *dx = random_array(n * C, 1), *dwte = random_array(V * C, 1);
  ClassifierTimes times = {7, 7, 7};
  double want = naive_loss(&c);
  double got = classifier_gradient(dx, dwte, c.x, c.y, c.wte, n, C, V, c.weight, 0, c.scratch,
                                   &times);
  check_near(got, want, 1e-12, "classifier_gradient's loss, %s", shape);
  check_near(classifier_sum(&c) / c.weight, want, 1e-12, "classifier_loss, %s", shape);
  check(times.product >= 7 && times.softmax >= 7 && times.gradient >= 7,
        "classifier_gradient, %s: times are added to", shape);
  check_gradient("x of classifier", c.x, dx, n * C, classifier_sum, &c);
  check_gradient("wte of classifier", c.wte, dwte, V * C, classifier_sum, &c);
  check_classifier_adds(&c, dx, dwte);
  check_logits(&c);
  free(c.y), free(c.x), free(c.wte), free(c.scratch), free(dx), free(dwte);
}

/* ---- shapes ---- */

int main(void) {
  static const int64_t embeddings[][5] = {
      {1, 1, 1, 2, 1}, {2, 3, 5, 17, 3}, {3, 7, 65, 257, 9}, {1, 13, 130, 2, 20}};
  static const int64_t norms[][2] = {{1, 1}, {1, 2}, {3, 7}, {5, 257}, {7, 64}, {2, 531}, {67, 3}};
  static const int64_t linears[][3] = {{1, 1, 1},    {1, 7, 5},    {3, 1, 4},     {13, 17, 300},
                                       {65, 63, 31}, {130, 5, 257}, {150, 70, 131}};
  static const int64_t gelus[] = {1, 2, 63, 1009};
  static const int64_t attentions[][4] = {
      {1, 1, 1, 1},  {2, 1, 6, 3},   {1, 2, 4, 2},   {1, 63, 5, 1},  {2, 64, 6, 3}, {1, 65, 8, 2},
      {3, 7, 35, 7}, {1, 128, 3, 3}, {1, 129, 7, 1}, {2, 130, 12, 4},
      {1, 256, 3, 1}, {1, 257, 6, 2}, {2, 600, 70, 2}};
  static const int64_t classifiers[][3] = {{1, 1, 2},  {1, 7, 257}, {5, 3, 17},  {3, 16, 2},
                                           {7, 9, 16}, {512, 2, 5}, {513, 3, 17}, {1030, 3, 2}};
  threads_start(2);
  for (int i = 0; i < COUNT(embeddings); i++)
    test_embedding(embeddings[i][0], embeddings[i][1], embeddings[i][2], embeddings[i][3],
                   embeddings[i][4]);
  for (int i = 0; i < COUNT(norms); i++) test_layernorm(norms[i][0], norms[i][1]);
  for (int i = 0; i < COUNT(linears); i++)
    test_linear(linears[i][0], linears[i][1], linears[i][2]);
  for (int i = 0; i < COUNT(gelus); i++) test_gelu(gelus[i]);
  for (int i = 0; i < COUNT(attentions); i++)
    test_attention(attentions[i][0], attentions[i][1], attentions[i][2], attentions[i][3]);
  for (int i = 0; i < COUNT(classifiers); i++)
    test_classifier(classifiers[i][0], classifiers[i][1], classifiers[i][2]);
  return check_report("layers in double");
}
