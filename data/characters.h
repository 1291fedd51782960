/* Vocabularies of the characters that occur in texts, in the order of their code points, as in
   nanoGPT's shakespeare_char. */
#ifndef DATA_CHARACTERS_H
#define DATA_CHARACTERS_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "data/tokenizer.h"

/* A set of code points. Starts as {0}; characters_free releases it. */
typedef struct {
  unsigned char *seen; /* a bit for each code point, or NULL */
} Characters;
void characters_free(Characters *c);

/* Adds the characters of a text (size). Errors: it is not UTF-8; no memory. */
int characters_add(Characters *c, const char *name, const char *text, size_t size, Err *err);

/* The tokenizer whose ids are the characters of the set in ascending order. */
int characters_tokenizer(Tokenizer **t, const Characters *c, Err *err);

#endif
