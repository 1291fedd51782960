/* Factorizations of row-major matrices by OpenBLAS's LAPACK. */
#ifndef CORE_LAPACK_H
#define CORE_LAPACK_H

#include "core/scratch.h"

/* Replaces Y (rows,k), k <= rows, by an orthonormal basis whose span contains Y's columns
   (Householder QR: orthonormal even if Y is rank-deficient). */
typedef struct {
  float *tau, *block;
} QrWork;
void qr_layout(QrWork *work, Scratch *s, int64_t k);
void orthonormal_columns(float *Y, int64_t rows, int64_t k, const QrWork *work);

typedef struct {
  double *reals;
  int *integers;
} EigenWork;

/* Eigendecomposition of the symmetric A (n,n) = V^T diag(values) V. V, with an eigenvector per row,
   replaces A; values (n) are in descending order. */
void eigen_layout(EigenWork *work, Scratch *s, int64_t n);
void symmetric_eigen(double *A, double *values, int64_t n, const EigenWork *work);

/* Eigenvalues (n) of the symmetric A (n,n), in descending order. Reads the upper half of A and
   overwrites all of it. */
void eigenvalues_layout(EigenWork *work, Scratch *s, int64_t n);
void symmetric_eigenvalues(double *A, double *values, int64_t n, const EigenWork *work);

#endif
