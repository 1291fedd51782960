/* Norms, summed in double: float squares of 1e-30 would vanish. */
#ifndef OPTIM_PARTS_NORMS_H
#define OPTIM_PARTS_NORMS_H

#include <stdint.h>

/* ||X||_F of n numbers. */
double frobenius_norm(const float *X, int64_t n);

/* <X, Y> of n numbers each. */
double inner_product(const float *X, const float *Y, int64_t n);

/* The sum of squares of n numbers at a distance `stride`. */
double square_sum(const float *x, int64_t n, int64_t stride);

/* Multiplies n numbers at a distance `stride`, in double. */
void scale_numbers(float *x, int64_t n, int64_t stride, double factor);

#endif
