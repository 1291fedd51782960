#include "core/blas.h"

#include <cblas.h>
#include <stdio.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum {
  BLAS_OPENMP = 2,    /* what openblas_get_parallel() says of the build that shares our threads */
  PANEL = 64,         /* products are split at multiples of this, so that tiles stay aligned */
};
static const double SMALL_PRODUCT = 1 << 21; /* FLOPs below which one thread is faster */

static int thread_total = 1;

int threads_start(int threads) {
#ifdef _OPENMP
  if (threads > 0) omp_set_num_threads(threads);
  omp_set_max_active_levels(1);
  thread_total = omp_get_max_threads();
  /* A pthread build would keep a second set of threads that fights with OpenMP's: it gets one,
     and gemm() splits the products. The OpenMP build must not be told 1: that would set the
     caller's own loops to one thread. */
  if (openblas_get_parallel() != BLAS_OPENMP) openblas_set_num_threads(1);
#else
  if (threads > 0) openblas_set_num_threads(threads);
#endif
  return thread_total;
}

int threads_count(void) { return thread_total; }

int thread_number(void) {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

int threads_inside(void) {
#ifdef _OPENMP
  return omp_in_parallel();
#else
  return 0;
#endif
}

const char *blas_describe(void) {
  static char text[256];
  static const char *kind[] = {"no threads of its own", "pthreads (set to one)", "OpenMP threads"};
  int parallel = openblas_get_parallel();
  snprintf(text, sizeof text, "%s, core %s, %s", openblas_get_config(), openblas_get_corename(),
           parallel >= 0 && parallel <= 2 ? kind[parallel] : "?");
  return text;
}

static void gemm_one(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha,
                     const real *A, int64_t lda, const real *B, int64_t ldb, real beta, real *C,
                     int64_t ldc) {
  CBLAS_TRANSPOSE a = ta ? CblasTrans : CblasNoTrans, b = tb ? CblasTrans : CblasNoTrans;
  if (M == 1 && !ta && tb) { /* a product of two matrices would copy all of B first */
#ifdef REAL_IS_DOUBLE
    cblas_dgemv
#else
    cblas_sgemv
#endif
        (CblasRowMajor, CblasNoTrans, (int)N, (int)K, alpha, B, (int)ldb, A, 1, beta, C, 1);
    return;
  }
#ifdef REAL_IS_DOUBLE
  cblas_dgemm
#else
  cblas_sgemm
#endif
      (CblasRowMajor, a, b, (int)M, (int)N, (int)K, alpha, A, (int)lda, B, (int)ldb, beta, C,
       (int)ldc);
}

/* The i-th of n panels of `size`, cut at multiples of PANEL. */
static int64_t panel_start(int64_t size, int i, int n) {
  if (i == n) return size;
  return size * i / n / PANEL * PANEL;
}

void gemm(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha, const real *A,
          int64_t lda, const real *B, int64_t ldb, real beta, real *C, int64_t ldc) {
  int split = thread_total > 1 && !threads_inside() && openblas_get_parallel() != BLAS_OPENMP &&
              2.0 * (double)M * (double)N * (double)K > SMALL_PRODUCT;
  if (!split) {
    gemm_one(ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
    return;
  }
  int n = thread_total;
#pragma omp parallel for schedule(static)
  for (int i = 0; i < n; i++) {
    if (M >= N) {
      int64_t from = panel_start(M, i, n), rows = panel_start(M, i + 1, n) - from;
      if (rows > 0)
        gemm_one(ta, tb, rows, N, K, alpha, A + (ta ? from : from * lda), lda, B, ldb, beta,
                 C + from * ldc, ldc);
    } else {
      int64_t from = panel_start(N, i, n), cols = panel_start(N, i + 1, n) - from;
      if (cols > 0)
        gemm_one(ta, tb, M, cols, K, alpha, A, lda, B + (tb ? from * ldb : from), ldb, beta,
                 C + from, ldc);
    }
  }
}

/* The lower triangle becomes the upper one too, in square blocks that fit the cache. */
static void mirror(real *C, int64_t N) {
  enum { BLOCK = 32 };
#pragma omp parallel for schedule(dynamic)
  for (int64_t i0 = 0; i0 < N; i0 += BLOCK)
    for (int64_t j0 = 0; j0 <= i0; j0 += BLOCK)
      for (int64_t i = i0; i < i0 + BLOCK && i < N; i++)
        for (int64_t j = j0; j < j0 + BLOCK && j < i; j++) C[j * N + i] = C[i * N + j];
}

/* The lower half of C (N,N) = op(A) op(B), as stripes of rows up to the diagonal. */
static void lower_product(Transpose ta, Transpose tb, int64_t N, int64_t K, const real *A,
                          int64_t lda, const real *B, int64_t ldb, real *C) {
  int64_t stripe = N <= 256 ? N : 128;
#pragma omp parallel for schedule(dynamic)
  for (int64_t from = 0; from < N; from += stripe) {
    int64_t end = from + stripe < N ? from + stripe : N;
    gemm_one(ta, tb, end - from, end, K, 1, A + (ta ? from : from * lda), lda, B, ldb, 0,
             C + from * N, N);
  }
}

/* BLAS's own half product (syrk) is the faster, but in a pthread build it has only one thread. */
void gram(Transpose ta, int64_t N, int64_t K, const real *A, int64_t lda, real *C) {
  if (thread_total > 1 && !threads_inside() && openblas_get_parallel() != BLAS_OPENMP) {
    lower_product(ta, ta ? PLAIN : TRANSPOSED, N, K, A, lda, A, lda, C);
  } else {
    CBLAS_TRANSPOSE a = ta ? CblasTrans : CblasNoTrans;
#ifdef REAL_IS_DOUBLE
    cblas_dsyrk
#else
    cblas_ssyrk
#endif
        (CblasRowMajor, CblasLower, a, (int)N, (int)K, 1, A, (int)lda, 0, C, (int)N);
  }
  mirror(C, N);
}

void symmetric_product(int64_t N, const real *A, const real *B, real *C) {
  lower_product(PLAIN, PLAIN, N, N, A, N, B, N, C);
  mirror(C, N);
}

void gram_add_double(int64_t N, int64_t K, const double *A, double *C) {
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)N, (int)K, 1, A, (int)N, 1, C, (int)N);
}
