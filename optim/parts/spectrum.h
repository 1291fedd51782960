/* What a matrix that a method orthogonalizes looks like, and what the method makes of it. */
#ifndef OPTIM_PARTS_SPECTRUM_H
#define OPTIM_PARTS_SPECTRUM_H

#include "optim/parts/low_rank.h"

/* Singular values are those of Z/||Z||_F. */
enum {
  SPECTRUM_STABLE_RANK,     /* ||Z||_F^2 / ||Z||_2^2 */
  SPECTRUM_CONDITION,       /* largest over smallest singular value, 1e8 at most */
  SPECTRUM_FIRST_QUANTILE,
  SPECTRUM_QUANTILES = 8,
  SPECTRUM_POLAR_DISTANCE = SPECTRUM_FIRST_QUANTILE + SPECTRUM_QUANTILES,
                            /* min over c of ||c D - msgn(Z)||_F / ||msgn(Z)||_F, D the update */
  SPECTRUM_UPDATE,          /* ||D||_F / ||W||_F, decay left out */
  SPECTRUM_RANK,            /* r: the method's --rank where that is no whole matrix, or
                               an eighth of the short side */
  SPECTRUM_GRADIENT_OWN,    /* share of ||G||_F^2 in G's own r leading directions (short side) */
  SPECTRUM_GRADIENT_IN,     /* the same in the r leading directions of Z */
  SPECTRUM_NUMBERS
};
extern const char *const spectrum_columns[SPECTRUM_NUMBERS];
extern const double spectrum_quantiles[SPECTRUM_QUANTILES]; /* 0 (smallest) ... 1 (largest) */

typedef struct {
  SingularWork singular;
  float *Q, *B, *P; /* (short side, short side), (rows,cols), (rows,cols) */
  PolarWork polar;
} SpectrumWork;
void spectrum_layout(SpectrumWork *work, Scratch *s, int64_t rows, int64_t cols);

/* The numbers of one matrix: Z, gradient G and update D, all (rows,cols), beside weights of norm
   w_norm. With a basis Q (long side,r), which may be NULL, Z is the moment M in its space, (r,cols)
   for rows >= cols, else (rows,r): Q M or M Q^T has M's r singular values, and otherwise zeros. */
void spectrum_measure(const float *Z, const float *basis, int64_t r, const float *G, const float *D,
                      int64_t rows, int64_t cols, int64_t rank, double w_norm,
                      double numbers[SPECTRUM_NUMBERS], const SpectrumWork *work);

/* The sum of a[i] b[i] over n numbers, in double. */
double dot(const float *a, const float *b, int64_t n);

#endif
