/* One training run: the parts of the loop in train.c. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "model/gpt2.h"
#include "run/config.h"
#include "run/footprint.h"
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
  Footprint memory;
  Nodes *nodes;            /* of a decentralized method, else NULL */
  int nodes_here;          /* those of this rank; 1 otherwise */
  int64_t rows;            /* sequences of the batch for each node of this rank */
  int64_t mean_rows;       /* sequences whose mean loss a step lowers: the batch, or a node's */
  int64_t pass_rows;       /* sequences per pass */
  int64_t step;      /* steps done */
  double seconds;    /* training time */
  double opened, lap; /* clock seconds at the start and at the last lap */
  uint32_t fingerprint; /* of the data */
  int lock;             /* of the folder, or -1 */
  double saved;         /* clock seconds of the last checkpoint */
  double best_loss;     /* lowest validation loss after a step */
  int64_t best;         /* its step, or -1 */
  int64_t lost_since;   /* step of the lowest training loss since it is too high, or 0 */
  double lost_loss;     /* that loss */
  int latest_told;      /* the failure to set `latest` was reported */
} Run;

/* Opens data, model, optimizer, folder and log, and prints a summary. Restores a resumed run from
   its checkpoint. Errors occur before anything is computed or changed; call run_close after them
   too. */
int run_open(Run *run, Err *err);
void run_close(Run *run);

/* The next batch of step t: up to pass_rows sequences of a node from its row `first` on. At row 0
   the model gets the node's weights. After the last of the step, gpt2_backward also starts to sum
   the gradients over all ranks. */
int run_batch(Run *run, int64_t t, int node, int64_t first, Batch *batch, Err *err);

/* Starts the time of step t = 1, 2, ... and returns its row, with no loss yet. */
LogRow run_row(Run *run, int64_t t);

/* Completes the sums over all ranks, of the gradients and of the row's loss, and sets the times of
   the passes and the gradient's norm. With nodes it tracks the gradients; the norm is the root mean
   square of those of all nodes. */
void run_gradient_done(Run *run, LogRow *row);

/* Scales the gradient, or that of each node, down to the norm --clip. */
void run_clip(Run *run, const LogRow *row);

/* Sets the time of the optimizer in the row, with norm, clipping, and what nodes exchange. With
   nodes it mixes the weights; in one process it also sets the consensus error. */
void run_step_done(Run *run, LogRow *row);

/* Error if the row's loss or gradient norm is not finite, or the loss is above 2 ln V for good: the
   run has diverged. The message names the step and the first bad tensor. */
int run_check_gradient(Run *run, const LogRow *row, Err *err);

/* Sets the row's val_loss to the mean loss over the first --val-tokens tokens of the validation
   set, in whole rows of the context (at least one), for any batch size. A loss of NaN is returned
   as infinity; NaN means that a stop was requested during the validation. With nodes, the weights
   are their mean, and the consensus error is set. */
int run_validate(Run *run, LogRow *row, Err *err);

/* The same error if the row's validation loss is infinite, or above 2 ln V at the last step, or a
   weight is not finite. */
int run_check(Run *run, const LogRow *row, Err *err);

/* Whether a stop ended the last pass early, so that its step must be repeated. */
int run_cut_short(const Run *run);

/* Whether --max-seconds have passed. */
int run_is_late(const Run *run);

/* Whether a checkpoint is due after the row's step: by --save-minutes, by SIGUSR1, or by
   --keep-best because the row has the lowest validation loss so far. */
int run_save_due(Run *run, const LogRow *row);

/* Writes a checkpoint, unless --keep is 0. */
int run_save(Run *run, Err *err);

/* Prints a short text that the model generates from an empty prompt. */
int run_sample(Run *run, int64_t t, Err *err);

#endif
