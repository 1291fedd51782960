/* C = alpha op(A) op(B) + beta C, as gemm of core/blas.h, in one struct. */
#ifndef CORE_PRODUCT_H
#define CORE_PRODUCT_H

#include <stdint.h>

#include "core/real.h"

typedef enum { PLAIN, TRANSPOSED } Transpose;

typedef struct {
  Transpose ta, tb;
  int64_t M, N, K;
  real alpha;
  const real *A;
  int64_t lda;
  const real *B;
  int64_t ldb;
  real beta;
  real *C;
  int64_t ldc;
  int lower; /* entries above the diagonal need not be computed */
} Product;

#endif
