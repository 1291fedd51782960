/* The tokenizer's vocabulary in the two files that other programs read. For GPT-2's own 50257
   tokens they are the published files, byte for byte. A vocabulary of characters has no merges;
   transformers reads it if all characters are ASCII. */
#ifndef DATA_VOCABULARY_H
#define DATA_VOCABULARY_H

#include <stddef.h>

#include "data/tokenizer.h"

/* The text of vocab.json (token to id) and of merges.txt; freed by the caller. NULL when there is
   no memory. */
char *vocabulary_json(const Tokenizer *t, size_t *size);
char *vocabulary_merges(const Tokenizer *t, size_t *size);

/* Opens the tokenizer of a model with `vocab` tokens whose vocab.json is at `path`: characters if
   the file lists `vocab` characters, else the BPE of that size (also without the file). *t is NULL
   if there is none. Errors: the file cannot be read; no memory. */
int vocabulary_open(Tokenizer **t, const char *path, int64_t vocab, Err *err);

#endif
