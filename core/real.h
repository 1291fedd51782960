/* `real` is the type of weights, activations and gradients: float in the programs. Tests also build
   core/ and model/ with REAL_IS_DOUBLE, so that finite differences agree to 1e-7. */
#ifndef CORE_REAL_H
#define CORE_REAL_H

#ifdef REAL_IS_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
