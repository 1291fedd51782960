#ifndef TOOLS_MEASURE_STEP_H
#define TOOLS_MEASURE_STEP_H

#include "core/error.h"
#include "optim/optim.h"
#include "tools/measure/measure.h"

/* Prints a line with the speed of whole training steps (B rows of the context): tokens/s, GFLOP/s
   and the fractions of the sgemm ceiling that forward, backward and the whole step reach. The
   ceiling is measured before and after every step, and a step's fraction is of the mean of these
   two: a shared machine's speed drifts. All are medians over the rounds; between the quartiles of
   the whole step's fractions lies their middle half. FLOPs of the optimizer are not counted as
   useful. Memory is what the model and the optimizer took. */
int bench_step(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
               int rounds, Err *err);

void bench_step_header(void);

#endif
