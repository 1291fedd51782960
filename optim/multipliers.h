/* Learnable multipliers: M. Velikanov, I. Chahed, J. Zuo, D. Rhaiem, Y. Belkada, H. Hacid,
   Learnable Multipliers: Freeing the Scale of Language Model Matrix Layers, arXiv 2601.04890
   (read). A weight matrix is W_ij = s r_i c_j V_ij; the optimizer trains V, and AdamW the scalar s,
   the vector r over the rows, or c over the columns. The model sees only W: with G = dL/dW,
     dV_ij = s r_i c_j G_ij,          dr_i = s sum_j c_j V_ij G_ij,
     dc_j = s sum_i r_i V_ij G_ij,    ds = sum_ij r_i c_j V_ij G_ij.
   Matrices of blocks and embeddings have multipliers; Q, K and V have their own columns and
   scalars. A head, also one that is the token embedding, has no multipliers of rows (the paper has
   none for the head, and does not discuss a tied one). Every rank has all of V and of the
   multipliers, and computes them from the same gradients. The gradient is the clipped one: its norm
   is that of G, without dr, dc and ds. */
#ifndef OPTIM_MULTIPLIERS_H
#define OPTIM_MULTIPLIERS_H

#include "core/error.h"
#include "core/option.h"
#include "core/param.h"

#define MULTIPLIER_KINDS(X)                                                                \
  X(MULTIPLIERS_NONE, "none") X(MULTIPLIERS_ROW, "row") X(MULTIPLIERS_COL, "col")          \
  X(MULTIPLIERS_BOTH, "both") X(MULTIPLIERS_SCALAR, "scalar")
enum { MULTIPLIER_KINDS(CHOICE_NAME) };

typedef struct {
  int kind;
  double lr, decay; /* decoupled decay towards 0 */
} MultiplierOptions;

/* The rows for an option table; `m` is the name of its MultiplierOptions. */
#define MULTIPLIER_OPTIONS(Options, m)                                                            \
  {.name = "multipliers",                                                                         \
   .help = "Learnable multipliers of weight matrices: of each row, column, both, or one number",   \
   .type = OPTION_CHOICE, .at = offsetof(Options, m.kind), .fallback = "none",                     \
   .choices = MULTIPLIER_KINDS(CHOICE_WORD), .needs = "optimizer!=demuon|schedule-free"}, \
  {.name = "multiplier-lr", .help = "Learning rate of the multipliers, which AdamW trains",        \
   .type = OPTION_REAL, .at = offsetof(Options, m.lr), .fallback = "0.01", .max = 1e6,             \
   .needs = "multipliers!=none"},                                                                  \
  {.name = "multiplier-decay", .help = "Decoupled weight decay of the multipliers",                \
   .type = OPTION_REAL, .at = offsetof(Options, m.decay), .fallback = "0.002", .max = 1e3,         \
   .needs = "multipliers!=none"}

typedef struct Multipliers Multipliers;

/* Describes them without memory; NULL for the kind `none`. */
Multipliers *multipliers_plan(const MultiplierOptions *options, const Param *params, int count);

/* Takes the memory that multipliers_bytes predicts. All multipliers are 1. Error: no memory. */
int multipliers_allocate(Multipliers *m, Err *err);
size_t multipliers_bytes(const Multipliers *m);
void multipliers_close(Multipliers *m);

/* multipliers_enter, before the optimizer's step t = 1, 2, ..., replaces the params' weights W by V
   and their gradients G by dV. multipliers_leave, after it, steps the multipliers, with `schedule`
   in [0,1] on their rate, and puts W back. With NULL both do nothing. */
void multipliers_enter(Multipliers *m, int64_t t);
void multipliers_leave(Multipliers *m, int64_t t, double schedule);

/* "row and column multipliers" of a parameter, or "". */
const char *multipliers_describe(const Multipliers *m, const Param *p);

/* The arrays to save: V, the multipliers and their moments. */
void multipliers_visit(Multipliers *m,
                       void (*visit)(const char *name, int64_t floats, float *data, void *with),
                       void *with);

#endif
