#include "core/bf16.h"

#ifdef BF16_KERNELS

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

enum {
  ROWS = 8, /* ROWS * 2 sums hide the latency of 6 cycles */
  PAIRS = BF16_DEPTH / 2,
  LINE = 32, /* numbers of a cache line */
};

/* Up to 8 rows and 16 `width` columns of C. sum[r][w] has 16 sums of row r; for each pair of k,
   b[w] has the pairs of 16 columns, and `pair` that of row r in every lane. */
static inline __attribute__((always_inline)) TARGET void eight_rows(
    const Bf16Tile *t, int64_t row, int width) {
  const uint16_t *a = t->a + row / BF16_PANEL * t->panel + row % BF16_PANEL * BF16_DEPTH, *b = t->b;
  /* A share of t->next for each block and eight rows. */
  int64_t lines = (t->ahead / LINE + 4 * t->blocks - 1) / (4 * t->blocks);
  const uint16_t *next = t->next + row / ROWS * t->blocks * lines * LINE;
  __m512 sum[ROWS][2];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++)
    sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  for (int r = 0; r < ROWS && row + r < t->rows; r++)
    for (int w = 0; w < width; w++)
      __builtin_prefetch(t->C + (row + r) * t->ldc + 16 * w, 1);
  for (int64_t block = 0; block < t->blocks; block++, a += BF16_BLOCK, b += BF16_BLOCK) {
    for (int64_t line = 0; line < lines; line++, next += LINE)
      _mm_prefetch((const char *)next, _MM_HINT_T1);
#pragma GCC unroll 2
    for (int p = 0; p < PAIRS; p++) {
      __m512bh b0 = (__m512bh)_mm512_load_si512(b + 32 * p), b1 = b0;
      if (width == 2) b1 = (__m512bh)_mm512_load_si512(b + t->panel + 32 * p);
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) {
        int two;
        __builtin_memcpy(&two, a + r * BF16_DEPTH + 2 * p, sizeof two);
        __m512bh pair = (__m512bh)_mm512_set1_epi32(two);
        sum[r][0] = _mm512_dpbf16_ps(sum[r][0], pair, b0);
        if (width == 2) sum[r][1] = _mm512_dpbf16_ps(sum[r][1], pair, b1);
      }
    }
  }
  __m512 alpha = _mm512_set1_ps(t->alpha), beta = _mm512_set1_ps(t->beta);
  uint32_t mask = t->cols >= 32 ? ~0u : (1u << t->cols) - 1;
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) {
    float *C = t->C + (row + r) * t->ldc;
    if (row + r >= t->rows) break;
#pragma GCC unroll 2
    for (int w = 0; w < width; w++) {
      __mmask16 m = (__mmask16)(mask >> 16 * w);
      __m512 x = _mm512_mul_ps(alpha, sum[r][w]);
      if (t->beta != 0) x = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(m, C + 16 * w), x);
      _mm512_mask_storeu_ps(C + 16 * w, m, x);
    }
  }
}

TARGET static void multiply(const Bf16Tile *t) {
  for (int64_t row = 0; row < t->rows; row += ROWS) {
    if (t->cols > BF16_PANEL) eight_rows(t, row, 2);
    else eight_rows(t, row, 1);
  }
}

const Bf16Kernel bf16_dot = {.multiply = multiply};

#endif
