/* Adam's moments in a rotated space: what AdaDiag, SOAP and GaLore share. */
#ifndef OPTIM_ROTATED_ADAM_H
#define OPTIM_ROTATED_ADAM_H

#include <stdint.h>

typedef struct {
  double beta1, beta2, eps;
} Betas;

/* The rows for a method's option table; `betas` is the name of its Betas. */
#define BETAS_OPTIONS(type, betas, default_beta1, default_beta2, default_eps)                     \
  {"beta1", "decay of the first moment", OPTION_REAL, offsetof(type, betas.beta1), default_beta1, \
   0, 0.9999999, NULL},                                                                           \
      {"beta2", "decay of the second moment", OPTION_REAL, offsetof(type, betas.beta2),           \
       default_beta2, 0, 0.9999999, NULL},                                                        \
      {"eps", "added to the root of the second moment", OPTION_REAL, offsetof(type, betas.eps),   \
       default_eps, 1e-30, 1, NULL}

/* m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
   u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). All (n); u may be g. */
void rotated_adam(float *u, float *m, float *v, const float *g, int64_t n, const Betas *betas,
                  int64_t t);

/* Y = P X Q^T or, inverted, P^T X Q, with X (rows,cols), P (rows,rows), Q (cols,cols) holding the
   basis in their columns; NULL stands for the identity. `work`: rows*cols floats. */
void rotate(float *Y, const float *X, int64_t rows, int64_t cols, const float *P, const float *Q,
            int inverted, float *work);

/* Basis (n,n) in columns from eigenvectors V (n,n) in rows; each column keeps the direction of the
   one it replaces, as eigenvectors have no sign of their own and the moments know the old one. */
void replace_basis(float *basis, const double *V, int64_t n);

#endif
