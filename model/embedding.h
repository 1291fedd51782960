/* Sum of token embedding and learned position embedding. */
#ifndef MODEL_EMBEDDING_H
#define MODEL_EMBEDDING_H

#include <stdint.h>

#include "core/real.h"

/* y (B,T,C) = wte[x] + wpe[t], with tokens x (B,T), wte (V,C), wpe (T or more,C). */
void embedding_forward(real *y, const int32_t *x, const real *wte, const real *wpe, int64_t B,
                       int64_t T, int64_t C);

/* dwte (V,C) += dy (B,T,C) at rows x; sets dwpe (rows,C), with zero from row T on, or with
   `accumulate` adds to it. */
void embedding_backward(real *dwte, real *dwpe, const real *dy, const int32_t *x, int64_t B,
                        int64_t T, int64_t C, int64_t rows, int accumulate);

#endif
