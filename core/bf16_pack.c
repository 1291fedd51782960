#include "core/bf16.h"

#ifdef BF16_KERNELS

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#define INLINE static inline __attribute__((always_inline)) TARGET

typedef enum { HIGH, LOW } Part;

/* The lanes of the first n numbers of 16. */
INLINE __mmask16 first(int64_t n) {
  return (__mmask16)(n >= 16 ? 0xFFFFu : n <= 0 ? 0u : (1u << n) - 1);
}

/* 16 bfloat16 numbers as float32. */
INLINE __m512 widen(__m256i h) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

/* 32 bfloat16 numbers: of x0, then of x1. The low part is what the rounding lost. */
INLINE __m512i round_part(__m512 x0, __m512 x1, Part part) {
  __m512i high = (__m512i)_mm512_cvtne2ps_pbh(x1, x0);
  if (part == HIGH) return high;
  x0 = _mm512_sub_ps(x0, widen(_mm512_castsi512_si256(high)));
  x1 = _mm512_sub_ps(x1, widen(_mm512_extracti64x4_epi64(high, 1)));
  return (__m512i)_mm512_cvtne2ps_pbh(x1, x0);
}

/* A block whose numbers along K are neighbours in memory: line i has the 16 pairs of row i. */
INLINE void lines_along_k(__m512i line[16], const float *from, int64_t ld, int64_t count,
                          int64_t depth, Part part) {
  __mmask16 m0 = first(depth), m1 = first(depth - 16);
  for (int i = 0; i < 16; i++) {
    const float *row = from + i * ld;
    _mm_prefetch((const char *)(row + 16 * ld), _MM_HINT_T1);
    _mm_prefetch((const char *)(row + 16 * ld + 16), _MM_HINT_T1);
    line[i] = i < count ? round_part(_mm512_maskz_loadu_ps(m0, row),
                                     _mm512_maskz_loadu_ps(m1, row + 16), part)
                        : _mm512_setzero_si512();
  }
}

/* A block whose rows are neighbours in memory: line p has the pairs (2p, 2p + 1) of 16 rows. */
INLINE void lines_across(__m512i line[16], const float *from, int64_t ld, int64_t count,
                         int64_t depth, Part part) {
  __mmask16 m = first(count);
  __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                   23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int p = 0; p < 16; p++) {
    const float *at = from + 2 * p * ld;
    _mm_prefetch((const char *)(at + 32 * ld), _MM_HINT_T1);
    _mm_prefetch((const char *)(at + 33 * ld), _MM_HINT_T1);
    __m512 x0 = _mm512_maskz_loadu_ps((__mmask16)(2 * p < depth ? m : 0), at);
    __m512 x1 = _mm512_maskz_loadu_ps((__mmask16)(2 * p + 1 < depth ? m : 0), at + ld);
    line[p] = _mm512_permutexvar_epi16(order, round_part(x0, x1, part));
  }
}

/* The 16 x 16 matrix of pairs in 16 registers, transposed: within 128 bits, then between them. */
INLINE void transpose(__m512i x[16]) {
  __m512i y[16];
  for (int i = 0; i < 16; i += 4) {
    __m512i a = _mm512_unpacklo_epi32(x[i], x[i + 1]), b = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    __m512i c = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]);
    __m512i d = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
    y[i] = _mm512_unpacklo_epi64(a, c);
    y[i + 1] = _mm512_unpackhi_epi64(a, c);
    y[i + 2] = _mm512_unpacklo_epi64(b, d);
    y[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
  for (int i = 0; i < 4; i++) {
    __m512i a = _mm512_shuffle_i32x4(y[i], y[4 + i], 0x88);
    __m512i b = _mm512_shuffle_i32x4(y[8 + i], y[12 + i], 0x88);
    __m512i c = _mm512_shuffle_i32x4(y[i], y[4 + i], 0xDD);
    __m512i d = _mm512_shuffle_i32x4(y[8 + i], y[12 + i], 0xDD);
    x[i] = _mm512_shuffle_i32x4(a, b, 0x88);
    x[4 + i] = _mm512_shuffle_i32x4(c, d, 0x88);
    x[8 + i] = _mm512_shuffle_i32x4(a, b, 0xDD);
    x[12 + i] = _mm512_shuffle_i32x4(c, d, 0xDD);
  }
}

/* One part of one block: row i, column k of x. */
TARGET static void pack_part(uint16_t *to, Bf16Side side, Part part, const Bf16Operand *x,
                             int64_t i, int64_t k) {
  __m512i line[16];
  if (x->along_k)
    lines_along_k(line, x->from + i * x->ld + k, x->ld, x->count - i, x->depth - k, part);
  else
    lines_across(line, x->from + k * x->ld + i, x->ld, x->count - i, x->depth - k, part);
  if (x->along_k != (side == BF16_A)) transpose(line);
  for (int n = 0; n < 16; n++) _mm512_store_si512(to + 32 * n, line[n]);
}

static void pack_block(uint16_t *to, Bf16Side side, int parts, const Bf16Operand *x, int64_t i,
                       int64_t k) {
  pack_part(to, side, HIGH, x, i, k);
  if (parts == 1) return;
  pack_part(to + BF16_BLOCK, side, side == BF16_A ? HIGH : LOW, x, i, k);
  pack_part(to + 2 * BF16_BLOCK, side, side == BF16_A ? LOW : HIGH, x, i, k);
}

/* In the order of memory: along rows, or across them. */
void bf16_pack(uint16_t *to, Bf16Side side, int parts, const Bf16Operand *x) {
  int64_t size = bf16_panel_size(x->depth, parts), block = parts * BF16_BLOCK;
  if (x->along_k) {
    for (int64_t i = 0; i < x->count; i += BF16_PANEL)
      for (int64_t k = 0; k < x->depth; k += BF16_DEPTH)
        pack_block(to + i / BF16_PANEL * size + k / BF16_DEPTH * block, side, parts, x, i, k);
    return;
  }
  for (int64_t k = 0; k < x->depth; k += BF16_DEPTH)
    for (int64_t i = 0; i < x->count; i += BF16_PANEL)
      pack_block(to + i / BF16_PANEL * size + k / BF16_DEPTH * block, side, parts, x, i, k);
}

#endif
