/* Durations, the width of a terminal, and small allocations. Tests: core/terminal core/memory */
#include "core/terminal.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "tests/check.h"

static void test_duration(double seconds, const char *want) {
  char got[32];
  terminal_duration(seconds, got, sizeof got);
  check(strcmp(got, want) == 0, "%g seconds are %s, not %s", seconds, got, want);
}

static void test_no_terminal(void) {
  int width = 7, height = 8, file = open("/dev/null", O_RDONLY);
  check(!terminal_size(file, &width, &height) && width == 7 && height == 8, "/dev/null");
  check(!terminal_size(-1, NULL, NULL), "no file");
  close(file);
}

static void test_memory(void) {
  char *memory = memory_take(10, 3);
  int zero = 1;
  for (int i = 0; i < 30; i++) zero &= memory[i] == 0;
  memory[29] = 'x';
  memory = memory_grow(memory, 1000, 3);
  check(zero && memory[29] == 'x', "grown memory has other bytes");
  free(memory);
  memory = memory_text("a text");
  check(strcmp(memory, "a text") == 0, "a copy of a text");
  free(memory);
  memory = memory_take(0, 8);
  check(memory != NULL, "nothing is no address");
  free(memory);
}

int main(void) {
  char text[24];
  check(strcmp(terminal_count(951, text), "951") == 0, "%s", text);
  check(strcmp(terminal_count(999.6, text), "1 k") == 0, "%s", text);
  check(strcmp(terminal_count(2048, text), "2.05 k") == 0, "%s", text);
  check(strcmp(terminal_count(1.3345e9, text), "1.33 G") == 0, "%s", text);
  test_duration(0, "0s");
  test_duration(99.4, "99s");
  test_duration(100, "1m40s");
  test_duration(187, "3m07s");
  test_duration(5999, "99m59s");
  test_duration(8100, "2h15m");
  test_duration(NAN, "?");
  test_duration(INFINITY, "?");
  test_no_terminal();
  test_memory();
  return check_report("terminal");
}
