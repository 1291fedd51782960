/* What happens to all gradients together, before the optimizer sees them. */
#ifndef OPTIM_GRADIENT_H
#define OPTIM_GRADIENT_H

#include "core/param.h"

/* The Euclidean norm over all gradients, summed in double; NaN or infinity when one holds any. */
double gradient_norm(const Param *params, int count);

/* Scales all gradients by limit / norm if their norm is above the limit; a limit of 0 is none. */
void gradient_clip(const Param *params, int count, double norm, double limit);

/* The first parameter whose gradient holds a NaN or infinity, or NULL. */
const Param *gradient_not_finite(const Param *params, int count);

#endif
