/* Points that fill a cube evenly, for random trials. */
#ifndef TOOLS_TRIALS_SOBOL_H
#define TOOLS_TRIALS_SOBOL_H

#include <stdint.h>

enum { SOBOL_MAX = 12 };

/* Coordinate i < SOBOL_MAX of point n = 0, 1, ... of the Sobol sequence with a digital shift, in
   [0,1): of each 2^k points from the first, one is in each part of length 2^-k. */
double sobol(int64_t n, int i);

#endif
