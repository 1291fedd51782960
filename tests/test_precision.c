/* Products in bf16 and bf16x3: every path that this CPU has against double, over shapes.
   Tests: core/bf16_pack core/bf16_dot core/bf16_amx core/reduced core/rounded . */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/cpu.h"
#include "core/half.h"
#include "core/precision.h"
#include "core/reduced.h"
#include "tests/amx_standin.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- paths ---- */

typedef struct {
  const char *name;
  int standin; /* AMX's kernel on C functions */
} Path;

static const Path paths[] = {{"sgemm", 0}, {"avx512-bf16", 0}, {"amx", 0}, {"amx", 1}};
static const Path *path; /* in use */

static const char *path_label(void) { return path->standin ? "amx (stand-in)" : path->name; }

/* Whether this CPU can execute the path, which is then used. */
static int use_path(const Path *p) {
  Err err;
  path = p;
  setenv("POLAR_PRECISION_PATH", p->standin ? "avx512-bf16" : p->name, 1);
#ifndef BF16_KERNELS
  if (p->standin) return 0;
#endif
  return precision_start(&err) == 0;
}

static void multiply(const Product *p, Precision precision) {
#ifdef BF16_KERNELS
  if (path->standin) {
    reduced_product(p, &amx_standin, precision == PRECISION_BF16X3 ? 3 : 1);
    return;
  }
#endif
  Precision before = precision_set(precision);
  gemm(p->ta, p->tb, p->M, p->N, p->K, p->alpha, p->A, p->lda, p->B, p->ldb, p->beta, p->C,
       p->ldc);
  precision_set(before);
}

/* ---- a product and its reference ---- */

typedef struct {
  Product p;
  float *A, *B, *C, *start;
  int64_t a_size, b_size, c_size;
} Case;

static Case make_case(int ops, int64_t M, int64_t N, int64_t K, int64_t gap, float alpha,
                      float beta) {
  Case c = {.p = {.ta = (Transpose)(ops & 1), .tb = (Transpose)(ops >> 1), .M = M, .N = N,
                  .K = K, .alpha = alpha, .beta = beta}};
  c.p.lda = (c.p.ta ? M : K) + gap;
  c.p.ldb = (c.p.tb ? K : N) + 2 * gap;
  c.p.ldc = N + 3 * gap;
  c.a_size = (c.p.ta ? K : M) * c.p.lda;
  c.b_size = (c.p.tb ? N : K) * c.p.ldb;
  c.c_size = M * c.p.ldc;
  c.p.A = c.A = malloc((size_t)c.a_size * sizeof(float));
  c.p.B = c.B = malloc((size_t)c.b_size * sizeof(float));
  c.p.C = c.C = malloc((size_t)c.c_size * sizeof(float));
  c.start = malloc((size_t)c.c_size * sizeof(float));
  for (int64_t i = 0; i < c.a_size; i++) c.A[i] = check_value(1, (uint64_t)i);
  for (int64_t i = 0; i < c.b_size; i++) c.B[i] = check_value(2, (uint64_t)i);
  for (int64_t i = 0; i < c.c_size; i++)
    c.start[i] = beta == 0 && i % c.p.ldc < N ? NAN : check_value(3, (uint64_t)i);
  return c;
}

static void free_case(Case *c) { free(c->A), free(c->B), free(c->C), free(c->start); }

static void run_case(Case *c, Precision precision) {
  memcpy(c->C, c->start, (size_t)c->c_size * sizeof(float));
  multiply(&c->p, precision);
}

static float high(float x) { return float_from_bf16(bf16_from_float(x)); }
static float low(float x) { return high(x - high(x)); }

/* op(X) as (rows,cols) in double, in two parts. */
static void unpack(double *h, double *l, const float *X, int64_t ld, Transpose op, int64_t rows,
                   int64_t cols) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) {
      float x = op == TRANSPOSED ? X[j * ld + i] : X[i * ld + j];
      h[i * cols + j] = (double)high(x);
      l[i * cols + j] = (double)low(x);
    }
}

/* want and size (M,N): the product of the rounded operands in double, and that of their absolute
   values, which bounds the rounding errors of float32's sums. */
static void reference(const Product *p, Precision precision, double *want, double *size) {
  int64_t M = p->M, N = p->N, K = p->K;
  double *a = malloc((size_t)(2 * M * K) * sizeof *a), *b = malloc((size_t)(2 * K * N) * sizeof *b);
  unpack(a, a + M * K, p->A, p->lda, p->ta, M, K);
  unpack(b, b + K * N, p->B, p->ldb, p->tb, K, N);
  for (int64_t i = 0; i < M * N; i++) want[i] = size[i] = 0;
  for (int64_t i = 0; i < M; i++)
    for (int64_t k = 0; k < K; k++) {
      double ah = a[i * K + k], al = a[M * K + i * K + k];
      double both = precision == PRECISION_BF16X3 ? ah + al : ah;
      double bl_factor = precision == PRECISION_BF16X3 ? ah : 0;
      for (int64_t j = 0; j < N; j++) {
        double bh = b[k * N + j], x = both * bh + bl_factor * b[K * N + k * N + j];
        want[i * N + j] += x;
        size[i * N + j] += fabs(x);
      }
    }
  free(a), free(b);
}

/* Against the double product of the same rounded operands: float32's sums. A sum of n numbers loses
   at most n 2^-24 of the sum of their sizes; three products of bf16x3 are three numbers. */
static void check_case(const Case *c, Precision precision) {
  const Product *p = &c->p;
  int64_t n = p->M * p->N;
  double *want = malloc((size_t)(2 * n) * sizeof *want), *size = want + n, worst = 0;
  int kept = 1, parts = precision == PRECISION_BF16X3 ? 3 : 1;
  reference(p, precision, want, size);
  for (int64_t i = 0; i < p->M; i++)
    for (int64_t j = 0; j < p->ldc; j++) {
      float got = c->C[i * p->ldc + j], old = c->start[i * p->ldc + j];
      if (j >= p->N) {
        kept &= got == old;
        continue;
      }
      double added = p->beta == 0 ? 0 : (double)p->beta * (double)old;
      double exact = (double)p->alpha * want[i * p->N + j] + added;
      double unit = 0x1p-24 * (fabs((double)p->alpha) * size[i * p->N + j] + fabs(added));
      double error = fabs((double)got - exact) / unit;
      if (!(error <= worst)) worst = error;
    }
  check(worst <= (double)(parts * p->K + 4) && kept,
        "%s, %d parts: op %d %d, M %lld N %lld K %lld, ld %lld %lld %lld, alpha %g beta %g: off by "
        "%.3g units%s", path_label(), parts, p->ta, p->tb, (long long)p->M, (long long)p->N,
        (long long)p->K, (long long)p->lda, (long long)p->ldb, (long long)p->ldc,
        (double)p->alpha, (double)p->beta, worst, kept ? "" : "; wrote past its columns");
  free(want);
}

static void test_case(int ops, int64_t M, int64_t N, int64_t K, int64_t gap, float alpha,
                      float beta) {
  Case c = make_case(ops, M, N, K, gap, alpha, beta);
  for (Precision precision = PRECISION_BF16; precision <= PRECISION_BF16X3; precision++) {
    run_case(&c, precision);
    check_case(&c, precision);
  }
  free_case(&c);
}

/* Every size in each of M, N and K, together with two others that change from one to the next. */
static void test_shapes(void) {
  static const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 257, 1000};
  static const int64_t others[] = {33, 5, 64, 17, 100, 1, 16, 130};
  static const float betas[] = {0, 1, 0.5f}, alphas[] = {1, -0.7f};
  int count = 0;
  for (int s = 0; s < COUNT(sizes); s++)
    for (int dimension = 0; dimension < 3; dimension++)
      for (int ops = 0; ops < 4; ops++, count++) {
        int64_t size[3] = {others[count % COUNT(others)], others[count % COUNT(others)],
                           others[(count + 3) % COUNT(others)]};
        size[dimension] = sizes[s];
        test_case(ops, size[0], size[1], size[2], count % 4 * 3, alphas[count % 2],
                  betas[count % 3]);
      }
  /* More than one piece along K, and more than one block of 1024 columns. */
  test_case(0, 40, 70, 2100, 1, 1, 1);
  test_case(3, 33, 1100, 1030, 0, 1, 0);
}

/* ---- numbers ---- */

/* bf16x3 against the exact product: 4e-6 of |A||B|, in norm. */
static void test_split(void) {
  static const int64_t sizes[][3] = {{64, 64, 1}, {100, 100, 16}, {65, 130, 257}, {64, 64, 1000}};
  for (int s = 0; s < COUNT(sizes); s++) {
    int64_t M = sizes[s][0], N = sizes[s][1], K = sizes[s][2];
    Case c = make_case(0, M, N, K, 0, 1, 0);
    double error = 0, a = 0, b = 0;
    run_case(&c, PRECISION_BF16X3);
    for (int64_t i = 0; i < c.a_size; i++) a += (double)c.A[i] * (double)c.A[i];
    for (int64_t i = 0; i < c.b_size; i++) b += (double)c.B[i] * (double)c.B[i];
    for (int64_t i = 0; i < M; i++)
      for (int64_t j = 0; j < N; j++) {
        double exact = 0;
        for (int64_t k = 0; k < K; k++) exact += (double)c.A[i * K + k] * (double)c.B[k * N + j];
        error += pow((double)c.C[i * N + j] - exact, 2);
      }
    check(sqrt(error) <= 4e-6 * sqrt(a * b), "%s: bf16x3 with K %lld is off by %.2g of |A||B|",
          path_label(), (long long)K, sqrt(error / a / b));
    free_case(&c);
  }
}

static int kind_of(float x) { return isnan(x) ? 2 : isinf(x) ? (x > 0 ? 1 : -1) : 0; }

/* Numbers that are not finite spread as in float32. The stand-in is not tested for this: it
   bypasses gemm, which computes such split products in float32. */
static void test_not_finite(void) {
  static const float bad[] = {INFINITY, -INFINITY, NAN};
  for (int ops = 0; ops < 4; ops++)
    for (int where = 0; where < 6 && !path->standin; where++) {
      Case c = make_case(ops, 37, 41, 70, 2, 1, 0);
      float *want = malloc((size_t)c.c_size * sizeof *want);
      for (int64_t i = 0; i < c.a_size; i += 3) c.A[i] = 0;
      if (where < 3) c.A[5 * c.p.lda + 7] = bad[where];
      else c.B[5 * c.p.ldb + 7] = bad[where - 3];
      run_case(&c, PRECISION_FP32);
      memcpy(want, c.C, (size_t)c.c_size * sizeof *want);
      for (Precision precision = PRECISION_BF16; precision <= PRECISION_BF16X3; precision++) {
        int same = 1;
        run_case(&c, precision);
        for (int64_t i = 0; i < c.c_size; i++)
          if (i % c.p.ldc < c.p.N) same &= kind_of(want[i]) == kind_of(c.C[i]);
        check(same, "%s, precision %d, op %d: %g does not spread as in float32", path_label(),
              (int)precision, ops, (double)bad[where % 3]);
      }
      free(want);
      free_case(&c);
    }
}

static void test_range(void) {
  static const float scales[][2] = {{1e30f, 1e-30f}, {1e18f, 1e18f}, {1e-18f, 1e-15f}, {1e-30f, 1}};
  for (int s = 0; s < COUNT(scales); s++) {
    Case c = make_case(s, 20, 33, 50, 0, 1, 0);
    for (int64_t i = 0; i < c.a_size; i++) c.A[i] *= scales[s][0];
    for (int64_t i = 0; i < c.b_size; i++) c.B[i] *= scales[s][1];
    for (Precision precision = PRECISION_BF16; precision <= PRECISION_BF16X3; precision++) {
      run_case(&c, precision);
      check_case(&c, precision);
    }
    free_case(&c);
  }
}

/* Rows of zeros give zeros, and ties are rounded to even: 1 + 2^-8 to 1, 1 + 3 2^-8 to 1 + 2^-6. */
static void test_rounding(void) {
  const float A[4] = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-8f + 0x1p-20f, 0};
  const float want[4] = {1, 1 + 0x1p-6f, 1 + 0x1p-7f, 0};
  const float one = 1;
  float C[4] = {NAN, NAN, NAN, NAN};
  Product p = {.M = 4, .N = 1, .K = 1, .A = A, .lda = 1, .B = &one, .ldb = 1, .C = C, .ldc = 1,
               .alpha = 1};
  multiply(&p, PRECISION_BF16);
  for (int i = 0; i < 4; i++)
    check(C[i] == want[i], "%s: %.9g is rounded to %.9g", path_label(), (double)A[i],
          (double)C[i]);
}

static void test_symmetric(Precision precision) {
  enum { N = 300, K = 70 };
  float *A = malloc(N * K * sizeof *A), *C = malloc(N * N * sizeof *C);
  float *D = malloc(N * N * sizeof *D);
  for (int i = 0; i < N * K; i++) A[i] = check_value(4, (uint64_t)i);
  Precision before = precision_set(precision);
  for (int ta = 0; ta < 2; ta++) {
    int64_t ld = ta ? N : K;
    double worst = 0;
    int symmetric = 1;
    for (int i = 0; i < N * N; i++) C[i] = NAN;
    gram(ta ? TRANSPOSED : PLAIN, N, K, A, ld, C);
    gemm(ta ? TRANSPOSED : PLAIN, ta ? PLAIN : TRANSPOSED, N, N, K, 1, A, ld, A, ld, 0, D, N);
    for (int i = 0; i < N * N; i++) {
      double error = fabs((double)C[i] - (double)D[i]);
      if (!(error <= worst)) worst = error;
      symmetric &= C[i] == C[i % N * N + i / N];
    }
    check(worst <= 1e-4 && symmetric, "%s, precision %d: gram of op %d is off by %.2g%s",
          path_label(), (int)precision, ta, worst, symmetric ? "" : ", not symmetric");
  }
  for (int i = 0; i < N * N; i++) D[i] = NAN;
  symmetric_product(N, C, C, D);
  double trace = 0, squares = 0;
  for (int i = 0; i < N; i++) trace += (double)D[i * N + i];
  for (int i = 0; i < N * N; i++) squares += (double)C[i] * (double)C[i];
  check(fabs(trace / squares - 1) < 1e-2, "%s: symmetric_product: trace %.6g, not %.6g",
        path_label(), trace, squares);
  precision_set(before);
  free(A), free(C), free(D);
}

/* ---- threads ---- */

/* The bits of a few products with one thread are kept and compared with those of more. */
static void test_threads(void) {
  static const int64_t sizes[][3] = {{300, 200, 130}, {70, 1000, 64}, {1000, 40, 257},
                                     {2, 600, 700}};
  enum { CASES = COUNT(sizes) };
  for (Precision precision = PRECISION_BF16; precision <= PRECISION_BF16X3; precision++) {
    float *first[CASES];
    for (int threads = 1; threads <= 3; threads++) {
      threads_start(threads);
      for (int s = 0; s < CASES; s++) {
        Case c = make_case(s, sizes[s][0], sizes[s][1], sizes[s][2], 1, 1, 0.5f);
        size_t bytes = (size_t)c.c_size * sizeof(float);
        run_case(&c, precision);
        if (threads == 1) first[s] = memcpy(malloc(bytes), c.C, bytes);
        check(memcmp(first[s], c.C, bytes) == 0,
              "%s, precision %d, case %d: other bits with %d threads", path_label(),
              (int)precision, s, threads);
        free_case(&c);
      }
    }
    for (int s = 0; s < CASES; s++) free(first[s]);
  }
}

static void test_inside(void) {
  enum { CASES = 8 };
  Case c[CASES];
  for (int i = 0; i < CASES; i++) c[i] = make_case(i % 4, 50 + i, 64, 40 + 9 * i, 0, 1, 0);
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < CASES; i++) run_case(&c[i], PRECISION_FP32);
  precision_set(PRECISION_BF16);
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < CASES; i++) {
    const Product *p = &c[i].p;
    memcpy(c[i].C, c[i].start, (size_t)c[i].c_size * sizeof(float));
    gemm(p->ta, p->tb, p->M, p->N, p->K, p->alpha, p->A, p->lda, p->B, p->ldb, p->beta, p->C,
         p->ldc);
  }
  precision_set(PRECISION_FP32);
  for (int i = 0; i < CASES; i++) {
    check_case(&c[i], PRECISION_BF16);
    free_case(&c[i]);
  }
}

/* The same bits depend on OpenBLAS's kernels on the path sgemm: only AVX-512's have them. */
static int same_bits(void) {
  return strcmp(path->name, "sgemm") != 0 || (cpu_detect().features & CPU_AVX512);
}

static void test_environment(void) {
  Err err = {""};
  setenv("POLAR_PRECISION_PATH", "tensor-core", 1);
  check(precision_start(&err) == -1 && strstr(err.text, "tensor-core"), "an unknown path: %s",
        err.text);
  unsetenv("POLAR_PRECISION_PATH");
  check(precision_start(&err) == 0 && precision_now() == PRECISION_FP32, "no path: %s", err.text);
}

int main(void) {
  test_environment();
  for (int i = 0; i < COUNT(paths); i++) {
    if (!use_path(&paths[i])) {
      printf("skipped: %s: this CPU cannot execute it\n", path_label());
      continue;
    }
    threads_start(2);
    test_shapes();
    test_split();
    test_not_finite();
    test_range();
    test_rounding();
    if (!paths[i].standin) {
      test_symmetric(PRECISION_BF16);
      test_symmetric(PRECISION_BF16X3);
      test_inside();
    }
    if (same_bits()) test_threads();
  }
  return check_report("precision");
}
