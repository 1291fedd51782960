/* Linear minimization oracles: the steepest direction of a step of norm 1, for several norms. */
#ifndef OPTIM_PARTS_LMO_H
#define OPTIM_PARTS_LMO_H

#include "optim/parts/polar.h"

#define NORMS(X)                                                                                 \
  X(NORM_SPECTRAL, "spectral") X(NORM_FROBENIUS, "frobenius") X(NORM_SIGN, "sign")               \
  X(NORM_RMS, "rms") X(NORM_COLUMN, "column") X(NORM_ROW, "row")
enum { NORMS(CHOICE_NAME) };

/* M (rows,cols) becomes argmax <M, D> over the steps D of norm 1:
   spectral msgn(M);  frobenius M/||M||_F;  sign sign(M);  rms sqrt(rows/cols) msgn(M);
   column, row: every column or row scaled to root mean square 1. Zeros stay zero. */
void lmo(float *M, int64_t rows, int64_t cols, int norm, const Polar *polar, const PolarWork *work);

/* M becomes the nearest matrix of the ball of that radius, in the Frobenius norm. For the spectral
   norms the work is that of the way BY_SVD. */
void ball_nearest(float *M, int64_t rows, int64_t cols, int norm, double radius,
                  const PolarWork *work);

void lmo_layout(PolarWork *work, Scratch *s, int64_t rows, int64_t cols, int norm,
                const Polar *polar);
double lmo_flops(int64_t rows, int64_t cols, int norm, const Polar *polar);

#endif
