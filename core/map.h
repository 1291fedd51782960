/* Maps a file for reading. Nothing is copied, and the file may be larger than memory. */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include <stddef.h>

#include "core/error.h"

typedef struct {
  const unsigned char *bytes;
  size_t size;
} Map;

/* Maps the file. Errors: missing, unreadable, not an ordinary file, empty. */
int map_open(Map *map, const char *path, Err *err);
void map_close(Map *map);

/* The path of the mapped file that contains the address, or NULL. Safe in a signal handler: reading
   a file that became shorter after it was mapped raises SIGBUS. */
const char *map_path_at(const void *address);

#endif
