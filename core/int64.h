/* The smaller and the larger of two counts. */
#ifndef CORE_INT64_H
#define CORE_INT64_H

#include <stdint.h>

static inline int64_t i64_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t i64_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
