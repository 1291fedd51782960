/* Training steps: speed against the ceiling, and where their time goes. */
#ifndef TOOLS_MEASURE_STEP_H
#define TOOLS_MEASURE_STEP_H

#include "core/error.h"
#include "model/gpt2.h"
#include "optim/harness.h"

/* A size to measure: B rows of the model's context. */
typedef struct {
  const char *name;
  ModelOptions size;
  int64_t B;
  int rounds;
} BenchCase;

/* Prints a line of the table whose header bench_step_header prints: tokens/s, and the speed as a
   fraction of the sgemm ceiling, which is measured before and after each step. */
void bench_step_header(void);
int bench_step(const BenchCase *c, const Optimizer *method, Err *err);

/* Prints a table with a line for each precision: whole steps of the method in tokens/s, the ratio
   to float32's, the rate of the products and of the ceiling in that precision, and a step of Muon
   on the same model. The precisions take turns; medians of the rounds. */
int bench_precision(const BenchCase *c, const Optimizer *method, Err *err);

/* Prints a table of the parts of a step, as the model itself timed them, each with its limit: the
   sgemm ceiling, or a plain copy's bandwidth. */
int bench_parts(const BenchCase *c, const Optimizer *method, Err *err);

#endif
