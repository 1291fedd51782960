#include "tests/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/startup.h"

static int passed, failed;

/* Tests compute with the same core as the programs. glibc gives a constructor main's arguments. */
__attribute__((constructor)) static void start(int argc, char **argv) {
  Err err;
  if (argc < 1 || startup(argv, &err) == 0) return;
  printf("  FAILED: %s\n", err.text);
  failed++;
}

static void count(int ok, const char *format, va_list args) {
  if (ok) {
    passed++;
    return;
  }
  failed++;
  if (failed > 20) return;
  fputs("  FAILED: ", stdout);
  vprintf(format, args);
  putchar('\n');
  fflush(stdout);
}

void check(int ok, const char *format, ...) {
  va_list args;
  va_start(args, format);
  count(ok, format, args);
  va_end(args);
}

void check_near(double got, double want, double tolerance, const char *format, ...) {
  char what[512];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  double error = fabs(got - want), scale = fabs(want) > 1 ? fabs(want) : 1;
  check(error <= tolerance * scale, "%s: got %.9g, want %.9g (off by %.2g)", what, got, want,
        error);
}

double relative_error(const float *got, const double *want, int64_t n) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) {
    difference += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}

uint64_t check_splitmix(uint64_t x) {
  uint64_t z = x + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

float check_value(uint64_t stream, uint64_t i) {
  double sum = 0;
  for (uint64_t j = 0; j < 4; j++)
    sum += (double)(check_splitmix((stream << 32) + 4 * i + j) >> 11) * 0x1p-53;
  return (float)((sum - 2) * 1.7320508075688772);
}

int check_report(const char *name) {
  printf("%s: %d passed, %d failed\n", name, passed, failed);
  return failed != 0;
}
