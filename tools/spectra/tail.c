#include "tools/spectra/tail.h"

#include <math.h>

#include "core/int64.h"
#include "optim/parts/select.h"

double tail_index(float *x, int64_t n, double share) {
  int64_t k = i64_min((int64_t)ceil(share * (double)n), n - 1);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) x[i] = fabsf(x[i]);
  if (k < 1) return NAN;
  double least = (double)select_kth(x, n, n - 1 - k);
  for (int64_t i = n - k; i < n; i++) sum += log((double)x[i] / least);
  return least > 0 && sum > 0 ? (double)k / sum : NAN;
}
