#ifndef TOOLS_MEASURE_GROWTH_H
#define TOOLS_MEASURE_GROWTH_H

#include "core/error.h"
#include "optim/optim.h"
#include "tools/measure/measure.h"

/* Prints how the time per token of a training step grows with the context (at the same number of
   tokens), the batch, the layers, the channels and the threads, beside what the FLOPs per token
   say. The other sizes are those given. */
int bench_growth(const ModelOptions *size, const Optimizer *method, int rounds, Err *err);

#endif
