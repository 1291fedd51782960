#include "core/arena.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

int arena_take(void **memory, size_t bytes, const char *what, Err *err) {
  *memory = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0);
  if (*memory == MAP_FAILED) {
    *memory = NULL;
    return fail(err, "no memory for %s: %.1f MB are needed; use a smaller model or --micro-batch",
                what, (double)bytes / 1e6);
  }
#ifdef MADV_HUGEPAGE
  madvise(*memory, bytes, MADV_HUGEPAGE); /* a hint: the program also works without it */
#endif
  return 0;
}

void arena_free(void *memory, size_t bytes) {
  if (memory) munmap(memory, bytes ? bytes : 1);
}

size_t arena_assign(const ArenaRow *rows, int count, void *memory) {
  size_t used = 0;
  for (int i = 0; i < count; i++) {
    if (memory) *rows[i].pointer = (char *)memory + used;
    used += arena_round(rows[i].bytes);
  }
  return used;
}
