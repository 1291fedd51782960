/* Some cores of old OpenBLAS versions compute wrong on some CPUs. */
#ifndef CORE_BLAS_CHECK_H
#define CORE_BLAS_CHECK_H

/* Whether products, in float and double, of several shapes and transpositions agree with plain C;
   takes less than a millisecond. */
int blas_check(void);

#endif
