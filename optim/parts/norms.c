#include "optim/parts/norms.h"

#include <math.h>

double inner_product(const float *X, const float *Y, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += (double)X[i] * (double)Y[i];
  return sum;
}

double frobenius_norm(const float *X, int64_t n) { return sqrt(inner_product(X, X, n)); }

double square_sum(const float *x, int64_t n, int64_t stride) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i * stride] * (double)x[i * stride];
  return sum;
}

void scale_numbers(float *x, int64_t n, int64_t stride, double factor) {
  for (int64_t i = 0; i < n; i++) x[i * stride] = (float)((double)x[i * stride] * factor);
}
