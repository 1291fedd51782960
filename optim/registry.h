/* The list of all methods. */
#ifndef OPTIM_REGISTRY_H
#define OPTIM_REGISTRY_H

#include "optim/optim.h"

/* In the order of the help; ends with NULL. */
extern const Optimizer *const optimizers[];

/* The method with that name; NULL with a sentence in err when there is none. */
const Optimizer *optimizer_find(const char *name, Err *err);

#endif
