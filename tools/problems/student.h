/* Heavy-tailed random numbers. */
#ifndef TOOLS_PROBLEMS_STUDENT_H
#define TOOLS_PROBLEMS_STUDENT_H

#include "core/random.h"

/* x (n) = numbers with Student's t distribution, of any real number of degrees of freedom above 0;
   infinite degrees: normal. P(|x| > c) falls as c^-degrees (R. W. Bailey, Polar generation of
   random variates with the t-distribution, Mathematics of Computation 62, 1994). */
void student_numbers(Random *random, double degrees, float *x, int64_t n);

#endif
