/* Causal multi-head attention (Vaswani et al. 2017) in blocks of query rows: the masked half is
   skipped and only the log-sum-exp of each row is kept, never the (T,T) weights (Dao 2022). */
#ifndef MODEL_ATTENTION_H
#define MODEL_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#include "core/real.h"

/* Numbers of `scratch` that either pass needs with contexts up to T. */
size_t attention_scratch(int64_t T);

/* y (B,T,C) = attention of qkv (B,T,3C), each row holding Q, K and V of all heads; head h owns the
   columns h*C/NH .. of each. lse (B,NH,T) is kept for the backward pass. */
void attention_forward(real *y, real *lse, const real *qkv, int64_t B, int64_t T, int64_t C,
                       int64_t NH, real *scratch);

/* dqkv (B,T,3C) from dy (B,T,C) and what the forward pass read and made. */
void attention_backward(real *dqkv, const real *dy, const real *y, const real *lse,
                        const real *qkv, int64_t B, int64_t T, int64_t C, int64_t NH,
                        real *scratch);

#endif
