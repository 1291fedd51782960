/* A file's bytes, mapped to be read: nothing is copied, and it may be larger than memory. */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include <stddef.h>

#include "core/error.h"

typedef struct {
  const unsigned char *bytes;
  size_t size;
} Map;

/* Errors: missing, not an ordinary file, empty. */
int map_open(Map *map, const char *path, Err *err);
void map_close(Map *map);

/* The path of the mapped file that the address belongs to, or NULL. A handler of SIGBUS may call
   it: reading what a file has lost since it was mapped raises that signal. */
const char *map_path_at(const void *address);

#endif
