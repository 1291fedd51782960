#ifndef TOOLS_MEASURE_STEP_H
#define TOOLS_MEASURE_STEP_H

#include "core/error.h"
#include "optim/optim.h"
#include "tools/measure/measure.h"

/* Prints a line with the speed of whole training steps (B rows of the context): tokens/s, GFLOP/s
   and, beside the sgemm ceiling measured in turn with them, the fractions that forward, backward,
   optimizer and whole step reach. FLOPs of the optimizer are not counted as useful. Memory is what
   the model and the optimizer took. */
int bench_step(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
               int rounds, Err *err);

void bench_step_header(void);

#endif
