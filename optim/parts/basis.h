/* Bases of singular vectors, and matrices turned into them. */
#ifndef OPTIM_PARTS_BASIS_H
#define OPTIM_PARTS_BASIS_H

#include "core/lapack.h"

/* The side along which a basis lies: LEFT has vectors of length rows, RIGHT of length cols. */
typedef enum { LEFT, RIGHT } Side;

static inline Side opposite(Side side) { return side == LEFT ? RIGHT : LEFT; }
static inline Side long_side(int64_t rows, int64_t cols) { return rows >= cols ? LEFT : RIGHT; }

typedef struct {
  double *V, *values; /* (n,n), (n): the result */
  double *panel;
  EigenWork eigen;
} SingularWork;

/* For a side of length n. */
void singular_layout(SingularWork *work, Scratch *s, int64_t n);

/* All singular vectors of X (rows,cols) on a side, in the rows of work->V, and work->values, by
   descending singular value: eigenvectors of the Gram matrix in double. */
void singular_basis(const float *X, int64_t rows, int64_t cols, Side side,
                    const SingularWork *work);

/* Q (n,r) = the first r rows of V (n,n), in columns. */
void leading_vectors(float *Q, const double *V, int64_t n, int64_t r);

/* Basis (n,n) in columns from eigenvectors V (n,n) in rows. Each column keeps the direction of the
   one that it replaces: the sign of an eigenvector is arbitrary, and the moments depend on the old
   one. */
void replace_basis(float *basis, const double *V, int64_t n);

/* Y = P X Q^T or, inverted, P^T X Q, with X (rows,cols), P (rows,rows), Q (cols,cols) with the
   basis in their columns; NULL is the identity. `work`: rows*cols floats. */
void rotate(float *Y, const float *X, int64_t rows, int64_t cols, const float *P, const float *Q,
            int inverted, float *work);

#endif
