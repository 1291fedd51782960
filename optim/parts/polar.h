/* Ways to the polar factor: msgn(X) = U V^T for X = U S V^T (thin, nonzero singular values). */
#ifndef OPTIM_PARTS_POLAR_H
#define OPTIM_PARTS_POLAR_H

#include "optim/parts/basis.h"
#include "optim/parts/newton_schulz.h"
#include "optim/parts/norms.h"

#define POLAR_WAYS(X) \
  X(BY_NEWTON_SCHULZ, "newton-schulz") X(BY_SVD, "svd") X(BY_CONVERGED, "converged")
enum { POLAR_WAYS(CHOICE_NAME) };

typedef struct {
  int way;
  NewtonSchulz ns;
  double power; /* BY_SVD: p of U S^p V^T, scaled to the Frobenius norm of msgn(X); 0: msgn(X) */
} Polar;

/* The rows for a method's option table; `polar` is the name of its Polar. */
#define POLAR_OPTIONS(Options, polar, default_way, default_schedule)                               \
  {.name = "orthogonalize",                                                                        \
   .help = "How to compute the polar factor: Newton-Schulz steps, LAPACK, or 13 steps of Polar "   \
           "Express that converge",                                                                \
   .type = OPTION_CHOICE, .at = offsetof(Options, polar.way), .fallback = default_way,             \
   .choices = POLAR_WAYS(CHOICE_WORD), .renamed = "exact=converged"},                              \
  NEWTON_SCHULZ_OPTIONS(Options, polar.ns, default_schedule, "orthogonalize=newton-schulz",        \
                        "orthogonalize=newton-schulz")

typedef struct {
  NewtonSchulzWork ns;
  SingularWork singular;
  double *row, *gain; /* (short side) */
  float *P, *Y;       /* (short side, short side), (rows,cols) */
} PolarWork;
void polar_layout(PolarWork *work, Scratch *s, int64_t rows, int64_t cols, const Polar *polar);

/* X (rows,cols) becomes msgn(X) in the chosen way, or U S^p V^T; zero stays zero. */
void polar_factor(float *X, int64_t rows, int64_t cols, const Polar *polar, const PolarWork *work);

/* X = U S V^T becomes U min(S, limit) V^T: the nearest matrix whose spectral norm is at most
   `limit`. Work of the way BY_SVD. */
void polar_clip(float *X, int64_t rows, int64_t cols, double limit, const PolarWork *work);

double polar_flops(int64_t rows, int64_t cols, const Polar *polar);

/* Root mean square of an AdamW step, which Moonlight and AdaMuon match. */
#define ADAMW_RMS 0.2

#define SHAPE_SCALES(X)                                                                            \
  X(SCALE_NONE, "none") X(SCALE_KJ, "kj") X(SCALE_SPECTRAL, "spectral") X(SCALE_RMS, "rms")        \
  X(SCALE_OLD, "old")
enum { SHAPE_SCALES(CHOICE_NAME) };

/* The factor on the orthogonal update of a (rows,cols) matrix: none 1; kj sqrt(max(1, rows/cols))
   (Muon's repository); spectral sqrt(rows/cols) (Scion, Dion); rms 0.2 sqrt(max(rows, cols))
   (Moonlight, arXiv 2502.16982: the size of an AdamW step); old sqrt(max(rows, cols)). */
double shape_scale(int scale, int64_t rows, int64_t cols);

#define SHAPE_SCALE_OPTION(Options, field, default_scale)                                          \
  {.name = "shape-scale", .help = "Factor on the orthogonal update by the matrix's rows m and "    \
           "columns n (kj, of Keller Jordan's Muon: sqrt(max(1, m/n)); spectral: sqrt(m/n); "      \
           "rms, of Moonlight: 0.2 sqrt(max(m, n)); old: sqrt(max(m, n)))",                        \
   .type = OPTION_CHOICE, .at = offsetof(Options, field), .fallback = default_scale,               \
   .choices = SHAPE_SCALES(CHOICE_WORD)}

#endif
