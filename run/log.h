/* log.csv: a row per step, as it happens. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

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
} Log;

int log_open(Log *log, const char *folder, Err *err);

/* Writes and flushes a row: "%.9g", empty where not measured; `diverged` writes the loss even
   when it is not a number. Error: the disk is full. */
int log_write(Log *log, const LogRow *row, int diverged, Err *err);

int log_close(Log *log, Err *err);

#endif
