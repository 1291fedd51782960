/* y = x W^T + b. Weights are (out, in) row-major, as in llm.c and PyTorch. A layer without bias has
   b = NULL and db = NULL. */
#ifndef MODEL_LINEAR_H
#define MODEL_LINEAR_H

#include <stdint.h>

#include "core/real.h"

/* y (n,out) = x (n,in) w (out,in)^T + b (out). */
void linear_forward(real *y, const real *x, const real *w, const real *b, int64_t n, int64_t in,
                    int64_t out);

/* y (n,out) = residual (n,out) + x w^T + b. */
void linear_forward_residual(real *y, const real *residual, const real *x, const real *w,
                             const real *b, int64_t n, int64_t in, int64_t out);

/* dw (out,in) = dy^T x (n,in),  db (out) = column sums of dy (n,out); with `accumulate`, += instead
   of =. */
void linear_weight_gradient(real *dw, real *db, const real *dy, const real *x, int64_t n,
                            int64_t in, int64_t out, int accumulate);

/* The same, and dx (n,in) = dy w. */
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w,
                     int64_t n, int64_t in, int64_t out, int accumulate);

#endif
