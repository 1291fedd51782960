#include "model/layernorm.h"

#include <math.h>

enum { COLUMNS = 128 };
static const real EPS = (real)1e-5;

static void normalize_row(real *y, const real *x, real mean, real rstd, const real *w,
                          const real *b, int64_t C) {
  if (b)
    for (int64_t j = 0; j < C; j++) y[j] = (x[j] - mean) * rstd * w[j] + b[j];
  else
    for (int64_t j = 0; j < C; j++) y[j] = (x[j] - mean) * rstd * w[j];
}

void layernorm_forward(real *y, real *stats, const real *x, const real *w, const real *b,
                       int64_t n, int64_t C) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++) {
    const real *row = x + i * C;
    real sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < C; j++) sum += row[j];
    real mean = sum / (real)C;
#pragma omp simd reduction(+ : squares)
    for (int64_t j = 0; j < C; j++) squares += (row[j] - mean) * (row[j] - mean);
    real rstd = 1 / (real)sqrt((double)(squares / (real)C + EPS));
    normalize_row(y + i * C, row, mean, rstd, w, b, C);
    stats[2 * i] = mean;
    stats[2 * i + 1] = rstd;
  }
}

void layernorm_again(real *y, const real *stats, const real *x, const real *w, const real *b,
                     int64_t n, int64_t C) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    normalize_row(y + i * C, x + i * C, stats[2 * i], stats[2 * i + 1], w, b, C);
}

/* dw_j = sum_i dy_ij xhat_ij,  db_j = sum_i dy_ij, in the order of rows for any thread count. */
static void weight_gradients(real *dw, real *db, const real *dy, const real *stats, const real *x,
                             int64_t n, int64_t C, int accumulate) {
#pragma omp parallel for schedule(static)
  for (int64_t from = 0; from < C; from += COLUMNS) {
    int64_t width = C - from < COLUMNS ? C - from : COLUMNS;
    real sum_w[COLUMNS] = {0}, sum_b[COLUMNS] = {0};
    for (int64_t i = 0; i < n; i++) {
      const real *d = dy + i * C + from, *row = x + i * C + from;
      real mean = stats[2 * i], rstd = stats[2 * i + 1];
      for (int64_t j = 0; j < width; j++) {
        sum_w[j] += d[j] * ((row[j] - mean) * rstd);
        sum_b[j] += d[j];
      }
    }
    for (int64_t j = 0; j < width; j++) {
      dw[from + j] = accumulate ? dw[from + j] + sum_w[j] : sum_w[j];
      if (db) db[from + j] = accumulate ? db[from + j] + sum_b[j] : sum_b[j];
    }
  }
}

/* y = xhat w + b, xhat = (x - mean) rstd  =>
   dxhat = dy w,  dx = rstd (dxhat - mean(dxhat) - xhat mean(dxhat xhat)). */
void layernorm_backward(real *dx, real *dw, real *db, const real *dy, const real *stats,
                        const real *x, const real *w, int64_t n, int64_t C, int accumulate) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++) {
    const real *d = dy + i * C, *row = x + i * C;
    real mean = stats[2 * i], rstd = stats[2 * i + 1], sum = 0, along = 0;
#pragma omp simd reduction(+ : sum, along)
    for (int64_t j = 0; j < C; j++) {
      real dxhat = d[j] * w[j];
      sum += dxhat;
      along += dxhat * ((row[j] - mean) * rstd);
    }
    sum /= (real)C;
    along /= (real)C;
    for (int64_t j = 0; j < C; j++)
      dx[i * C + j] += rstd * (d[j] * w[j] - sum - (row[j] - mean) * rstd * along);
  }
  weight_gradients(dw, db, dy, stats, x, n, C, accumulate);
}
