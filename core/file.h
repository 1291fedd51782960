/* Files. Every error names the file and the reason. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

/* Reads a whole file into memory and unpacks it if it is gzipped. *data ends with a zero byte that
   *size does not count; the caller frees it. Errors: unreadable, truncated, damaged, no memory. */
int file_read(const char *path, char **data, size_t *size, Err *err);

/* The same for packed_size gzipped bytes in memory; `name` is for messages. */
int file_inflate(const char *name, const void *packed, size_t packed_size, char **data,
                 size_t *size, Err *err);

/* Writes a whole file under a temporary name, syncs it and renames it, so that the path always
   holds the complete old or new content. Error: it cannot be written. */
int file_write(const char *path, const void *data, size_t size, Err *err);

/* Creates a folder and its parents if they do not exist. */
int folder_make(const char *path, Err *err);

/* Opens a file for writing like fopen ("w", "a" or "r+"), but never through a link: "w" replaces a
   link by a new file, the others fail. Returns NULL and sets errno on failure. */
FILE *file_open(const char *path, const char *mode);

/* Whether there is a file of any type, or a folder, with this path; links are followed. */
int file_exists(const char *path);
int folder_exists(const char *path);

/* Whether the path exists; a broken link counts. */
int file_taken(const char *path);

#endif
