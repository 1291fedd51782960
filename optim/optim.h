/* The declaration of an optimizer. A method is one `const Optimizer` in its own file, named in the
   list in registry.c. Options and help, state and its cost, checkpoints, and the tests that every
   method must pass follow from the declaration. What methods share is in parts/; what happens
   around them (state, splitting, threads, the auxiliary AdamW) is the harness's. */
#ifndef OPTIM_OPTIM_H
#define OPTIM_OPTIM_H

#include <stdint.h>

#include "core/error.h"
#include "core/option.h"
#include "core/param.h"
#include "core/random.h"

/* What a method updates at once: a whole matrix, or any piece of an array when it is elementwise.
   w and g are (rows, cols), contiguous. */
typedef struct {
  Role role;
  int64_t rows, cols;
  float *w;
  const float *g;
} Matrix;

/* One step, as a method sees it. */
typedef struct {
  int64_t t;      /* 1, 2, ... */
  double rate;    /* learning rate after the schedule */
  double decay;   /* weight decay of this parameter, or 0 */
  double keep;    /* what the step multiplies the weights by: w = keep w - rate u */
  Random random;  /* this matrix's stream of this step */
  float *scratch; /* as many floats as `scratch` asked for */
} Step;

/* One array of state for each matrix, zero before the first step. */
typedef struct {
  const char *name;
  int64_t (*floats)(int64_t rows, int64_t cols, const void *options);
} Slot;

typedef struct {
  const char *name;        /* as after --optimizer */
  const char *summary;     /* one line of help */
  const char *reference;   /* paper, arXiv id, what of it was read */
  /* Settings such as "lr=0.02", used where the table of tuned settings has no row: those that the
     source states for language models (paper, code or scripts), and our own choice of others. */
  const char *published, *ours;
  const char *tune;        /* the options that a new model wants tuned, the first one first */
  const Option *options;
  size_t options_size;
  const Slot *slots;       /* ends with {0} */
  int elementwise;         /* update may be called on pieces of an array, in any order */

  /* Whether the method updates this parameter itself. */
  int (*accepts)(const Param *p, const void *options);
  /* The step. w becomes keep*w - rate*(the method's direction). */
  void (*update)(const Matrix *m, float *const *slots, const void *options, Step *step);
  /* FLOPs of one update. Here and in `scratch` only the matrix's role and shape count. */
  double (*flops)(const Matrix *m, const void *options);

  /* The rest may be NULL. */
  void (*init)(const Matrix *m, float *const *slots, const void *options, Step *step);
  int64_t (*scratch)(const Matrix *m, const void *options); /* floats */
  int (*check)(const void *options, Err *err); /* rules across options */
  /* Step.keep of a parameter; NULL: 1 - rate * decay. */
  double (*keep)(const Param *p, const Step *step, const void *options);
} Optimizer;

/* ---- what a method's file uses ---- */

int accepts_all(const Param *p, const void *options);
int accepts_matrices(const Param *p, const void *options); /* the linear layers inside the blocks */
int64_t slot_full(int64_t rows, int64_t cols, const void *options); /* rows * cols */
int64_t slot_one(int64_t rows, int64_t cols, const void *options);  /* 1 */

/* Rounds a number of floats up to a whole cache line, for pieces of scratch. */
static inline int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }

/* w = keep w - amount u, with u (rows,cols). */
void apply_update(const Matrix *m, double keep, double amount, const float *u);

#endif
