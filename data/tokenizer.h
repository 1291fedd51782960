/* Two kinds of tokenizers.

   GPT-2's byte-level BPE, exact, for GPT-2's vocabulary and for the smaller ones nested in it. The
   merges are in rank order, so the first K of them are themselves a valid BPE:
     ids 0..255          single bytes, in GPT-2's own order
     ids 256..vocab-2    the first vocab-257 merges
     id  vocab-1         end-of-text, which separates documents and never comes out of a text
   vocab 257 is plain bytes, 50257 is GPT-2.

   A list of characters: each token is one, and there is no end-of-text (data/characters.h makes
   such lists). */
#ifndef DATA_TOKENIZER_H
#define DATA_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* The published name of end-of-text. */
#define TOKENIZER_EOT "<|endoftext|>"

enum { TOKENIZER_VOCAB_MIN = 257, TOKENIZER_VOCAB_MAX = 50257,
       CHARACTERS_MAX = 65536 };

typedef struct Tokenizer Tokenizer;

/* Builds the tokenizer from the embedded table. Threads may share it, since it does not change
   after that. Errors: vocab outside the two limits above, no memory. */
int tokenizer_open(Tokenizer **t, int64_t vocab, Err *err);

/* Builds the tokenizer whose token id is the character codes[id]; codes (count) are code points.
   Errors: a code point that is listed twice or is none, count outside 1..65536, no memory. */
int tokenizer_open_characters(Tokenizer **t, const uint32_t *codes, int64_t count, Err *err);
void tokenizer_close(Tokenizer *t);

int tokenizer_vocab(const Tokenizer *t);

/* The id of end-of-text, or -1 if the tokens are characters. */
int tokenizer_eot(const Tokenizer *t);

/* The token to start a text with: end-of-text, or the line end among characters (0 without it). */
int tokenizer_start(const Tokenizer *t);

/* The code points by id (vocab), or NULL if the tokens are not characters. */
const uint32_t *tokenizer_characters(const Tokenizer *t);

/* Encodes text (size) to ids (room for `size`) and sets *count to their number. Accepts any bytes,
   and tokenizer_bytes returns exactly these: a byte that is not UTF-8 is a separate symbol. Special
   tokens in the text are plain text. Large texts are encoded by all threads; the ids do not depend
   on their number. Errors: no memory; a character that is not in a list of characters, or text that
   is not UTF-8. */
int tokenizer_encode(const Tokenizer *t, const char *text, size_t size, uint16_t *ids,
                     size_t *count, Err *err);

/* The bytes of a token, 0 <= id < vocab: without a terminating zero; they may contain zeros and
   incomplete characters. End-of-text has length 0. */
const unsigned char *tokenizer_bytes(const Tokenizer *t, int id, int *length);

/* order[id] = the single byte that is token id of the BPE. */
void tokenizer_byte_order(unsigned char order[256]);

/* Sets *left and *right to the two tokens whose merge is token id, 256 <= id < vocab-1. */
void tokenizer_parts(int id, int *left, int *right);

/* The first position >= near where text may be split so that its parts, encoded separately, give
   the ids of the whole: before white space that follows another character. `size` if there is none.
   Monotonic in `near`. */
size_t tokenizer_cut(const char *text, size_t size, size_t near);

#endif
