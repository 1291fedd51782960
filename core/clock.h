#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <time.h>

/* Seconds of a monotonic clock. */
static inline double clock_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Adds the seconds since *last to *total and sets *last to now. */
static inline void clock_lap(double *last, double *total) {
  double now = clock_seconds();
  *total += now - *last;
  *last = now;
}

#endif
