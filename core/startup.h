/* OpenBLAS and OpenMP read their settings before main. This module chooses better settings if there
   are any and restarts the program with them. */
#ifndef CORE_STARTUP_H
#define CORE_STARTUP_H

#include "core/error.h"

/* Call first in a main that computes products. Returns 0, or -1 if no core of OpenBLAS gives
   correct results. May restart the program with the same arguments:
   - with OPENBLAS_CORETYPE, if the CPU can execute a faster core than OpenBLAS chose, or if that
     core gives wrong results; at most once per core, and only if the user did not set the variable;
   - with GOMP_SPINCOUNT (how long a waiting thread spins), unless the user set it or
     OMP_WAIT_POLICY.
   The variables are removed after the restart, so that child processes get the user's environment.
   POLAR_RESTART=off disables this, for debuggers. */
int startup(char **argv, Err *err);

/* How the core and the wait policy were chosen, for info.txt. */
const char *startup_describe(void);

/* A line about a setting that makes the program slow; "" if there is none. */
const char *startup_warning(void);

#endif
