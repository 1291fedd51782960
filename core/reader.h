/* A file's bytes from first to last, unpacked when it is gzipped: it may be larger than memory. */
#ifndef CORE_READER_H
#define CORE_READER_H

#include <limits.h>
#include <stddef.h>

#include "core/error.h"

typedef struct {
  void *file;
  char path[PATH_MAX];
} Reader;

int reader_open(Reader *r, const char *path, Err *err);

/* out (n): the next bytes, *got of them; fewer than n only at the end. Error: the file cannot be
   read, is damaged, or ends early. */
int reader_get(Reader *r, char *out, size_t n, size_t *got, Err *err);

void reader_close(Reader *r);

#endif
