/* Reads a file from start to end and unpacks it if it is gzipped. It may be larger than memory. */
#ifndef CORE_READER_H
#define CORE_READER_H

#include <limits.h>
#include <stddef.h>

#include "core/error.h"

typedef struct {
  void *file;
  char path[PATH_MAX];
} Reader;

/* Opens a file. Errors: it is a folder, or cannot be opened. */
int reader_open(Reader *r, const char *path, Err *err);

/* Reads the next n bytes to `out`, and their number to *got: less than n only at the end. Errors:
   the file cannot be read, is damaged or truncated. */
int reader_get(Reader *r, char *out, size_t n, size_t *got, Err *err);

void reader_close(Reader *r);

#endif
