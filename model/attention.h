/* Causal multi-head attention (Vaswani et al. 2017) in blocks of query rows: the masked half is
   skipped and only the log-sum-exp of each row is kept, never the (T,T) weights (Dao 2022). */
#ifndef MODEL_ATTENTION_H
#define MODEL_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#include "model/dropout.h"

/* y (B,T,C) = attention of qkv (B,T,3C). A row of qkv has Q, K and V of all heads; head h uses the
   C/NH columns from h*C/NH of each. Sets lse (B,NH,T) for the backward pass. `drop` is the dropout
   of the weights after their softmax, or NULL. */
void attention_forward(real *y, real *lse, const real *qkv, int64_t B, int64_t T, int64_t C,
                       int64_t NH, const Dropout *drop);

/* dqkv (B,T,3C) from dy (B,T,C) and the inputs and outputs of the forward pass. */
void attention_backward(real *dqkv, const real *dy, const real *y, const real *lse,
                        const real *qkv, int64_t B, int64_t T, int64_t C, int64_t NH,
                        const Dropout *drop);

#endif
