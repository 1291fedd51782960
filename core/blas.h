/* Matrix products through OpenBLAS. Matrices are row-major. */
#ifndef CORE_BLAS_H
#define CORE_BLAS_H

#include <stdint.h>

#include "core/real.h"
#include "core/threads.h"

/* "OpenBLAS 0.3.21 (SkylakeX, pthread build)", and the same with all that the library says of its
   configuration. */
const char *blas_name(void);
const char *blas_describe(void);

typedef enum { PLAIN, TRANSPOSED } Transpose;

/* C = alpha op(A) op(B) + beta C, with op(A) (M,K), op(B) (K,N), C (M,N) and row strides lda, ldb,
   ldc. Inside a parallel region it runs on the calling thread alone. */
void gemm(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha, const real *A,
          int64_t lda, const real *B, int64_t ldb, real beta, real *C, int64_t ldc);

/* The symmetric C (N,N) = op(A) op(A)^T with op(A) (N,K) of row stride lda, at half the FLOPs. */
void gram(Transpose ta, int64_t N, int64_t K, const real *A, int64_t lda, real *C);

/* C = A B for symmetric A and B (N,N) that commute, as polynomials of one matrix do, so that C is
   symmetric too: only its lower half is computed, at 1.4 times the speed of gemm. */
void symmetric_product(int64_t N, const real *A, const real *B, real *C);

/* The upper half of C (N,N) += A^T A with A (K,N), in double. */
void gram_add_double(int64_t N, int64_t K, const double *A, double *C);

#endif
