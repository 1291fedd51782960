/* The tied head, softmax and cross-entropy, fused over chunks of rows, so that the (B*T,V) logits
   are never all in memory. */
#ifndef MODEL_CLASSIFIER_H
#define MODEL_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "core/real.h"

/* Numbers of `scratch` needed for n rows and V tokens. */
size_t classifier_scratch(int64_t n, int64_t V);

/* Returns the sum of -log softmax(logits)[y] over n rows of V logits, `stride` apart; the logits are
   lost, and with weight > 0 become the gradient of weight * that sum. */
double cross_entropy(real *logits, int64_t stride, const int32_t *y, int64_t n, int64_t V,
                     double weight);

/* Seconds of the logits, of softmax and cross-entropy, and of the gradient's products. */
typedef struct {
  double product, softmax, gradient;
} ClassifierTimes;

/* Returns the sum over rows of -log softmax(x wte^T)[y], with x (n,C), targets y (n), wte (V,C).
   Adds to the times. */
double classifier_loss(const real *x, const int32_t *y, const real *wte, int64_t n, int64_t C,
                       int64_t V, real *scratch, ClassifierTimes *times);

/* The same, and the gradient of weight * that sum: dx (n,C) is set, dwte (V,C) is set, or added to
   when `accumulate` is set. */
double classifier_gradient(real *dx, real *dwte, const real *x, const int32_t *y, const real *wte,
                           int64_t n, int64_t C, int64_t V, double weight, int accumulate,
                           real *scratch, ClassifierTimes *times);

/* logits (n,V) = x (n,C) wte (V,C)^T, for sampling. */
void classifier_logits(real *logits, const real *x, const real *wte, int64_t n, int64_t C,
                       int64_t V);

#endif
