/* Work memory: what a layout counts is what it assigns, and arrays are apart. */
#include <stdint.h>
#include <string.h>

#include "core/scratch.h"
#include "optim/registry.h"
#include "tests/check.h"

typedef struct {
  float *a, *c;
  double *b;
  int *d;
} Work;

static void layout(Work *w, Scratch *s) {
  w->a = scratch_floats(s, 5);
  Scratch one = *s, other = *s;
  w->b = scratch_doubles(&one, 100);
  w->c = scratch_floats(&other, 17);
  scratch_join(s, &one);
  scratch_join(s, &other);
  w->d = scratch_take(s, 3, sizeof *w->d);
}

static void test_phases(void) {
  Work w;
  Scratch s = {0};
  layout(&w, &s);
  size_t counted = s.used;
  check(counted == 64 + 832 + 64, "counted %zu bytes", counted);
  check(!w.a && !w.b && !w.c && !w.d, "counting makes no pointers");
  char *memory = scratch_allocate(&s);
  layout(&w, &s);
  check(s.used == counted, "assigned %zu bytes, counted %zu", s.used, counted);
  check((char *)w.a == memory && (uintptr_t)memory % 64 == 0, "the first array is at the start");
  check((void *)w.b == (void *)w.c && (char *)w.b == memory + 64, "phases share memory");
  check((char *)w.d == memory + 64 + 832, "what follows is after the longest phase");
  free(memory);
}

/* Any two layouts of a shape are equal, and no pointer of the struct is outside the memory. */
static void test_method(const Optimizer *o, int64_t rows, int64_t cols) {
  _Alignas(max_align_t) char work[WORK_MAX];
  char *options = calloc(1, o->options_size + 1);
  options_default(&(OptionSet){.title = o->name, .rows = o->options, .values = options});
  const Matrix shape = {.role = ROLE_MATRIX, .rows = rows, .cols = cols};
  Scratch s = {0};
  check(o->work_size <= WORK_MAX, "%s: %zu bytes of work", o->name, o->work_size);
  o->layout(work, &s, &shape, options);
  size_t counted = s.used;
  char *memory = scratch_allocate(&s);
  memset(work, 0, sizeof work);
  o->layout(work, &s, &shape, options);
  check(s.used == counted, "%s: %zu bytes assigned, %zu counted", o->name, s.used, counted);
  for (size_t at = 0; at + sizeof(char *) <= o->work_size; at += sizeof(char *)) {
    char *pointer;
    memcpy(&pointer, work + at, sizeof pointer);
    check(!pointer || (pointer >= memory && pointer < memory + counted),
          "%s, %lld x %lld: pointer %zu is outside the memory", o->name, (long long)rows,
          (long long)cols, at / sizeof pointer);
  }
  free(memory);
  free(options);
}

int main(void) {
  test_phases();
  for (const Optimizer *const *o = optimizers; *o; o++)
    for (int64_t rows = 1; rows <= 200 && (*o)->layout; rows = 3 * rows + 1) {
      test_method(*o, rows, 40);
      test_method(*o, 40, rows);
    }
  return check_report("scratch");
}
