#include "optim/parts/low_rank.h"

#include <math.h>

#include "core/blas.h"
#include "core/int64.h"

void to_side(float *Y, const float *X, int64_t rows, int64_t cols, Side side, const float *Z,
             int64_t k) {
  if (side == LEFT) gemm(PLAIN, PLAIN, rows, k, cols, 1, X, cols, Z, k, 0, Y, k);
  else gemm(TRANSPOSED, PLAIN, cols, k, rows, 1, X, cols, Z, k, 0, Y, k);
}

void project(float *B, const float *X, int64_t rows, int64_t cols, Side side, const float *Q,
             int64_t k) {
  if (side == LEFT) gemm(TRANSPOSED, PLAIN, k, cols, rows, 1, Q, k, X, cols, 0, B, cols);
  else gemm(PLAIN, PLAIN, rows, k, cols, 1, X, cols, Q, k, 0, B, k);
}

void project_back(float *X, int64_t rows, int64_t cols, Side side, const float *Q, const float *B,
                  int64_t k, double gain, double keep) {
  float a = (float)gain, b = (float)keep;
  if (side == LEFT) gemm(PLAIN, PLAIN, rows, cols, k, a, Q, k, B, cols, b, X, cols);
  else gemm(PLAIN, TRANSPOSED, rows, cols, k, a, B, k, Q, k, b, X, cols);
}

/* Y (s,k): k of the first `from` columns of X (rows for a tall X), drawn without replacement. */
static void draw_columns(float *Y, const float *X, int64_t rows, int64_t cols, int64_t k,
                         int64_t from, Random *random, int *drawn) {
  int64_t s = i64_min(rows, cols);
  random_distinct(random, (int)k, (int)from, drawn + k, drawn);
  for (int64_t i = 0; i < s; i++)
    for (int64_t j = 0; j < k; j++)
      Y[i * k + j] = rows > cols ? X[drawn[j] * cols + i] : X[i * cols + drawn[j]];
}

/* Z (n) to norm 1, so that the next product does not leave the range of float. */
static void normalize(float *Z, int64_t n) {
  double norm = frobenius_norm(Z, n);
  scale_numbers(Z, n, 1, norm > 0 ? 1 / norm : 0);
}

/* `iterations` times Y = X (X^T orth(Y)), and at last Y = orth(Y); Z (other side, k). */
static void power_iterate(float *Y, float *Z, const float *X, int64_t rows, int64_t cols, Side side,
                          int64_t k, int64_t iterations, const QrWork *qr) {
  int64_t length = side == LEFT ? rows : cols;
  for (int64_t i = 0; i < iterations; i++) {
    orthonormal_columns(Y, length, k, qr);
    to_side(Z, X, rows, cols, opposite(side), Y, k);
    normalize(Z, (rows + cols - length) * k);
    to_side(Y, X, rows, cols, side, Z, k);
  }
  orthonormal_columns(Y, length, k, qr);
}

/* ---- low-rank orthogonalization ---- */

static int is_full(int64_t rows, int64_t cols, const LowRank *low) {
  return i64_min(rows, cols) <= low->full_below;
}

static int draws_columns(const LowRank *low) {
  return low->construction == BY_COLUMNS || low->construction == BY_FIRST_COLUMNS;
}

static int64_t power_iterations(const LowRank *low) {
  return low->construction == BY_POWER ? low->power_iterations : 0;
}

static Polar inner_polar(const LowRank *low) {
  return (Polar){.way = low->inner == INNER_SVD ? BY_SVD : BY_NEWTON_SCHULZ, .ns = low->ns};
}

void low_rank_layout(LowRankWork *work, Scratch *scratch, int64_t rows, int64_t cols,
                     const LowRank *low) {
  Polar inner = inner_polar(low);
  if (is_full(rows, cols, low)) {
    polar_layout(&work->polar, scratch, rows, cols, &inner);
    return;
  }
  int64_t s = i64_min(rows, cols), l = rows + cols - s, k = i64_min(low->rank, s);
  work->Q = scratch_floats(scratch, s * k);
  work->B = scratch_floats(scratch, l * k);
  work->drawn = scratch_take(scratch, k + l, sizeof(int));
  qr_layout(&work->qr, scratch, k);
  polar_layout(&work->polar, scratch, k, l, &inner);
}

double low_rank_flops(int64_t rows, int64_t cols, const LowRank *low) {
  Polar inner = inner_polar(low);
  if (is_full(rows, cols, low)) return polar_flops(rows, cols, &inner);
  double s = (double)i64_min(rows, cols), l = (double)(rows + cols) - s;
  double k = fmin((double)low->rank, s), product = 2 * s * l * k, qr = 4 * s * k * k;
  double sketching = draws_columns(low) ? 0 : product;
  return sketching + (1 + (double)power_iterations(low)) * (2 * product + qr) +
         polar_flops((int64_t)k, (int64_t)l, &inner);
}

/* Y (s,k), not yet orthonormal: columns of X or a Gaussian sketch. */
static void sketch(float *Y, const float *X, int64_t rows, int64_t cols, Side side, int64_t k,
                   const LowRank *low, Random *random, const LowRankWork *work) {
  int64_t l = rows + cols - i64_min(rows, cols);
  if (draws_columns(low)) {
    int64_t from = low->construction == BY_COLUMNS ? l : cols;
    draw_columns(Y, X, rows, cols, k, from, random, work->drawn);
  } else {
    random_normals(random, work->B, l * k);
    to_side(Y, X, rows, cols, side, work->B, k);
  }
}

void low_rank_factor(float *X, int64_t rows, int64_t cols, const LowRank *low, Random *random,
                     const LowRankWork *work) {
  Polar inner = inner_polar(low);
  if (is_full(rows, cols, low)) {
    polar_factor(X, rows, cols, &inner, &work->polar);
    return;
  }
  Side side = rows > cols ? RIGHT : LEFT;
  int64_t s = i64_min(rows, cols), k = i64_min(low->rank, s);
  float *Q = work->Q, *B = work->B;
  sketch(Q, X, rows, cols, side, k, low, random, work);
  power_iterate(Q, B, X, rows, cols, side, k, power_iterations(low), &work->qr);
  project(B, X, rows, cols, side, Q, k);
  polar_factor(B, side == LEFT ? k : rows, side == LEFT ? cols : k, &inner, &work->polar);
  double gain = low->compensation ? sqrt((double)s / (double)k) : 1;
  project_back(X, rows, cols, side, Q, B, k, gain, 0);
}

/* ---- the leading subspace ---- */

static int64_t sketch_width(int64_t rows, int64_t cols, int64_t rank, int64_t oversample) {
  return i64_min(rank + oversample, i64_min(rows, cols));
}

void range_layout(RangeWork *work, Scratch *s, int64_t rows, int64_t cols, Side side, int64_t rank,
                  int64_t oversample) {
  int64_t w = sketch_width(rows, cols, rank, oversample), length = side == LEFT ? rows : cols;
  work->Y = scratch_floats(s, length * w);
  work->B = scratch_floats(s, (rows + cols - length) * w);
  work->turn = scratch_floats(s, w * rank);
  qr_layout(&work->qr, s, w);
  singular_layout(&work->singular, s, w);
}

void range_finder(float *Q, const float *X, int64_t rows, int64_t cols, Side side, int64_t rank,
                  int64_t oversample, int64_t iterations, Random *random, const RangeWork *work) {
  int64_t w = sketch_width(rows, cols, rank, oversample), length = side == LEFT ? rows : cols;
  float *Y = work->Y, *B = work->B;
  random_normals(random, B, (rows + cols - length) * w);
  to_side(Y, X, rows, cols, side, B, w);
  power_iterate(Y, B, X, rows, cols, side, w, iterations, &work->qr);
  project(B, X, rows, cols, side, Y, w);
  singular_basis(B, side == LEFT ? w : rows, side == LEFT ? cols : w, side, &work->singular);
  leading_vectors(work->turn, work->singular.V, w, rank);
  gemm(PLAIN, PLAIN, length, rank, w, 1, Y, w, work->turn, rank, 0, Q, rank);
}
