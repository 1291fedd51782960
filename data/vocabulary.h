/* The tokenizer's vocabulary in the files that other programs read. For GPT-2's own 50257
   tokens they are the published files, byte for byte. A vocabulary of characters has no merges;
   transformers reads it if all characters are ASCII. */
#ifndef DATA_VOCABULARY_H
#define DATA_VOCABULARY_H

#include <stdio.h>

#include "data/tokenizer.h"

/* Print the texts of vocab.json (token to id), merges.txt and tokenizer_config.json; `context` is
   the number of the model's positions. */
void vocabulary_json(FILE *out, const Tokenizer *t);
void vocabulary_merges(FILE *out, const Tokenizer *t);
void vocabulary_config(FILE *out, const Tokenizer *t, int64_t context);

/* Prints all tokens in the form that they have in merges.txt, one a line. */
void vocabulary_tokens(FILE *out, const Tokenizer *t);

/* Opens the tokenizer of a model with `vocab` tokens whose vocab.json is at `path`: characters if
   the file lists `vocab` characters, else the BPE of that size (also without the file). *t is NULL
   if there is none. Errors: the file cannot be read; no memory. */
int vocabulary_open(Tokenizer **t, const char *path, int64_t vocab, Err *err);

#endif
