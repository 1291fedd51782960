#include "optim/parts/adam.h"

AdamStep adam_step_plain(const Adam *o) {
  return (AdamStep){.b1 = (float)o->beta1, .new1 = (float)(1 - o->beta1), .b2 = (float)o->beta2,
                    .new2 = (float)(1 - o->beta2), .eps = (float)o->eps, .gain = 1, .root = 1};
}

AdamStep adam_step(const Adam *o, int64_t t, double rate) {
  AdamStep a = adam_step_plain(o);
  a.gain = (float)(rate / (1 - pow(o->beta1, (double)t)));
  a.root = (float)(1 / sqrt(1 - pow(o->beta2, (double)t)));
  return a;
}

void adam(float *u, float *m, float *v, const float *g, int64_t n, const AdamStep *a) {
  const AdamStep step = *a;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) u[i] = adam_number(&step, &m[i], &v[i], g[i]);
}

void divide_by_root(float *z, float *v, const float *g, int64_t n, double beta2, double eps) {
  float b2 = (float)beta2, new2 = (float)(1 - beta2), add = (float)eps;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    v[i] = b2 * v[i] + new2 * g[i] * g[i];
    z[i] = z[i] / (sqrtf(v[i]) + add);
  }
}
