/* The vocabulary of characters that nanoGPT keeps in meta.pkl, beside train.bin and val.bin. */
#ifndef DATA_META_H
#define DATA_META_H

#include <stddef.h>

#include "data/tokenizer.h"

#define META_FILE "meta.pkl"

/* Reads the dictionary `itos` of a meta.pkl. Executes nothing: only the opcodes of numbers, strings
   and dictionaries are known. Errors: another pickle; ids that are not 0, 1, 2, ... */
int meta_read(Tokenizer **t, const char *path, Err *err);

/* The text of a meta.pkl for a tokenizer of characters, which the caller frees; NULL when there is
   no memory. */
char *meta_text(const Tokenizer *t, size_t *size);

/* path (size) = the meta.pkl of a value of --data: in the folder, or beside the token files.
   Returns whether there is one. */
int meta_find(const char *data, char *path, size_t size);

#endif
