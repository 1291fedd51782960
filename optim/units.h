/* What one call of a method's update works on: a matrix, a block of a fused matrix, or a piece of
   an array of an elementwise method. Which method updates a parameter, how the parameter is cut,
   and where the state is in memory. */
#ifndef OPTIM_UNITS_H
#define OPTIM_UNITS_H

#include "core/error.h"
#include "optim/adamw.h"
#include "optim/optim.h"

#define QKV_SPLITS(X) X(QKV_THREE, "3") X(QKV_FUSED, "1") X(QKV_HEADS, "heads")
enum { QKV_SPLITS(CHOICE_NAME) };

/* Which method updates a parameter (the auxiliary AdamW gets what the method does not accept), and
   how fused matrices are cut. */
typedef struct {
  const Optimizer *method;
  const void *options;
  AdamwOptions auxiliary;
  int qkv_split;
} Routing;

typedef struct {
  const Param *param;
  const Optimizer *method;
  const void *options;
  int auxiliary;      /* the auxiliary AdamW updates it */
  int64_t rows, cols;
  int64_t first;      /* the unit's first number in the parameter */
  int64_t stride;     /* of its rows there; cols unless it is a block of columns */
  int owner;          /* the rank that updates it */
  uint32_t stream;    /* of its random numbers */
  double measured;    /* what its method's `measure` returned in this step */
  float *slots[SLOTS_MAX];
} Unit;

typedef struct {
  Unit *list;          /* matrices in the order of the parameters, then pieces */
  int count, matrices; /* of all units; of the matrices */
  float *state;
  int64_t floats;      /* of state */
} Units;

enum { ALL_RANKS = -1 };

/* A parameter as one unit, not cut; `index` is its place in the list of parameters. */
Unit unit_whole(const Routing *routing, const Param *p, int index);

/* How a parameter that needs whole matrices is cut: into down x across equal matrices. */
void unit_cut(const Routing *routing, const Param *p, int *down, int *across);

Matrix unit_shape(const Unit *u);
int64_t unit_slot_floats(const Unit *u, int slot);
double unit_flops(const Unit *u);

/* Whether it is a block of columns, whose rows are not one after another in memory. */
int unit_is_strided(const Unit *u);

/* Cuts all parameters. Rank 0 owns all units. */
void units_list(Units *units, const Routing *routing, const Param *params, int count);

/* The first unit after those of the same parameter as unit i. */
int units_next_param(const Units *units, int i);

/* Floats of state of the units that a rank owns, or of all with ALL_RANKS. */
int64_t units_floats(const Units *units, int owner);

/* Takes memory for them (`what`, for messages) and sets their slots. The pieces of one array have
   their state one after another, so that a checkpoint has one array. Error: no memory. */
int units_allocate(Units *units, int owner, const char *what, Err *err);

void units_free(Units *units);

#endif
