/* Decodes one sequence token by token. It keeps the queries, keys and values of earlier tokens, so
   that each new token costs one row of each product. */
#ifndef MODEL_DECODER_H
#define MODEL_DECODER_H

#include "model/gpt2.h"

typedef struct {
  const GPT2 *model;
  int64_t length;     /* tokens fed so far */
  real *qkv;          /* (L,context,3C) of which `length` rows are set */
  real *x, *norm;     /* (ROWS,C) residual stream of the current rows; scratch */
  real *wide, *stats; /* (ROWS,4C), (ROWS,2) scratch */
  real *scores;       /* (threads,context) scratch */
  void *memory;
  size_t bytes;
} Decoder;

/* Opens a decoder for a model, which it only reads. Error: no memory. */
int decoder_open(Decoder **d, const GPT2 *model, Err *err);
void decoder_close(Decoder *d);

/* Feeds tokens x (n), length + n <= context, and sets the logits (V) of the next token. */
void decoder_feed(Decoder *d, const int32_t *x, int64_t n, real *logits);

/* Removes all tokens. */
void decoder_clear(Decoder *d);

#endif
