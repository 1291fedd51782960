/* spectrum.csv: what the matrices that a method orthogonalizes look like, and what the method makes
   of them, every --log-spectrum steps. The harness compares weights and momentum before and after a
   step, so that no optimizer knows of it. */
#ifndef RUN_SPECTRUM_LOG_H
#define RUN_SPECTRUM_LOG_H

#include "run/config.h"

/* A row is a step and a class of matrices (attn.c_attn.q, mlp.c_fc, ...): `step,class,matrices,of`
   and these numbers, medians over the class. `of` says what was measured, Z: the `momentum`, the
   momentum looked ahead (`nesterov`), a moment kept in a subspace (`projected`, as SUMO's), or the
   `gradient` of a method without an average of gradients. Singular values are those of Z/||Z||_F. */
enum {
  SPECTRUM_STABLE_RANK,     /* ||Z||_F^2 / ||Z||_2^2 */
  SPECTRUM_CONDITION,       /* largest over smallest singular value, 1e8 at most */
  SPECTRUM_FIRST_QUANTILE,
  SPECTRUM_QUANTILES = 8,
  SPECTRUM_POLAR_DISTANCE = SPECTRUM_FIRST_QUANTILE + SPECTRUM_QUANTILES,
                            /* min over c of ||c D - msgn(Z)||_F / ||msgn(Z)||_F, D the update */
  SPECTRUM_UPDATE,          /* ||D||_F / ||W||_F, decay left out */
  SPECTRUM_RANK,            /* r: the method's --rank where that is no whole matrix, or
                               an eighth of the short side */
  SPECTRUM_GRADIENT_OWN,    /* share of ||G||_F^2 in G's own r leading directions (short side) */
  SPECTRUM_GRADIENT_IN,     /* the same in the r leading directions of Z */
  SPECTRUM_NUMBERS
};
extern const char *const spectrum_columns[SPECTRUM_NUMBERS];
extern const double spectrum_quantiles[SPECTRUM_QUANTILES]; /* 0 (smallest) ... 1 (largest) */

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

/* The numbers of one matrix: Z, gradient G and update D, all (rows,cols), beside weights of norm
   w_norm. With a basis Q (long side,r), which may be NULL, Z is the moment M in its space, (r,cols)
   for rows >= cols, else (rows,r): Q M or M Q^T has M's r singular values, and no others but zeros.
   `work`: spectrum_measure_work floats, aligned to 8 bytes. */
void spectrum_measure(const float *Z, const float *basis, int64_t r, const float *G, const float *D,
                      int64_t rows, int64_t cols, int64_t rank, double w_norm,
                      double numbers[SPECTRUM_NUMBERS], float *work);
int64_t spectrum_measure_work(int64_t rows, int64_t cols);

#endif
