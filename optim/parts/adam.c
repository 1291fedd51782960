#include "optim/parts/adam.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"

void rotated_adam(float *u, float *m, float *v, const float *g, int64_t n, const Betas *betas,
                  int64_t t) {
  float b1 = (float)betas->beta1, b2 = (float)betas->beta2, eps = (float)betas->eps;
  float new1 = (float)(1 - betas->beta1), new2 = (float)(1 - betas->beta2);
  float rise1 = (float)(1 / (1 - pow(betas->beta1, (double)t)));
  float rise2 = (float)(1 / sqrt(1 - pow(betas->beta2, (double)t)));
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + new1 * g[i];
    v[i] = b2 * v[i] + new2 * g[i] * g[i];
    u[i] = m[i] * rise1 / (sqrtf(v[i]) * rise2 + eps);
  }
}

void rotate(float *Y, const float *X, int64_t rows, int64_t cols, const float *P, const float *Q,
            int inverted, float *work) {
  Transpose left = inverted ? TRANSPOSED : PLAIN, right = inverted ? PLAIN : TRANSPOSED;
  const float *half = X;
  if (P) {
    float *to = Q ? work : Y;
    gemm(left, PLAIN, rows, cols, rows, 1, P, rows, X, cols, 0, to, cols);
    half = to;
  }
  if (Q) gemm(PLAIN, right, rows, cols, cols, 1, half, cols, Q, cols, 0, Y, cols);
  else if (!P) memmove(Y, X, (size_t)(rows * cols) * sizeof *Y);
}

void replace_basis(float *basis, const double *V, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    double along = 0;
    for (int64_t i = 0; i < n; i++) along += V[j * n + i] * (double)basis[i * n + j];
    for (int64_t i = 0; i < n; i++)
      basis[i * n + j] = (float)(along < 0 ? -V[j * n + i] : V[j * n + i]);
  }
}
