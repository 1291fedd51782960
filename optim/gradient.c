#include "optim/gradient.h"

#include <math.h>
#include <stddef.h>

enum {
  SLICES = 64, /* of one array; fixed, so that threads do not change the sum */
  LANES = 32,  /* sums side by side: one would wait for its own last addition */
};

static double slice_sum(const real *g, int64_t from, int64_t to) {
  double lanes[LANES] = {0}, sum = 0;
  int64_t i = from;
  for (; i + LANES <= to; i += LANES)
    for (int k = 0; k < LANES; k++) lanes[k] += (double)g[i + k] * (double)g[i + k];
  for (; i < to; i++) lanes[0] += (double)g[i] * (double)g[i];
  for (int k = 0; k < LANES; k++) sum += lanes[k];
  return sum;
}

static double square_sum(const Param *p) {
  int64_t size = param_size(p);
  double slices[SLICES], total = 0;
#pragma omp parallel for schedule(static)
  for (int i = 0; i < SLICES; i++)
    slices[i] = slice_sum(p->g, size * i / SLICES, size * (i + 1) / SLICES);
  for (int i = 0; i < SLICES; i++) total += slices[i];
  return total;
}

double gradient_norm(const Param *params, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += square_sum(&params[i]);
  return sqrt(sum);
}

void gradient_clip(const Param *params, int count, double norm, double limit) {
  if (limit == 0 || norm <= limit) return;
  real f = (real)(limit / norm);
  for (int p = 0; p < count; p++) {
    int64_t size = param_size(&params[p]);
    real *g = params[p].g;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < size; i++) g[i] *= f;
  }
}

const Param *gradient_not_finite(const Param *params, int count) {
  for (int p = 0; p < count; p++)
    for (int64_t i = 0; i < param_size(&params[p]); i++)
      if (!isfinite(params[p].g[i])) return &params[p];
  return NULL;
}
