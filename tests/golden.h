/* The reference's results: tests/golden/NAME.txt.gz holds, for the optimizer NAME, the weights
   after a few steps as tests/reference.py computes them in double precision. A file is lines

     case LABEL optimizer NAME rows M cols N blocks B steps S index Q options key=value ...

   each followed by a line with the M * N weights. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stdint.h>

#include "optim/harness.h"

enum { GOLDEN_WORD = 64 };

typedef struct {
  char label[80], optimizer[40];
  long long rows, cols;
  int blocks, steps, index;
  OptimizerOptions common;
  void *options; /* of the method */
} GoldenCase;

typedef struct {
  int run, skipped;  /* skipped: with an option or a choice that the method does not have */
  double worst;      /* largest relative Frobenius error of W - W0 */
  char where[80];    /* the case it was in */
} GoldenResult;

/* Initial weight i of case `index`, and gradient (row, col) of its step t. */
float golden_weight(int index, int64_t i);
float golden_gradient(int index, int t, int64_t row, int64_t col, int64_t cols);

/* Runs the method's file through the harness, a check() for each case. A method without a file
   runs none. `tolerance` is on the relative error of the change W - W0. */
GoldenResult golden_run(const Optimizer *method, double tolerance);

/* Parts of that, for other files of cases. golden_case reads the line of a case, but for its
   options, and returns where these begin; NULL if it is not a case. golden_option reads the next
   one: 1, or 0 at the end, -1 when it is malformed. golden_values reads n numbers, to be freed, or
   returns NULL. golden_check runs a case with its options and compares. */
const char *golden_case(const char *line, GoldenCase *c);
int golden_option(const char **at, char name[GOLDEN_WORD], char value[GOLDEN_WORD]);
double *golden_values(const char *line, int64_t n);
void golden_check(const Optimizer *method, const GoldenCase *c, const double *want,
                  double tolerance, GoldenResult *result);

#endif
