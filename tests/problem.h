/* Parameters with an optimizer on them, weights and gradients from check_value: what the tests of
   the optimizers step. */
#ifndef TESTS_PROBLEM_H
#define TESTS_PROBLEM_H

#include "optim/harness.h"
#include "optim/registry.h"

enum { PROBLEM_PARAMS = 13 };

typedef struct {
  const Optimizer *method;
  OptimizerOptions common;
  void *options; /* of the method */
  Param params[PROBLEM_PARAMS];
  int count;
  uint64_t seed;
  OptimizerState *state;
} Problem;

typedef struct {
  int64_t rows, cols;
  int blocks, head_rows, head_cols;
  Role role;
} Shape;

/* Default options, weights drawn, no optimizer yet. To be freed. */
Problem problem_make(const Optimizer *method, const Shape *shapes, int count);
void problem_free(Problem *p);

/* Opens the optimizer. problem_start ends the program with a failed check where problem_try would
   return -1. */
int problem_try(Problem *p);
void problem_start(Problem *p);

/* Sets an option when the method has it and the value is allowed. */
void problem_set_if_there(Problem *p, const char *name, const char *value);

/* The weight that parameter i starts with at place j. */
float problem_weight(int i, int64_t j);

/* What the gradient of a step is made of. */
typedef enum { NOISE, UNEVEN, RANK_ONE, ZERO, ONE_ENTRY, TINY, HUGE_NOISE, KINDS } Kind;
extern const char *const kind_names[];
void problem_gradients(Problem *p, Kind kind, int64_t t);

/* Steps `from` to `to`, each on new gradients. */
void problem_run(Problem *p, Kind kind, int64_t from, int64_t to);

int problem_same_weights(const Problem *a, const Problem *b); /* bit by bit */

/* Frobenius norm of the difference, relative to the norm of what b moved. */
double problem_difference(const Problem *a, const Problem *b);

#endif
