#include "optim/parts/basis.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"
#include "optim/parts/norms.h"

enum { PANEL = 2 }; /* rows of X that go into the Gram matrix at a time, in lengths of its side */

void singular_layout(SingularWork *work, Scratch *s, int64_t n) {
  work->V = scratch_doubles(s, n * n);
  work->values = scratch_doubles(s, n);
  Scratch summing = *s, solving = *s;
  work->panel = scratch_doubles(&summing, PANEL * n * n);
  eigen_layout(&work->eigen, &solving, n);
  scratch_join(s, &summing);
  scratch_join(s, &solving);
}

/* The upper half of A (n,n) = (X/c)^T X/c (RIGHT) or X/c (X/c)^T in double, with c the power of two
   above ||X||_F, which is returned: squares of 1e-30 vanish, and a power of two rounds nothing, so
   that X and its transpose have the same A, bit by bit, and with it the same basis. */
static double double_gram(const float *X, int64_t rows, int64_t cols, Side side,
                          const SingularWork *work) {
  int right = side == RIGHT, exponent;
  int64_t n = right ? cols : rows, length = right ? rows : cols;
  double *A = work->V, *panel = work->panel;
  frexp(frobenius_norm(X, rows * cols), &exponent);
  double c = ldexp(1, exponent), scale = 1 / c;
  memset(A, 0, (size_t)(n * n) * sizeof *A);
  for (int64_t from = 0; from < length; from += PANEL * n) {
    int64_t count = i64_min(PANEL * n, length - from);
    for (int64_t i = 0; i < (right ? count : n); i++)
      for (int64_t j = 0; j < (right ? n : count); j++) {
        if (right) panel[i * n + j] = (double)X[(from + i) * cols + j] * scale;
        else panel[j * n + i] = (double)X[i * cols + from + j] * scale;
      }
    gram_add_double(n, count, panel, A);
  }
  return c;
}

/* LAPACK reads the lower triangle of a column-major matrix: the upper one of ours. */
void singular_basis(const float *X, int64_t rows, int64_t cols, Side side,
                    const SingularWork *work) {
  int64_t n = side == RIGHT ? cols : rows;
  double *values = work->values, c = double_gram(X, rows, cols, side, work);
  symmetric_eigen(work->V, values, n, &work->eigen);
  for (int64_t i = 0; i < n; i++) values[i] = values[i] > 0 ? sqrt(values[i]) * c : 0;
}

void leading_vectors(float *Q, const double *V, int64_t n, int64_t r) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < r; j++) Q[i * r + j] = (float)V[j * n + i];
}

void replace_basis(float *basis, const double *V, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    double along = 0;
    for (int64_t i = 0; i < n; i++) along += V[j * n + i] * (double)basis[i * n + j];
    for (int64_t i = 0; i < n; i++)
      basis[i * n + j] = (float)(along < 0 ? -V[j * n + i] : V[j * n + i]);
  }
}

void rotate(float *Y, const float *X, int64_t rows, int64_t cols, const float *P, const float *Q,
            int inverted, float *work) {
  Transpose left = inverted ? TRANSPOSED : PLAIN, right = inverted ? PLAIN : TRANSPOSED;
  const float *half = X;
  if (P) {
    float *to = Q ? work : Y;
    gemm(left, PLAIN, rows, cols, rows, 1, P, rows, X, cols, 0, to, cols);
    half = to;
  }
  if (Q) gemm(PLAIN, right, rows, cols, cols, 1, half, cols, Q, cols, 0, Y, cols);
  else if (!P) memmove(Y, X, (size_t)(rows * cols) * sizeof *Y);
}
