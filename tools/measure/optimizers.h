#ifndef TOOLS_MEASURE_OPTIMIZERS_H
#define TOOLS_MEASURE_OPTIMIZERS_H

#include "core/error.h"
#include "tools/measure/measure.h"

/* Prints for every method its step on the model's shapes: milliseconds (the median, and the first
   step, in which subspaces and bases are made), useful GFLOP/s (as the method declares them) as a
   fraction of the sgemm ceiling, spread of the singular values of a step of the first MLP matrix
   (0: orthogonal), state, and the share of a training step of `tokens`. */
int bench_optimizers(const char *name, const ModelOptions *size, int64_t tokens, int rounds,
                     Err *err);

/* Muon's and low-rank Muon's orthogonalizations against the plain five iterations (three full
   products each, no symmetry) in turn, and AdamW against a plain copy. */
int bench_against_plain(const char *name, const ModelOptions *size, int rounds, Err *err);

#endif
