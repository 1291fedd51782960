#include "optim/parts/spectrum.h"

#include <math.h>
#include <string.h>

#include "core/int64.h"

const char *const spectrum_columns[SPECTRUM_NUMBERS] = {
    "stable_rank", "condition", "smallest", "q1", "q10", "q25", "median", "q75", "q90", "largest",
    "polar_distance", "update_over_weight", "rank", "gradient_own", "gradient_in_momentum"};
const double spectrum_quantiles[SPECTRUM_QUANTILES] = {0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 1};

/* Singular values are resolved to this share of the largest. */
static const double RESOLVED = 1e-8;

static const Polar svd = {.way = BY_SVD};

void spectrum_layout(SpectrumWork *work, Scratch *scratch, int64_t rows, int64_t cols) {
  int64_t s = i64_min(rows, cols);
  singular_layout(&work->singular, scratch, s);
  work->Q = scratch_floats(scratch, s * s);
  work->B = scratch_floats(scratch, rows * cols);
  work->P = scratch_floats(scratch, rows * cols);
  polar_layout(&work->polar, scratch, rows, cols, &svd);
}

double dot(const float *a, const float *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

/* The q-quantile of descending values, linear between neighbours. */
static double quantile_of(const double *values, int64_t n, double q) {
  double at = (1 - q) * (double)(n - 1);
  int64_t i = i64_min((int64_t)at, n - 1), j = i64_min(i + 1, n - 1);
  return values[i] + (at - (double)i) * (values[j] - values[i]);
}

static double leading_share(const double *values, int64_t n, int64_t rank) {
  double leading = 0, all = 0;
  for (int64_t i = 0; i < n; i++) {
    all += values[i] * values[i];
    if (i < rank) leading += values[i] * values[i];
  }
  return all > 0 ? leading / all : NAN;
}

/* ||Q^T G||^2 / ||G||^2, Q the first `rank` rows of V (s,s), vectors of a side of length s. */
static double share_along(const double *V, const float *G, int64_t rows, int64_t cols, Side side,
                          int64_t rank, const SpectrumWork *work) {
  int64_t s = i64_min(rows, cols), l = rows + cols - s;
  leading_vectors(work->Q, V, s, rank);
  project(work->B, G, rows, cols, side, work->Q, rank);
  double along = frobenius_norm(work->B, rank * l), all = frobenius_norm(G, rows * cols);
  return all > 0 ? along * along / (all * all) : NAN;
}

/* The numbers that the singular values of Z, `count` of them, say. */
static void measure_values(const double *values, int64_t count, double norm, double *numbers) {
  numbers[SPECTRUM_STABLE_RANK] = norm * norm / (values[0] * values[0]);
  numbers[SPECTRUM_CONDITION] = values[0] / fmax(values[count - 1], RESOLVED * values[0]);
  for (int i = 0; i < SPECTRUM_QUANTILES; i++)
    numbers[SPECTRUM_FIRST_QUANTILE + i] = quantile_of(values, count, spectrum_quantiles[i]) / norm;
}

/* 1 - cos^2, as a distance, of D (n) and the polar factor of Z (z_rows,z_cols). */
static double polar_distance(const float *Z, int64_t z_rows, int64_t z_cols, const float *basis,
                             int64_t r, const float *D, int64_t rows, int64_t cols,
                             const SpectrumWork *work) {
  int64_t n = rows * cols;
  const float *polar = work->P;
  memcpy(work->P, Z, (size_t)(z_rows * z_cols) * sizeof *Z);
  polar_factor(work->P, z_rows, z_cols, &svd, &work->polar);
  if (basis) {
    project_back(work->B, rows, cols, long_side(rows, cols), basis, work->P, r, 1, 0);
    polar = work->B;
  }
  double cosine = dot(D, polar, n) / (frobenius_norm(D, n) * frobenius_norm(polar, n));
  return sqrt(fmax(0, 1 - cosine * cosine));
}

void spectrum_measure(const float *Z, const float *basis, int64_t r, const float *G, const float *D,
                      int64_t rows, int64_t cols, int64_t rank, double w_norm,
                      double numbers[SPECTRUM_NUMBERS], const SpectrumWork *work) {
  int64_t s = i64_min(rows, cols), leading = i64_min(rank, s);
  Side longer = long_side(rows, cols);
  /* Z's vectors of length s are on the other side of the basis. */
  Side side = basis ? opposite(longer) : rows > cols ? RIGHT : LEFT;
  int64_t z_rows = basis && longer == LEFT ? r : rows, z_cols = basis && longer == RIGHT ? r : cols;
  const double *V = work->singular.V, *values = work->singular.values;
  double norm = frobenius_norm(Z, z_rows * z_cols), d = frobenius_norm(D, rows * cols);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++) numbers[i] = NAN;
  numbers[SPECTRUM_RANK] = (double)leading;
  numbers[SPECTRUM_UPDATE] = d / w_norm;
  if (!(norm > 0) || !isfinite(norm) || !isfinite(d)) return;
  singular_basis(Z, z_rows, z_cols, side, &work->singular);
  measure_values(values, basis ? r : s, norm, numbers);
  numbers[SPECTRUM_GRADIENT_IN] = share_along(V, G, rows, cols, side, leading, work);
  numbers[SPECTRUM_POLAR_DISTANCE] = polar_distance(Z, z_rows, z_cols, basis, r, D, rows, cols,
                                                    work);
  singular_basis(G, rows, cols, rows > cols ? RIGHT : LEFT, &work->singular);
  numbers[SPECTRUM_GRADIENT_OWN] = leading_share(values, s, leading);
}
