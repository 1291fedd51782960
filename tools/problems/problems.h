/* Small problems with one matrix, on which the methods of optim/ are tried. */
#ifndef TOOLS_PROBLEMS_PROBLEMS_H
#define TOOLS_PROBLEMS_PROBLEMS_H

#include "optim/registry.h"
#include "optim/harness.h"
#include "tools/spectra/study.h"

/* A linear associative memory with a hierarchy of frequencies: which pairs are learned when
   (B. Li, H. Zhong, K. Wang, L. Wang, P. Lu, Muon in Associative Memory Learning, arXiv 2602.05725;
   J. Ma, Y. Huang, Y. Chi, Y. Chen, Preconditioning Benefits of Spectral Orthogonalization in Muon,
   arXiv 2601.13474; abstracts read). */
extern const Study study_memory;

/* Least squares for a matrix with heavy-tailed noise in its gradient. */
extern const Study study_noise;

/* ---- methods ---- */

enum { METHODS_MAX = 16 };

/* A method with its settings, for a problem with one matrix. */
typedef struct {
  char label[64]; /* as the user wrote it */
  const Optimizer *method;
  OptimizerOptions common;
  void *options; /* of the method */
} Method;

/* Reads "muon sgd:momentum=0,lr=2". The learning rate is `lr` unless given. Returns the number of
   methods, or -1: unknown names, wrong values, too many. */
int methods_read(const char *text, const char *lr, Method methods[METHODS_MAX], Err *err);
void methods_free(Method *methods, int count);

/* The name of a method; with its settings if another of the list has the same name. */
const char *method_title(const Method *methods, int count, int i);

/* ---- training ---- */

/* One matrix W (rows,cols), zero at the start. */
typedef struct {
  int64_t rows, cols;
  /* G (rows,cols) = the gradient of step t at W. */
  void (*gradient)(void *data, const float *W, int64_t t, float *G);
  /* Looks at W after step t; t = 0 is the start. May be NULL. */
  void (*watch)(void *data, const float *W, int64_t t);
  void *data;
  int64_t steps;
  int decays; /* whether the rate falls to 0 in a straight line */
} Problem;

/* Trains with a method at a learning rate, or at its own with rate 0. W gets the result. Error: no
   memory. */
int problem_train(const Problem *p, const Method *m, double rate, uint64_t seed, float *W,
                  Err *err);

#endif
