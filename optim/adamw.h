#ifndef OPTIM_ADAMW_H
#define OPTIM_ADAMW_H

#include "optim/optim.h"

typedef struct {
  double beta1, beta2, eps;
  int scope;
} AdamwOptions;

/* Also the auxiliary optimizer of the matrix methods. */
extern const Optimizer adamw;

#endif
