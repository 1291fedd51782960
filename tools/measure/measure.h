/* What all measurements share: an optimizer at work, and the ceilings of the machine. */
#ifndef TOOLS_MEASURE_MEASURE_H
#define TOOLS_MEASURE_MEASURE_H

#include <stdint.h>

#include "model/gpt2.h"
#include "optim/harness.h"

enum { ROUNDS_MAX = 101 };

/* A method with its options and its state for the parameters of a model. */
typedef struct {
  OptimizerOptions common;
  void *options;
  OptimizerState *state;
  int64_t t; /* steps so far */
} Subject;

/* `settings` is "name=value name=value ..." for options of the method that differ from their
   defaults. subject_seconds takes one step and returns its time. */
int subject_open(Subject *s, const Optimizer *method, const char *settings, const GPT2 *m,
                 Err *err);
double subject_seconds(Subject *s);
void subject_close(Subject *s);

/* One product y = x W^T of the network, and how many times it occurs in a step. */
typedef struct {
  int64_t rows, in, out; /* x (rows,in), W (out,in) */
  int64_t times;
} ProductShape;

/* The products of a model for passes of `rows` tokens; returns how many kinds (at most 5). */
int product_shapes(const ModelOptions *size, int64_t rows, ProductShape *shapes);

/* The ceiling of those shapes in FLOP/s, of sgemm or of the precision that is set: the rate of each
   product in the fastest of its three forms (y = x W^T, dx = dy W, dW = dy^T x), weighted by FLOPs.
   One round. */
double sgemm_ceiling(const ProductShape *shapes, int count);

/* Bytes per second of a plain copy of 256 MB by all threads, reads and writes counted. */
double copy_bandwidth(void);

#endif
