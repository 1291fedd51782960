/* The tokenizer's vocabulary in the two files that other programs read. For GPT-2's own 50257
   tokens they are the published files, byte for byte. */
#ifndef DATA_VOCABULARY_H
#define DATA_VOCABULARY_H

#include <stddef.h>

#include "data/tokenizer.h"

/* The text of vocab.json (token to id) and of merges.txt; freed by the caller. NULL when there is
   no memory. */
char *vocabulary_json(const Tokenizer *t, size_t *size);
char *vocabulary_merges(const Tokenizer *t, size_t *size);

#endif
