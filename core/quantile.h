/* Quantiles of measurements. */
#ifndef CORE_QUANTILE_H
#define CORE_QUANTILE_H

#include <stdint.h>

/* The q-quantile (0..1; 0.5 is the median) of the numbers among x (n), linear between neighbours;
   NaN are left out, and NaN is the quantile of none. */
double quantile(const double *x, int64_t n, double q);

/* For qsort: doubles ascending. */
int ascending(const void *a, const void *b);

#endif
