/* Memory taken once: a large zeroed block, aligned to 64 bytes, with huge pages asked for (page
   faults alone can cost half of a training step). */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

#include "core/error.h"

/* `what` is for the message when there is no memory. Free with arena_free. */
int arena_take(void **memory, size_t bytes, const char *what, Err *err);
void arena_free(void *memory, size_t bytes);

/* Rounds a number of bytes up to whole cache lines. */
static inline size_t arena_round(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* One array of a table that is walked twice: arena_assign with memory NULL sums the sizes, with
   the arena sets the pointers. */
typedef struct {
  void **pointer;
  size_t bytes;
} ArenaRow;

/* Returns the sum of the rows' rounded sizes. */
size_t arena_assign(const ArenaRow *rows, int count, void *memory);

#endif
