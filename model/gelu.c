#include "model/gelu.h"

#include "core/elementary.h"

#define TWO_SQRT_2_PI ((real)1.5957691216057308)
#define CUBIC ((real)0.044715)

void gelu_forward(real *y, const real *x, int64_t n) {
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    real v = x[i], two_u = TWO_SQRT_2_PI * (v + CUBIC * v * v * v);
    y[i] = v / (1 + exp_real(-two_u));
  }
}

/* s = 1/(1 + exp(-2u)), y = x s  =>  dy/dx = s + x s (1 - s) 2u'. */
void gelu_backward(real *y, real *dy, const real *x, int64_t n) {
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    real v = x[i], two_u = TWO_SQRT_2_PI * (v + CUBIC * v * v * v);
    real s = 1 / (1 + exp_real(-two_u));
    real slope = TWO_SQRT_2_PI * (1 + 3 * CUBIC * v * v);
    y[i] = v * s;
    dy[i] *= s + v * s * (1 - s) * slope;
  }
}
