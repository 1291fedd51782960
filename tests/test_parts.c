/* The parts that methods share, each against its definition. Tests: optim/parts/select
   optim/parts/norms optim/parts/momentum optim/parts/adam optim/parts/lmo optim/parts/basis
   optim/parts/low_rank optim/parts/fit */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/quantile.h"
#include "core/threads.h"
#include "optim/parts/adam.h"
#include "optim/parts/fit.h"
#include "optim/parts/lmo.h"
#include "optim/parts/low_rank.h"
#include "optim/parts/momentum.h"
#include "optim/parts/select.h"
#include "tests/check.h"

enum { ROWS = 12, COLS = 9, SIZE = ROWS * COLS };

static void fill(float *x, int64_t n, uint64_t stream) {
  for (int64_t i = 0; i < n; i++) x[i] = check_value(stream, (uint64_t)i);
}

/* ||a - b|| / ||b|| */
static double difference(const float *a, const float *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
  return sqrt(sum) / frobenius_norm(b, n);
}

static double product(const float *a, const float *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
  return sum;
}

/* Against a sorted copy, with equal numbers among them. */
static void test_select(int n, int different) {
  float *x = malloc((size_t)n * sizeof *x);
  double *sorted = malloc((size_t)n * sizeof *sorted);
  for (int k = 0; k < n; k += 1 + n / 7) {
    for (int i = 0; i < n; i++) {
      x[i] = (float)(check_splitmix((uint64_t)i) % (uint64_t)different) - 3;
      sorted[i] = (double)x[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    float got = select_kth(x, n, k);
    int after = 1;
    for (int i = k; i < n; i++) after &= x[i] >= got;
    check((double)got == sorted[k] && after, "number %d of %d: %g, not %g", k, n, (double)got,
          sorted[k]);
  }
  free(x), free(sorted);
}

static void test_norms(void) {
  float x[SIZE];
  fill(x, SIZE, 1);
  check_near(frobenius_norm(x, SIZE), sqrt(product(x, x, SIZE)), 1e-12, "Frobenius norm");
  double sum = 0;
  for (int i = 0; i < ROWS; i++) sum += (double)x[i * COLS + 2] * x[i * COLS + 2];
  check_near(square_sum(x + 2, ROWS, COLS), sum, 1e-12, "squares of a column");
  scale_numbers(x + 2, ROWS, COLS, -0.5);
  check_near(square_sum(x + 2, ROWS, COLS), sum / 4, 1e-12, "a column, scaled by -1/2");
}

/* Three steps in double; float sums of a few numbers are off by 1e-6 at most. */
static void test_moments(int nesterov) {
  const double mu = 0.9;
  const Adam options = {0.9, 0.99, 1e-8};
  float ema[SIZE] = {0}, heavy[SIZE] = {0}, m[SIZE] = {0}, v[SIZE] = {0}, g[SIZE], z[SIZE];
  double e[SIZE] = {0}, h[SIZE] = {0}, first[SIZE] = {0}, second[SIZE] = {0};
  for (int t = 1; t <= 3; t++) {
    fill(g, SIZE, (uint64_t)t);
    momentum_ema(z, ema, g, SIZE, mu, nesterov);
    for (int i = 0; i < SIZE; i++) {
      double x = (double)g[i];
      e[i] = mu * e[i] + (1 - mu) * x;
      check_near((double)z[i], nesterov ? (1 - mu) * x + mu * e[i] : e[i], 1e-6, "ema");
    }
    momentum_heavy_ball(z, heavy, g, SIZE, mu, nesterov);
    for (int i = 0; i < SIZE; i++) {
      double x = (double)g[i];
      h[i] = mu * h[i] + x;
      check_near((double)z[i], nesterov ? x + mu * h[i] : h[i], 1e-6, "heavy ball");
    }
    AdamStep a = adam_step(&options, t, 0.5);
    adam(z, m, v, g, SIZE, &a);
    for (int i = 0; i < SIZE; i++) {
      double x = (double)g[i];
      first[i] = options.beta1 * first[i] + (1 - options.beta1) * x;
      second[i] = options.beta2 * second[i] + (1 - options.beta2) * x * x;
      double root = sqrt(second[i] / (1 - pow(options.beta2, t))) + options.eps;
      check_near((double)z[i], 0.5 * first[i] / (1 - pow(options.beta1, t)) / root, 2e-6, "Adam");
    }
  }
}

/* <M, D> is the dual norm of M. */
static void test_lmo(int norm) {
  const Polar polar = {.way = BY_SVD};
  float M[SIZE], D[SIZE];
  PolarWork work = {0};
  Scratch s = {0};
  lmo_layout(&work, &s, ROWS, COLS, norm, &polar);
  void *memory = scratch_allocate(&s);
  lmo_layout(&work, &s, ROWS, COLS, norm, &polar);
  fill(M, SIZE, 4);
  memcpy(D, M, sizeof D);
  lmo(D, ROWS, COLS, norm, &polar, &work);
  double dual = 0;
  if (norm == NORM_FROBENIUS) dual = frobenius_norm(M, SIZE);
  for (int i = 0; i < SIZE && norm == NORM_SIGN; i++) dual += fabs((double)M[i]);
  for (int j = 0; j < COLS && norm == NORM_COLUMN; j++)
    dual += sqrt(ROWS * square_sum(M + j, ROWS, COLS));
  for (int i = 0; i < ROWS && norm == NORM_ROW; i++)
    dual += sqrt(COLS * square_sum(M + i * COLS, COLS, 1));
  if (norm == NORM_SPECTRAL || norm == NORM_RMS) { /* the sum of the singular values */
    SingularWork w;
    Scratch t = {0};
    singular_layout(&w, &t, COLS);
    void *room = scratch_allocate(&t);
    singular_layout(&w, &t, COLS);
    singular_basis(M, ROWS, COLS, RIGHT, &w);
    for (int i = 0; i < COLS; i++) dual += w.values[i];
    if (norm == NORM_RMS) dual *= sqrt((double)ROWS / COLS);
    free(room);
  }
  check_near(product(M, D, SIZE), dual, 1e-5, "norm %d: <M, D>", norm);
  memset(D, 0, sizeof D);
  lmo(D, ROWS, COLS, norm, &polar, &work);
  check(frobenius_norm(D, SIZE) == 0, "norm %d: zero does not stay zero", norm);
  free(memory);
}

/* A second projection changes nothing, and a range finder with enough directions keeps all of X. */
static void test_projection(Side side, int64_t k) {
  int64_t n = side == LEFT ? ROWS : COLS, across = side == LEFT ? COLS : ROWS;
  float X[SIZE], Y[SIZE], Q[ROWS * ROWS], B[SIZE], again[SIZE];
  RangeWork work;
  Scratch s = {0};
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  range_layout(&work, &s, ROWS, COLS, side, k, 0);
  void *memory = scratch_allocate(&s);
  range_layout(&work, &s, ROWS, COLS, side, k, 0);
  fill(X, SIZE, 5);
  range_finder(Q, X, ROWS, COLS, side, k, 0, 2, &random, &work);
  project(B, X, ROWS, COLS, side, Q, k);
  project_back(Y, ROWS, COLS, side, Q, B, k, 1, 0);
  project(again, Y, ROWS, COLS, side, Q, k);
  check(difference(again, B, k * across) < 1e-5, "side %d, rank %d: a second projection", side,
        (int)k);
  if (k == n || k == COLS)
    check(difference(Y, X, SIZE) < 1e-5, "side %d, rank %d: X is not whole", side, (int)k);
  else
    check(frobenius_norm(Y, SIZE) < frobenius_norm(X, SIZE), "rank %d keeps everything", (int)k);
  free(memory);
}

/* k singular values of 1; with all directions it is the polar factor. */
static void test_low_rank(int construction, int64_t k) {
  LowRank low = {.rank = k, .power_iterations = 1, .construction = construction,
                 .inner = INNER_SVD};
  float X[SIZE], whole[SIZE];
  LowRankWork work;
  Scratch s = {0};
  Random random = random_stream(1, RANDOM_TEST, 1, 0);
  low_rank_layout(&work, &s, ROWS, COLS, &low);
  void *memory = scratch_allocate(&s);
  low_rank_layout(&work, &s, ROWS, COLS, &low);
  fill(X, SIZE, 6);
  memcpy(whole, X, sizeof X);
  low_rank_factor(X, ROWS, COLS, &low, &random, &work);
  check_near(product(X, X, SIZE), (double)k, 1e-4, "construction %d: %d ones", construction,
             (int)k);
  free(memory);
  if (k < COLS) return;
  const Polar polar = {.way = BY_SVD};
  PolarWork p;
  s = (Scratch){0};
  polar_layout(&p, &s, ROWS, COLS, &polar);
  memory = scratch_allocate(&s);
  polar_layout(&p, &s, ROWS, COLS, &polar);
  polar_factor(whole, ROWS, COLS, &polar, &p);
  check(difference(X, whole, SIZE) < 1e-4, "construction %d: not the polar factor",
        construction);
  free(memory);
}

static void test_fit(void) {
  static const double fails[] = {3.4445, 0, 0}, keeps[] = {1.875, -1.25, 0.375};
  double abc[3];
  check(!coefficients_safe(fails) && coefficients_safe(keeps), "which polynomials are safe");
  fit_coefficients(16, 32, 3, abc);
  check(coefficients_safe(abc), "the fitted polynomial is not safe");
  /* Singular values of a normalized Gaussian 16 x 32 matrix are near 0.07 to 0.43. */
  double fitted = 0, slow = 0;
  for (double x = 0.07; x < 0.43; x += 0.01) {
    double a = x, b = x;
    for (int i = 0; i < 3; i++) {
      a = a * (abc[0] + a * a * (abc[1] + a * a * abc[2]));
      b = b * (keeps[0] + b * b * (keeps[1] + b * b * keeps[2]));
    }
    fitted += (a - 1) * (a - 1);
    slow += (b - 1) * (b - 1);
  }
  check(fitted < slow / 4, "error of the fitted polynomial %g, of a slow one %g", fitted, slow);
}

int main(void) {
  threads_start(1);
  for (int n = 1; n < 300; n = 3 * n + 1)
    for (int different = 1; different < 1000; different *= 10) test_select(n, different);
  test_norms();
  test_moments(0);
  test_moments(1);
  for (int norm = NORM_SPECTRAL; norm <= NORM_ROW; norm++) test_lmo(norm);
  for (int side = LEFT; side <= RIGHT; side++) {
    test_projection((Side)side, 1);
    test_projection((Side)side, 4);
    test_projection((Side)side, COLS);
  }
  for (int construction = BY_COLUMNS; construction <= BY_POWER; construction++) {
    test_low_rank(construction, 3);
    test_low_rank(construction, COLS);
  }
  test_fit();
  return check_report("parts");
}
