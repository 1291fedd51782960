/* spectrum.csv: the singular values of the matrices that a method orthogonalizes, and the resulting
   updates, every --log-spectrum steps. It compares weights and momentum before and after a step, so
   optimizers need no code for it. */
#ifndef RUN_SPECTRUM_LOG_H
#define RUN_SPECTRUM_LOG_H

#include "optim/parts/spectrum.h"
#include "run/config.h"
#include "run/events.h"

/* There is a row per step and class of matrices (attn.c_attn.q, mlp.c_fc, ...):
   `step,class,matrices,of` and the numbers of optim/parts/spectrum.h, medians over the class. `of`
   is the matrix Z that was measured: `momentum`, `nesterov` (the Nesterov momentum), `projected` (a
   moment in a subspace, as in SUMO), or `gradient` for methods without momentum. */

/* The index of a class in names (*count); adds a new name. */
enum { SPECTRUM_CLASS = 64 };
int spectrum_class(char (**names)[SPECTRUM_CLASS], int *count, const char *name);

typedef struct SpectrumLog SpectrumLog;

/* Opens spectrum.csv in the run's folder. A run resumed after step `done` keeps the rows up to that
   step. `events`, which may be NULL, get the numbers too. If --log-spectrum is 0, *log is NULL and
   the other calls do nothing. Errors: the file cannot be written, no memory. */
int spectrum_log_open(SpectrumLog **log, const Config *config, OptimizerState *optimizer,
                      const Param *params, int count, int64_t done, Events *events, Err *err);
int spectrum_log_close(SpectrumLog *log, Err *err);

/* Bytes of memory that the log will need, 0 without --log-spectrum; neither the params nor the
   optimizer need memory yet. */
size_t spectrum_log_bytes(const Config *config, OptimizerState *optimizer, const Param *params,
                          int count);

/* A line about the matrices and the memory that the log needs. */
void spectrum_log_describe(const SpectrumLog *log, char *line, size_t size);

/* Removes the spectrum.csv of a run that is being replaced. */
int spectrum_log_remove(const char *folder, Err *err);

/* Call before and after the optimizer's step t at the scheduled rate lr: if a row is due, `before`
   copies weights and momentum, `after` measures and writes. Error: the disk is full. */
void spectrum_log_before(SpectrumLog *log, int64_t t);
int spectrum_log_after(SpectrumLog *log, int64_t t, double lr, Err *err);

/* Adds the numbers of a class to the next event: a distribution named spectrum/CLASS of the
   singular values, and the others as spectrum_COLUMN/CLASS. */
void spectrum_log_event(Events *events, const char *class, const double numbers[SPECTRUM_NUMBERS]);

#endif
