/* GELU (Hendrycks and Gimpel 2016), x times the normal distribution function. GPT-2 has the
   approximation
     gelu(x) = x/2 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3).
   As (1 + tanh(u))/2 = 1/(1 + exp(-2u)), one exp gives the value and the derivative. */
#ifndef MODEL_GELU_H
#define MODEL_GELU_H

#include <stdint.h>

#include "core/option.h"
#include "core/real.h"

#define GELUS(X) X(GELU_TANH, "tanh") X(GELU_EXACT, "exact")
enum { GELUS(CHOICE_NAME) };

/* y (n) = gelu(x (n)) in that form. */
void gelu_forward(real *y, const real *x, int64_t n, int form);

/* Recomputes y (n) = gelu(x (n)), and sets dy (n) *= gelu'(x). */
void gelu_backward(real *y, real *dy, const real *x, int64_t n, int form);

#endif
