/* How heavy the tails of a distribution are. */
#ifndef TOOLS_SPECTRA_TAIL_H
#define TOOLS_SPECTRA_TAIL_H

#include <stdint.h>

/* Hill's estimate of the tail index a, where P(|x| > c) falls as c^-a, from the `share` (0..1) of
   the n numbers with the largest size: 1 / mean of ln(x_i / x_k) over the k largest. At most 2: the
   variance is infinite. Of a normal distribution it grows slowly as the share shrinks. Reorders x
   and makes it positive. NaN when too few numbers differ from 0 (B. M. Hill, A simple general
   approach to inference about the tail of a distribution, Annals of Statistics 3, 1975). */
double tail_index(float *x, int64_t n, double share);

#endif
