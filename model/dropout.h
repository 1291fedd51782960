/* Dropout (Srivastava et al. 2014): a number is set to 0 with probability `rate`, or else divided
   by 1 - rate. Masks are not stored: a mask depends only on what identifies it, so the backward
   pass computes it again, and threads, micro-batches and resuming do not change it. The rate is
   rounded to a multiple of 2^-16. */
#ifndef MODEL_DROPOUT_H
#define MODEL_DROPOUT_H

#include <stdint.h>

#include "core/real.h"

/* The masks of one place in the model in one step; each row of the batch has its own. */
typedef struct {
  double rate;
  uint64_t seed;
  uint32_t step;
  int64_t first;       /* number of the batch's first row among all rows of the step */
  int64_t place, places; /* 0..places-1 */
} Dropout;

enum { DROPOUT_UNIT = 8 };

/* mask (n) = numbers from..from+n-1 of the mask of a row of the batch, each 0 or 1 / (1 - rate).
   `from` is a multiple of DROPOUT_UNIT. */
void dropout_mask(real *mask, const Dropout *d, int64_t row, int64_t from, int64_t n);

/* y = residual + mask * x, all (B,n), with residual NULL for 0; y may be x. */
void dropout_apply(real *y, const real *residual, const real *x, const Dropout *d, int64_t B,
                   int64_t n);

#endif
