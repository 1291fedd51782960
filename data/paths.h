/* Expands the value of --data or --val into a list of files. */
#ifndef DATA_PATHS_H
#define DATA_PATHS_H

#include <stdint.h>

#include "core/error.h"

typedef struct {
  char **path; /* (count) */
  int64_t count, room;
} PathList;

/* Lists a file, several separated by commas, those of a glob pattern, or those in a folder that are
   named .txt, .txt.gz, .bin, .bin.gz or .npy, in the order of their names. A name that exists is
   taken literally. Errors: no such folder or pattern, an empty name. Release with paths_free, also
   after an error. */
int paths_list(PathList *list, const char *names, Err *err);
void paths_free(PathList *list);

/* Whether the name is that of a file of raw ids: .bin or .bin.gz. */
int path_of_tokens(const char *name);

#endif
