/* Products with a packed operand, and attention over several blocks of keys: in every precision and
   on every path of this CPU against double. Tests: core/packed model/attention . */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "core/packed.h"
#include "core/precision.h"
#include "core/threads.h"
#include "model/attention.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const char *path; /* in use */

static float *values(int64_t n, uint64_t stream) {
  float *x = malloc((size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++) x[i] = check_value(stream, (uint64_t)i);
  return x;
}

/* What is left of x in the present precision. */
static double kept(float x) {
  double high = (double)float_from_bf16(bf16_from_float(x)), rest = (double)x - high;
  if (precision_now() == PRECISION_FP32) return (double)x;
  if (precision_now() == PRECISION_BF16) return high;
  return high + (double)float_from_bf16(bf16_from_float((float)rest));
}

/* ---- products ---- */

static float at(const PackedSource *x, int64_t i, int64_t k) {
  return x->from[x->along_k ? i * x->ld + k : k * x->ld + i];
}

/* The largest error of C, in units of the sum of the products' sizes. */
static double worst_error(const PackedProduct *p, const PackedSource *b, const float *start) {
  double worst = 0;
  for (int64_t i = 0; i < p->a.count; i++)
    for (int64_t j = 0; j < p->cols; j++) {
      double sum = 0, size = 0;
      for (int64_t k = 0; k < p->a.numbers; k++) {
        double x = kept(at(&p->a, i, k)) * kept(at(b, j, k));
        sum += x;
        size += fabs(x);
      }
      double old = p->beta == 0 ? 0 : (double)p->beta * (double)start[i * p->ldc + j];
      double error = fabs((double)p->C[i * p->ldc + j] - (double)p->alpha * sum - old);
      error /= fabs((double)p->alpha) * size + fabs(old);
      if (!(error <= worst)) worst = error;
    }
  return worst;
}

/* B is packed in room for `spare` more numbers than it has, from number `spare` on. */
static void test_product(int64_t rows, int64_t cols, int64_t numbers, int64_t spare, int along_k) {
  int64_t depth = numbers + spare, size = 32 * (cols + 3);
  PackedSource b = {values((cols + 5) * (numbers + 5), 2), (along_k ? numbers : cols) + 5, cols,
                    numbers, along_k};
  float *a = values((rows + 3) * (numbers + 3), 1), *start = values(size, 3);
  void *packed = aligned_alloc(64, packed_bytes(cols, depth));
  void *room = aligned_alloc(64, packed_bytes(PACKED_ROWS, depth));
  packed_set(packed_at(packed, depth, 0, spare), depth, &b);
  for (int i = 0; i < 4; i++) {
    int across = i % 2;
    float *C = memcpy(malloc((size_t)size * sizeof *C), start, (size_t)size * sizeof *C);
    PackedProduct p = {.a = {a, (across ? rows : numbers) + 3, rows, numbers, !across},
                       .room = room, .b = packed_at(packed, depth, 0, spare), .depth = depth,
                       .C = C, .ldc = cols + 3, .cols = cols, .alpha = -0.7f,
                       .beta = i < 2 ? 0 : 1};
    for (int64_t j = 0; i < 2 && j < rows * p.ldc; j++) C[j] = j % p.ldc < cols ? NAN : start[j];
    packed_multiply(&p);
    double error = worst_error(&p, &b, start);
    int same = 1;
    for (int64_t j = 0; j < size; j++)
      same &= (j < rows * p.ldc && j % p.ldc < cols) || C[j] == start[j];
    double most = precision_now() == PRECISION_BF16X3 ? 0x1p-16 : 0;
    check(error <= most + 0x1p-24 * (double)(3 * numbers + 4) && same,
          "%s, precision %d: %lld x %lld x %lld (+ %lld), along %d %d, beta %g: off by %.2g%s",
          path, (int)precision_now(), (long long)rows, (long long)cols, (long long)numbers,
          (long long)spare, !across, along_k, (double)p.beta, error,
          same ? "" : "; wrote past its columns");
    free(C);
  }
  free((void *)b.from), free(a), free(start), free(packed), free(room);
}

static void test_products(void) {
  static const int64_t sizes[][4] = {{1, 1, 1, 0},     {3, 5, 2, 32},     {8, 16, 31, 0},
                                     {9, 17, 33, 64},  {16, 32, 64, 0},   {17, 33, 65, 32},
                                     {31, 256, 64, 0}, {32, 100, 256, 0}, {32, 64, 130, 96}};
  packed_begin();
  for (int i = 0; i < COUNT(sizes); i++)
    for (int along_k = 0; along_k < 2; along_k++)
      test_product(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], along_k);
  packed_end();
}

/* ---- attention ---- */

typedef struct {
  int64_t B, T, C, NH;
  float *qkv, *dy, *y, *lse, *dqkv;
} Attention;

static void compute(const Attention *a) {
  attention_forward(a->y, a->lse, a->qkv, a->B, a->T, a->C, a->NH, NULL);
  attention_backward(a->dqkv, a->dy, a->y, a->lse, a->qkv, a->B, a->T, a->C, a->NH, NULL);
}

static double dot(const float *x, const float *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)y[i];
  return sum;
}

/* Adds row t of one head of y (T,hs), and its part of dq dk dv (T,3C), by the definition. */
static void add_row(const Attention *a, const float *q, const float *dy, int64_t t, double *y,
                    double *dq) {
  int64_t hs = a->C / a->NH, ld = 3 * a->C, C = a->C;
  const float *k = q + C, *v = k + C;
  double *p = malloc((size_t)(2 * t + 2) * sizeof *p), *dp = p + t + 1, sum = 0, d = 0;
  for (int64_t s = 0; s <= t; s++) {
    p[s] = exp(dot(q + t * ld, k + s * ld, hs) / sqrt((double)hs));
    dp[s] = dot(dy + t * C, v + s * ld, hs);
    sum += p[s];
  }
  for (int64_t s = 0; s <= t; s++) d += p[s] / sum * dp[s];
  for (int64_t s = 0; s <= t; s++) {
    double w = p[s] / sum, ds = w * (dp[s] - d) / sqrt((double)hs);
    for (int64_t j = 0; j < hs; j++) {
      y[t * C + j] += w * (double)v[s * ld + j];
      dq[t * ld + j] += ds * (double)k[s * ld + j];
      dq[s * ld + C + j] += ds * (double)q[t * ld + j];
      dq[s * ld + 2 * C + j] += w * (double)dy[t * C + j];
    }
  }
  free(p);
}

static void test_attention(int64_t B, int64_t T, int64_t C, int64_t NH) {
  static const double most[] = {3e-7, 6e-3, 6e-6}; /* by precision */
  int64_t n = B * T * C, hs = C / NH;
  Attention a = {B, T, C, NH, values(3 * n, 1), values(n, 2), values(n, 0), values(B * NH * T, 0),
                 values(3 * n, 0)};
  double *y = calloc((size_t)n, sizeof *y), *dqkv = calloc((size_t)(3 * n), sizeof *dqkv);
  for (int64_t i = 0; i < B * NH * T; i++) {
    int64_t b = i / NH / T, column = i / T % NH * hs;
    add_row(&a, a.qkv + b * T * 3 * C + column, a.dy + b * T * C + column, i % T,
            y + b * T * C + column, dqkv + b * T * 3 * C + column);
  }
  compute(&a);
  double forward = relative_error(a.y, y, n), backward = relative_error(a.dqkv, dqkv, 3 * n);
  check(forward <= most[precision_now()] && backward <= 2 * most[precision_now()],
        "%s, precision %d, B %lld T %lld C %lld NH %lld: y is off by %.2g, dqkv by %.2g", path,
        (int)precision_now(), (long long)B, (long long)T, (long long)C, (long long)NH, forward,
        backward);
  size_t bytes = (size_t)(3 * n) * sizeof(float);
  float *first = memcpy(malloc(bytes), a.dqkv, bytes);
  for (int threads = 1; threads <= 3; threads++) {
    threads_start(threads);
    compute(&a);
    check(memcmp(first, a.dqkv, bytes) == 0,
          "%s, precision %d: other bits with %d threads", path, (int)precision_now(), threads);
  }
  threads_start(2);
  free(a.qkv), free(a.dy), free(a.y), free(a.lse), free(a.dqkv), free(y), free(dqkv), free(first);
}

int main(void) {
  static const char *const paths[] = {"sgemm", "avx512-bf16", "amx"};
  for (int i = 0; i < COUNT(paths); i++) {
    Err err;
    path = paths[i];
    setenv("POLAR_PRECISION_PATH", path, 1);
    if (precision_start(&err)) {
      printf("skipped: %s: this CPU cannot execute it\n", path);
      continue;
    }
    threads_start(2);
    for (Precision precision = i ? PRECISION_BF16 : PRECISION_FP32; precision <= PRECISION_BF16X3;
         precision++) {
      precision_set(precision);
      test_products();
      test_attention(1, 300, 66, 2);
      test_attention(2, 577, 32, 2);
    }
  }
  return check_report("packed");
}
