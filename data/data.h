/* The training and validation sets of a run. The loader has no state: row r of step s depends only
   on the options, s and r, so resuming, micro-batches and threads do not change the data. */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/option.h"
#include "data/tokens.h"

#define DATA_ORDERS(X) \
  X(ORDER_SHUFFLE, "shuffle") X(ORDER_SEQUENTIAL, "sequential") X(ORDER_RANDOM, "random")
typedef enum { DATA_ORDERS(CHOICE_NAME) } DataOrder;

/* auto: char for the built-in shakespeare and where a meta.pkl is beside the data, else gpt2. */
#define TOKENIZERS(X) \
  X(TOKENIZER_AUTO, "auto") X(TOKENIZER_CHAR, "char") X(TOKENIZER_BYTES, "bytes") \
  X(TOKENIZER_GPT2, "gpt2")
typedef enum { TOKENIZERS(CHOICE_NAME) } TokenizerKind;

typedef struct {
  char data[OPTION_TEXT]; /* "austen" or "shakespeare" (embedded), a folder of nanoGPT's, or what
                             tokens_open takes */
  char val[OPTION_TEXT];  /* the same; empty: the last novel, val.bin, or the tail of the data */
  int tokenizer;          /* TokenizerKind */
  char vocabulary[OPTION_TEXT + 192]; /* vocab.json of the weights to start from, whose characters
                                         are used, or empty; not an option */
  char separator[OPTION_TEXT]; /* between documents in a text (data/separator.h), or empty */
  double val_fraction;
  int order; /* DataOrder */
  int64_t data_seed;
} DataOptions;

extern const Option data_options[];

typedef struct Data Data;

/* Replaces TOKENIZER_AUTO by the kind that fits the data. */
void data_choose_tokenizer(DataOptions *options);

/* Opens both sets for steps of B rows and rows of T tokens. `vocab` is used only by the tokenizer
   gpt2: 257..50257 for text, up to 65536 for token files; data_vocab returns the size in use. A
   folder with train.bin and val.bin (nanoGPT's) has both sets. Ignores training segments that
   are too short for one row (T+1 tokens); data_describe reports them. Errors: those of
   tokens_open; no training segment, or no validation data, with enough tokens for one row; with
   order sequential, fewer than B*T+1 tokens in a training segment that is not ignored; a
   separator without text; a character that is not in the vocabulary. */
int data_open(Data **d, const DataOptions *options, int64_t vocab, int64_t B, int64_t T, Err *err);
void data_close(Data *d);

/* Rows first..first+count-1 of the B rows of step `step`, counted from 0: batch->x (count, T) and
   batch->y, y[r][t] being the token after x[r][t]. They stay until the next call.

   shuffle: each epoch cuts every segment into windows of T tokens that do not overlap, starting at
   its own offset, and visits all of them once, in a random order.
   random: as nanoGPT: windows that start anywhere, drawn with replacement.
   sequential: as llm.c: step after step takes the next B*T tokens (and reads one more), from one
   segment as long as they last, then from the next, and starts over after the last.

   Errors: no memory, an id beyond the vocabulary. */
int data_batch(Data *d, int64_t step, int64_t first, int64_t count, Batch *batch, Err *err);

/* Number of validation rows; they follow each other from the start of each segment. */
int64_t data_val_rows(const Data *d);

/* The validation set, which stays the loader's. */
const Tokens *data_val_tokens(const Data *d);

/* Validation rows first..first+count-1, below data_val_rows; like data_batch. */
int data_val_batch(Data *d, int64_t first, int64_t count, Batch *batch, Err *err);

/* Number of tokens in the vocabulary. */
int64_t data_vocab(const Data *d);

/* Number of rows per epoch. */
int64_t data_epoch_rows(const Data *d);

/* Mean number of bytes per validation token (of at most the first 64M). Bits per byte are the loss
   per token / ln 2 / this number. 0 if there is no tokenizer. */
double data_val_bytes_per_token(const Data *d);

/* CRC-32 of both sets: a resumed run compares it with that of its checkpoint. */
uint32_t data_fingerprint(const Data *d);

/* A line for people: names, rounded sizes, the vocabulary. */
void data_summary(const Data *d, char *line, size_t size);

/* A line for info.txt: names, sizes, number of ignored files, order. */
void data_describe(const Data *d, char *line, size_t size);

/* A warning about the separator: a text contains <|endoftext|> but --separator is empty, or the
   separator does not occur. Else an empty line. */
void data_remark(const Data *d, char *line, size_t size);

/* Bytes of memory that the tokens take; mapped files need none. */
int64_t data_bytes(const Data *d);

/* The tokenizer, or NULL if gpt2 has no vocabulary of this size (below 257 or above 50257). */
const Tokenizer *data_tokenizer(const Data *d);

#endif
