/* log.csv: a row per step, as it happens; written and read here. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

/* The columns in their order: counts, then measurements, NaN (an empty cell) where there is none.
   Seconds are of training so far, without validation and samples. */
#define LOG_COUNTS(X) X(step) X(tokens)
#define LOG_NUMBERS(X)                                                                 \
  X(seconds) X(train_loss) X(val_loss) X(lr) X(grad_norm) X(forward_ms) X(backward_ms) \
  X(optimizer_ms) X(tokens_per_s)

typedef struct {
#define LOG_COUNT(name) int64_t name;
#define LOG_NUMBER(name) double name;
  LOG_COUNTS(LOG_COUNT)
  LOG_NUMBERS(LOG_NUMBER)
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

int log_close(Log *log, Err *err);

/* What a log holds. */
typedef struct {
  LogRow *rows; /* (count) by step */
  int count;
  int cut;      /* line of a last row without its end, which is left out; 0: none */
} LogRows;

/* Reads a log, also a gzipped one. seconds, train_loss and val_loss have to be there; other columns
   may be missing or in another order. Errors, with file and line: no such file, an empty log,
   another kind of file, damaged rows. */
int log_read(LogRows *log, const char *path, Err *err);

/* Counts the rows whose gradient norm is logged, and those where it is above `limit`. */
void log_count_above(const LogRows *log, double limit, int64_t *above, int64_t *steps);

/* The step of the last whole row of a log that is being written; 0 when there is none. */
int64_t log_last_step(const char *path);

#endif
