#include "core/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "core/precision.h"
#include "core/reduced.h"
#include "core/rounded.h"

#ifdef REAL_IS_DOUBLE
#define CBLAS(name) cblas_d##name
#else
#define CBLAS(name) cblas_s##name
#endif

enum { PANEL = 64 }; /* products are split at multiples of this, so that tiles stay aligned */
static const double SMALL_PRODUCT = 1 << 21; /* FLOPs below which one thread is faster */

static const char *build(void) {
  static const char *const names[] = {"serial", "pthread", "OpenMP"};
  int parallel = openblas_get_parallel();
  return parallel >= 0 && parallel <= 2 ? names[parallel] : "unknown";
}

const char *blas_name(void) {
  static char text[128];
  const char *config = openblas_get_config(), *version = strchr(config, ' ');
  int length = version ? (int)(version - config + 1 + (long)strcspn(version + 1, " ")) : 0;
  snprintf(text, sizeof text, "%.*s (%s)", length, config, openblas_get_corename());
  return text;
}

const char *blas_describe(void) {
  static char text[256];
  snprintf(text, sizeof text, "%s, core %s, %s build", openblas_get_config(),
           openblas_get_corename(), build());
  return text;
}

/* One thread's product. */
static void gemm_one(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha,
                     const real *A, int64_t lda, const real *B, int64_t ldb, real beta, real *C,
                     int64_t ldc) {
  CBLAS_TRANSPOSE a = ta ? CblasTrans : CblasNoTrans, b = tb ? CblasTrans : CblasNoTrans;
  threads_fix(1);
  if (M == 1 && !ta && tb) /* gemm would copy all of B first */
    CBLAS(gemv)(CblasRowMajor, CblasNoTrans, (int)N, (int)K, alpha, B, (int)ldb, A, 1, beta, C, 1);
  else
    CBLAS(gemm)(CblasRowMajor, a, b, (int)M, (int)N, (int)K, alpha, A, (int)lda, B, (int)ldb, beta,
                C, (int)ldc);
  threads_release();
}

/* Start of panel i of n in `size` rows or columns, a multiple of PANEL. */
static int64_t panel_start(int64_t size, int i, int n) {
  if (i == n) return size;
  return size * i / n / PANEL * PANEL;
}

void gemm_fp32(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha,
               const real *A, int64_t lda, const real *B, int64_t ldb, real beta, real *C,
               int64_t ldc) {
  int n = threads_count();
  if (n == 1 || threads_inside() || 2.0 * (double)M * (double)N * (double)K <= SMALL_PRODUCT) {
    gemm_one(ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
    return;
  }
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

/* The lower half of a square C, as stripes of rows up to the diagonal. */
static void lower_stripes(const Product *p) {
  int64_t stripe = p->M <= 256 ? p->M : 128;
#pragma omp parallel for schedule(dynamic)
  for (int64_t from = 0; from < p->M; from += stripe) {
    int64_t end = from + stripe < p->M ? from + stripe : p->M;
    gemm_one(p->ta, p->tb, end - from, end, p->K, p->alpha, p->A + (p->ta ? from : from * p->lda),
             p->lda, p->B, p->ldb, p->beta, p->C + from * p->ldc, p->ldc);
  }
}

/* ---- reduced precision ---- */

#ifndef REAL_IS_DOUBLE
static void multiply_fp32(const Product *p) {
  if (p->lower) lower_stripes(p);
  else gemm_fp32(p->ta, p->tb, p->M, p->N, p->K, p->alpha, p->A, p->lda, p->B, p->ldb, p->beta,
                 p->C, p->ldc);
}

/* In bf16x3, high and low of an infinity or a very large number would add up to NaN. */
static int is_finite_split(const Product *p) {
  return !rounded_overflows(p->A, p->lda, p->ta ? p->K : p->M, p->ta ? p->M : p->K) &&
         !rounded_overflows(p->B, p->ldb, p->tb ? p->N : p->K, p->tb ? p->K : p->N);
}

/* Returns whether it computed the product: not in fp32. */
static int reduced(const Product *p) {
  int parts = precision_now() == PRECISION_BF16X3 ? 3 : 1;
  if (precision_now() == PRECISION_FP32 || p->K == 0 || (parts == 3 && !is_finite_split(p)))
    return 0;
#ifdef BF16_KERNELS
  if (precision_path() != PATH_SGEMM) {
    reduced_product(p, precision_path() == PATH_AMX ? &bf16_amx : &bf16_dot, parts);
    return 1;
  }
#endif
  rounded_product(p, parts, multiply_fp32);
  return 1;
}
#else
static int reduced(const Product *p) {
  (void)p;
  return 0;
}
#endif

void gemm(Transpose ta, Transpose tb, int64_t M, int64_t N, int64_t K, real alpha, const real *A,
          int64_t lda, const real *B, int64_t ldb, real beta, real *C, int64_t ldc) {
  const Product p = {ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc, .lower = 0};
  if (!reduced(&p)) gemm_fp32(ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}

/* ---- symmetric products ---- */

/* Copies the lower triangle to the upper one, in square blocks that fit the cache. */
static void mirror(real *C, int64_t N) {
  enum { BLOCK = 32 };
#pragma omp parallel for schedule(dynamic)
  for (int64_t i0 = 0; i0 < N; i0 += BLOCK)
    for (int64_t j0 = 0; j0 <= i0; j0 += BLOCK)
      for (int64_t i = i0; i < i0 + BLOCK && i < N; i++)
        for (int64_t j = j0; j < j0 + BLOCK && j < i; j++) C[j * N + i] = C[i * N + j];
}

/* The lower half of C (N,N) = op(A) op(B). */
static void lower_product(Transpose ta, Transpose tb, int64_t N, int64_t K, const real *A,
                          int64_t lda, const real *B, int64_t ldb, real *C) {
  const Product p = {ta, tb, N, N, K, 1, A, lda, B, ldb, 0, C, N, .lower = 1};
  if (!reduced(&p)) lower_stripes(&p);
}

/* With one thread, the half product of BLAS (syrk) is faster. */
void gram(Transpose ta, int64_t N, int64_t K, const real *A, int64_t lda, real *C) {
  int half = threads_count() == 1 || threads_inside();
  if (!half || precision_now() != PRECISION_FP32)
    lower_product(ta, ta ? PLAIN : TRANSPOSED, N, K, A, lda, A, lda, C);
  else
    CBLAS(syrk)(CblasRowMajor, CblasLower, ta ? CblasTrans : CblasNoTrans, (int)N, (int)K, 1, A,
                (int)lda, 0, C, (int)N);
  mirror(C, N);
}

void symmetric_product(int64_t N, const real *A, const real *B, real *C) {
  lower_product(PLAIN, PLAIN, N, N, A, N, B, N, C);
  mirror(C, N);
}

void gram_add_double(int64_t N, int64_t K, const double *A, double *C) {
  threads_fix(threads_count());
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)N, (int)K, 1, A, (int)N, 1, C, (int)N);
  threads_release();
}
