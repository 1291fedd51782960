/* Products in bf16 and bf16x3 by the kernels of core/bf16.h. core/blas.c calls it; everything else
   calls core/blas.h. */
#ifndef CORE_REDUCED_H
#define CORE_REDUCED_H

#include "core/bf16.h"
#include "core/product.h"

/* On all threads, or inside a parallel region on the calling thread only; the same bits for any
   number of threads. parts is 1 for bf16, 3 for bf16x3. K is at least 1. */
void reduced_product(const Product *p, const Bf16Kernel *kernel, int parts);

#endif
