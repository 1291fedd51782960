/* GPT-2's byte-level BPE tokenizer, exact, for GPT-2's vocabulary and for the smaller ones nested
   in it. The merges are in rank order, so the first K of them are themselves a valid BPE:
     ids 0..255          single bytes, in GPT-2's own order
     ids 256..vocab-2    the first vocab-257 merges
     id  vocab-1         end-of-text, which separates documents and never comes out of a text
   vocab 257 is plain bytes, 50257 is GPT-2. */
#ifndef DATA_TOKENIZER_H
#define DATA_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* The published name of end-of-text. */
#define TOKENIZER_EOT "<|endoftext|>"

enum { TOKENIZER_VOCAB_MIN = 257, TOKENIZER_VOCAB_MAX = 50257 };

typedef struct Tokenizer Tokenizer;

/* Builds the tokenizer from the embedded table. Threads may share it, since it does not change
   after that. Errors: vocab outside the two limits above, no memory. */
int tokenizer_open(Tokenizer **t, int64_t vocab, Err *err);
void tokenizer_close(Tokenizer *t);

int tokenizer_vocab(const Tokenizer *t);

/* The id of end-of-text: vocab-1. */
int tokenizer_eot(const Tokenizer *t);

/* Encodes text (size) to ids (room for `size`) and sets *count to their number. Accepts any bytes,
   and tokenizer_bytes returns exactly these: a byte that is not UTF-8 is a symbol of its own.
   Special tokens in the text are plain text. Large texts are encoded by all threads; the ids do not
   depend on their number. Error: no memory. */
int tokenizer_encode(const Tokenizer *t, const char *text, size_t size, uint16_t *ids,
                     size_t *count, Err *err);

/* The bytes of a token, 0 <= id < vocab: without a terminating zero; they may contain zeros and
   incomplete characters. End-of-text has length 0. */
const unsigned char *tokenizer_bytes(const Tokenizer *t, int id, int *length);

/* Sets *left and *right to the two tokens whose merge is token id, 256 <= id < vocab-1. */
void tokenizer_parts(int id, int *left, int *right);

/* The first position >= near where text may be split so that its parts, encoded separately, give
   the ids of the whole: before white space that follows another character. `size` if there is none.
   Monotonic in `near`. */
size_t tokenizer_cut(const char *text, size_t size, size_t near);

#endif
