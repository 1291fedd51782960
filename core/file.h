/* Files, checked: every failure names the file and the reason. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

/* Reads a whole file into memory, unpacking it when it is gzipped; a truncated or damaged one is
   an error. `*data` has a zero byte behind its end (not counted) and is freed by the caller. */
int file_read(const char *path, char **data, size_t *size, Err *err);

/* Unpacks gzipped bytes that are already in memory; `name` is for the message. */
int file_inflate(const char *name, const void *packed, size_t packed_size, char **data,
                 size_t *size, Err *err);

/* Writes a whole file, checked to the last byte, under a temporary name that is then renamed: the
   path holds the old content or the new, never half of it. */
int file_write(const char *path, const void *data, size_t size, Err *err);

/* Makes a folder and its parents; an existing one is fine. */
int folder_make(const char *path, Err *err);

/* Opens a file for writing as fopen does ("w", "a" or "r+"), but never through a link: a link in
   its place is replaced by a new file ("w"), or is an error. NULL with errno. */
FILE *file_open(const char *path, const char *mode);

int file_exists(const char *path);
int folder_exists(const char *path);

/* Whether anything has this name, also a link that leads nowhere. */
int file_taken(const char *path);

#endif
