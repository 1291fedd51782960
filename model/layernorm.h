/* LayerNorm (Ba, Kiros, Hinton 2016) over the last dimension, eps = 1e-5. */
#ifndef MODEL_LAYERNORM_H
#define MODEL_LAYERNORM_H

#include <stdint.h>

#include "core/real.h"

/* y (n,C) = (x - mean) * rstd * w + b with mean and rstd = 1/sqrt(var + eps) of each row of
   x (n,C); both are kept in stats (n,2) for the backward pass. */
void layernorm_forward(real *y, real *stats, const real *x, const real *w, const real *b,
                       int64_t n, int64_t C);

/* The same y again, from the stats of the forward pass. */
void layernorm_again(real *y, const real *stats, const real *x, const real *w, const real *b,
                     int64_t n, int64_t C);

/* dx (n,C) += gradient through the norm of dy (n,C); dw (C), db (C) are set, or added to when
   `accumulate` is set. */
void layernorm_backward(real *dx, real *dw, real *db, const real *dy, const real *stats,
                        const real *x, const real *w, int64_t n, int64_t C, int accumulate);

#endif
