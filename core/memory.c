#include "core/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/threads.h"

static void *checked(void *memory, size_t count, size_t size) {
  if (memory) return memory;
  fprintf(stderr, "no memory for %zu times %zu bytes\n", count, size);
  exit(1);
}

void *memory_take(size_t count, size_t size) {
  return checked(calloc(count + (count == 0), size), count, size);
}

void *memory_grow(void *memory, size_t count, size_t size) {
  int fits = count <= SIZE_MAX / size;
  return checked(fits ? realloc(memory, count ? count * size : size) : NULL, count, size);
}

void *memory_work(int thread, int slot, size_t bytes) {
  static struct {
    void *memory;
    size_t bytes;
  } work[THREADS_MOST][WORK_SLOTS];
  Err err;
  if (work[thread][slot].bytes < bytes) {
    arena_free(work[thread][slot].memory, work[thread][slot].bytes);
    int status = arena_take(&work[thread][slot].memory, bytes, "work", &err);
    checked(status ? NULL : work[thread][slot].memory, 1, bytes);
    work[thread][slot].bytes = bytes;
  }
  return work[thread][slot].memory;
}

char *memory_text(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(memory_take(size, 1), text, size);
}
