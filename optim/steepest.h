/* Linear minimization oracles: the steepest direction of a step of norm 1, for several norms. */
#ifndef OPTIM_STEEPEST_H
#define OPTIM_STEEPEST_H

#include "optim/orthogonalize.h"

enum { NORM_SPECTRAL, NORM_FROBENIUS, NORM_SIGN, NORM_RMS, NORM_COLUMN, NORM_ROW };
#define NORM_NAMES "spectral|frobenius|sign|rms|column|row"

/* M (rows,cols) becomes argmax <M, D> over the steps D of norm 1:
   spectral msgn(M);  frobenius M/||M||_F;  sign sign(M);  rms sqrt(rows/cols) msgn(M);
   column, row: every column or row scaled to root mean square 1. Zeros stay zero.
   `scratch`: steepest_scratch floats. */
void steepest(float *M, int64_t rows, int64_t cols, int norm, const Polar *polar, float *scratch);
int64_t steepest_scratch(int64_t rows, int64_t cols, int norm, const Polar *polar);
double steepest_flops(int64_t rows, int64_t cols, int norm, const Polar *polar);

#endif
