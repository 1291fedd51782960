#include "optim/parts/polar.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"

/* Eigenvalues of the Gram matrix below this share of the largest are singular values of zero: in
   double they are resolved to 1e-8 of the largest singular value, enough for float data. */
static const double RANK_TOLERANCE = 1e-13;

void polar_layout(PolarWork *work, Scratch *s, int64_t rows, int64_t cols, const Polar *polar) {
  int64_t side = i64_min(rows, cols);
  if (polar->way != BY_SVD) {
    newton_schulz_layout(&work->ns, s, rows, cols);
    return;
  }
  singular_layout(&work->singular, s, side);
  work->row = scratch_doubles(s, side);
  work->gain = scratch_doubles(s, side);
  work->P = scratch_floats(s, side * side);
  work->Y = scratch_floats(s, rows * cols);
}

/* Singular values and vectors of the short side of X (rows,cols). Returns how many of the values
   are not zero. */
static int64_t decompose(const float *X, int64_t rows, int64_t cols, const PolarWork *work) {
  const double *values = work->singular.values;
  int64_t s = i64_min(rows, cols), rank = 0;
  singular_basis(X, rows, cols, rows > cols ? RIGHT : LEFT, &work->singular);
  while (rank < s && values[rank] > sqrt(RANK_TOLERANCE) * values[0]) rank++;
  return rank;
}

/* P (s,s) = V^T diag(gain) V over the first `rank` singular vectors. */
static void weigh_vectors(int64_t s, int64_t rank, const PolarWork *work) {
  const double *V = work->singular.V;
  double *row = work->row;
  for (int64_t i = 0; i < s; i++) {
    memset(row, 0, (size_t)s * sizeof *row);
    for (int64_t k = 0; k < rank; k++) {
      double v = V[k * s + i] * work->gain[k];
      for (int64_t j = 0; j < s; j++) row[j] += v * V[k * s + j];
    }
    for (int64_t j = 0; j < s; j++) work->P[i * s + j] = (float)row[j];
  }
}

/* X = V^T diag(gain) V X / s_1, for the side of V: singular value s_k becomes gain_k s_k / s_1.
   P's entries are as large as its gains and cancel, so the product is in float32 at any
   precision. */
static void apply_gains(float *X, int64_t rows, int64_t cols, int64_t rank,
                        const PolarWork *work) {
  int64_t s = i64_min(rows, cols);
  float *P = work->P, *Y = work->Y;
  weigh_vectors(s, rank, work);
  /* X/s_1 times P: neither leaves the range of float. */
  double largest = work->singular.values[0];
  for (int64_t i = 0; i < rows * cols; i++) Y[i] = largest > 0 ? (float)(X[i] / largest) : 0;
  if (rows > cols) gemm_fp32(PLAIN, PLAIN, rows, cols, s, 1, Y, cols, P, s, 0, X, cols);
  else gemm_fp32(PLAIN, PLAIN, rows, cols, s, 1, P, s, Y, cols, 0, X, cols);
}

/* U S^p V^T with the norm of U V^T. */
static void polar_by_svd(float *X, int64_t rows, int64_t cols, double power,
                         const PolarWork *work) {
  const double *values = work->singular.values;
  int64_t rank = decompose(X, rows, cols, work);
  double sum = 0;
  for (int64_t k = 0; k < rank; k++) sum += pow(values[k] / values[0], 2 * power);
  for (int64_t k = 0; k < rank; k++)
    work->gain[k] = sqrt((double)rank / sum) * pow(values[0] / values[k], 1 - power);
  apply_gains(X, rows, cols, rank, work);
}

void polar_clip(float *X, int64_t rows, int64_t cols, double limit, const PolarWork *work) {
  const double *values = work->singular.values;
  int64_t rank = decompose(X, rows, cols, work);
  for (int64_t k = 0; k < rank; k++) work->gain[k] = values[0] * fmin(1, limit / values[k]);
  apply_gains(X, rows, cols, rank, work);
}

static NewtonSchulzPlan plan_of(const Polar *polar) {
  const NewtonSchulz converged = {.schedule = NS_CONVERGED};
  return newton_schulz_plan(polar->way == BY_CONVERGED ? &converged : &polar->ns);
}

void polar_factor(float *X, int64_t rows, int64_t cols, const Polar *polar,
                  const PolarWork *work) {
  if (polar->way == BY_SVD) {
    polar_by_svd(X, rows, cols, polar->power, work);
    return;
  }
  NewtonSchulzPlan plan = plan_of(polar);
  newton_schulz(X, rows, cols, &plan, &work->ns);
}

double polar_flops(int64_t rows, int64_t cols, const Polar *polar) {
  double s = (double)i64_min(rows, cols), l = (double)(rows + cols) - s;
  if (polar->way == BY_SVD)
    return 3 * l * s * s + 11 * s * s * s; /* Gram, eigenvectors (9 s^3), P, and P X */
  NewtonSchulzPlan plan = plan_of(polar);
  return newton_schulz_flops(rows, cols, &plan);
}

double shape_scale(int scale, int64_t rows, int64_t cols) {
  double m = (double)rows, n = (double)cols;
  switch (scale) {
    case SCALE_KJ: return sqrt(fmax(1, m / n));
    case SCALE_SPECTRAL: return sqrt(m / n);
    case SCALE_RMS: return ADAMW_RMS * sqrt(fmax(m, n));
    case SCALE_OLD: return sqrt(fmax(m, n));
    default: return 1;
  }
}
