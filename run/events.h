/* Writes TensorBoard's event files: records of a length, a protobuf message, and the masked CRC-32C
   of both. A message has a time, a step, and named values. */
#ifndef RUN_EVENTS_H
#define RUN_EVENTS_H

#include <stdint.h>

#include "core/error.h"

typedef struct Events Events;

/* Opens a new file events.out.tfevents.* in a folder, for the steps from `first` on. It tells
   TensorBoard to forget these steps of earlier files, since a resumed run repeats them. `start` is
   the time (seconds since 1970) at which the training time was 0. */
int events_open(Events **e, const char *folder, int64_t first, double start, Err *err);
int events_close(Events *e, Err *err);

/* Adds a value to the next event. */
void events_scalar(Events *e, const char *tag, double value);

/* The same for a distribution, given by `count` quantiles: values x[i] at or below which is the
   fraction p[i], in ascending order from 0 to 1. */
void events_quantiles(Events *e, const char *tag, const double *x, const double *p, int count);

/* Writes the added values as an event of the step, after `seconds` of training. */
int events_write(Events *e, int64_t step, double seconds, Err *err);

/* Whether a folder has event files. events_remove removes them. */
int events_any(const char *folder);
int events_remove(const char *folder, Err *err);

#endif
