/* AdamW, also the auxiliary optimizer of the matrix methods. */
#ifndef OPTIM_ADAMW_H
#define OPTIM_ADAMW_H

#include "optim/optim.h"
#include "optim/parts/adam.h"

#define SCOPES(X) X(SCOPE_ALL, "all") X(SCOPE_MATRICES, "matrices")
enum { SCOPES(CHOICE_NAME) };

typedef struct {
  Adam adam;
  int scope;
} AdamwOptions;

extern const Optimizer adamw;

#endif
