/* Writes a file completely or not at all: under a temporary name, synced to disk, then renamed. */
#ifndef CORE_WRITER_H
#define CORE_WRITER_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

typedef struct {
  FILE *file;
  int reason; /* errno of the first failure, or 0 */
  char path[PATH_MAX], temporary[PATH_MAX + 8];
} Writer;

/* Opens the temporary file. Errors: it cannot be created, the path is too long. */
int writer_open(Writer *w, const char *path, Err *err);

/* Appends bytes. writer_close reports errors. */
void writer_put(Writer *w, const void *data, size_t size);

/* Sets the position of the next byte. */
void writer_seek(Writer *w, int64_t at);

/* Syncs the file and renames it to its path. If anything failed, removes it and returns -1. If the
   caller's `status` is not 0, removes it and returns `status`. */
int writer_close(Writer *w, int status, Err *err);

/* Syncs a folder's directory entries to disk. */
int folder_sync(const char *path, Err *err);

/* Removes a folder and the files in it; a folder in it is an error, a missing folder is not. A link
   is removed, never its target. */
int folder_remove(const char *path, Err *err);

#endif
