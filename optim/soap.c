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
#include "core/lapack.h"
#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/polar.h"

typedef struct {
  Betas betas;
  int64_t gap;
} SoapOptions;

#define FIELD(member) offsetof(SoapOptions, member)
static const Option options[] = {
    BETAS_OPTIONS(SoapOptions, betas, "0.95", "0.95", "1e-8"),
    {.name = "update-gap", .help = "Steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "10", .min = 1, .max = 1e12},
    {0},
};

static int64_t rows_square(int64_t rows, int64_t cols, const void *with) {
  (void)cols, (void)with;
  return rows * rows;
}

static int64_t cols_square(int64_t rows, int64_t cols, const void *with) {
  (void)rows, (void)with;
  return cols * cols;
}

enum { M, V, L, R, P, Q };
static const Slot slots[] = {
    {.name = "m", .floats = slot_full},
    {.name = "v", .floats = slot_full},
    {.name = "l", .floats = rows_square},
    {.name = "r", .floats = cols_square},
    {.name = "p", .floats = rows_square},
    {.name = "q", .floats = cols_square},
    {0},
};

/* L = b L + (1 - b) G G^T, or R with G^T G; `work` n*n floats. */
static void accumulate(const Matrix *p, float *L_or_R, int right, double b, float *work) {
  int64_t n = right ? p->cols : p->rows;
  gram(right ? TRANSPOSED : PLAIN, n, p->rows + p->cols - n, p->g, p->cols, work);
  for (int64_t i = 0; i < n * n; i++)
    L_or_R[i] = (float)b * L_or_R[i] + (float)(1 - b) * work[i];
}

/* At the first step L is a multiple of G G^T: the basis is G's own. */
static void first_basis(const Matrix *p, float *basis, int right, float *work) {
  int64_t n = right ? p->cols : p->rows;
  double *vectors = (double *)(void *)work, *values = vectors + n * n;
  singular_basis(p->g, p->rows, p->cols, right, vectors, values, values + n);
  replace_basis(basis, vectors, n);
}

/* A column of a basis and its eigenvalue, estimated by diag(P^T L P). */
typedef struct {
  double value;
  int64_t column;
} Estimate;

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

/* v's rows, or its columns for the right side, in the order; `copy` rows*cols floats. */
static void permute(const Matrix *p, float *v, int right, const Estimate *order, float *copy) {
  memcpy(copy, v, (size_t)(p->rows * p->cols) * sizeof *v);
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t j = 0; j < p->cols; j++)
      v[i * p->cols + j] = right ? copy[i * p->cols + order[j].column]
                                 : copy[order[i].column * p->cols + j];
}

static int64_t refresh_floats(int64_t rows, int64_t cols, int64_t n) {
  return aligned((int64_t)(sizeof(Estimate) / sizeof(float)) * n) + aligned(n * n) +
         aligned(rows * cols) + orthonormal_work(n);
}

/* One power step of a side, with the columns sorted first: without that, v stays with the place of
   a direction whose eigenvalue crosses another's. */
static void refresh(const Matrix *p, float *basis, const float *L_or_R, float *v, int right,
                    float *work) {
  int64_t n = right ? p->cols : p->rows;
  Estimate *order = (Estimate *)(void *)work;
  float *product = work + aligned((int64_t)(sizeof *order / sizeof *work) * n);
  float *copy = product + aligned(n * n), *rest = copy + aligned(p->rows * p->cols);
  gemm(PLAIN, PLAIN, n, n, n, 1, L_or_R, n, basis, n, 0, product, n);
  sort_estimates(order, basis, product, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) basis[i * n + j] = product[i * n + order[j].column];
  orthonormal_columns(basis, n, n, rest);
  permute(p, v, right, order, copy);
}

/* Adam's step t with the first moment kept in the original space and the second in the rotated
   one. The old moment is rotated and the new gradient added there: rotated together they would
   have other rounding errors than v's, and where the gradient has nothing else m / sqrt(v) would
   have no bound. */
static void adam_step(const Matrix *p, float *const *slot, const SoapOptions *o, const Step *step,
                      int64_t t) {
  int64_t size = p->rows * p->cols;
  float *g = step->scratch, *m = g + aligned(size), *work = m + aligned(size);
  const Betas *b = &o->betas;
  float b1 = (float)b->beta1, b2 = (float)b->beta2, eps = (float)b->eps;
  float new1 = (float)(1 - b->beta1), new2 = (float)(1 - b->beta2);
  double rise = sqrt(1 - pow(b->beta2, (double)t)) / (1 - pow(b->beta1, (double)t));
  rotate(g, p->g, p->rows, p->cols, slot[P], slot[Q], 1, work);
  rotate(m, slot[M], p->rows, p->cols, slot[P], slot[Q], 1, work);
  for (int64_t i = 0; i < size; i++) {
    slot[M][i] = b1 * slot[M][i] + new1 * p->g[i];
    slot[V][i] = b2 * slot[V][i] + new2 * g[i] * g[i];
    m[i] = (b1 * m[i] + new1 * g[i]) / (sqrtf(slot[V][i]) + eps);
  }
  rotate(g, m, p->rows, p->cols, slot[P], slot[Q], 0, work);
  apply_update(p, step->keep, step->keep * step->rate * rise, g); /* decay after the step */
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const SoapOptions *o = with;
  float *work = step->scratch;
  int64_t t = step->t - 1; /* 0: the first gradient */
  if (t == 0) {
    first_basis(p, slot[P], 0, work);
    first_basis(p, slot[Q], 1, work);
  } else {
    adam_step(p, slot, o, step, t);
  }
  accumulate(p, slot[L], 0, o->betas.beta2, work);
  accumulate(p, slot[R], 1, o->betas.beta2, work);
  if (t > 0 && t % o->gap == 0) {
    refresh(p, slot[P], slot[L], slot[V], 0, work);
    refresh(p, slot[Q], slot[R], slot[V], 1, work);
  }
}

static double keep(const Param *p, const Step *step, const void *with) {
  (void)p, (void)with;
  return step->t == 1 ? 1 : 1 - step->rate * step->decay;
}

static int64_t scratch(const Matrix *p, const void *with) {
  (void)with;
  int64_t n = p->rows > p->cols ? p->rows : p->cols, first = 2 * (n * n + n + singular_work(n));
  int64_t refreshing = refresh_floats(p->rows, p->cols, n);
  int64_t stepping = 3 * aligned(p->rows * p->cols);
  int64_t most = first > refreshing ? first : refreshing;
  return most > stepping ? most : stepping;
}

static double flops(const Matrix *p, const void *with) {
  const SoapOptions *o = with;
  double m = (double)p->rows, n = (double)p->cols, sides = m * m * n + m * n * n;
  return 7 * sides + 20 * m * n + (2 + 8. / 3) * (m * m * m + n * n * n) / (double)o->gap;
}

const Optimizer soap = {
    .name = "soap",
    .summary = "Adam in the eigenbasis of Shampoo's preconditioners",
    .reference = "Vyas et al.: SOAP, arXiv 2409.11321 (code)",
    .published = "lr=3e-3 weight-decay=0.01 aux-lr=3e-3",
    .tune = "lr, aux-lr, update-gap",
    .options = options,
    .options_size = sizeof(SoapOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
    .keep = keep,
};
