#include "core/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

char *memory_text(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(memory_take(size, 1), text, size);
}
