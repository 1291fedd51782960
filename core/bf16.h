/* Products of bfloat16 matrices with sums in float32, on CPUs with AVX512_BF16 or AMX.

   Operands are packed in blocks of 32 numbers along K and 16 rows of op(A), or 16 columns of op(B):
   one tile of AMX, 1 KB. Blocks of A are row-major: 16 rows of 32 numbers. Blocks of B have pairs
   of numbers that follow each other along K: 16 pairs x 16 columns x 2. As matrices of pairs, one
   is the transpose of the other. The blocks of 16 rows or columns (a panel) lie along K one after
   another, padded with zeros. With bf16x3 each block becomes three, high, high, low for A and high,
   low, high for B, so that the kernels only see a longer K. */
#ifndef CORE_BF16_H
#define CORE_BF16_H

#include <stdint.h>

/* The compilers that know the instructions of all kernels. */
#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE) && \
    ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#define BF16_KERNELS
#endif

enum {
  BF16_PANEL = 16,                      /* rows or columns */
  BF16_DEPTH = 32,                      /* numbers along K of a block */
  BF16_BLOCK = BF16_PANEL * BF16_DEPTH, /* numbers */
  BF16_TILE = 2 * BF16_PANEL,           /* rows and columns of C that a kernel computes at once */
};

typedef enum { BF16_A, BF16_B } Bf16Side;

/* A part of an operand in memory: `count` rows of op(A) or columns of op(B), `depth` numbers each.
   The number k of row i is from[i * ld + k] with along_k, else from[k * ld + i]. */
typedef struct {
  const float *from;
  int64_t ld, count, depth;
  int along_k;
} Bf16Operand;

/* Packs all panels of x, each bf16_panel_size(...) numbers long; parts is 1, or 3 for bf16x3. */
void bf16_pack(uint16_t *to, Bf16Side side, int parts, const Bf16Operand *x);

static inline int64_t bf16_panel_size(int64_t depth, int parts) {
  return (depth + BF16_DEPTH - 1) / BF16_DEPTH * parts * BF16_BLOCK;
}

/* C (rows,cols) = alpha A B + beta C for up to two panels each: rows, cols <= BF16_TILE. C is not
   read if beta is 0. The result does not depend on rows and cols. */
typedef struct {
  const uint16_t *a, *b; /* the first panels */
  int64_t panel;         /* numbers from one panel to the next */
  const uint16_t *next;  /* `ahead` numbers that are needed soon: a kernel may prefetch them */
  int64_t ahead;
  int64_t blocks;        /* of a panel */
  float *C;
  int64_t ldc, rows, cols;
  float alpha, beta;
} Bf16Tile;

typedef struct {
  void (*begin)(void); /* before and after a thread's tiles; may be NULL */
  void (*end)(void);
  void (*multiply)(const Bf16Tile *t);
} Bf16Kernel;

extern const Bf16Kernel bf16_dot; /* AVX512_BF16's dot products */
extern const Bf16Kernel bf16_amx; /* AMX's tiles */

#endif
