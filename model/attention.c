#include "model/attention.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/elementary.h"

enum { ROWS = 64 }; /* query rows per block */

/* Numbers of one thread: two blocks of rows and the dropout mask of a row. */
static int64_t thread_scratch(int64_t T) { return (2 * ROWS + 1) * T; }

size_t attention_scratch(int64_t T) { return (size_t)(threads_count() * thread_scratch(T)); }

/* The dropout of one head in one sequence; `drop` is NULL without. */
typedef struct {
  const Dropout *drop;
  int64_t row, head, T;
  real *mask; /* (T) scratch */
} HeadMask;

/* The mask of the weights of query t for keys 0..t, or NULL. */
static const real *mask_row(const HeadMask *m, int64_t t) {
  int64_t stride = (m->T + DROPOUT_UNIT - 1) / DROPOUT_UNIT * DROPOUT_UNIT;
  if (!m->drop) return NULL;
  dropout_mask(m->mask, m->drop, m->row, (m->head * m->T + t) * stride, t + 1);
  return m->mask;
}

/* One row of scores s (n) of which the first `seen` are not masked: s = exp(s - max), 0 where
   masked. Returns the sum, and the maximum in *max. Then s is multiplied by the dropout mask `drop`
   (seen), or by nothing if that is NULL. */
static real exp_row(real *s, const real *drop, int64_t seen, int64_t n, real *max) {
  real m = s[0], sum = 0;
#pragma omp simd reduction(max : m)
  for (int64_t j = 0; j < seen; j++) m = s[j] > m ? s[j] : m;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < seen; j++) {
    s[j] = exp_real(s[j] - m);
    sum += s[j];
  }
  for (int64_t j = 0; drop && j < seen; j++) s[j] *= drop[j];
  memset(s + seen, 0, (size_t)(n - seen) * sizeof *s);
  *max = m;
  return sum;
}

/* One sequence, one head: y (T,hs) with row stride C, q k v (T,hs) with row stride 3C. */
static void head_forward(real *y, real *lse, const real *q, const real *k, const real *v,
                         int64_t C, int64_t hs, const HeadMask *mask, real *s) {
  int64_t T = mask->T;
  real scale = 1 / (real)sqrt((double)hs);
  for (int64_t from = 0; from < T; from += ROWS) {
    int64_t rows = T - from < ROWS ? T - from : ROWS, n = from + rows;
    real sum[ROWS];
    gemm(PLAIN, TRANSPOSED, rows, n, hs, scale, q + from * 3 * C, 3 * C, k, 3 * C, 0, s, n);
    for (int64_t i = 0; i < rows; i++) {
      real max;
      sum[i] = exp_row(s + i * n, mask_row(mask, from + i), from + i + 1, n, &max);
      lse[from + i] = max + (real)log((double)sum[i]);
    }
    gemm(PLAIN, PLAIN, rows, hs, n, 1, s, n, v, 3 * C, 0, y + from * C, C);
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < hs; j++) y[(from + i) * C + j] /= sum[i];
  }
}

void attention_forward(real *y, real *lse, const real *qkv, int64_t B, int64_t T, int64_t C,
                       int64_t NH, const Dropout *drop, real *scratch) {
  int64_t hs = C / NH;
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < B * NH; bh++) {
    int64_t b = bh / NH, h = bh % NH;
    const real *q = qkv + b * T * 3 * C + h * hs;
    real *s = scratch + thread_number() * thread_scratch(T);
    HeadMask mask = {drop, b, h, T, s + 2 * ROWS * T};
    head_forward(y + b * T * C + h * hs, lse + bh * T, q, q + C, q + 2 * C, C, hs, &mask, s);
  }
}

/* s (n) scores and dp (n) = dy . v of one row become p and ds:
   p = exp(s - lse),  ds = p (dp - d) scale  with d = dy . y.
   With a dropout mask, y = sum of mask p v: then s becomes mask p, ds = p (mask dp - d) scale. */
static void softmax_backward_row(real *s, real *dp, const real *drop, int64_t seen, int64_t n,
                                 real lse, real d, real scale) {
  for (int64_t j = 0; drop && j < seen; j++) dp[j] *= drop[j];
#pragma omp simd
  for (int64_t j = 0; j < seen; j++) {
    s[j] = exp_real(s[j] - lse);
    dp[j] = s[j] * (dp[j] - d) * scale;
  }
  for (int64_t j = 0; drop && j < seen; j++) s[j] *= drop[j];
  memset(s + seen, 0, (size_t)(n - seen) * sizeof *s);
  memset(dp + seen, 0, (size_t)(n - seen) * sizeof *dp);
}

/* p = softmax(scale q k^T), y = p v  =>  dv = p^T dy, dp = dy v^T, ds = p (dp - dy.y) scale,
   dq = ds k, dk = ds^T q. The block of rows from..from+rows touches keys 0..n. */
static void head_backward(real *dq, real *dk, real *dv, const real *dy, const real *y,
                          const real *lse, const real *q, const real *k, const real *v, int64_t C,
                          int64_t hs, const HeadMask *mask, real *s) {
  int64_t T = mask->T;
  real scale = 1 / (real)sqrt((double)hs);
  real *dp = s + ROWS * T;
  int64_t ld = 3 * C;
  for (int64_t from = (T - 1) / ROWS * ROWS; from >= 0; from -= ROWS) {
    int64_t rows = T - from < ROWS ? T - from : ROWS, n = from + rows;
    const real *q_block = q + from * ld, *dy_block = dy + from * C;
    real add = n < T; /* the last block, which sees every key, comes first and sets dk and dv */
    gemm(PLAIN, TRANSPOSED, rows, n, hs, scale, q_block, ld, k, ld, 0, s, n);
    gemm(PLAIN, TRANSPOSED, rows, n, hs, 1, dy_block, C, v, ld, 0, dp, n);
    for (int64_t i = 0; i < rows; i++) {
      real d = 0;
#pragma omp simd reduction(+ : d)
      for (int64_t j = 0; j < hs; j++) d += dy_block[i * C + j] * y[(from + i) * C + j];
      softmax_backward_row(s + i * n, dp + i * n, mask_row(mask, from + i), from + i + 1, n,
                           lse[from + i], d, scale);
    }
    gemm(PLAIN, PLAIN, rows, hs, n, 1, dp, n, k, ld, 0, dq + from * ld, ld);
    gemm(TRANSPOSED, PLAIN, n, hs, rows, 1, dp, n, q_block, ld, add, dk, ld);
    gemm(TRANSPOSED, PLAIN, n, hs, rows, 1, s, n, dy_block, C, add, dv, ld);
  }
}

void attention_backward(real *dqkv, const real *dy, const real *y, const real *lse,
                        const real *qkv, int64_t B, int64_t T, int64_t C, int64_t NH,
                        const Dropout *drop, real *scratch) {
  int64_t hs = C / NH;
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < B * NH; bh++) {
    int64_t b = bh / NH, h = bh % NH, at = b * T * 3 * C + h * hs, at_y = b * T * C + h * hs;
    const real *q = qkv + at;
    real *dq = dqkv + at;
    real *s = scratch + thread_number() * thread_scratch(T);
    HeadMask mask = {drop, b, h, T, s + 2 * ROWS * T};
    head_backward(dq, dq + C, dq + 2 * C, dy + at_y, y + at_y, lse + bh * T, q, q + C, q + 2 * C,
                  C, hs, &mask, s);
  }
}
