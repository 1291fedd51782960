#include "core/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The list of mapped files, for map_path_at. Only the main thread maps and unmaps. */
typedef struct Mapped {
  Map map;
  struct Mapped *next;
  char path[];
} Mapped;

static Mapped *mapped;

static void note(const Map *map, const char *path) {
  Mapped *m = malloc(sizeof *m + strlen(path) + 1);
  if (!m) return; /* then map_path_at cannot name the file */
  m->map = *map;
  m->next = mapped;
  strcpy(m->path, path);
  mapped = m;
}

static void forget(const Map *map) {
  for (Mapped **at = &mapped; *at; at = &(*at)->next) {
    Mapped *m = *at;
    if (m->map.bytes != map->bytes) continue;
    *at = m->next;
    free(m);
    return;
  }
}

const char *map_path_at(const void *address) {
  const unsigned char *at = address;
  for (const Mapped *m = mapped; m; m = m->next)
    if (at >= m->map.bytes && at < m->map.bytes + m->map.size) return m->path;
  return NULL;
}

static int map_file(Map *map, int file, const char *path, Err *err) {
  struct stat s;
  if (fstat(file, &s) != 0 || !S_ISREG(s.st_mode))
    return fail(err, "%s: not an ordinary file", path);
  if (s.st_size == 0) return fail(err, "%s: the file is empty", path);
  void *bytes = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) return fail(err, "%s: cannot be mapped: %s", path, strerror(errno));
  *map = (Map){bytes, (size_t)s.st_size};
  note(map, path);
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
  if (map->bytes) {
    forget(map);
    munmap((void *)map->bytes, map->size);
  }
  *map = (Map){0};
}
