/* A batch of token rows: data/ makes it, model/ reads it. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include <stdint.h>

typedef struct {
  const int32_t *x, *y; /* (B,T) tokens, and the token after each of them */
  int64_t B, T;
  int64_t step, first; /* steps done before; number of the first row among the rows of the step */
} Batch;

#endif
