/* Orthonormal bases and eigenvalues, checked by their definitions. */
#include "core/lapack.h"

#include <math.h>
#include <stdlib.h>

#include "core/threads.h"
#include "tests/check.h"

/* Y (rows,k) of the given rank becomes Q with Q^T Q = I, and Q Q^T Y0 = Y0. Float: a sum of `rows`
   products of numbers below 1 is off by less than rows * 1.2e-7. */
static void test_basis(int64_t rows, int64_t k, int64_t rank) {
  float *start = malloc((size_t)(rows * k) * sizeof *start);
  float *Y = malloc((size_t)(rows * k) * sizeof *Y);
  QrWork work;
  Scratch s = {0};
  qr_layout(&work, &s, k);
  void *memory = scratch_allocate(&s);
  qr_layout(&work, &s, k);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < k; j++)
      Y[i * k + j] = start[i * k + j] = check_value(1 + (uint64_t)(j % rank), (uint64_t)i);
  orthonormal_columns(Y, rows, k, &work);
  double off = 0, left = 0;
  for (int64_t a = 0; a < k; a++) {
    for (int64_t b = 0; b < k; b++) {
      double dot = 0;
      for (int64_t i = 0; i < rows; i++) dot += (double)Y[i * k + a] * Y[i * k + b];
      off = fmax(off, fabs(dot - (a == b)));
    }
    for (int64_t i = 0; i < rows; i++) {
      double x = start[i * k + a];
      for (int64_t b = 0; b < k; b++) {
        double dot = 0;
        for (int64_t m = 0; m < rows; m++) dot += (double)Y[m * k + b] * start[m * k + a];
        x -= dot * Y[i * k + b];
      }
      left = fmax(left, fabs(x));
    }
  }
  double most = 1.2e-6 * sqrt((double)(rows * k));
  check(off < most && left < 4 * most, "%d x %d, rank %d: Q^T Q - I %g, Y outside the span %g",
        (int)rows, (int)k, (int)rank, off, left);
  free(memory);
  free(start);
  free(Y);
}

/* A = V^T diag(values) V, V V^T = I, values descend; and the same values without vectors. */
static void test_eigen(int64_t n) {
  double *A = malloc((size_t)(n * n) * sizeof *A), *V = malloc((size_t)(n * n) * sizeof *V);
  double *values = malloc((size_t)n * sizeof *values), *alone = malloc((size_t)n * sizeof *alone);
  EigenWork work;
  Scratch s = {0};
  eigen_layout(&work, &s, n);
  void *memory = scratch_allocate(&s);
  eigen_layout(&work, &s, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++)
      A[i * n + j] = A[j * n + i] = V[i * n + j] = V[j * n + i] =
          (double)check_value(5, (uint64_t)(i * n + j));
  symmetric_eigen(V, values, n, &work);
  double off = 0, wrong = 0;
  int descend = 1;
  for (int64_t i = 0; i < n; i++) {
    descend &= i == 0 || values[i] <= values[i - 1];
    for (int64_t j = 0; j < n; j++) {
      double dot = 0, sum = 0;
      for (int64_t k = 0; k < n; k++) {
        dot += V[i * n + k] * V[j * n + k];
        sum += V[k * n + i] * values[k] * V[k * n + j];
      }
      off = fmax(off, fabs(dot - (i == j)));
      wrong = fmax(wrong, fabs(sum - A[i * n + j]));
    }
  }
  check(descend && off < 1e-12 * (double)n && wrong < 1e-12 * (double)n,
        "n = %d: V V^T - I %g, V^T D V - A %g", (int)n, off, wrong);
  free(memory);
  s = (Scratch){0};
  eigenvalues_layout(&work, &s, n);
  memory = scratch_allocate(&s);
  eigenvalues_layout(&work, &s, n);
  symmetric_eigenvalues(A, alone, n, &work);
  for (int64_t i = 0; i < n; i++)
    check(fabs(alone[i] - values[i]) < 1e-12 * (double)n, "n = %d: value %d", (int)n, (int)i);
  free(memory);
  free(A), free(V), free(values), free(alone);
}

int main(void) {
  threads_start(1);
  test_basis(1, 1, 1);
  test_basis(30, 7, 7);
  test_basis(30, 7, 3);
  test_basis(12, 12, 12);
  test_basis(200, 64, 64);
  for (int64_t n = 1; n < 40; n = 2 * n + 1) test_eigen(n);
  return check_report("lapack");
}
