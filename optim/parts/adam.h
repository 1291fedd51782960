/* Adam's moments in a rotated space: what AdaDiag, SOAP and GaLore share. */
#ifndef OPTIM_PARTS_ADAM_H
#define OPTIM_PARTS_ADAM_H

#include <stdint.h>

typedef struct {
  double beta1, beta2, eps;
} Betas;

/* The rows for a method's option table; `betas` is the name of its Betas. */
#define BETAS_OPTIONS(Options, betas, default_beta1, default_beta2, default_eps)                   \
  {.name = "beta1", .help = "Decay of the first moment",                                           \
   .type = OPTION_REAL, .at = offsetof(Options, betas.beta1), .fallback = default_beta1,           \
   .max = 0.9999999},                                                                              \
  {.name = "beta2", .help = "Decay of the second moment",                                          \
   .type = OPTION_REAL, .at = offsetof(Options, betas.beta2), .fallback = default_beta2,           \
   .max = 0.9999999},                                                                              \
  {.name = "eps", .help = "Constant added to the root of the second moment",                       \
   .type = OPTION_REAL, .at = offsetof(Options, betas.eps), .fallback = default_eps,               \
   .min = 1e-30, .max = 1}

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
