/* Shampoo's preconditioners and their eigenbases, as SOAP keeps them. */
#ifndef OPTIM_PARTS_SHAMPOO_H
#define OPTIM_PARTS_SHAMPOO_H

#include "optim/parts/basis.h"

/* The state of a matrix (rows,cols). */
typedef struct {
  float *L, *R; /* (rows,rows), (cols,cols): averages of G G^T and G^T G */
  float *P, *Q; /* the same: their eigenbases, in columns */
  float *V;     /* (rows,cols): a second moment in these bases */
} Shampoo;

/* A column of a basis and its eigenvalue, estimated by diag(P^T L P). */
typedef struct {
  double value;
  int64_t column;
} Estimate;

/* With n the longer side. */
typedef struct {
  SingularWork singular;
  float *gram;     /* (n,n) */
  Estimate *order; /* (n) */
  float *product;  /* (n,n) */
  float *copy;     /* (rows,cols) */
  QrWork qr;
} ShampooWork;
void shampoo_layout(ShampooWork *work, Scratch *s, int64_t rows, int64_t cols);

/* After step t = 1, 2, ... on the gradient G: L = b L + (1 - b) G G^T, R = b R + (1 - b) G^T G. At
   the first step P and Q become the singular vectors of G, at every gap-th after it the columns of
   P are sorted by diag(P^T L P), descending, V's rows with them, and P = qr(L P); the same with Q,
   R and V's columns. */
void shampoo_update(const Shampoo *a, const float *G, int64_t rows, int64_t cols, double b,
                    int64_t t, int64_t gap, const ShampooWork *work);

/* FLOPs of it, on average. */
double shampoo_flops(int64_t rows, int64_t cols, int64_t gap);

#endif
