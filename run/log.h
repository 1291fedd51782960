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

/* Returns a row with only step and tokens set. */
LogRow log_row(int64_t step, int64_t tokens);

typedef struct {
  FILE *file;
  char path[1200];
  int64_t step, row_at; /* the last row: step (-1 if there is none) and byte offset */
  int validated;        /* the last row has a validation loss */
} Log;

/* Creates a new log; replaces an existing file or link. */
int log_open(Log *log, const char *folder, Err *err);

/* Opens the log of a resumed run. Its first `bytes` must end with the row of `step`; log_cut then
   truncates it to them. Errors: they do not; it is not a log. */
int log_resume(Log *log, const char *folder, int64_t bytes, int64_t step, Err *err);
int log_cut(Log *log, int64_t bytes, Err *err);

/* Checks that a log's text (size) begins with the column names and ends with a complete row of
   `step` (at step 0: has only the column names). `path` is for messages. */
int log_check(const char *path, const char *text, size_t size, int64_t step, Err *err);

/* Syncs all rows to disk and sets *bytes to the length of the file. */
int log_sync(Log *log, int64_t *bytes, Err *err);

/* Writes and flushes a row: "%.9g", or empty if not measured. With `diverged`, writes the loss even
   if it is NaN. Error: the disk is full. */
int log_write(Log *log, const LogRow *row, int diverged, Err *err);

/* Whether the last row is that of `step` and has a validation loss; and writes only row->val_loss:
   into the row of the step if there is one, else as a new row. */
int log_has_val(const Log *log, int64_t step);
int log_write_val(Log *log, const LogRow *row, Err *err);

/* Counts the rows of steps whose gradient norm is logged, and those where it is above `limit`. */
int log_count_above(const Log *log, double limit, int64_t *above, int64_t *steps, Err *err);

int log_close(Log *log, Err *err);

#endif
