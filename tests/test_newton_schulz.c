/* Newton-Schulz on steep spectra, such as gradients have: the precision of the products must not
   move the large singular values, beyond 1.26 of which Jordan's polynomial diverges. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/lapack.h"
#include "core/precision.h"
#include "optim/parts/newton_schulz.h"
#include "optim/parts/norms.h"
#include "tests/check.h"
#include "tools/spectra/values.h"

enum { N = 128 * 512 };
static float U[N], V[N], T[N], X[N];
static Err err;

/* Orthonormal columns (rows,cols). */
static void draw_basis(float *Q, int64_t rows, int64_t cols, uint64_t stream) {
  QrWork work;
  Scratch s = {0};
  qr_layout(&work, &s, cols);
  void *memory = scratch_allocate(&s);
  qr_layout(&work, &s, cols);
  for (int64_t i = 0; i < rows * cols; i++) Q[i] = check_value(stream, (uint64_t)i);
  orthonormal_columns(Q, rows, cols, &work);
  free(memory);
}

/* The largest singular value of Jordan's result for X (s,l), which is replaced. */
static double largest_after(int64_t s, int64_t l, Precision precision) {
  NewtonSchulzPlan plan = newton_schulz_plan(&(NewtonSchulz){NS_JORDAN, 0});
  NewtonSchulzWork work;
  Scratch scratch = {0};
  Values v;
  newton_schulz_layout(&work, &scratch, s, l);
  void *memory = scratch_allocate(&scratch);
  newton_schulz_layout(&work, &scratch, s, l);
  precision_set(precision);
  newton_schulz(X, s, l, &plan, &work);
  precision_set(PRECISION_FP32);
  free(memory);
  check(values_of_matrix(&v, X, s, l, &err) == 0, "%s", err.text);
  double largest = v.x[0] * frobenius_norm(X, s * l);
  values_free(&v);
  return largest;
}

/* `large` singular values are 1, the others `small`. */
static void test_steep(int64_t s, int64_t l, int64_t large, double small) {
  double largest[2];
  draw_basis(U, s, s, 1);
  draw_basis(V, l, s, 2);
  for (int64_t i = 0; i < s; i++)
    for (int64_t j = 0; j < l; j++) T[i * l + j] = (float)(i < large ? 1 : small) * V[j * s + i];
  for (int k = 0; k < 2; k++) {
    gemm(PLAIN, PLAIN, s, l, s, 1, U, s, T, l, 0, X, l);
    largest[k] = largest_after(s, l, k ? PRECISION_BF16 : PRECISION_FP32);
  }
  /* Five steps, each with roundings of 0.4 %. */
  check_near(largest[1], largest[0], 0.06, "%lld x %lld, %lld large, others %g: bf16",
             (long long)s, (long long)l, (long long)large, small);
}

int main(void) {
  static const int64_t shapes[][2] = {{64, 128}, {128, 512}, {128, 128}, {32, 128}};
  static const int64_t large[] = {1, 5};
  static const double small[] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5};
  threads_start(2);
  check(precision_start(&err) == 0, "%s", err.text);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 2; j++)
      for (int k = 0; k < 5; k++) test_steep(shapes[i][0], shapes[i][1], large[j], small[k]);
  return check_report("newton_schulz");
}
