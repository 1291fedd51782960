#include "optim/parts/low_rank.h"

#include <math.h>

#include "core/blas.h"
#include "core/lapack.h"
#include "optim/optim.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static Side short_side(int64_t rows, int64_t cols) { return rows > cols ? RIGHT : LEFT; }

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
                         int64_t from, Random *random, float *scratch) {
  int64_t s = least(rows, cols);
  int *drawn = (int *)(void *)scratch;
  random_distinct(random, (int)k, (int)from, drawn + k, drawn);
  for (int64_t i = 0; i < s; i++)
    for (int64_t j = 0; j < k; j++)
      Y[i * k + j] = rows > cols ? X[drawn[j] * cols + i] : X[i * cols + drawn[j]];
}

/* X^T Y to norm 1, so that the next product does not leave the range of float. */
static void normalize(float *Z, int64_t n) {
  double norm = frobenius_norm(Z, n), scale = norm > 0 ? 1 / norm : 0;
  for (int64_t i = 0; i < n; i++) Z[i] = (float)((double)Z[i] * scale);
}

/* `iterations` times Y = X (X^T orth(Y)), and at last Y = orth(Y); Z (other side, k). */
static void power_iterate(float *Y, float *Z, const float *X, int64_t rows, int64_t cols, Side side,
                          int64_t k, int64_t iterations, float *work) {
  int64_t length = side == LEFT ? rows : cols;
  Side other = side == LEFT ? RIGHT : LEFT;
  for (int64_t i = 0; i < iterations; i++) {
    orthonormal_columns(Y, length, k, work);
    to_side(Z, X, rows, cols, other, Y, k);
    normalize(Z, (rows + cols - length) * k);
    to_side(Y, X, rows, cols, side, Z, k);
  }
  orthonormal_columns(Y, length, k, work);
}

/* ---- low-rank orthogonalization ---- */

static int is_full(int64_t rows, int64_t cols, const LowRank *low) {
  return least(rows, cols) <= low->full_below;
}

static Polar inner_polar(const LowRank *low) {
  return (Polar){.way = low->inner == INNER_SVD ? BY_SVD : BY_NEWTON_SCHULZ, .ns = low->ns};
}

int64_t low_rank_scratch(int64_t rows, int64_t cols, const LowRank *low) {
  Polar inner = inner_polar(low);
  if (is_full(rows, cols, low)) return polar_scratch(rows, cols, &inner);
  int64_t s = least(rows, cols), l = rows + cols - s, k = least(low->rank, s);
  return aligned(s * k) + aligned(l * k) + polar_scratch(k, l, &inner) + orthonormal_work(k) + k +
         l;
}

double low_rank_flops(int64_t rows, int64_t cols, const LowRank *low) {
  Polar inner = inner_polar(low);
  if (is_full(rows, cols, low)) return polar_flops(rows, cols, &inner);
  double s = (double)least(rows, cols), l = (double)(rows + cols) - s;
  double k = fmin((double)low->rank, s), product = 2 * s * l * k, qr = 4 * s * k * k;
  double iterations = low->construction == BY_POWER ? (double)low->power_iterations : 0;
  int drawn = low->construction == BY_COLUMNS || low->construction == BY_FIRST_COLUMNS;
  double sketch = drawn ? 0 : product;
  return sketch + (1 + iterations) * (2 * product + qr) +
         polar_flops((int64_t)k, (int64_t)l, &inner);
}

void low_rank_factor(float *X, int64_t rows, int64_t cols, const LowRank *low, Random *random,
                     float *scratch) {
  Polar inner = inner_polar(low);
  if (is_full(rows, cols, low)) {
    polar_factor(X, rows, cols, &inner, scratch);
    return;
  }
  Side side = short_side(rows, cols);
  int64_t s = least(rows, cols), l = rows + cols - s, k = least(low->rank, s);
  float *Q = scratch, *B = Q + aligned(s * k), *rest = B + aligned(l * k);
  if (low->construction == BY_COLUMNS || low->construction == BY_FIRST_COLUMNS) {
    draw_columns(Q, X, rows, cols, k, low->construction == BY_COLUMNS ? l : cols, random, rest);
  } else {
    random_normals(random, B, l * k);
    to_side(Q, X, rows, cols, side, B, k);
  }
  int64_t power = low->construction == BY_POWER ? low->power_iterations : 0;
  power_iterate(Q, B, X, rows, cols, side, k, power, rest);
  project(B, X, rows, cols, side, Q, k);
  polar_factor(B, side == LEFT ? k : rows, side == LEFT ? cols : k, &inner, rest);
  double gain = low->compensation ? sqrt((double)s / (double)k) : 1;
  project_back(X, rows, cols, side, Q, B, k, gain, 0);
}

/* ---- the leading subspace ---- */

static int64_t sketch_width(int64_t rows, int64_t cols, int64_t rank, int64_t oversample) {
  return least(rank + oversample, least(rows, cols));
}

int64_t range_finder_scratch(int64_t rows, int64_t cols, Side side, int64_t rank,
                             int64_t oversample) {
  int64_t w = sketch_width(rows, cols, rank, oversample), length = side == LEFT ? rows : cols;
  int64_t other = rows + cols - length;
  return aligned(length * w) + aligned(other * w) + aligned(w * rank) + orthonormal_work(w) +
         2 * (w * w + w + singular_work(w)) + 16;
}

void range_finder(float *Q, const float *X, int64_t rows, int64_t cols, Side side, int64_t rank,
                  int64_t oversample, int64_t power_iterations, Random *random, float *scratch) {
  int64_t w = sketch_width(rows, cols, rank, oversample), length = side == LEFT ? rows : cols;
  int64_t other = rows + cols - length;
  double *V = (double *)(void *)scratch, *values = V + w * w, *eigen = values + w;
  float *Y = scratch + aligned(2 * (w * w + w + singular_work(w)));
  float *B = Y + aligned(length * w), *turn = B + aligned(other * w);
  float *work = turn + aligned(w * rank);
  random_normals(random, B, other * w);
  to_side(Y, X, rows, cols, side, B, w);
  power_iterate(Y, B, X, rows, cols, side, w, power_iterations, work);
  project(B, X, rows, cols, side, Y, w);
  if (side == LEFT) singular_basis(B, w, cols, 0, V, values, eigen);
  else singular_basis(B, rows, w, 1, V, values, eigen);
  for (int64_t i = 0; i < w; i++)
    for (int64_t j = 0; j < rank; j++) turn[i * rank + j] = (float)V[j * w + i];
  gemm(PLAIN, PLAIN, length, rank, w, 1, Y, w, turn, rank, 0, Q, rank);
}
