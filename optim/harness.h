/* What methods share: the schedule, weight decay's rule, random streams, work memory and threads.
   optim/units.h cuts parameters into matrices, optim/owners.h divides them among ranks. */
#ifndef OPTIM_HARNESS_H
#define OPTIM_HARNESS_H

#include "optim/multipliers.h"
#include "optim/nodes.h"
#include "optim/owners.h"
#include "optim/parts/adam.h"

/* The precision of an optimizer's products: the model's, or its own. */
#define OPTIMIZER_PRECISIONS(X) X(OPTIMIZER_SAME, "same") X(OPTIMIZER_FP32, "fp32") \
  X(OPTIMIZER_BF16, "bf16") X(OPTIMIZER_BF16X3, "bf16x3")
enum { OPTIMIZER_PRECISIONS(CHOICE_NAME) };

typedef struct {
  double lr, weight_decay, embedding_decay; /* the last one is a factor on weight_decay */
  double aux_lr; /* of the auxiliary AdamW */
  Adam aux;
  int qkv_split, precision;
  MultiplierOptions multipliers;
} OptimizerOptions;

/* Tables over OptimizerOptions: of all methods; of those that need whole matrices; of the auxiliary
   AdamW. */
extern const Option optimizer_options[], matrix_options[], auxiliary_options[];

/* Floats of state and FLOPs of a step for one (rows,cols) matrix of a block, as declared, at the
   default options. */
typedef struct {
  int64_t state;
  double flops;
} OptimizerCost;
OptimizerCost optimizer_cost(const Optimizer *method, int64_t rows, int64_t cols);

/* Whether the method updates every parameter itself, so that there is no auxiliary AdamW. */
int optimizer_takes_all(const Optimizer *method, const void *options);

typedef struct OptimizerState OptimizerState;

/* Describes the state, so that its sizes are known, without memory for it; the params need no
   memory yet either. */
OptimizerState *optimizer_plan(const Optimizer *method, const void *options,
                               const OptimizerOptions *common, const Param *params, int count,
                               uint64_t seed);

/* The same with memory: allocates all state. `options` is the struct of method->options; both
   structs and `params` must live as long as the state. Errors: no memory. */
int optimizer_open(OptimizerState **state, const Optimizer *method, const void *options,
                   const OptimizerOptions *common, const Param *params, int count, uint64_t seed,
                   Err *err);
void optimizer_close(OptimizerState *state);

/* Adds the nodes' arrays to what optimizer_visit visits; they must live as long. */
void optimizer_add_nodes(OptimizerState *state, Nodes *nodes);

/* Step t = 1, 2, ... on the gradients in the params, which are the same on all ranks, or those of
   the nodes here; `multiplier` in [0,1] is the schedule's. The products have the precision of the
   options, or the process's. */
void optimizer_step(OptimizerState *state, int64_t t, double multiplier);

/* Sets the params to the weights that are to be evaluated and saved, or back to those at which the
   next gradient is taken: two sets with methods that have `weights`. To be called by all ranks. */
void optimizer_weights(OptimizerState *state, int evaluated);

/* What step t multiplies the weights of a parameter by at the scheduled rate, as what updates it
   decays them: w = keep w - rate (its direction). */
double optimizer_keep(const OptimizerState *state, const Param *p, int64_t t, double rate);

/* Bytes of state of all ranks, and of workspace of this one. */
size_t optimizer_state_bytes(const OptimizerState *state);
size_t optimizer_scratch_bytes(const OptimizerState *state);

/* FLOPs of one step, as declared. */
double optimizer_flops(const OptimizerState *state);

/* What a rank owns. */
RankShare optimizer_share(const OptimizerState *state, int rank);

/* Divides a plan among a number of ranks, as if so many had been started: to predict their shares.
   Not for a state that has memory. */
void optimizer_divide(OptimizerState *state, int ranks);

/* The ranks that own a parameter's matrices (owners_text). */
void optimizer_owners(const OptimizerState *state, const Param *p, char *out, size_t size);

/* "adamw", "muon 3 x 128x128", ... : what updates a parameter and how it is cut. */
void optimizer_route(const OptimizerState *state, const Param *p, char *out, size_t size);

/* How a parameter is cut: into down x across equal matrices, whose state lies in that order; arrays
   of elementwise methods are cut into their blocks. */
void optimizer_cut(const OptimizerState *state, const Param *p, int *down, int *across);

/* The first array of a kind in a parameter's state, with the matrices one after another, and how
   many floats it has; NULL if there is none. */
const float *optimizer_slot(const OptimizerState *state, const Param *p, SlotKind kind,
                            int64_t *floats);

/* The arrays of state, for checkpoints: calls visit(name = "param.slot", floats, data). With
   several ranks only between optimizer_gather and optimizer_scatter; `data` is NULL for nodes that
   other ranks have. */
void optimizer_visit(OptimizerState *state,
                     void (*visit)(const char *name, int64_t floats, float *data, void *with),
                     void *with);

/* optimizer_gather makes the state whole on rank 0, to be saved, or with `restore` makes room for
   all of it on every rank, to be read from a file (with nodes, every rank reads only what its nodes
   need). optimizer_scatter ends that; after a restore every rank keeps what it owns. Error: no
   memory (with several ranks). */
int optimizer_gather(OptimizerState *state, int restore, Err *err);
void optimizer_scatter(OptimizerState *state, int restore);

#endif
