/* log.csv: a row per step, as it happens. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

/* Measurements of a step; NaN where nothing was measured. */
typedef struct {
  int64_t step, tokens;
  double seconds; /* of training so far, validation and samples not counted */
  double train_loss, val_loss, lr, grad_norm;
  double forward_ms, backward_ms, optimizer_ms, tokens_per_s;
} LogRow;

/* A row in which nothing but step and tokens is measured yet. */
LogRow log_row(int64_t step, int64_t tokens);

typedef struct {
  FILE *file;
  char path[1200];
  int64_t step, row_at; /* of the last row: its step, -1 before there is one; its place in bytes */
  int validated;        /* the last row has a validation loss */
} Log;

/* Begins a new log in place of any that is there, also of a link. */
int log_open(Log *log, const char *folder, Err *err);

/* Opens the log of a resumed run, of which the first `bytes` end with the row of `step`; log_cut
   then cuts it back to them. Errors: they do not, or it is not such a log. */
int log_resume(Log *log, const char *folder, int64_t bytes, int64_t step, Err *err);
int log_cut(Log *log, int64_t bytes, Err *err);

/* Whether a log's text (size) begins with the columns of the table and ends with a whole row of
   `step` (or, at step 0, of the columns alone); `path` is for messages. */
int log_check(const char *path, const char *text, size_t size, int64_t step, Err *err);

/* Puts all rows on the disk and tells the length of the file. */
int log_sync(Log *log, int64_t *bytes, Err *err);

/* Writes and flushes a row: "%.9g", empty where not measured; `diverged` writes the loss even
   when it is not a number. Error: the disk is full. */
int log_write(Log *log, const LogRow *row, int diverged, Err *err);

/* Whether the last row is that of `step` and has a validation loss; and the row's validation loss
   alone, put into that row, or written as a row of its own when the step has none. */
int log_has_val(const Log *log, int64_t step);
int log_write_val(Log *log, const LogRow *row, Err *err);

/* Counts the rows of steps whose gradient norm is logged, and those where it is above `limit`. */
int log_count_above(const Log *log, double limit, int64_t *above, int64_t *steps, Err *err);

int log_close(Log *log, Err *err);

#endif
