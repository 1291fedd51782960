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
  double opened;     /* clock seconds */
  uint32_t fingerprint; /* of the data */
  int lock;             /* of the folder, or -1 */
  int latest_told;      /* it was said that `latest` cannot be made */
} Run;

/* Opens data, model, optimizer, folder and log, and says what they are; a resumed run then stands
   where its checkpoint was written. Whatever fails, fails before anything is computed or changed;
   run_close frees what was opened. */
int run_open(Run *run, Err *err);
void run_close(Run *run);

/* Loss and gradient of the batch of step t = 1, 2, ..., as many passes as --micro-batch wants.
   Fills the row's losses and times. Returns RUN_STOPPED when a stop was asked for before its last
   pass: the step is left out, and the run is as it was before it. */
enum { RUN_STOPPED = 1 };
int run_gradient(Run *run, int64_t t, LogRow *row, Err *err);

/* Norm of the gradient and clipping. Error when loss or gradient is not finite: the run has
   diverged, and the sentence names step and tensor. */
int run_clip(Run *run, LogRow *row, Err *err);

/* The optimizer's step at the scheduled rate. */
void run_update(Run *run, LogRow *row);

/* Mean loss over the first --val-tokens tokens of the validation set, whole rows of the context
   (at least one), whatever the batch. One that is no number becomes infinite; NaN means that a stop
   was asked for meanwhile. */
int run_validate(Run *run, double *loss, Err *err);

/* Error when the row's validation loss is infinite, or a weight is not finite: the run has
   diverged, and the sentence is run_clip's. */
int run_check(const Run *run, const LogRow *row, Err *err);

/* Whether --max-seconds are over. */
int run_is_late(const Run *run);

/* Writes a checkpoint, unless --keep is 0. */
int run_save(Run *run, Err *err);

/* Prints a short text that the model continues from nothing. */
int run_sample(Run *run, int64_t t, Err *err);

#endif
