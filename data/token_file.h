/* Detects the content of a data file: text, or token ids in a format of another program. */
#ifndef DATA_TOKEN_FILE_H
#define DATA_TOKEN_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

typedef struct {
  int width;     /* bytes of an id: 2, 4 or 8, little-endian; 0: the file is text */
  size_t first;  /* position of the ids in bytes */
  int64_t count; /* number of ids */
} TokenFile;

/* Recognises llm.c's shards (uint16 and uint32) and NumPy's .npy (one row of uint16, or of int32,
   uint32, int64 or uint64) by how they begin. Anything else is raw ids, as of nanoGPT, when it is
   named .bin or .bin.gz, and text otherwise. Raw ids are uint16, unless every number of 4 or of 8
   bytes in the first 64 KiB is small enough to be an id, which two or four uint16 never are by
   chance. `bytes` are the whole file, unpacked. Errors: a truncated or damaged file, numbers that
   cannot be ids, a file of another kind, which the sentence names. */
int token_file_read(TokenFile *f, const char *path, const void *bytes, size_t size, Err *err);

/* Error if a file that begins with these bytes is not text; the message names its type. */
int token_file_check_text(const char *path, const void *bytes, size_t size, Err *err);

#endif
