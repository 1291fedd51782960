/* Shapes of matrices as users write them, and the names of the schedules. */
#ifndef TOOLS_SPECTRA_SHAPE_H
#define TOOLS_SPECTRA_SHAPE_H

#include <stdint.h>

#include "core/error.h"

/* Shapes "768x768,3072x768"; returns how many, or -1 with a sentence. rows, cols: (room). */
int read_shapes(const char *text, int64_t *rows, int64_t *cols, int room, Err *err);

/* How many schedules there are, and the name of one, which lives until the next call. */
int schedule_count(void);
const char *schedule_name(int schedule);

#endif
