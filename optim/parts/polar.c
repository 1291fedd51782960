#include "optim/parts/polar.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/lapack.h"

/* Eigenvalues of the Gram matrix below this share of the largest are singular values of zero: in
   double they are resolved to 1e-8 of the largest singular value, enough for float data. */
static const double RANK_TOLERANCE = 1e-13;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

double frobenius_norm(const float *X, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += (double)X[i] * (double)X[i];
  return sqrt(sum);
}

int64_t singular_work(int64_t n) { return eigen_work(n); }

/* The upper half of A (n,n) = (X/c)^T X/c (right) or X/c (X/c)^T in double, with c the power of two
   above ||X||_F, which is returned: squares of 1e-30 vanish, and a power of two rounds nothing, so
   that X and its transpose have the same A, bit by bit, and with it the same basis. X goes through
   `work`, eigen_work(n) doubles, in panels of 2 n rows or columns. */
static double double_gram(const float *X, int64_t rows, int64_t cols, int right, double *A,
                          double *work) {
  int64_t n = right ? cols : rows, length = right ? rows : cols;
  int exponent;
  frexp(frobenius_norm(X, rows * cols), &exponent);
  double c = ldexp(1, exponent), scale = 1 / c;
  memset(A, 0, (size_t)(n * n) * sizeof *A);
  for (int64_t from = 0; from < length; from += 2 * n) {
    int64_t count = least(2 * n, length - from);
    for (int64_t i = 0; i < (right ? count : n); i++)
      for (int64_t j = 0; j < (right ? n : count); j++) {
        if (right) work[i * n + j] = (double)X[(from + i) * cols + j] * scale;
        else work[j * n + i] = (double)X[i * cols + from + j] * scale;
      }
    gram_add_double(n, count, work, A);
  }
  return c;
}

/* LAPACK reads the lower triangle of a column-major matrix: the upper one of ours. */
void singular_basis(const float *X, int64_t rows, int64_t cols, int right, double *V,
                    double *values, double *work) {
  int64_t n = right ? cols : rows;
  double c = double_gram(X, rows, cols, right, V, work);
  symmetric_eigen(V, values, n, work);
  for (int64_t i = 0; i < n; i++) values[i] = values[i] > 0 ? sqrt(values[i]) * c : 0;
}

/* With the Gram matrix of the short side A = V^T diag(s^2) V: msgn(X) = V^T diag(1/s) V X. */
static void polar_by_svd(float *X, int64_t rows, int64_t cols, float *scratch) {
  int64_t s = least(rows, cols), size = rows * cols;
  double *V = (double *)(void *)scratch, *values = V + s * s, *work = values + s;
  float *P = (float *)(void *)(work + singular_work(s)), *Y = P + s * s;
  singular_basis(X, rows, cols, rows > cols, V, values, work);
  for (int64_t i = 0; i < s * s; i++) P[i] = 0;
  double *sum = work; /* a row of P in double */
  for (int64_t i = 0; i < s; i++) {
    memset(sum, 0, (size_t)s * sizeof *sum);
    for (int64_t k = 0; k < s && values[k] > sqrt(RANK_TOLERANCE) * values[0]; k++) {
      double v = V[k * s + i] * (values[0] / values[k]);
      for (int64_t j = 0; j < s; j++) sum[j] += v * V[k * s + j];
    }
    for (int64_t j = 0; j < s; j++) P[i * s + j] = (float)sum[j];
  }
  /* X/s_1 times s_1 P: neither leaves the range of float. */
  for (int64_t i = 0; i < size; i++) Y[i] = values[0] > 0 ? (float)(X[i] / values[0]) : 0;
  if (rows > cols) gemm(PLAIN, PLAIN, rows, cols, s, 1, Y, cols, P, s, 0, X, cols);
  else gemm(PLAIN, PLAIN, rows, cols, s, 1, P, s, Y, cols, 0, X, cols);
}

void polar_factor(float *X, int64_t rows, int64_t cols, const Polar *polar, float *scratch) {
  switch (polar->way) {
    case BY_SVD: polar_by_svd(X, rows, cols, scratch); break;
    case BY_CONVERGED: newton_schulz(X, rows, cols, &newton_schulz_converged, scratch); break;
    default: newton_schulz(X, rows, cols, &polar->ns, scratch);
  }
}

int64_t polar_scratch(int64_t rows, int64_t cols, const Polar *polar) {
  int64_t s = least(rows, cols);
  if (polar->way != BY_SVD) return newton_schulz_scratch(rows, cols);
  return 2 * (s * s + s + singular_work(s)) + s * s + rows * cols;
}

double polar_flops(int64_t rows, int64_t cols, const Polar *polar) {
  double s = (double)least(rows, cols), l = (double)(rows + cols) - s;
  if (polar->way == BY_CONVERGED) return newton_schulz_flops(rows, cols, &newton_schulz_converged);
  if (polar->way == BY_NEWTON_SCHULZ) return newton_schulz_flops(rows, cols, &polar->ns);
  return 3 * l * s * s + 11 * s * s * s; /* Gram, eigenvectors (9 s^3), P, and P X */
}

double shape_scale(int scale, int64_t rows, int64_t cols) {
  double m = (double)rows, n = (double)cols;
  switch (scale) {
    case SCALE_KJ: return sqrt(fmax(1, m / n));
    case SCALE_SPECTRAL: return sqrt(m / n);
    case SCALE_RMS: return 0.2 * sqrt(fmax(m, n));
    case SCALE_OLD: return sqrt(fmax(m, n));
    default: return 1;
  }
}
