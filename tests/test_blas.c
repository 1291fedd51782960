/* Matrix products against double, with one to three threads. Tests: core/blas core/blas_check */
#include "core/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas_check.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

typedef struct {
  Transpose ta, tb;
  int64_t M, N, K, lda, ldb, ldc;
  real alpha, beta;
  real *A, *B, *C, *got;
  double *want;
} Case;

static real element(const real *a, int64_t ld, Transpose t, int64_t i, int64_t j) {
  return t == TRANSPOSED ? a[j * ld + i] : a[i * ld + j];
}

/* C outside its N columns must not change; with beta 0, old values in C must not matter, not even
   NaN. */
static Case make_product(Transpose ta, Transpose tb, const int64_t *size, int gap, real alpha,
                            real beta) {
  Case p = {.ta = ta, .tb = tb, .M = size[0], .N = size[1], .K = size[2], .alpha = alpha,
               .beta = beta};
  int64_t rows_a = ta ? p.K : p.M, rows_b = tb ? p.N : p.K;
  p.lda = (ta ? p.M : p.K) + gap;
  p.ldb = (tb ? p.K : p.N) + 2 * gap;
  p.ldc = p.N + 3 * gap;
  p.A = malloc((size_t)(rows_a * p.lda) * sizeof(real));
  p.B = malloc((size_t)(rows_b * p.ldb) * sizeof(real));
  p.C = malloc((size_t)(p.M * p.ldc) * sizeof(real));
  p.got = malloc((size_t)(p.M * p.ldc) * sizeof(real));
  p.want = calloc((size_t)(p.M * p.ldc), sizeof(double));
  for (int64_t i = 0; i < rows_a * p.lda; i++) p.A[i] = check_value(1, (uint64_t)i);
  for (int64_t i = 0; i < rows_b * p.ldb; i++) p.B[i] = check_value(2, (uint64_t)i);
  for (int64_t i = 0; i < p.M * p.ldc; i++) {
    p.C[i] = beta == 0 && i % p.ldc < p.N ? NAN : check_value(3, (uint64_t)i);
    p.want[i] = i % p.ldc < p.N ? (beta == 0 ? 0 : (double)beta * p.C[i]) : (double)p.C[i];
  }
  for (int64_t i = 0; i < p.M; i++)
    for (int64_t k = 0; k < p.K; k++) {
      double a = (double)alpha * element(p.A, p.lda, ta, i, k);
      for (int64_t j = 0; j < p.N; j++)
        p.want[i * p.ldc + j] += a * element(p.B, p.ldb, tb, k, j);
    }
  return p;
}

static void free_product(Case *p) {
  free(p->A), free(p->B), free(p->C), free(p->got), free(p->want);
}

static void run_product(Case *p) {
  memcpy(p->got, p->C, (size_t)(p->M * p->ldc) * sizeof(real));
  gemm(p->ta, p->tb, p->M, p->N, p->K, p->alpha, p->A, p->lda, p->B, p->ldb, p->beta, p->got,
       p->ldc);
}

static void check_product(const Case *p, const char *where) {
  double worst = 0;
  int64_t at = 0;
  int kept = 1;
  for (int64_t i = 0; i < p->M * p->ldc; i++) {
    double error = fabs(p->got[i] - p->want[i]);
    if (i % p->ldc >= p->N) kept &= p->got[i] == p->C[i];
    else if (!(error <= worst)) worst = error, at = i;
  }
  check(worst <= 2e-6 * (double)(p->K + 3) && kept,
        "gemm %s, %d threads: op %d %d, M %lld N %lld K %lld, ld %lld %lld %lld, alpha %g beta %g:"
        " number %lld off by %.2g%s", where, threads_count(), p->ta, p->tb, (long long)p->M,
        (long long)p->N, (long long)p->K, (long long)p->lda, (long long)p->ldb, (long long)p->ldc,
        (double)p->alpha, (double)p->beta, (long long)at, worst,
        kept ? "" : "; wrote past its columns");
}

static const int64_t product_sizes[][3] = {
    {1, 1, 1}, {1, 7, 5},  {13, 1, 3},   {2, 3, 1},     {17, 31, 65}, {64, 64, 64},
    {65, 7, 129}, {3, 130, 2}, {150, 131, 70}, {63, 300, 64}, {129, 65, 257},
};

static void test_gemm(void) {
  static const real betas[] = {0, 1, 0.5f};
  for (int ops = 0; ops < 4; ops++)
    for (int s = 0; s < COUNT(product_sizes); s++)
      for (int b = 0; b < 3; b++)
        for (int gap = 0; gap <= 5; gap += 5) {
          Case p = make_product(ops & 1 ? TRANSPOSED : PLAIN, ops >> 1 ? TRANSPOSED : PLAIN,
                                   product_sizes[s], gap, b == 1 ? 1 : -0.7f, betas[b]);
          run_product(&p);
          check_product(&p, "outside");
          free_product(&p);
        }
}

static void test_gemm_inside(void) {
  for (int ops = 0; ops < 4; ops++) {
    Case p[COUNT(product_sizes)];
    for (int s = 0; s < COUNT(product_sizes); s++)
      p[s] = make_product(ops & 1 ? TRANSPOSED : PLAIN, ops >> 1 ? TRANSPOSED : PLAIN,
                          product_sizes[s], 2, 1.5f, 0.5f);
#pragma omp parallel for schedule(dynamic)
    for (int s = 0; s < COUNT(product_sizes); s++) run_product(&p[s]);
    for (int s = 0; s < COUNT(product_sizes); s++) {
      check_product(&p[s], "inside a parallel region");
      free_product(&p[s]);
    }
  }
}

/* C (N,N) against want (N,N), and equal to its transpose bit for bit. */
static void check_symmetric(const char *what, const real *C, const double *want, int64_t N,
                            int64_t K) {
  double worst = 0;
  int symmetric = 1;
  for (int64_t i = 0; i < N; i++)
    for (int64_t j = 0; j < N; j++) {
      double error = fabs(C[i * N + j] - want[i * N + j]);
      if (!(error <= worst)) worst = error;
      symmetric &= C[i * N + j] == C[j * N + i];
    }
  check(worst <= 2e-6 * (double)(K + 3) && symmetric,
        "%s, %d threads, N %lld K %lld: off by %.2g%s", what, threads_count(), (long long)N,
         (long long)K, worst, symmetric ? "" : ", not symmetric");
}

static void test_gram_case(Transpose ta, int64_t N, int64_t K, int64_t gap) {
  int64_t rows = ta ? K : N, lda = (ta ? N : K) + gap;
  real *A = malloc((size_t)(rows * lda) * sizeof *A), *C = malloc((size_t)(N * N) * sizeof *C);
  double *want = calloc((size_t)(N * N), sizeof *want);
  char what[64];
  for (int64_t i = 0; i < rows * lda; i++) A[i] = check_value(5, (uint64_t)i);
  for (int64_t i = 0; i < N * N; i++) C[i] = NAN;
  for (int64_t i = 0; i < N; i++)
    for (int64_t j = 0; j < N; j++)
      for (int64_t k = 0; k < K; k++)
        want[i * N + j] += (double)element(A, lda, ta, i, k) * element(A, lda, ta, j, k);
  gram(ta, N, K, A, lda, C);
  snprintf(what, sizeof what, "gram of op %d, row stride %lld", ta, (long long)lda);
  check_symmetric(what, C, want, N, K);
  free(A), free(C), free(want);
}

static void test_gram(void) {
  static const int64_t sizes[][2] = {{1, 1},  {1, 9},   {7, 1},     {31, 65}, {32, 5},
                                     {33, 33}, {130, 257}, {260, 3}, {257, 129}};
  for (int s = 0; s < COUNT(sizes); s++)
    for (int64_t gap = 0; gap <= 3; gap += 3) {
      test_gram_case(PLAIN, sizes[s][0], sizes[s][1], gap);
      test_gram_case(TRANSPOSED, sizes[s][0], sizes[s][1], gap);
    }
}

/* A symmetric, B = A^2/N + 2 A + 1: they commute. */
static void test_symmetric_product(int64_t N) {
  real *A = malloc((size_t)(N * N) * sizeof *A), *B = malloc((size_t)(N * N) * sizeof *B);
  real *C = malloc((size_t)(N * N) * sizeof *C);
  double *want = calloc((size_t)(N * N), sizeof *want), scale = 1 / (double)N;
  for (int64_t i = 0; i < N; i++)
    for (int64_t j = 0; j <= i; j++)
      A[i * N + j] = A[j * N + i] = check_value(6, (uint64_t)(i * N + j)) / sqrtf((float)N);
  for (int64_t i = 0; i < N; i++)
    for (int64_t j = 0; j < N; j++) {
      double sum = 2 * A[i * N + j] + (i == j);
      for (int64_t k = 0; k < N; k++) sum += (double)A[i * N + k] * A[k * N + j] * scale;
      B[i * N + j] = (real)sum;
      C[i * N + j] = NAN;
    }
  for (int64_t i = 0; i < N; i++)
    for (int64_t j = 0; j < N; j++)
      for (int64_t k = 0; k < N; k++) want[i * N + j] += (double)A[i * N + k] * B[k * N + j];
  symmetric_product(N, A, B, C);
  check_symmetric("symmetric_product", C, want, N, N);
  free(A), free(B), free(C), free(want);
}

static void test_threads(int threads) {
  int seen = 0, inside = 0;
  int got = threads_start(threads);
  check(got == threads_count() && got >= 1, "threads_start(%d) says %d, threads_count %d", threads,
        got, threads_count());
  check(thread_number() == 0 && !threads_inside(), "outside of a parallel region");
#pragma omp parallel reduction(| : seen, inside)
  {
    seen |= 1 << thread_number();
    inside |= threads_inside();
  }
  check(seen < 1 << got, "thread numbers reach beyond %d: mask %x", got, (unsigned)seen);
  int regions = 0; /* without OpenMP there are none */
#ifdef _OPENMP
  regions = 1;
#endif
  check(inside == regions, "%d threads: inside of a parallel region: %d", got, inside);
  test_gemm();
  test_gemm_inside();
  test_gram();
  test_symmetric_product(1);
  test_symmetric_product(37);
  test_symmetric_product(261);
}

int main(void) {
  for (int threads = 1; threads <= 3; threads++) test_threads(threads);
  check(strstr(blas_describe(), "OpenBLAS") != NULL, "blas_describe: %s", blas_describe());
  check(blas_check(), "blas_check fails");
  return check_report("blas");
}
