/* One Newton-Schulz polynomial for each shape of matrix. */
#ifndef OPTIM_PARTS_FIT_H
#define OPTIM_PARTS_FIT_H

#include <stdint.h>

/* Whether f(x) = a x + b x^3 + c x^5 keeps [0,1] from growing: its maximum there stays below the
   larger positive fixed point, from which iterates run away. */
int coefficients_safe(const double abc[3]);

/* The safe abc that minimizes the mean of (f^steps(x) - 1)^2 over the singular values x of a
   normalized Gaussian s x l matrix, s <= l (law of Marchenko and Pastur): the simplex of Nelder and
   Mead, started from Jordan's coefficients. */
void fit_coefficients(int64_t s, int64_t l, int64_t steps, double abc[3]);

#endif
