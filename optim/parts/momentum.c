#include "optim/parts/momentum.h"

/* z may be g. */
static void momentum(float *z, float *b, const float *g, int64_t n, float mu, float gain,
                     int nesterov) {
  float of_g = nesterov ? gain : 0, of_b = nesterov ? mu : 1;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    b[i] = mu * b[i] + gain * g[i];
    z[i] = of_g * g[i] + of_b * b[i];
  }
}

void momentum_ema(float *z, float *b, const float *g, int64_t n, double mu, int nesterov) {
  momentum(z, b, g, n, (float)mu, (float)(1 - mu), nesterov);
}

void momentum_heavy_ball(float *z, float *b, const float *g, int64_t n, double mu, int nesterov) {
  momentum(z, b, g, n, (float)mu, 1, nesterov);
}
