/* Memory allocated once: a large zeroed block, aligned to 64 bytes, on huge pages where the system
   has them (page faults alone can cost half of a training step). */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

#include "core/error.h"

/* Sets *memory to `bytes` zeroed bytes; arena_free with the same size frees them. `what` names the
   block in messages. Error: not enough memory. */
int arena_take(void **memory, size_t bytes, const char *what, Err *err);
void arena_free(void *memory, size_t bytes);

/* Rounds a number of bytes up to whole cache lines. */
static inline size_t arena_round(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* One array of an arena. Call arena_assign twice: with memory NULL it only sums the sizes, with the
   arena it sets the pointers. */
typedef struct {
  void **pointer;
  size_t bytes;
} ArenaRow;

/* Returns the sum of the rounded sizes of all rows. */
size_t arena_assign(const ArenaRow *rows, int count, void *memory);

#endif
