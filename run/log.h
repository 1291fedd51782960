/* Writes and reads log.csv, which gets a row after each step. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"
#include "run/events.h"

/* The columns in order: counts, then measurements, which are NaN (an empty cell) if not measured.
   `seconds` is the training time so far, without validation and samples. */
#define LOG_COUNTS(X) X(step) X(tokens)
#define LOG_NUMBERS(X)                                                                 \
  X(seconds) X(train_loss) X(val_loss) X(lr) X(grad_norm) X(forward_ms) X(backward_ms) \
  X(optimizer_ms) X(tokens_per_s)
/* The last column, only of a decentralized run: how far the nodes' weights are apart. */
#define LOG_NODES(X) X(consensus_error)

typedef struct {
#define LOG_COUNT(name) int64_t name;
#define LOG_NUMBER(name) double name;
  LOG_COUNTS(LOG_COUNT)
  LOG_NUMBERS(LOG_NUMBER)
  LOG_NODES(LOG_NUMBER)
} LogRow;

/* Returns a row with only step and tokens set. */
LogRow log_row(int64_t step, int64_t tokens);

typedef struct {
  FILE *file;
  char path[1200];
  int64_t step, row_at; /* the last row: step (-1 if there is none) and byte offset */
  int validated;        /* the last row has a validation loss */
  int has_nodes;        /* it has the column of LOG_NODES */
  Events *events;       /* gets the rows too; NULL: none */
} Log;

/* Creates a new log, `decentralized` or not; replaces an existing file or link. */
int log_open(Log *log, const char *folder, int decentralized, Err *err);

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

/* Whether the last row is that of `step` and has a validation loss. log_write_val writes only
   row->val_loss: to the row of the step if there is one, else as a new row. */
int log_has_val(const Log *log, int64_t step);
int log_write_val(Log *log, const LogRow *row, Err *err);

int log_close(Log *log, Err *err);

/* Writes the numbers of a row that were measured as an event of its step, named log/COLUMN. */
int log_write_event(Events *events, const LogRow *row, Err *err);

/* The rows of a log. */
typedef struct {
  LogRow *rows; /* (count) by step */
  int count;
  int cut;      /* line number of an incomplete last row, which is dropped; 0: none */
} LogRows;

/* Reads a log, plain or gzipped. It must have the columns seconds, train_loss and val_loss; others
   may be missing, and the order is free. Errors, with file and line: no such file, an empty log,
   another type of file, damaged rows. */
int log_read(LogRows *log, const char *path, Err *err);

/* Counts the rows with a gradient norm (*steps), and those with one above `limit` (*above). */
void log_count_above(const LogRows *log, double limit, int64_t *above, int64_t *steps);

/* The step of the last complete row of a log that is being written; 0 if there is none. */
int64_t log_last_step(const char *path);

#endif
