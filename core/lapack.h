/* Factorizations of row-major matrices by OpenBLAS's LAPACK. */
#ifndef CORE_LAPACK_H
#define CORE_LAPACK_H

#include "core/scratch.h"

/* Y (rows,k), k <= rows, becomes an orthonormal basis of a space that holds its columns' span
   (Householder: orthonormal even when Y is rank-deficient). */
typedef struct {
  float *tau, *block;
} QrWork;
void qr_layout(QrWork *work, Scratch *s, int64_t k);
void orthonormal_columns(float *Y, int64_t rows, int64_t k, const QrWork *work);

typedef struct {
  double *reals;
  int *integers;
} EigenWork;

/* Eigenvectors of the symmetric A (n,n): A = V^T diag(values) V with the eigenvectors in the rows
   of V, which replaces A; values (n) descend. */
void eigen_layout(EigenWork *work, Scratch *s, int64_t n);
void symmetric_eigen(double *A, double *values, int64_t n, const EigenWork *work);

/* Only the eigenvalues (n), descending, of the symmetric A (n,n). The upper half of A is read, all
   of it is destroyed. */
void eigenvalues_layout(EigenWork *work, Scratch *s, int64_t n);
void symmetric_eigenvalues(double *A, double *values, int64_t n, const EigenWork *work);

#endif
