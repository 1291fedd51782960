/* Writing that either succeeds to the last byte or leaves what was there: under a temporary name,
   synced to the disk, then renamed. */
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

int writer_open(Writer *w, const char *path, Err *err);

/* Appends bytes. A failure is remembered and told by writer_close. */
void writer_put(Writer *w, const void *data, size_t size);

/* The next bytes are written from this position on. */
void writer_seek(Writer *w, int64_t at);

/* Gives the file its name, when all of it is on the disk; else removes it. `status` is what the
   caller has to say: anything but 0 removes the file as well, and is returned. */
int writer_close(Writer *w, int status, Err *err);

/* Puts a folder's list of names on the disk, as it stands. */
int folder_sync(const char *path, Err *err);

/* Removes a folder and the files in it (not folders in folders). Missing ones are fine. Of a link
   only the link is removed, never what it leads to. */
int folder_remove(const char *path, Err *err);

#endif
