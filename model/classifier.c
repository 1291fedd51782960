#include "model/classifier.h"

#include <math.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/elementary.h"

/* Rows per chunk: fewer are slower (256: 11 %), more use more memory (512 rows of 50257 logits: 103
   MB). */
enum { ROWS = 512 };

static int64_t row_stride(int64_t V) { return (V + 15) / 16 * 16; }

static int64_t chunk_rows(int64_t n) { return n < ROWS ? n : ROWS; }

size_t classifier_scratch(int64_t n, int64_t V) { return (size_t)(chunk_rows(n) * row_stride(V)); }

/* Returns the loss of one row of logits s (V). With weight > 0, replaces the row by the gradient
   weight * (softmax(s) - onehot(y)). */
static double row_loss(real *s, int32_t y, int64_t V, real weight) {
  real max = s[0], sum = 0, target = s[y];
#pragma omp simd reduction(max : max)
  for (int64_t j = 0; j < V; j++) max = s[j] > max ? s[j] : max;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < V; j++) {
    s[j] = exp_real(s[j] - max);
    sum += s[j];
  }
  if (weight > 0) {
    real scale = weight / sum;
    for (int64_t j = 0; j < V; j++) s[j] *= scale;
    s[y] -= weight;
  }
  return log((double)sum) - ((double)target - (double)max);
}

double cross_entropy(real *logits, int64_t stride, const int32_t *y, int64_t n, int64_t V,
                     double weight) {
  double loss[ROWS], sum = 0;
  for (int64_t from = 0; from < n; from += ROWS) {
    int64_t rows = chunk_rows(n - from);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++)
      loss[i] = row_loss(logits + (from + i) * stride, y[from + i], V, (real)weight);
    for (int64_t i = 0; i < rows; i++) sum += loss[i];
  }
  return sum;
}

/* Computes the logits of a chunk of rows and their losses, and replaces them by the gradient. */
static double chunk_loss(real *logits, const real *x, const int32_t *y, const real *wte,
                         int64_t rows, int64_t C, int64_t V, double weight,
                         ClassifierTimes *times) {
  int64_t ld = row_stride(V);
  double last = clock_seconds();
  gemm(PLAIN, TRANSPOSED, rows, V, C, 1, x, C, wte, C, 0, logits, ld);
  clock_lap(&last, &times->product);
  double loss = cross_entropy(logits, ld, y, rows, V, weight);
  clock_lap(&last, &times->softmax);
  return loss;
}

double classifier_loss(const real *x, const int32_t *y, const real *wte, int64_t n, int64_t C,
                       int64_t V, real *scratch, ClassifierTimes *times) {
  double loss = 0;
  for (int64_t from = 0; from < n; from += ROWS)
    loss += chunk_loss(scratch, x + from * C, y + from, wte, chunk_rows(n - from), C, V, 0,
                       times);
  return loss;
}

/* logits = x wte^T, dlogits = weight (softmax - onehot)  =>  dx = dlogits wte,
   dwte = dlogits^T x. */
double classifier_gradient(real *dx, real *dwte, const real *x, const int32_t *y, const real *wte,
                           int64_t n, int64_t C, int64_t V, double weight, int accumulate,
                           real *scratch, ClassifierTimes *times) {
  double loss = 0;
  int64_t ld = row_stride(V);
  for (int64_t from = 0; from < n; from += ROWS) {
    int64_t rows = chunk_rows(n - from);
    const real *x_chunk = x + from * C;
    loss += chunk_loss(scratch, x_chunk, y + from, wte, rows, C, V, weight, times);
    double start = clock_seconds();
    gemm(PLAIN, PLAIN, rows, C, V, 1, scratch, ld, wte, C, 0, dx + from * C, C);
    gemm(TRANSPOSED, PLAIN, V, C, rows, 1, scratch, ld, x_chunk, C, accumulate || from > 0, dwte,
         C);
    clock_lap(&start, &times->gradient);
  }
  return loss;
}

void classifier_logits(real *logits, const real *x, const real *wte, int64_t n, int64_t C,
                       int64_t V) {
  gemm(PLAIN, TRANSPOSED, n, V, C, 1, x, C, wte, C, 0, logits, V);
}
