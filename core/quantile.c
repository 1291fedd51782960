#include "core/quantile.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"

int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double quantile(const double *x, int64_t n, double q) {
  double *sorted = memory_take((size_t)n, sizeof *sorted), value = NAN;
  int64_t m = 0;
  for (int64_t i = 0; i < n; i++)
    if (!isnan(x[i])) sorted[m++] = x[i];
  qsort(sorted, (size_t)m, sizeof *sorted, ascending);
  double at = q * (double)(m - 1);
  int64_t i = (int64_t)at;
  if (m > 0) value = sorted[i];
  if (i + 1 < m) value += (at - (double)i) * (sorted[i + 1] - sorted[i]);
  free(sorted);
  return value;
}
