/* OpenBLAS and OpenMP read their settings before main. This module finds the right ones and executes
   the program again with them. */
#ifndef CORE_STARTUP_H
#define CORE_STARTUP_H

#include "core/error.h"

/* Call first in a main that computes products. Returns 0, or -1 if no core of OpenBLAS computes
   right. May execute the program again, with the same arguments:
   - with OPENBLAS_CORETYPE, if the CPU can execute a faster core than OpenBLAS chose, or if that
     core computes wrong; each core at most once, and only if the user did not set the variable;
   - with GOMP_SPINCOUNT (how long a waiting thread keeps its processor), unless the user set it or
     OMP_WAIT_POLICY.
   The variables are removed again, so that programs started from here have the user's. Setting
   POLAR_RESTART=off switches this off, for debuggers. */
int startup(char **argv, Err *err);

/* How the core and the wait policy were chosen, for info.txt. */
const char *startup_describe(void);

/* A line about a setting that makes the program slow; "" if there is none. */
const char *startup_warning(void);

#endif
