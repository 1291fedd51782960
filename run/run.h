/* One training run: what train.c's loop is made of. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "model/gpt2.h"
#include "run/config.h"
#include "run/log.h"
#include "run/progress.h"
#include "run/spectrum_log.h"

typedef struct Run {
  Config config;
  Data *data;
  GPT2 *model;
  OptimizerState *optimizer;
  Log log;
  SpectrumLog *spectrum; /* NULL when it is off */
  Progress progress;
  int64_t pass_rows; /* sequences of one pass */
  int64_t step;      /* steps done */
  double seconds;    /* of training */
  double opened, lap; /* clock seconds: of the start, of the last lap */
  uint32_t fingerprint; /* of the data */
  int lock;             /* of the folder, or -1 */
  int latest_told;      /* it was said that `latest` cannot be made */
} Run;

/* Opens data, model, optimizer, folder and log, and says what they are; a resumed run then stands
   where its checkpoint was written. Whatever fails, fails before anything is computed or changed;
   run_close frees what was opened. */
int run_open(Run *run, Err *err);
void run_close(Run *run);

/* The row of step t = 1, 2, ..., with no loss yet; its time starts. */
LogRow run_row(Run *run, int64_t t);

/* Times of the row: forward and backward when the gradient is complete; the optimizer's, with norm
   and clipping, when the step is. */
void run_gradient_done(Run *run, LogRow *row);
void run_step_done(Run *run, LogRow *row);

/* Error when the row's loss or gradient norm is not finite: the run has diverged, and the sentence
   names the step and the first bad tensor. */
int run_check_gradient(const Run *run, const LogRow *row, Err *err);

/* Mean loss over the first --val-tokens tokens of the validation set, whole rows of the context
   (at least one), whatever the batch. One that is no number becomes infinite; NaN means that a stop
   was asked for meanwhile. */
int run_validate(Run *run, double *loss, Err *err);

/* The same when the row's validation loss is infinite, or a weight is not finite. */
int run_check(const Run *run, const LogRow *row, Err *err);

/* Whether --max-seconds are over. */
int run_is_late(const Run *run);

/* Writes a checkpoint, unless --keep is 0. */
int run_save(Run *run, Err *err);

/* Prints a short text that the model continues from nothing. */
int run_sample(Run *run, int64_t t, Err *err);

#endif
