/* LayerNorm (Ba, Kiros, Hinton 2016) over the last dimension, eps = 1e-5. Without bias, b and db
   are NULL. */
#ifndef MODEL_LAYERNORM_H
#define MODEL_LAYERNORM_H

#include <stdint.h>

#include "core/real.h"

/* y (n,C) = (x - mean) * rstd * w + b with mean and rstd = 1/sqrt(var + eps) of each row of
   x (n,C). Sets stats (n,2) to mean and rstd for the backward pass. */
void layernorm_forward(real *y, real *stats, const real *x, const real *w, const real *b,
                       int64_t n, int64_t C);

/* Recomputes y (n,C) from the stats of the forward pass. */
void layernorm_again(real *y, const real *stats, const real *x, const real *w, const real *b,
                     int64_t n, int64_t C);

/* dx (n,C) += the gradient of x for dy (n,C). Sets dw (C) and db (C), or with `accumulate` adds to
   them. */
void layernorm_backward(real *dx, real *dw, real *db, const real *dy, const real *stats,
                        const real *x, const real *w, int64_t n, int64_t C, int accumulate);

#endif
