/* Work memory, laid out once by the code that uses it. A layout function takes its arrays from a
   Scratch one after another. It runs twice: with an empty Scratch, which only counts, and with
   memory of that size, which sets the pointers.
     Scratch s = {0};
     muon_layout(&work, &s, ...);             s.used is the number of bytes
     void *memory = scratch_allocate(&s);
     muon_layout(&work, &s, ...);             work holds pointers into memory */
#ifndef CORE_SCRATCH_H
#define CORE_SCRATCH_H

#include <stdint.h>
#include <stdlib.h>

#include "core/arena.h"

typedef struct {
  char *memory; /* aligned to 64 bytes; NULL: only count */
  size_t used;  /* bytes */
} Scratch;

/* An array aligned to 64 bytes, not set to zero; NULL while counting. */
static inline void *scratch_take(Scratch *s, int64_t count, size_t size) {
  void *at = s->memory ? s->memory + s->used : NULL;
  s->used += arena_round((size_t)count * size);
  return at;
}

static inline float *scratch_floats(Scratch *s, int64_t n) {
  return (float *)scratch_take(s, n, sizeof(float));
}

static inline double *scratch_doubles(Scratch *s, int64_t n) {
  return (double *)scratch_take(s, n, sizeof(double));
}

/* `phase` began as an earlier copy of *s. Phases that begin at the same place share memory, so they
   must not be in use at the same time; *s continues after the longest of them. */
static inline void scratch_join(Scratch *s, const Scratch *phase) {
  if (phase->used > s->used) s->used = phase->used;
}

/* After the counting pass: memory for what was counted, to be freed by free(), and *s ready to
   assign it. NULL when there is no memory. */
static inline void *scratch_allocate(Scratch *s) {
  s->memory = (char *)aligned_alloc(64, s->used ? s->used : 64);
  s->used = 0;
  return s->memory;
}

#endif
