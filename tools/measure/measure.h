/* What all measurements share: the ceilings of the machine. */
#ifndef TOOLS_MEASURE_MEASURE_H
#define TOOLS_MEASURE_MEASURE_H

#include <stdint.h>

#include "model/gpt2.h"

enum { ROUNDS_MAX = 101 };

/* One product y = x W^T of the network, and how many times it occurs in a step. */
typedef struct {
  int64_t rows, in, out; /* x (rows,in), W (out,in) */
  int64_t times;
} ProductShape;

/* The products of a model for passes of `rows` tokens; returns how many kinds (at most 5). */
int product_shapes(const ModelOptions *size, int64_t rows, ProductShape *shapes);

/* The sgemm ceiling in FLOP/s of those shapes: every product at the best rate that any of its three
   forms (y = x W^T, dx = dy W, dW = dy^T x) reaches, weighted by FLOPs. One round. */
double sgemm_ceiling(const ProductShape *shapes, int count);

/* Bytes per second of a plain copy of 256 MB by all threads, reads and writes counted. */
double copy_bandwidth(void);

#endif
