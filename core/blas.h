/* Matrix products in the precision that core/precision.h sets: through OpenBLAS, or in bf16 and
   bf16x3 by kernels of ours where the CPU has the instructions. Matrices are row-major. */
#ifndef CORE_BLAS_H
#define CORE_BLAS_H

#include <stdint.h>

#include "core/product.h"
#include "core/threads.h"

/* The library as "OpenBLAS 0.3.21 (SkylakeX)", and with its full configuration. */
const char *blas_name(void);
const char *blas_describe(void);

/* C = alpha op(A) op(B) + beta C, with op(A) (M,K), op(B) (K,N), C (M,N) and row strides lda, ldb,
   ldc. Runs on all threads, or inside a parallel region on the calling thread only. */
void gemm(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha, const real *A,
          int64_t lda, const real *B, int64_t ldb, real beta, real *C, int64_t ldc);

/* The same in float32 at every --precision: for factors whose large numbers cancel. */
void gemm_fp32(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha,
               const real *A, int64_t lda, const real *B, int64_t ldb, real beta, real *C,
               int64_t ldc);

/* C (N,N) = op(A) op(A)^T with op(A) (N,K) of row stride lda, at half the FLOPs of gemm. */
void gram(Transpose ta, int64_t N, int64_t K, const real *A, int64_t lda, real *C);

/* C = A B for symmetric A and B (N,N) that commute, such as polynomials of one matrix. C is then
   symmetric, so only its lower half is computed, at 1.4 times the speed of gemm. */
void symmetric_product(int64_t N, const real *A, const real *B, real *C);

/* The upper half of C (N,N) += A^T A with A (K,N), in double. */
void gram_add_double(int64_t N, int64_t K, const double *A, double *C);

#endif
