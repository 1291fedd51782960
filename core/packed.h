/* Products with a packed operand on the calling thread, in the precision of core/precision.h: for
   an operand of several products, or products of which only a part is needed, such as attention's.
   gemm packs both operands in every call.

   Op(B) is packed in the layout of core/bf16.h: panels of 16 columns, in blocks of 32 numbers along
   K. Without one of its kernels the numbers are reals, in bf16 and bf16x3 rounded to bfloat16. */
#ifndef CORE_PACKED_H
#define CORE_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "core/real.h"

enum { PACKED_ROWS = 32 }; /* most rows of op(A) in a product */

/* `count` rows of op(A) or columns of op(B) with `numbers` numbers along K each: the number k of
   row i is from[i * ld + k] with along_k, else from[k * ld + i]. */
typedef struct {
  const real *from;
  int64_t ld, count, numbers;
  int along_k;
} PackedSource;

/* Room for `count` columns of `depth` numbers along K each. */
size_t packed_bytes(int64_t count, int64_t depth);

/* The place of column j, a multiple of 16, and number k, a multiple of 32, of an operand with room
   for `depth` numbers. */
void *packed_at(const void *packed, int64_t depth, int64_t j, int64_t k);

/* Packs op(B) at `to`, a place in an operand with room for `depth` numbers. */
void packed_set(void *to, int64_t depth, const PackedSource *b);

/* C = alpha op(A) op(B) + beta C, with C (a.count, cols) of row stride ldc and sums over a.numbers.
   `b` is a place in an operand with room for `depth` numbers. C is not read if beta is 0. */
typedef struct {
  PackedSource a;
  void *room; /* packed_bytes(PACKED_ROWS, depth) for op(A), which some kernels need packed */
  const void *b;
  int64_t depth;
  real *C;
  int64_t ldc, cols;
  real alpha, beta;
} PackedProduct;

void packed_multiply(const PackedProduct *p);

/* A thread calls packed_begin before its products, and packed_end after them. */
void packed_begin(void);
void packed_end(void);

#endif
