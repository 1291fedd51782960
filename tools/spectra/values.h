/* Normalized singular values, measured or from their law, and what Newton-Schulz steps do to them:
   in exact arithmetic a step maps each by its polynomial and does not change the vectors. */
#ifndef TOOLS_SPECTRA_VALUES_H
#define TOOLS_SPECTRA_VALUES_H

#include <stdint.h>

#include "core/error.h"
#include "optim/parts/polynomials.h"

/* Singular values of X / ||X||_F with the share of all directions that each represents. */
typedef struct {
  int64_t n;
  double *x, *weight; /* (n); weights sum to 1 */
} Values;

Values values_make(int64_t n); /* equal weights */
Values values_copy(const Values *from);
void values_free(Values *v);

/* The singular values, descending, of X / ||X||_F for X (rows,cols); v->n = min(rows, cols). From
   the eigenvalues of the Gram matrix in double, to 1e-8 of the largest singular value. Error: no
   memory. */
int values_of_matrix(Values *v, const float *X, int64_t rows, int64_t cols, Err *err);

/* The same for (s,l) independent normal numbers, s <= l; and how much memory that needs. */
int values_random(Values *v, int64_t s, int64_t l, uint64_t seed, uint32_t index, Err *err);
double values_random_bytes(int64_t s, int64_t l);

/* The law of such matrices (Marchenko and Pastur) in y = x sqrt(s), with g = s/l in (0,1]:
   y^2 = 1 + g - 2 sqrt(g) cos u where u in (0,pi) has the density (2/pi) sin^2 u / y^2. For g = 1
   it is the quarter circle sqrt(4 - y^2) / pi on [0,2]. */
double law_cdf(double g, double y);
double law_quantile(double g, double q);
Values values_of_law(int64_t s, int64_t l);

/* The smallest of a square s x s matrix: s^(3/2) x has the distribution 1 - exp(-t^2/2 - t)
   (Edelman 1988): its quantile, and the exponential of the mean of ln t. */
double smallest_quantile(double q);
double smallest_geometric_mean(void);

/* The q-quantile (0..1) of measured values in any order: the i-th of n is the (i - 1/2) / n
   quantile, as of a law; linear between them. */
double values_quantile(const Values *v, double q);

/* Step k = 0, 1, ... of a schedule on every value; before the first, the division by its margin. */
void values_margin(Values *v, int schedule);
void values_step(Values *v, int schedule, int64_t k);

/* How far from 1 the values are. */
typedef struct {
  double below_half; /* share of directions that end below 1/2 */
  double error;      /* mean |x - 1| */
  double gram;       /* ||X X^T - I||_F / sqrt(s) */
} Effect;
Effect values_effect(const Values *v);

/* Steps until a singular value x reaches 1/2, with the fraction of the last one (by logarithms);
   NaN if 100 steps are not enough. */
double steps_to_half(double x, int schedule);

/* x p_k(x^2) for degree k = 1, 2, 3 in X X^T, with p_k the Taylor polynomial of lambda^(-1/2) at 1,
   p_k = sum over s <= k of c_s (1 - lambda)^s, c = 1, 1/2, 3/8, 5/16 (Kim and Oh, arXiv
   2601.19156). */
double taylor_step(double x, int k);

#endif
