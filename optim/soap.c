/* SOAP: N. Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, arXiv 2409.11321 (the
   update from the authors' code, nikhilvyas/SOAP a1e5535; the paper was not read).
     L = b L + (1 - b) G G^T,  R = b R + (1 - b) G^T G  with b = beta2 and their eigenbases P, Q;
     m = b1 m + (1 - b1) G,  v = b2 v + (1 - b2) (P^T G Q)^2,
     W = (1 - lr wd) (W - lr sqrt(1 - b2^t)/(1 - b1^t) P [ P^T m Q / (sqrt(v) + eps) ] Q^T).
   The first gradient only makes the bases, by eigenvectors: no step and no decay; t counts from the
   second. L and R grow after each step, and every K steps the columns of P are sorted by
   diag(P^T L P), descending, v's rows with them, and P = qr(L P); the same with Q, R and v's
   columns. The decay comes after the step, and eps before the bias correction of v. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"
#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/basis.h"
#include "optim/parts/momentum.h"

typedef struct {
  Adam adam;
  int64_t gap;
} SoapOptions;

#define FIELD(member) offsetof(SoapOptions, member)
static const Option table[] = {
    ADAM_OPTIONS(SoapOptions, adam, "", "", "0.95", "0.95", "1e-8"),
    {.name = "update-gap", .help = "Steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "10", .min = 1, .max = 1e12},
    {0},
};

static int64_t rows_square(const Matrix *p, const void *options) {
  (void)options;
  return p->rows * p->rows;
}

static int64_t cols_square(const Matrix *p, const void *options) {
  (void)options;
  return p->cols * p->cols;
}

enum { M, V, L, R, P, Q };
static const Slot slots[] = {
    {.name = "m", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "l", .kind = SLOT_SECOND, .floats = rows_square},
    {.name = "r", .kind = SLOT_SECOND, .floats = cols_square},
    {.name = "p", .kind = SLOT_BASIS, .floats = rows_square},
    {.name = "q", .kind = SLOT_BASIS, .floats = cols_square},
    {0},
};

/* A column of a basis and its eigenvalue, estimated by diag(P^T L P). */
typedef struct {
  double value;
  int64_t column;
} Estimate;

/* With n the length of a side. */
typedef struct {
  SingularWork singular;
  float *gram;       /* (n,n) */
  float *g, *m, *u;  /* (rows,cols) gradient, moment and direction in the eigenbasis */
  float *half;       /* (rows,cols) between two rotations */
  Estimate *order;   /* (n) */
  float *product;    /* (n,n) */
  float *copy;       /* (rows,cols) */
  QrWork qr;
} SoapWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  SoapWork *w = work;
  Scratch first = *s, stepping = *s, averaging = *s, refreshing = *s;
  int64_t n = i64_max(p->rows, p->cols), size = matrix_size(p);
  (void)options;
  singular_layout(&w->singular, &first, n);
  w->g = scratch_floats(&stepping, size);
  w->m = scratch_floats(&stepping, size);
  w->u = scratch_floats(&stepping, size);
  w->half = scratch_floats(&stepping, size);
  w->gram = scratch_floats(&averaging, n * n);
  w->order = scratch_take(&refreshing, n, sizeof *w->order);
  w->product = scratch_floats(&refreshing, n * n);
  w->copy = scratch_floats(&refreshing, size);
  qr_layout(&w->qr, &refreshing, n);
  scratch_join(s, &first);
  scratch_join(s, &stepping);
  scratch_join(s, &averaging);
  scratch_join(s, &refreshing);
}

static int64_t side_length(const Matrix *p, Side side) {
  return side == LEFT ? p->rows : p->cols;
}

/* At the first step L is a multiple of G G^T: the basis is G's own. */
static void first_basis(const Matrix *p, float *basis, Side side, const SoapWork *work) {
  singular_basis(p->g, p->rows, p->cols, side, &work->singular);
  replace_basis(basis, work->singular.V, side_length(p, side));
}

/* A = b A + (1 - b) G G^T for A = L, with G^T G for A = R. */
static void average_gram(const Matrix *p, float *A, Side side, double b, const SoapWork *work) {
  int64_t n = side_length(p, side);
  gram(side == RIGHT ? TRANSPOSED : PLAIN, n, p->rows + p->cols - n, p->g, p->cols, work->gram);
  for (int64_t i = 0; i < n * n; i++) A[i] = (float)b * A[i] + (float)(1 - b) * work->gram[i];
}

static int compare_estimates(const void *a, const void *b) {
  const Estimate *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? 1 : -1;
  return x->column < y->column ? -1 : x->column > y->column;
}

static void sort_estimates(Estimate *order, const float *basis, const float *product, int64_t n) {
  for (int64_t j = 0; j < n; j++) order[j] = (Estimate){0, j};
  for (int64_t i = 0; i < n * n; i++)
    order[i % n].value += (double)basis[i] * (double)product[i];
  qsort(order, (size_t)n, sizeof *order, compare_estimates);
}

/* v's rows, or its columns for the right side, in the new order. */
static void permute(const Matrix *p, float *v, Side side, const SoapWork *work) {
  const Estimate *order = work->order;
  float *copy = work->copy;
  memcpy(copy, v, (size_t)(p->rows * p->cols) * sizeof *v);
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t j = 0; j < p->cols; j++)
      v[i * p->cols + j] = side == RIGHT ? copy[i * p->cols + order[j].column]
                                         : copy[order[i].column * p->cols + j];
}

/* A step of power iteration, basis = qr(A basis) with A = L or R, with the columns sorted first:
   without that, v stays in the place of a direction whose eigenvalue has passed another's. */
static void power_step(const Matrix *p, float *basis, const float *A, float *v, Side side,
                       const SoapWork *work) {
  int64_t n = side_length(p, side);
  float *product = work->product;
  gemm(PLAIN, PLAIN, n, n, n, 1, A, n, basis, n, 0, product, n);
  sort_estimates(work->order, basis, product, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) basis[i * n + j] = product[i * n + work->order[j].column];
  orthonormal_columns(basis, n, n, &work->qr);
  permute(p, v, side, work);
}

/* Adam's step t with the first moment kept in the original space and the second in the eigenbasis.
   The old moment is rotated and the new gradient added there: rotated together they would have
   other rounding errors than v's, and where the gradient has nothing else m / sqrt(v) would have no
   bound. */
static void step_in_eigenbasis(const Matrix *p, float *const *slot, const SoapOptions *o,
                               const Step *step, int64_t t) {
  const SoapWork *work = step->work;
  const AdamStep a = adam_step_plain(&o->adam);
  const float *left = slot[P], *right = slot[Q];
  int64_t size = matrix_size(p);
  float *g = work->g, *m = work->m, *u = work->u;
  rotate(g, p->g, p->rows, p->cols, left, right, 1, work->half);
  rotate(m, slot[M], p->rows, p->cols, left, right, 1, work->half);
  adam(g, m, slot[V], g, size, &a);
  rotate(u, g, p->rows, p->cols, left, right, 0, work->half);
  double b1 = o->adam.beta1, b2 = o->adam.beta2;
  double correction = sqrt(1 - pow(b2, (double)t)) / (1 - pow(b1, (double)t));
  apply_update(p, step->keep, step->keep * step->rate * correction, u); /* decay after the step */
  momentum_ema(m, slot[M], p->g, size, b1, 0);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const SoapOptions *o = options;
  const SoapWork *work = step->work;
  int64_t t = step->t - 1; /* the first gradient makes the bases only */
  if (t == 0) {
    first_basis(p, slot[P], LEFT, work);
    first_basis(p, slot[Q], RIGHT, work);
  } else {
    step_in_eigenbasis(p, slot, o, step, t);
  }
  average_gram(p, slot[L], LEFT, o->adam.beta2, work);
  average_gram(p, slot[R], RIGHT, o->adam.beta2, work);
  if (t > 0 && t % o->gap == 0) {
    power_step(p, slot[P], slot[L], slot[V], LEFT, work);
    power_step(p, slot[Q], slot[R], slot[V], RIGHT, work);
  }
}

static double keep(const Param *p, const Step *step, const void *options) {
  (void)p, (void)options;
  return step->t == 1 ? 1 : 1 - step->rate * step->decay;
}

static double flops(const Matrix *p, const void *options) {
  const SoapOptions *o = options;
  double m = (double)p->rows, n = (double)p->cols, sides = m * m * n + m * n * n;
  return 7 * sides + 20 * m * n + (2 + 8. / 3) * (m * m * m + n * n * n) / (double)o->gap;
}

const Optimizer soap = {
    .name = "soap",
    .summary = "Adam in the eigenbasis of Shampoo's preconditioners",
    .reference = "Vyas et al.: SOAP, arXiv 2409.11321 (code)",
    .published = "lr=3e-3 weight-decay=0.01 aux-lr=3e-3",
    .tune = "lr, aux-lr, update-gap",
    .options = table,
    .options_size = sizeof(SoapOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(SoapWork),
    .flops = flops,
    .keep = keep,
};
