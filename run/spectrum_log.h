/* spectrum.csv: what the matrices that a method orthogonalizes look like, and what the method makes
   of them, every --log-spectrum steps. The harness compares weights and momentum before and after a
   step, so that no optimizer knows of it. */
#ifndef RUN_SPECTRUM_LOG_H
#define RUN_SPECTRUM_LOG_H

#include "optim/parts/spectrum.h"
#include "run/config.h"

/* A row is a step and a class of matrices (attn.c_attn.q, mlp.c_fc, ...): `step,class,matrices,of`
   and the numbers of optim/parts/spectrum.h, medians over the class. `of` says what was measured,
   Z: the `momentum`, the momentum looked ahead (`nesterov`), a moment kept in a subspace (`projected`,
   as SUMO's), or the `gradient` of a method without an average of gradients. */

/* The number of a class among names (*count), to which a new name is added. */
enum { SPECTRUM_CLASS = 64 };
int spectrum_class(char (**names)[SPECTRUM_CLASS], int *count, const char *name);

typedef struct SpectrumLog SpectrumLog;

/* Opens spectrum.csv in the run's folder and says how much memory that takes; a run resumed after
   step `done` keeps its rows up to there. *log is NULL, and all other calls do nothing, when
   --log-spectrum is 0. Errors: the folder, no memory. */
int spectrum_log_open(SpectrumLog **log, const Config *config, OptimizerState *optimizer,
                      const Param *params, int count, int64_t done, Err *err);
int spectrum_log_close(SpectrumLog *log, Err *err);

/* Removes the spectrum.csv of a run that another one replaces, whether it writes one or not. */
int spectrum_log_remove(const char *folder, Err *err);

/* Around the optimizer's step t at the scheduled rate lr: `before` keeps weights and momentum of a
   step that is due, `after` measures and writes. Error: the disk is full. */
void spectrum_log_before(SpectrumLog *log, int64_t t);
int spectrum_log_after(SpectrumLog *log, int64_t t, double lr, Err *err);

#endif
