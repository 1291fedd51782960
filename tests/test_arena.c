/* Memory for many arrays. */
#include "core/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void test_arena(void) {
  char *a, *b, *c, *d;
  ArenaRow rows[] = {{(void **)&a, 1}, {(void **)&b, 64}, {(void **)&c, 0}, {(void **)&d, 65}};
  size_t bytes = arena_assign(rows, COUNT(rows), NULL);
  void *memory = NULL;
  Err err = {""};
  check(bytes == 64 + 64 + 0 + 128, "four rows of 1, 64, 0, 65 bytes take %zu", bytes);
  check(arena_take(&memory, bytes, "a test", &err) == 0, "arena_take: %s", err.text);
  check(arena_assign(rows, COUNT(rows), memory) == bytes, "assigning takes other memory");
  check(a == memory && b == a + 64 && c == b + 64 && d == c, "arrays are not side by side");
  check((uintptr_t)a % 64 == 0, "the arena is at %p, not aligned to 64 bytes", memory);
  int zero = 1;
  for (size_t i = 0; i < bytes; i++) zero &= ((char *)memory)[i] == 0;
  check(zero, "the arena is not zero");
  d[64] = 1; /* its last byte is ours */
  arena_free(memory, bytes);
  check(arena_take(&memory, 0, "nothing", &err) == 0 && memory, "an arena of 0 bytes");
  arena_free(memory, 0);
  arena_free(NULL, 0);
  check(arena_take(&memory, (size_t)1 << 62, "the impossible", &err) == -1 && !memory,
        "2^62 bytes are to be had");
  check(strstr(err.text, "the impossible") && strstr(err.text, "MB"),
        "no memory: the message does not name its purpose: %s", err.text);
}

int main(void) {
  test_arena();
  return check_report("arena");
}
