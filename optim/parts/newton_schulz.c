#include "optim/parts/newton_schulz.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"
#include "core/precision.h"
#include "optim/parts/norms.h"

enum {
  RESTART = 3,   /* steps on a Gram matrix before it is computed again: more lose all digits */
  GRAM_MIN = 64, /* short side below which half products gain nothing */
};

/* In bf16 the rounding of the Gram form's factors, whose numbers reach 40, moves the large singular
   values when most others are small: beyond 1.26, where Jordan's polynomial diverges. */
static int use_gram(int64_t rows, int64_t cols) {
  int64_t s = i64_min(rows, cols), l = rows + cols - s;
  return s >= GRAM_MIN && 2 * l >= 3 * s && precision_now() != PRECISION_BF16;
}

void newton_schulz_layout(NewtonSchulzWork *work, Scratch *s, int64_t rows, int64_t cols) {
  int64_t side = i64_min(rows, cols);
  work->Y = scratch_floats(s, rows * cols);
  for (int i = 0; i < 4; i++) work->square[i] = scratch_floats(s, side * side);
}

double newton_schulz_flops(int64_t rows, int64_t cols, const NewtonSchulzPlan *plan) {
  double s = (double)i64_min(rows, cols), l = (double)(rows + cols) - s, cube = s * s * s;
  double steps = (double)plan->steps, restarts = ceil(steps / RESTART);
  double squares = plan->abc[0][2] != 0 ? steps * cube : 0; /* A A of a quintic */
  if (plan->direct || !use_gram(rows, cols)) return steps * 3 * l * s * s + squares;
  return restarts * 3 * l * s * s + squares + (steps - restarts) * 3 * cube;
}

/* X = X / (margin ||X||_F + eps); 0 when X is zero. */
static int normalize(float *X, int64_t n, double margin, double eps) {
  double norm = frobenius_norm(X, n);
  if (norm != 0) scale_numbers(X, n, 1, 1 / (margin * norm + eps));
  return norm != 0;
}

/* P = a I + b A + c A A for the symmetric A (s,s). */
static void polynomial(float *P, const float *A, int64_t s, const double abc[3]) {
  float a = (float)abc[0], b = (float)abc[1], c = (float)abc[2];
  if (c != 0) gram(PLAIN, s, s, A, s, P);
  else memset(P, 0, (size_t)(s * s) * sizeof *P);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < s; i++) {
    for (int64_t j = 0; j < s; j++) P[i * s + j] = b * A[i * s + j] + c * P[i * s + j];
    P[i * s + i] += a;
  }
}

/* The Gram matrix of the short side, and the product with a polynomial of it: a tall X is
   multiplied from the right, so that nothing must be transposed. */
static void short_gram(float *A, const float *X, int64_t rows, int64_t cols) {
  if (rows > cols) gram(TRANSPOSED, cols, rows, X, cols, A);
  else gram(PLAIN, rows, cols, X, cols, A);
}

static void multiply(float *to, const float *P, const float *X, int64_t rows, int64_t cols) {
  if (rows > cols) gemm(PLAIN, PLAIN, rows, cols, cols, 1, X, cols, P, cols, 0, to, cols);
  else gemm(PLAIN, PLAIN, rows, cols, rows, 1, P, rows, X, cols, 0, to, cols);
}

static void swap(float **a, float **b) {
  float *t = *a;
  *a = *b;
  *b = t;
}

static void iterate_direct(float *X, int64_t rows, int64_t cols, const NewtonSchulzPlan *plan,
                           const NewtonSchulzWork *work) {
  int64_t s = i64_min(rows, cols);
  float *from = X, *to = work->Y, *A = work->square[0], *P = work->square[1];
  for (int64_t k = 0; k < plan->steps; k++) {
    short_gram(A, from, rows, cols);
    polynomial(P, A, s, plan->abc[k]);
    multiply(to, P, from, rows, cols);
    swap(&from, &to);
  }
  if (from != X) memcpy(X, from, (size_t)(rows * cols) * sizeof *X);
}

/* With R = X X^T and h_k the polynomial of step k, X_T = h_T ... h_1 X and R_k = R_{k-1} h_k^2: all
   are polynomials in R, so they commute, and a step costs four half products of (s,s). */
static void iterate_gram(float *X, int64_t rows, int64_t cols, const NewtonSchulzPlan *plan,
                         const NewtonSchulzWork *work) {
  int64_t s = i64_min(rows, cols);
  float *from = X, *to = work->Y, *const *square = work->square;
  float *R = square[0], *P = square[1], *Q = square[2], *other = square[3];
  for (int64_t k = 0; k < plan->steps;) {
    int64_t end = i64_min(k + RESTART, plan->steps);
    short_gram(R, from, rows, cols);
    polynomial(Q, R, s, plan->abc[k]);
    memcpy(P, Q, (size_t)(s * s) * sizeof *P);
    while (++k < end) {
      gram(PLAIN, s, s, P, s, other); /* R = R h h */
      symmetric_product(s, R, other, P);
      swap(&R, &P);
      polynomial(P, R, s, plan->abc[k]); /* Q = Q h */
      symmetric_product(s, Q, P, other);
      swap(&Q, &other);
    }
    multiply(to, Q, from, rows, cols);
    swap(&from, &to);
  }
  if (from != X) memcpy(X, from, (size_t)(rows * cols) * sizeof *X);
}

void newton_schulz(float *X, int64_t rows, int64_t cols, const NewtonSchulzPlan *plan,
                   const NewtonSchulzWork *work) {
  if (!normalize(X, rows * cols, plan->margin, plan->eps)) return;
  if (plan->direct || !use_gram(rows, cols)) iterate_direct(X, rows, cols, plan, work);
  else iterate_gram(X, rows, cols, plan, work);
}
