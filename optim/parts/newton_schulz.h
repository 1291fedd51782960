/* Newton-Schulz iterations toward the polar factor msgn(X) = U V^T of X = U S V^T:
   X = X / (margin ||X||_F + eps), then X = a X + b (X X^T) X + c (X X^T)^2 X with the coefficients
   of each step. */
#ifndef OPTIM_PARTS_NEWTON_SCHULZ_H
#define OPTIM_PARTS_NEWTON_SCHULZ_H

#include "core/scratch.h"
#include "optim/parts/polynomials.h"

typedef struct {
  float *Y;         /* (rows,cols) */
  float *square[4]; /* (short side, short side) */
} NewtonSchulzWork;
void newton_schulz_layout(NewtonSchulzWork *work, Scratch *s, int64_t rows, int64_t cols);

/* X (rows,cols) becomes nearly msgn(X); a zero matrix stays zero. Matrices at least 1.5 times
   longer than wide iterate on the small Gram matrix (Polar Express, arXiv 2505.16932,
   Algorithm 4), unless the plan is `direct` or products are in bf16. */
void newton_schulz(float *X, int64_t rows, int64_t cols, const NewtonSchulzPlan *plan,
                   const NewtonSchulzWork *work);

/* FLOPs of it, with half the work for symmetric products. */
double newton_schulz_flops(int64_t rows, int64_t cols, const NewtonSchulzPlan *plan);

#endif
