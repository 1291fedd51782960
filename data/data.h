/* The training and validation sets of a run. The loader has no state: row r of step s is a function
   of the options, s and r alone, so that neither resuming, nor micro-batches, nor threads can
   change what the model sees. */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/option.h"
#include "data/tokenizer.h"

#define DATA_ORDERS(X) X(ORDER_SHUFFLE, "shuffle") X(ORDER_SEQUENTIAL, "sequential")
typedef enum { DATA_ORDERS(CHOICE_NAME) } DataOrder;

typedef struct {
  char data[OPTION_TEXT]; /* "austen" (embedded), or what tokens_open takes */
  char val[OPTION_TEXT];  /* the same; empty: the last novel, or the tail of the data */
  char separator[OPTION_TEXT]; /* of documents within texts (data/separator.h), or empty */
  double val_fraction;
  int order; /* DataOrder */
  int64_t data_seed;
} DataOptions;

extern const Option data_options[];

typedef struct Data Data;

/* Opens both sets for a vocabulary (257..50257 for text, up to 65536 for token files), steps of B
   rows and rows of T tokens. Training segments too short for one row (T+1 tokens) are left out,
   which data_describe tells. Errors: those of tokens_open; too few tokens for one row in every training
   segment or in all of the validation set; with order sequential, fewer than B*T+1 tokens in a
   training segment that was not left out; a separator although there is no text. */
int data_open(Data **d, const DataOptions *options, int64_t vocab, int64_t B, int64_t T, Err *err);
void data_close(Data *d);

/* Rows first..first+count-1 of the B rows of step `step`, counted from 0: batch->x (count, T) and
   batch->y, y[r][t] being the token after x[r][t]. They stay until the next call.

   shuffle: each epoch cuts every segment into windows of T tokens that do not overlap, starting at
   an offset of its own, and visits all of them once, in a random order.
   sequential: as llm.c: step after step takes the next B*T tokens (and reads one more), from one
   segment as long as they last, then from the next, and starts over after the last.

   Errors: no memory, an id beyond the vocabulary. */
int data_batch(Data *d, int64_t step, int64_t first, int64_t count, Batch *batch, Err *err);

/* How many validation rows there are: side by side from the start of each segment. */
int64_t data_val_rows(const Data *d);

/* Validation rows first..first+count-1, below data_val_rows; as data_batch. */
int data_val_batch(Data *d, int64_t first, int64_t count, Batch *batch, Err *err);

/* An epoch lasts this many rows. */
int64_t data_epoch_rows(const Data *d);

/* Mean length of a validation token (of at most the first 64M), to turn a loss per token into bits
   per byte: loss / ln 2 / this. 0 when there is no tokenizer to tell. */
double data_val_bytes_per_token(const Data *d);

/* CRC-32 of both sets: a resumed run compares it with that of its checkpoint. */
uint32_t data_fingerprint(const Data *d);

/* One line for people: names, sizes, how many files were left out, order. */
void data_describe(const Data *d, char *line, size_t size);

/* A remark on the separator: a text has <|endoftext|> in it and none was given, or the one given
   does not occur. Empty when there is nothing to say. */
void data_remark(const Data *d, char *line, size_t size);

/* NULL when the vocabulary is not the tokenizer's (below 257 or above 50257). */
const Tokenizer *data_tokenizer(const Data *d);

#endif
