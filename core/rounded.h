/* Products in bf16 and bf16x3 on any CPU: a number rounded to bfloat16 is a float32 number, so the
   operands are rounded and multiplied in float32. core/blas.c calls it; everything else calls
   core/blas.h. */
#ifndef CORE_ROUNDED_H
#define CORE_ROUNDED_H

#include "core/product.h"

/* `multiply` computes products in float32. parts is 1 for bf16, 3 for bf16x3. K is at least 1. */
void rounded_product(const Product *p, int parts, void (*multiply)(const Product *p));

/* Whether some number of X (rows,cols) with row stride ld is not finite in bfloat16: infinite, NaN,
   or above 3.39e38. */
int rounded_overflows(const float *X, int64_t ld, int64_t rows, int64_t cols);

#endif
