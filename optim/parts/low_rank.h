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
  {.name = "rank", .help = "directions kept (k)", .type = OPTION_INT,                              \
   .at = offsetof(Options, low.rank), .fallback = "128", .min = 1, .max = 1e6},                    \
  {.name = "construction",                                                                         \
   .help = "of their basis: random columns (authors' code: the first of a tall matrix's), a "      \
           "Gaussian sketch (their paper), power iteration",                                       \
   .type = OPTION_CHOICE, .at = offsetof(Options, low.construction), .fallback = "columns",        \
   .choices = CONSTRUCTIONS(CHOICE_WORD)},                                                         \
  {.name = "power-iterations", .help = "of the construction `power`", .type = OPTION_INT,          \
   .at = offsetof(Options, low.power_iterations), .fallback = "1", .max = 100,                     \
   .needs = "construction=power"},                                                                 \
  {.name = "inner", .help = "how the small factor is orthogonalized", .type = OPTION_CHOICE,       \
   .at = offsetof(Options, low.inner), .fallback = default_inner,                                  \
   .choices = INNER_WAYS(CHOICE_WORD), .renamed = "exact=svd"},                                    \
  {.name = "full-below",                                                                           \
   .help = "matrices with a side up to this are orthogonalized whole; authors' code: 500",         \
   .type = OPTION_INT, .at = offsetof(Options, low.full_below), .fallback = "0", .max = 1e6},      \
  {.name = "rank-compensation", .help = "multiply by sqrt(short side / rank)",                     \
   .type = OPTION_CHOICE, .at = offsetof(Options, low.compensation), .fallback = "off",            \
   .choices = ON_OFF},                                                                             \
  NEWTON_SCHULZ_OPTIONS(Options, low.ns, "jordan", "inner=newton-schulz", "inner=newton-schulz")

/* X (rows,cols) becomes its low-rank orthogonalization (He, Deng, Lu, arXiv 2509.11983, as in the
   authors' code): with Q an orthonormal basis (s,k) of k directions of the short side and
   B = Q^T X, the result is Q msgn(B). */
void low_rank_factor(float *X, int64_t rows, int64_t cols, const LowRank *low, Random *random,
                     float *scratch);
int64_t low_rank_scratch(int64_t rows, int64_t cols, const LowRank *low);
double low_rank_flops(int64_t rows, int64_t cols, const LowRank *low);

/* The side along which a basis lies: LEFT has vectors of length rows, RIGHT of length cols. */
typedef enum { LEFT, RIGHT } Side;

/* Y = X Z for the side LEFT, X^T Z for RIGHT (from the other side to this one), k columns; and
   B = Q^T X (k,cols) for LEFT, X Q (rows,k) for RIGHT. */
void to_side(float *Y, const float *X, int64_t rows, int64_t cols, Side side, const float *Z,
             int64_t k);
void project(float *B, const float *X, int64_t rows, int64_t cols, Side side, const float *Q,
             int64_t k);

/* X = gain Q B (LEFT) or gain B Q^T (RIGHT) + keep X: the way back from `project`. */
void project_back(float *X, int64_t rows, int64_t cols, Side side, const float *Q, const float *B,
                  int64_t k, double gain, double keep);

/* Q (length of the side, rank): the leading singular vectors of X on a side by a Gaussian sketch
   of rank + oversample columns and power iteration, turned to the leading `rank` directions. */
void range_finder(float *Q, const float *X, int64_t rows, int64_t cols, Side side, int64_t rank,
                  int64_t oversample, int64_t power_iterations, Random *random, float *scratch);
int64_t range_finder_scratch(int64_t rows, int64_t cols, Side side, int64_t rank,
                             int64_t oversample);

#endif
