/* One sequence, continued token by token: the queries, keys and values of what was fed are kept,
   so that a further token costs one row of products, not all of them again. */
#ifndef MODEL_DECODER_H
#define MODEL_DECODER_H

#include "model/gpt2.h"

typedef struct {
  const GPT2 *model;
  int64_t length;     /* tokens fed so far */
  real *qkv;          /* (L,context,3C) of which `length` rows are set */
  real *x, *norm;     /* (ROWS,C) the residual stream of the rows in work; scratch */
  real *wide, *stats; /* (ROWS,4C), (ROWS,2) scratch */
  real *scores;       /* (threads,context) scratch */
  void *memory;
  size_t bytes;
} Decoder;

/* The model's weights are only read. Error: no memory. */
int decoder_open(Decoder **d, const GPT2 *model, Err *err);
void decoder_close(Decoder *d);

/* Feeds tokens x (n), length + n <= context, and sets logits (V) of the token behind the last. */
void decoder_feed(Decoder *d, const int32_t *x, int64_t n, real *logits);

/* Forgets what was fed. */
void decoder_clear(Decoder *d);

#endif
