/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers:
   as easy as 1, 2, 3; SC 2011). A stream is identified by its purpose, index and step, so the
   numbers do not depend on the order of calls or the number of threads, and no state must be saved.
   */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include <stdint.h>

typedef enum {
  RANDOM_INIT = 1,      /* initial weights; index = parameter */
  RANDOM_DATA = 2,      /* order of the training data; index = epoch */
  RANDOM_OPTIMIZER = 3, /* randomized optimizers; index = matrix, step = optimizer step */
  RANDOM_SAMPLE = 4,    /* text samples; step = optimizer step */
  RANDOM_TEST = 5,
  RANDOM_DROPOUT = 6,   /* index = row of the batch and place in the model, step = training step */
} RandomPurpose;

typedef struct {
  uint32_t key[2], counter[4], block[4];
  int left; /* unused numbers in `block` */
} Random;

/* The stream of (seed, purpose, index, step). */
Random random_stream(uint64_t seed, RandomPurpose purpose, uint32_t index, uint32_t step);

/* Uniform in 0..2^32-1. */
uint32_t random_u32(Random *r);

/* out (4 count) = numbers 4 first .. 4 (first + count) - 1 of a stream that was not used yet, as
   random_u32 returns them; many at once are cheap. */
void random_blocks(const Random *stream, uint32_t first, int64_t count, uint32_t *out);

/* Uniform in (0, 1): (u32 + 1/2) / 2^32. */
double random_uniform(Random *r);

/* Uniform in 0..n-1, for n up to 2^32 (bias below n / 2^32). */
uint32_t random_below(Random *r, uint32_t n);

/* out (n) = standard normal numbers (Box-Muller), four per block of the stream. */
void random_normals(Random *r, float *out, int64_t n);

/* out (k) = distinct numbers of 0..n-1 in random order; scratch (n). */
void random_distinct(Random *r, int k, int n, int *scratch, int *out);

#endif
