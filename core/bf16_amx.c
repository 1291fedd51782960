#include "core/bf16.h"

#ifdef BF16_KERNELS

#include <immintrin.h>
#include <string.h>

/* A test defines these names as functions that do in C what the instructions do. */
#ifndef TILE_LOAD
#define TILE_CONFIGURE _tile_loadconfig
#define TILE_RELEASE _tile_release
#define TILE_LOAD _tile_loadd
#define TILE_STORE _tile_stored
#define TILE_ZERO _tile_zero
#define TILE_DOT _tile_dpbf16ps /* C += A B, 16 x 16 sums of 32 products each */
#endif
#define TARGET __attribute__((target("amx-tile,amx-bf16,avx512f")))

enum { LINE = 64 }; /* bytes of a tile's row */

/* The palette of 8 tiles with 16 rows of 64 bytes each. */
TARGET static void begin(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1};
  for (int i = 0; i < 8; i++) config.bytes[i] = LINE, config.rows[i] = 16;
  TILE_CONFIGURE(&config);
}

TARGET static void end(void) { TILE_RELEASE(); }

/* C = alpha sum + beta C for a 16 x 16 piece of C, of which rows x cols exist. */
TARGET static void add_piece(const Bf16Tile *t, const float *sum, int64_t row, int64_t col) {
  int64_t rows = t->rows - row, cols = t->cols - col;
  __m512 alpha = _mm512_set1_ps(t->alpha), beta = _mm512_set1_ps(t->beta);
  __mmask16 m = (__mmask16)(cols >= 16 ? 0xFFFFu : cols <= 0 ? 0u : (1u << cols) - 1);
  for (int64_t r = 0; r < rows && r < 16; r++) {
    float *C = t->C + (row + r) * t->ldc + col;
    __m512 x = _mm512_mul_ps(alpha, _mm512_loadu_ps(sum + 16 * r));
    if (t->beta != 0) x = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(m, C), x);
    _mm512_mask_storeu_ps(C, m, x);
  }
}

/* Tiles 0 1 / 2 3: the sums of C, 32 x 32. Tiles 4, 5: two panels of A; 6, 7: two panels of B. A
   panel that does not exist is replaced by the other one, and its sums are not stored. */
TARGET static void multiply(const Bf16Tile *t) {
  _Alignas(64) float sum[4][16 * 16];
  const uint16_t *a0 = t->a, *a1 = t->rows > 16 ? t->a + t->panel : t->a;
  const uint16_t *b0 = t->b, *b1 = t->cols > 16 ? t->b + t->panel : t->b;
  TILE_ZERO(0);
  TILE_ZERO(1);
  TILE_ZERO(2);
  TILE_ZERO(3);
  for (int64_t at = 0; at < t->blocks * BF16_BLOCK; at += BF16_BLOCK) {
    TILE_LOAD(4, a0 + at, LINE);
    TILE_LOAD(6, b0 + at, LINE);
    TILE_DOT(0, 4, 6);
    TILE_LOAD(7, b1 + at, LINE);
    TILE_DOT(1, 4, 7);
    TILE_LOAD(5, a1 + at, LINE);
    TILE_DOT(2, 5, 6);
    TILE_DOT(3, 5, 7);
  }
  TILE_STORE(0, sum[0], LINE);
  TILE_STORE(1, sum[1], LINE);
  TILE_STORE(2, sum[2], LINE);
  TILE_STORE(3, sum[3], LINE);
  for (int i = 0; i < 4; i++) add_piece(t, sum[i], i / 2 * 16, i % 2 * 16);
}

const Bf16Kernel bf16_amx = {begin, end, multiply};

#endif
