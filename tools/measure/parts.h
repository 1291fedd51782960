#ifndef TOOLS_MEASURE_PARTS_H
#define TOOLS_MEASURE_PARTS_H

#include "core/error.h"
#include "optim/optim.h"
#include "tools/measure/measure.h"

/* Prints where a training step of B rows goes: each part's milliseconds and share of the step, its
   GFLOP/s beside the sgemm ceiling or its GB/s beside a plain copy (all measured in turn), and
   what the parts, each run alone, sum to. Bytes are those that a part must move at least once; a
   part whose arrays stay in the cache can be faster than a copy. */
int bench_parts(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
                int rounds, Err *err);

#endif
