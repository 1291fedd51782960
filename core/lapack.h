/* Factorizations of row-major matrices by OpenBLAS's LAPACK. */
#ifndef CORE_LAPACK_H
#define CORE_LAPACK_H

#include <stdint.h>

/* Y (rows,k), k <= rows, becomes an orthonormal basis of a space that holds its columns' span
   (Householder: orthonormal even when Y is rank-deficient). `work`: orthonormal_work(k) floats. */
void orthonormal_columns(float *Y, int64_t rows, int64_t k, float *work);
int64_t orthonormal_work(int64_t k);

/* Eigenvectors of the symmetric A (n,n): A = V^T diag(values) V with the eigenvectors in the rows
   of V, which replaces A; values (n) descend. `work`: eigen_work(n) doubles. */
void symmetric_eigen(double *A, double *values, int64_t n, double *work);
int64_t eigen_work(int64_t n);

/* Only the eigenvalues (n), descending, of the symmetric A (n,n), of which the upper half is read
   and all destroyed. `work`: eigenvalues_work(n) doubles. */
void symmetric_eigenvalues(double *A, double *values, int64_t n, double *work);
int64_t eigenvalues_work(int64_t n);

#endif
