/* Orthonormal bases of a few directions of a matrix: column selection, Gaussian sketches, power
   iteration (Halko, Martinsson, Tropp, arXiv 0909.4061), and low-rank orthogonalization on them. */
#ifndef OPTIM_PARTS_LOW_RANK_H
#define OPTIM_PARTS_LOW_RANK_H

#include "core/random.h"
#include "optim/parts/polar.h"

#define CONSTRUCTIONS(X)                                          \
  X(BY_COLUMNS, "columns") X(BY_FIRST_COLUMNS, "first-columns") \
  X(BY_GAUSSIAN, "gaussian") X(BY_POWER, "power")
enum { CONSTRUCTIONS(CHOICE_NAME) };

#define INNER_WAYS(X) X(INNER_NEWTON_SCHULZ, "newton-schulz") X(INNER_SVD, "svd")
enum { INNER_WAYS(CHOICE_NAME) };

typedef struct {
  int64_t rank, power_iterations, full_below;
  int construction, inner, compensation;
  NewtonSchulz ns;
} LowRank;

/* The rows for a method's option table; `low` is the name of its LowRank. */
#define LOW_RANK_OPTIONS(Options, low, default_inner)                                              \
  {.name = "rank", .help = "Directions kept (k)", .type = OPTION_INT,                              \
   .at = offsetof(Options, low.rank), .fallback = "128", .min = 1, .max = 1e6},                    \
  {.name = "construction",                                                                         \
   .help = "Basis of the subspace: random columns, random ones of the first columns of a tall "    \
           "matrix (authors' code), a Gaussian sketch (their paper), or power iteration",          \
   .type = OPTION_CHOICE, .at = offsetof(Options, low.construction), .fallback = "columns",        \
   .choices = CONSTRUCTIONS(CHOICE_WORD)},                                                         \
  {.name = "power-iterations", .help = "Power iterations", .type = OPTION_INT,          \
   .at = offsetof(Options, low.power_iterations), .fallback = "1", .max = 100,                     \
   .needs = "construction=power"},                                                                 \
  {.name = "inner", .help = "How to orthogonalize the small factor", .type = OPTION_CHOICE,       \
   .at = offsetof(Options, low.inner), .fallback = default_inner,                                  \
   .choices = INNER_WAYS(CHOICE_WORD), .renamed = "exact=svd"},                                    \
  {.name = "full-below",                                                                           \
   .help = "Orthogonalize matrices with a side up to this as a whole (authors' code: 500)",        \
   .type = OPTION_INT, .at = offsetof(Options, low.full_below), .fallback = "0", .max = 1e6},      \
  {.name = "rank-compensation", .help = "Multiply by sqrt(short side / rank)",                     \
   .type = OPTION_CHOICE, .at = offsetof(Options, low.compensation), .fallback = "off",            \
   .choices = ON_OFF},                                                                             \
  NEWTON_SCHULZ_OPTIONS(Options, low.ns, "jordan", "inner=newton-schulz", "inner=newton-schulz")

typedef struct {
  float *Q, *B; /* (s,k) basis of the short side, (k,l) or (l,k) what X is in it */
  int *drawn;   /* (k + l) */
  QrWork qr;
  PolarWork polar;
} LowRankWork;
void low_rank_layout(LowRankWork *work, Scratch *s, int64_t rows, int64_t cols,
                     const LowRank *low);

/* X (rows,cols) becomes its low-rank orthogonalization (He, Deng, Lu, arXiv 2509.11983, as in the
   authors' code): with Q an orthonormal basis (s,k) of k directions of the short side and
   B = Q^T X, the result is Q msgn(B). */
void low_rank_factor(float *X, int64_t rows, int64_t cols, const LowRank *low, Random *random,
                     const LowRankWork *work);
double low_rank_flops(int64_t rows, int64_t cols, const LowRank *low);

/* Y = X Z for the side LEFT, X^T Z for RIGHT (from the other side to this one), k columns; and
   B = Q^T X (k,cols) for LEFT, X Q (rows,k) for RIGHT. */
void to_side(float *Y, const float *X, int64_t rows, int64_t cols, Side side, const float *Z,
             int64_t k);
void project(float *B, const float *X, int64_t rows, int64_t cols, Side side, const float *Q,
             int64_t k);

/* X = gain Q B (LEFT) or gain B Q^T (RIGHT) + keep X: the way back from `project`. */
void project_back(float *X, int64_t rows, int64_t cols, Side side, const float *Q, const float *B,
                  int64_t k, double gain, double keep);

typedef struct {
  float *Y, *B, *turn; /* (side,w), (other side,w), (w,rank) with w sketched columns */
  QrWork qr;
  SingularWork singular;
} RangeWork;
void range_layout(RangeWork *work, Scratch *s, int64_t rows, int64_t cols, Side side, int64_t rank,
                  int64_t oversample);

/* Q (length of the side, rank): the leading singular vectors of X on a side by a Gaussian sketch
   of rank + oversample columns and power iteration, turned to the leading `rank` directions. */
void range_finder(float *Q, const float *X, int64_t rows, int64_t cols, Side side, int64_t rank,
                  int64_t oversample, int64_t iterations, Random *random, const RangeWork *work);

#endif
