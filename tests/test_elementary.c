/* What everything stands on: exp, random numbers, memory, matrix products. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/blas.h"
#include "core/elementary.h"
#include "core/random.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- exp ---- */

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* What exp_f32 promises for x; NaN when it promises a NaN. */
static double exp_promised(float x) {
  if (x < -87.0f) return 0;
  if (x > 88.3f) return INFINITY;
  return exp((double)x);
}

/* Every 509th float with one sign and exponent: one by one, and in a loop that vectorizes. */
static void test_exp_exponent(uint32_t top) {
  enum { STEP = 509, N = (1 << 23) / STEP };
  static float x[N], y[N];
  double worst = 0, worst_loop = 0;
  float at = 0;
  for (int i = 0; i < N; i++) x[i] = from_bits((top << 23) + (uint32_t)i * STEP);
#pragma omp simd
  for (int i = 0; i < N; i++) y[i] = exp_f32(x[i]);
  for (int i = 0; i < N; i++) {
    double want = exp_promised(x[i]), alone = exp_f32(x[i]);
    if (isinf(want) || want == 0 || isnan(want)) {
      int same = isnan(want) ? isnan(alone) && isnan(y[i]) : alone == want && y[i] == want;
      if (!same) worst = INFINITY, at = x[i];
      continue;
    }
    double error = fabs(alone - want) / want, error_loop = fabs((double)y[i] - want) / want;
    if (!(error <= worst)) worst = error, at = x[i];
    if (!(error_loop <= worst_loop)) worst_loop = error_loop, at = x[i];
  }
  check(worst <= 2e-7 && worst_loop <= 2e-7,
        "exp_f32(%a = %g): relative error %.3g alone, %.3g in a loop", (double)at, (double)at,
        worst, worst_loop);
}

static void test_exp(void) {
  for (uint32_t top = 0; top < 512; top++) test_exp_exponent(top); /* sign and exponent */
  check(isnan(exp_f32(NAN)) && isnan(exp_f32(-NAN)), "exp_f32(NaN) is %g", (double)exp_f32(NAN));
  check(exp_f32(INFINITY) == INFINITY, "exp_f32(inf) is %g", (double)exp_f32(INFINITY));
  check(exp_f32(-INFINITY) == 0, "exp_f32(-inf) is %g", (double)exp_f32(-INFINITY));
  check(exp_f32(0) == 1 && exp_f32(-0.0f) == 1, "exp_f32(0) is %.9g", (double)exp_f32(0));
  check(exp_f32(-87) > 0 && exp_f32(nextafterf(-87, -INFINITY)) == 0, "exp_f32 at -87");
  check(isfinite(exp_f32(88.3f)) && isinf(exp_f32(nextafterf(88.3f, INFINITY))),
        "exp_f32 at 88.3");
  check_near(exp_f32(88.3f) / exp(88.3f), 1, 2e-7, "exp_f32(88.3)");
  check_near(exp_f32(-87) / exp(-87), 1, 2e-7, "exp_f32(-87)");
}

/* ---- random numbers ---- */

/* The known answers that come with Random123, Philox4x32-10. */
static void test_philox(void) {
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (int k = 0; k < COUNT(known); k++) {
    Random r = {.left = 0};
    memcpy(r.counter, known[k].counter, sizeof r.counter);
    memcpy(r.key, known[k].key, sizeof r.key);
    for (int i = 0; i < 4; i++) {
      uint32_t got = random_u32(&r);
      check(got == known[k].want[i], "Philox vector %d, word %d is %08x, not %08x", k, i, got,
            known[k].want[i]);
    }
  }
}

static void test_streams(void) {
  Random a = random_stream(0x123456789abcdef0u, RANDOM_OPTIMIZER, 77, 88);
  check(a.key[0] == 0x9abcdef0u && a.key[1] == 0x12345678u, "the key is not the seed");
  check(a.counter[0] == 0 && a.counter[1] == 77 && a.counter[2] == 88 &&
            a.counter[3] == RANDOM_OPTIMIZER, "the counter is not (0, index, step, purpose)");
  Random others[] = {
      random_stream(1, RANDOM_INIT, 0, 0), random_stream(2, RANDOM_INIT, 0, 0),
      random_stream(1, RANDOM_DATA, 0, 0), random_stream(1, RANDOM_INIT, 1, 0),
      random_stream(1, RANDOM_INIT, 0, 1), random_stream(1ull << 32, RANDOM_INIT, 0, 0),
  };
  uint32_t first[COUNT(others)];
  for (int i = 0; i < COUNT(others); i++) {
    first[i] = random_u32(&others[i]);
    for (int j = 0; j < i; j++)
      check(first[i] != first[j], "streams %d and %d begin with the same number", i, j);
  }
  Random again = random_stream(1, RANDOM_INIT, 0, 0);
  for (int i = 0; i < 8; i++) random_u32(&again); /* two blocks on, the counter has moved */
  check(again.counter[0] == 2, "8 numbers moved the counter to %u, not 2", again.counter[0]);
}

static void test_uniform(void) {
  enum { N = 200000 };
  Random r = random_stream(1, RANDOM_TEST, 0, 0);
  double sum = 0, squares = 0, least = 1, most = 0;
  for (int i = 0; i < N; i++) {
    double u = random_uniform(&r);
    sum += u;
    squares += u * u;
    least = fmin(least, u);
    most = fmax(most, u);
  }
  check(least > 0 && most < 1, "random_uniform reaches from %g to %g", least, most);
  check_near(sum / N, 0.5, 4 * sqrt(1 / 12. / N), "mean of random_uniform");
  check_near(squares / N, 1 / 3., 4 * 0.3 / sqrt(N), "mean square of random_uniform");
}

/* Chi-square of counts (n) that should be alike, as standard deviations from its mean. */
static double chi_square(const int *counts, int n) {
  double total = 0, sum = 0;
  for (int i = 0; i < n; i++) total += counts[i];
  for (int i = 0; i < n; i++) sum += pow(counts[i] - total / n, 2) / (total / n);
  return (sum - (n - 1)) / sqrt(2. * (n - 1));
}

static void test_below(void) {
  enum { N = 70000 };
  Random r = random_stream(2, RANDOM_TEST, 0, 0);
  int counts[7] = {0};
  uint32_t most = 0, beyond = 0;
  for (int i = 0; i < N; i++) {
    uint32_t x = random_below(&r, 7);
    if (x < 7) counts[x]++;
    else beyond = x;
  }
  check(beyond == 0, "random_below(7) is %u", beyond);
  check(fabs(chi_square(counts, 7)) < 5, "random_below(7): chi-square off by %.2g deviations",
        chi_square(counts, 7));
  for (int i = 0; i < 100; i++) {
    check(random_below(&r, 1) == 0, "random_below(1) is not 0");
    uint32_t x = random_below(&r, 0xffffffffu);
    most = x > most ? x : most;
  }
  check(most > 0xf0000000u && most < 0xffffffffu, "random_below(2^32 - 1) reaches %u", most);
}

static void test_normals(void) {
  enum { N = 400000 };
  float *z = malloc(N * sizeof *z), odd[7], even[8];
  double moments[5] = {0}, pairs = 0;
  Random r = random_stream(3, RANDOM_TEST, 0, 0);
  random_normals(&r, z, N);
  for (int i = 0; i < N; i++)
    for (int k = 1; k <= 4; k++) moments[k] += pow(z[i], k) / N;
  for (int i = 0; i < N; i += 2) pairs += (double)z[i] * z[i + 1] / (N / 2);
  check_near(moments[1], 0, 4 / sqrt(N), "mean of the normals");
  check_near(moments[2], 1, 4 * sqrt(2. / N), "variance of the normals");
  check_near(moments[3], 0, 4 * sqrt(15. / N), "third moment of the normals");
  check_near(moments[4] - 3, 0, 4 * sqrt(96. / N), "fourth moment of the normals, less 3");
  check_near(pairs, 0, 4 / sqrt(N / 2), "correlation inside the pairs of normals");
  r = random_stream(3, RANDOM_TEST, 0, 0);
  random_normals(&r, odd, 7);
  r = random_stream(3, RANDOM_TEST, 0, 0);
  random_normals(&r, even, 8);
  check(memcmp(odd, even, sizeof odd) == 0, "7 normals are not the first 7 of 8");
  check(memcmp(even, z, sizeof even) == 0, "8 normals are not the first 8 of many");
  check(r.counter[0] == 2 && r.left == 0, "8 normals did not take two blocks");
  free(z);
}

static void test_distinct_case(int k, int n) {
  enum { ROUNDS = 20000, MOST = 12 };
  int scratch[MOST], out[MOST], first[MOST] = {0}, last[MOST] = {0}, any[MOST] = {0};
  Random r = random_stream(4, RANDOM_TEST, (uint32_t)n, (uint32_t)k);
  int distinct = 1;
  for (int round = 0; round < ROUNDS; round++) {
    int seen[MOST] = {0};
    random_distinct(&r, k, n, scratch, out);
    for (int i = 0; i < k; i++) {
      int x = out[i];
      distinct &= x >= 0 && x < n && !seen[x];
      if (x < 0 || x >= n) continue;
      seen[x] = 1;
      any[x]++;
    }
    first[out[0]]++;
    last[out[k - 1]]++;
  }
  check(distinct, "random_distinct(%d of %d) repeats a number or leaves the range", k, n);
  if (n == 1) return;
  check(fabs(chi_square(first, n)) < 5, "random_distinct(%d of %d): the first is not uniform", k,
        n);
  check(fabs(chi_square(last, n)) < 5, "random_distinct(%d of %d): the last is not uniform", k, n);
  check(k < n ? chi_square(any, n) < 5 : any[0] == ROUNDS && any[n - 1] == ROUNDS,
        "random_distinct(%d of %d): the numbers are not alike", k, n);
}

/* ---- memory ---- */

static void test_arena(void) {
  char *a, *b, *c, *d;
  ArenaRow rows[] = {{(void **)&a, 1}, {(void **)&b, 64}, {(void **)&c, 0}, {(void **)&d, 65}};
  size_t bytes = arena_assign(rows, COUNT(rows), NULL);
  void *memory = NULL;
  Err err = {""};
  check(bytes == 64 + 64 + 0 + 128, "four rows of 1, 64, 0, 65 bytes take %zu", bytes);
  check(arena_take(&memory, bytes, "a test", &err) == 0, "arena_take: %s", err.text);
  check(arena_assign(rows, COUNT(rows), memory) == bytes, "assigning takes other memory");
  check(a == memory && b == a + 64 && c == b + 64 && d == c, "arrays are not side by side");
  check((uintptr_t)a % 64 == 0, "the arena is at %p, not aligned to 64 bytes", memory);
  int zero = 1;
  for (size_t i = 0; i < bytes; i++) zero &= ((char *)memory)[i] == 0;
  check(zero, "the arena is not zero");
  d[64] = 1; /* its last byte is ours */
  arena_free(memory, bytes);
  check(arena_take(&memory, 0, "nothing", &err) == 0 && memory, "an arena of 0 bytes");
  arena_free(memory, 0);
  arena_free(NULL, 0);
  check(arena_take(&memory, (size_t)1 << 62, "the impossible", &err) == -1 && !memory,
        "2^62 bytes are to be had");
  check(strstr(err.text, "the impossible") && strstr(err.text, "MB"),
        "no memory: the sentence does not say for what: %s", err.text);
}

/* ---- products ---- */

typedef struct {
  Transpose ta, tb;
  int64_t M, N, K, lda, ldb, ldc;
  real alpha, beta;
  real *A, *B, *C, *got;
  double *want;
} Product;

static real element(const real *a, int64_t ld, Transpose t, int64_t i, int64_t j) {
  return t == TRANSPOSED ? a[j * ld + i] : a[i * ld + j];
}

/* C outside its N columns must stay; with beta 0 what was in it must not matter, NaN included. */
static Product make_product(Transpose ta, Transpose tb, const int64_t *size, int gap, real alpha,
                            real beta) {
  Product p = {.ta = ta, .tb = tb, .M = size[0], .N = size[1], .K = size[2], .alpha = alpha,
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

static void free_product(Product *p) {
  free(p->A), free(p->B), free(p->C), free(p->got), free(p->want);
}

static void run_product(Product *p) {
  memcpy(p->got, p->C, (size_t)(p->M * p->ldc) * sizeof(real));
  gemm(p->ta, p->tb, p->M, p->N, p->K, p->alpha, p->A, p->lda, p->B, p->ldb, p->beta, p->got,
       p->ldc);
}

static void check_product(const Product *p, const char *where) {
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
        kept ? "" : "; wrote behind its columns");
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
          Product p = make_product(ops & 1 ? TRANSPOSED : PLAIN, ops >> 1 ? TRANSPOSED : PLAIN,
                                   product_sizes[s], gap, b == 1 ? 1 : -0.7f, betas[b]);
          run_product(&p);
          check_product(&p, "outside");
          free_product(&p);
        }
}

static void test_gemm_inside(void) {
  for (int ops = 0; ops < 4; ops++) {
    Product p[COUNT(product_sizes)];
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

/* C (N,N) against want (N,N), and equal to its transpose by the bit. */
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
        "%s, %d threads, N %lld K %lld: off by %.2g%s", what, threads_count(), (long long)N, (long long)K, worst, symmetric ? "" : ", not symmetric");
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
  threads_start(1);
  test_exp();
  test_philox();
  test_streams();
  test_uniform();
  test_below();
  test_normals();
  test_distinct_case(1, 1);
  test_distinct_case(1, 5);
  test_distinct_case(3, 10);
  test_distinct_case(7, 7);
  test_distinct_case(11, 12);
  test_arena();
  for (int threads = 1; threads <= 3; threads++) test_threads(threads);
  check(strstr(blas_describe(), "OpenBLAS") != NULL, "blas_describe: %s", blas_describe());
  return check_report("elementary");
}
