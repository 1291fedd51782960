/* Some cores of old OpenBLAS versions give wrong results on some CPUs. */
#ifndef CORE_BLAS_CHECK_H
#define CORE_BLAS_CHECK_H

/* Returns 1 if products in float and double, of several shapes and transpositions, agree with plain
   C, else 0. Takes less than a millisecond. */
int blas_check(void);

#endif
