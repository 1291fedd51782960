#ifndef OPTIM_ADAMW_H
#define OPTIM_ADAMW_H

#include "optim/optim.h"

#define SCOPES(X) X(SCOPE_ALL, "all") X(SCOPE_MATRICES, "matrices")
enum { SCOPES(CHOICE_NAME) };

typedef struct {
  double beta1, beta2, eps;
  int scope;
} AdamwOptions;

/* Also the auxiliary optimizer of the matrix methods. */
extern const Optimizer adamw;

#endif
