/* SOAP: N. Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, arXiv 2409.11321.
   L = b L + (1 - b) G G^T, R = b R + (1 - b) G^T G with b = beta2 and their eigenbases P, Q;
     m = b1 m + (1 - b1) G,  v = b2 v + (1 - b2) (P^T G Q)^2,
     W = (1 - lr wd) W - lr P [ P^T m^ Q / (sqrt(v^) + eps) ] Q^T.
   The bases come from eigenvectors at the first step; then L and R grow after each update, and
   every K steps P = qr(L P), Q = qr(R Q): one power step, without sorting. The public code takes
   only the bases from the first gradient and counts from the second (skip-first). */
#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/lapack.h"
#include "optim/optim.h"
#include "optim/orthogonalize.h"
#include "optim/rotated_adam.h"

typedef struct {
  Betas betas;
  int64_t gap;
  int skip_first;
} SoapOptions;

#define FIELD(member) offsetof(SoapOptions, member)
static const Option options[] = {
    BETAS_OPTIONS(SoapOptions, betas, "0.95", "0.95", "1e-8"),
    {.name = "update-gap", .help = "steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "10", .min = 1, .max = 1e12},
    {.name = "skip-first", .help = "use the first gradient for the bases only",
     .type = OPTION_CHOICE, .at = FIELD(skip_first), .fallback = "off", .choices = ON_OFF},
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

static void power_step(float *basis, const float *of, int64_t n, float *work) {
  gemm(PLAIN, PLAIN, n, n, n, 1, of, n, basis, n, 0, work, n);
  memcpy(basis, work, (size_t)(n * n) * sizeof *basis);
  orthonormal_columns(basis, n, n, work);
}

/* Adam's step t with the first moment in the original space and the second in the rotated one. At
   t = 1 m is (1 - b1) G: rotated on its own it would have other rounding errors than G, and in G's
   own bases all but a diagonal is rounding errors, so that m / sqrt(v) would know no bound. */
static void adam_step(const Matrix *p, float *const *slot, const SoapOptions *o, Step *step,
                      int64_t t) {
  int64_t size = p->rows * p->cols;
  float *g = step->scratch, *m = g + aligned(size), *work = m + aligned(size);
  const Betas *b = &o->betas;
  float b1 = (float)b->beta1, b2 = (float)b->beta2, eps = (float)b->eps;
  float rise1 = (float)(1 / (1 - pow(b->beta1, (double)t)));
  float rise2 = (float)(1 / sqrt(1 - pow(b->beta2, (double)t)));
  for (int64_t i = 0; i < size; i++) slot[M][i] = b1 * slot[M][i] + (1 - b1) * p->g[i];
  rotate(g, p->g, p->rows, p->cols, slot[P], slot[Q], 1, work);
  if (t > 1) rotate(m, slot[M], p->rows, p->cols, slot[P], slot[Q], 1, work);
  else
    for (int64_t i = 0; i < size; i++) m[i] = (1 - b1) * g[i];
  for (int64_t i = 0; i < size; i++) {
    slot[V][i] = b2 * slot[V][i] + (1 - b2) * g[i] * g[i];
    m[i] = m[i] * rise1 / (sqrtf(slot[V][i]) * rise2 + eps);
  }
  rotate(g, m, p->rows, p->cols, slot[P], slot[Q], 0, work);
  apply_update(p, step->keep, step->rate, g);
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const SoapOptions *o = with;
  float *work = step->scratch;
  int64_t t = step->t - o->skip_first; /* 0: for the bases only */
  if (step->t == 1) {
    first_basis(p, slot[P], 0, work);
    first_basis(p, slot[Q], 1, work);
  }
  if (t > 0) adam_step(p, slot, o, step, t);
  else
    for (int64_t i = 0; i < p->rows * p->cols; i++) p->w[i] *= (float)step->keep;
  accumulate(p, slot[L], 0, o->betas.beta2, work);
  accumulate(p, slot[R], 1, o->betas.beta2, work);
  if (t > 1 - o->skip_first && t % o->gap == 0) {
    power_step(slot[P], slot[L], p->rows, work);
    power_step(slot[Q], slot[R], p->cols, work);
  }
}

static int64_t scratch(const Matrix *p, const void *with) {
  (void)with;
  int64_t n = p->rows > p->cols ? p->rows : p->cols, first = 2 * (n * n + n + singular_work(n));
  int64_t refreshing = n * n + orthonormal_work(n), stepping = 3 * aligned(p->rows * p->cols);
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
    .reference = "Vyas et al.: SOAP, arXiv 2409.11321 (a summary of it)",
    .recommended = "lr=3e-3 aux-lr=3e-3",
    .tune = "lr, aux-lr, update-gap",
    .options = options,
    .options_size = sizeof(SoapOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
