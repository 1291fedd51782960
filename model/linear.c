#include "model/linear.h"

#include <string.h>

#include "core/blas.h"

enum { COLUMNS = 128 }; /* columns summed together: 768 are then work for 2 or 3 threads */

/* y starts as the bias and gemm adds to it: without, OpenBLAS would write zeros first. */
void linear_forward(real *y, const real *x, const real *w, const real *b, int64_t n, int64_t in,
                    int64_t out) {
#pragma omp parallel for schedule(static) if (b)
  for (int64_t i = 0; i < (b ? n : 0); i++) memcpy(y + i * out, b, (size_t)out * sizeof *y);
  gemm(PLAIN, TRANSPOSED, n, out, in, 1, x, in, w, in, b != NULL, y, out);
}

void linear_forward_residual(real *y, const real *residual, const real *x, const real *w,
                             const real *b, int64_t n, int64_t in, int64_t out) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < out; j++)
      y[i * out + j] = b ? residual[i * out + j] + b[j] : residual[i * out + j];
  gemm(PLAIN, TRANSPOSED, n, out, in, 1, x, in, w, in, 1, y, out);
}

/* db_j = sum_i dy_ij, in the order of rows for any thread count. */
static void column_sums(real *db, const real *dy, int64_t n, int64_t out, int accumulate) {
#pragma omp parallel for schedule(static)
  for (int64_t from = 0; from < out; from += COLUMNS) {
    int64_t width = out - from < COLUMNS ? out - from : COLUMNS;
    real sum[COLUMNS] = {0};
    for (int64_t i = 0; i < n; i++) {
      const real *row = dy + i * out + from;
      for (int64_t j = 0; j < width; j++) sum[j] += row[j];
    }
    for (int64_t j = 0; j < width; j++)
      db[from + j] = accumulate ? db[from + j] + sum[j] : sum[j];
  }
}

/* y = x W^T + b  =>  dW = dy^T x,  db = sum over rows of dy. */
void linear_weight_gradient(real *dw, real *db, const real *dy, const real *x, int64_t n,
                            int64_t in, int64_t out, int accumulate) {
  gemm(TRANSPOSED, PLAIN, out, in, n, 1, dy, out, x, in, (real)accumulate, dw, in);
  if (db) column_sums(db, dy, n, out, accumulate);
}

/* y = x W^T + b  =>  dx = dy W. */
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w,
                     int64_t n, int64_t in, int64_t out, int accumulate) {
  gemm(PLAIN, PLAIN, n, in, out, 1, dy, out, w, in, 0, dx, in);
  linear_weight_gradient(dw, db, dy, x, n, in, out, accumulate);
}
