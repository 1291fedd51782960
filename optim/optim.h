/* The declaration of an optimizer. A method is one `const Optimizer` in its own file, named in the
   list in registry.c. Options and help, state and its cost, checkpoints, and the tests that every
   method must pass follow from the declaration. What methods share is in parts/; what happens
   around them (state, splitting, threads, the auxiliary AdamW) is in harness.h. */
#ifndef OPTIM_OPTIM_H
#define OPTIM_OPTIM_H

#include "core/option.h"
#include "core/param.h"
#include "core/random.h"
#include "core/scratch.h"

/* What a method updates at once: a whole matrix, or any piece of an array when it is elementwise.
   w and g are (rows, cols), contiguous. Where only role and shape count, they are NULL. */
typedef struct {
  Role role;
  int64_t rows, cols;
  float *w;
  const float *g;
} Matrix;

/* One step, as a method sees it. */
typedef struct {
  int64_t t;     /* 1, 2, ... */
  double rate;   /* learning rate after the schedule */
  double decay;  /* weight decay of this parameter, or 0 */
  double keep;   /* what the step multiplies the weights by: w = keep w - rate u */
  double total;  /* what `measure` sets and `update` gets */
  Random random; /* this matrix's stream of this step */
  void *work;    /* the method's struct of work arrays, as `layout` filled it */
} Step;

typedef enum {
  SLOT_OTHER,
  SLOT_MOMENTUM,  /* a moving average of gradients, (rows, cols) */
  SLOT_PROJECTED, /* the same in the span of SLOT_BASIS: (r, cols) if tall, else (rows, r) */
  SLOT_SECOND,    /* a moving average of squares or products of gradients */
  SLOT_BASIS,     /* directions of a side, in columns */
} SlotKind;

/* One array of state for each matrix, zero before the first step. */
typedef struct {
  const char *name;
  SlotKind kind;
  int64_t (*floats)(const Matrix *shape, const void *options);
} Slot;

enum { SLOTS_MAX = 8, WORK_MAX = 1024 };

typedef struct {
  const char *name;        /* as after --optimizer */
  const char *summary;     /* one line of help */
  const char *reference;   /* paper, arXiv id, what of it was read */
  /* Settings such as "lr=0.02", used where the table of tuned settings has no row: those that the
     source states for language models (paper, code or scripts), and our own choice of others. */
  const char *published, *ours;
  const char *like;        /* name of the method whose tuned settings are used until the table of
                              tuned settings has a row for this one; NULL: none */
  const char *tune;        /* the options that a new model needs tuned, the most important first */
  const Option *options;
  size_t options_size;
  const Slot *slots;       /* ends with {0}; at most SLOTS_MAX */
  int elementwise;         /* update may be called on pieces of an array, in any order */
  int constant_rate;       /* works with --schedule constant only */
  int decentralized;       /* trains on several nodes: optim/nodes.h */

  /* Whether the method updates this parameter itself. */
  int (*accepts)(const Matrix *shape, const void *options);
  /* The step. w becomes keep*w - rate*(the method's direction). */
  void (*update)(const Matrix *m, float *const *slots, const void *options, Step *step);
  /* FLOPs of one update. */
  double (*flops)(const Matrix *shape, const void *options);

  /* The rest may be NULL. */
  void (*init)(const Matrix *m, float *const *slots, const void *options, Step *step);
  /* A pass over all matrices before the first update: sets step->total to a number, and update gets
     the sum over all matrices of all ranks. Not for elementwise methods. */
  void (*measure)(const Matrix *m, float *const *slots, const void *options, Step *step);
  /* For a method that evaluates and saves other weights than it takes gradients at: sets w to the
     first (`evaluated`), or back to the second, bit by bit. Between steps w has the second. Only
     for elementwise methods that take all parameters. */
  void (*weights)(const Matrix *m, float *const *slots, const void *options, int evaluated);
  /* Takes the work arrays of update and init from a Scratch (core/scratch.h) and puts them into
     the method's struct of pointers, `work`, of at most WORK_MAX bytes. */
  void (*layout)(void *work, Scratch *s, const Matrix *shape, const void *options);
  size_t work_size;
  /* Step.keep of a parameter; NULL: 1 - rate * decay. */
  double (*keep)(const Param *p, const Step *step, const void *options);
} Optimizer;

/* ---- what a method's file uses ---- */

int accepts_all(const Matrix *shape, const void *options);
int accepts_matrices(const Matrix *shape, const void *options); /* the blocks' linear layers */
int64_t slot_full(const Matrix *shape, const void *options); /* rows * cols */
int64_t slot_rows_square(const Matrix *shape, const void *options); /* rows * rows */
int64_t slot_cols_square(const Matrix *shape, const void *options); /* cols * cols */
int64_t slot_one(const Matrix *shape, const void *options);  /* 1 */

static inline int64_t matrix_size(const Matrix *m) { return m->rows * m->cols; }

/* w = keep w - amount u, with u (rows,cols). */
void apply_update(const Matrix *m, double keep, double amount, const float *u);

#endif
