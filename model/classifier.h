/* The head, softmax and cross-entropy, computed in chunks of rows, so that the (B*T,V) logits
   are never in memory at once. */
#ifndef MODEL_CLASSIFIER_H
#define MODEL_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "core/real.h"

/* Size of `scratch`, in numbers, for n rows and V tokens. */
size_t classifier_scratch(int64_t n, int64_t V);

/* Returns the sum of -log softmax(logits)[y] over n rows of V logits, `stride` apart. Overwrites
   the logits: with weight > 0 by the gradient of weight * sum. */
double cross_entropy(real *logits, int64_t stride, const int32_t *y, int64_t n, int64_t V,
                     double weight);

/* Seconds for the logits, for softmax and cross-entropy, and for the products of the gradient. */
typedef struct {
  double product, softmax, gradient;
} ClassifierTimes;

/* Returns the sum over rows of -log softmax(x wte^T)[y], with x (n,C), targets y (n), wte (V,C).
   Adds to the times. */
double classifier_loss(const real *x, const int32_t *y, const real *wte, int64_t n, int64_t C,
                       int64_t V, real *scratch, ClassifierTimes *times);

/* The same, with the gradient of weight * sum: sets dx (n,C), and sets dwte (V,C) or, with
   `accumulate`, adds to it. */
double classifier_gradient(real *dx, real *dwte, const real *x, const int32_t *y, const real *wte,
                           int64_t n, int64_t C, int64_t V, double weight, int accumulate,
                           real *scratch, ClassifierTimes *times);

/* logits (n,V) = x (n,C) wte (V,C)^T, for sampling. */
void classifier_logits(real *logits, const real *x, const real *wte, int64_t n, int64_t C,
                       int64_t V);

#endif
