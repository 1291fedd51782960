#include "core/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_file(Map *map, int file, const char *path, Err *err) {
  struct stat s;
  if (fstat(file, &s) != 0 || !S_ISREG(s.st_mode))
    return fail(err, "%s: not an ordinary file", path);
  if (s.st_size == 0) return fail(err, "%s: the file is empty", path);
  void *bytes = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) return fail(err, "%s: cannot be mapped: %s", path, strerror(errno));
  *map = (Map){bytes, (size_t)s.st_size};
  return 0;
}

int map_open(Map *map, const char *path, Err *err) {
  *map = (Map){0};
  int file = open(path, O_RDONLY);
  if (file < 0) return fail(err, "%s: cannot be read: %s", path, strerror(errno));
  int status = map_file(map, file, path, err);
  close(file);
  return status;
}

void map_close(Map *map) {
  if (map->bytes) munmap((void *)map->bytes, map->size);
  *map = (Map){0};
}
