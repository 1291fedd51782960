/* The optimizers' one interface. A method is one `const Optimizer`, declared in a file of its own
   and named in the list in optim.c; from the declaration follow its options and help, its state
   and what that costs, and the tests that every method has to pass.

   The harness owns what methods share: the schedule, weight decay's rule, which parameters a
   method gets (AdamW gets the rest), the split of fused matrices, random streams and threads. */
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

/* All methods, in the order of the help; ends with NULL. */
extern const Optimizer *const optimizers[];

/* The method with that name; NULL with a sentence in err when there is none. */
const Optimizer *optimizer_find(const char *name, Err *err);

/* Floats of state and FLOPs of a step for one (rows,cols) matrix of a block, as declared, at the
   default options. */
typedef struct {
  int64_t state;
  double flops;
} OptimizerCost;
OptimizerCost optimizer_cost(const Optimizer *method, int64_t rows, int64_t cols);

/* ---- what a method's file uses ---- */

int accepts_all(const Param *p, const void *options);
int accepts_matrices(const Param *p, const void *options); /* the linear layers inside the blocks */
int64_t slot_full(int64_t rows, int64_t cols, const void *options); /* rows * cols */
int64_t slot_one(int64_t rows, int64_t cols, const void *options);  /* 1 */

/* Rounds a number of floats up to a whole cache line, for pieces of scratch. */
static inline int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }

/* w = keep w - amount u, with u (rows,cols). */
void apply_update(const Matrix *m, double keep, double amount, const float *u);

/* ---- the harness ---- */

#define QKV_SPLITS(X) X(QKV_THREE, "3") X(QKV_FUSED, "1") X(QKV_HEADS, "heads")
enum { QKV_SPLITS(CHOICE_NAME) };

typedef struct {
  double lr, weight_decay, embedding_decay; /* the last one is a factor on weight_decay */
  double aux_lr, aux_beta1, aux_beta2, aux_eps; /* the auxiliary AdamW */
  int qkv_split;
} OptimizerOptions;

/* Tables over OptimizerOptions: of all methods; of those that need whole matrices; of the auxiliary
   AdamW. */
extern const Option optimizer_options[], matrix_options[], auxiliary_options[];

/* Whether the method updates every parameter itself, so that there is no auxiliary AdamW. */
int optimizer_takes_all(const Optimizer *method, const void *options);

typedef struct OptimizerState OptimizerState;

/* Allocates all state. `options` is the struct of method->options; both structs and `params` must
   live as long as the state. Errors: rules across options, no memory. */
int optimizer_open(OptimizerState **state, const Optimizer *method, const void *options,
                   const OptimizerOptions *common, const Param *params, int count, uint64_t seed,
                   Err *err);
void optimizer_close(OptimizerState *state);

/* Step t = 1, 2, ... on the gradients in the params; `multiplier` in [0,1] is the schedule's. */
void optimizer_step(OptimizerState *state, int64_t t, double multiplier);

/* What step t multiplies the weights of a parameter by at the scheduled rate, as what updates it
   decays them: w = keep w - rate (its direction). */
double optimizer_keep(const OptimizerState *state, const Param *p, int64_t t, double rate);

/* Bytes of state and of workspace. */
size_t optimizer_state_bytes(const OptimizerState *state);
size_t optimizer_scratch_bytes(const OptimizerState *state);

/* FLOPs of one step, as declared. */
double optimizer_flops(const OptimizerState *state);

/* "adamw", "muon 3 x 128x128", ... : what updates a parameter and how it is cut. */
void optimizer_route(const OptimizerState *state, const Param *p, char *out, size_t size);

/* How a parameter is cut: into down x across equal matrices, whose state lies in that order; arrays
   of elementwise methods are cut into their blocks. */
void optimizer_cut(const OptimizerState *state, const Param *p, int *down, int *across);

/* The arrays of state, for checkpoints: calls visit(name = "param.slot", floats, data). */
void optimizer_visit(OptimizerState *state,
                     void (*visit)(const char *name, int64_t floats, float *data, void *with),
                     void *with);

#endif
