/* The rows (LEFT) or the columns (RIGHT) of a matrix, each scaled by itself. */
#ifndef OPTIM_PARTS_LINES_H
#define OPTIM_PARTS_LINES_H

#include "optim/parts/basis.h"

static inline int64_t line_count(int64_t rows, int64_t cols, Side side) {
  return side == LEFT ? rows : cols;
}

/* squares (lines): the sum of squares of each line of X (rows,cols). */
void line_squares(double *squares, const float *X, int64_t rows, int64_t cols, Side side);

/* Multiplies line i of X (rows,cols) by factors[i]. */
void line_scale(float *X, int64_t rows, int64_t cols, Side side, const double *factors);

typedef struct {
  double beta2, eps;
} LineMoment;

/* The rows for a method's option table; `moment` is the name of its LineMoment. */
#define LINE_MOMENT_OPTIONS(Options, moment, default_eps, of)                                      \
  {.name = "beta2", .help = "Decay of the second moment of the " of,                               \
   .type = OPTION_REAL, .at = offsetof(Options, moment.beta2), .fallback = "0.95", .below = 1},    \
  {.name = "eps", .help = "Constant added to the root of the second moment and to the norm",       \
   .type = OPTION_REAL, .at = offsetof(Options, moment.eps), .fallback = default_eps,              \
   .min = 1e-30, .max = 1}

/* v (lines) = b2 v + (1 - b2) mean of each line of U squared,  U' = U / (sqrt(v) + eps),
   U = ||U|| / (||U'|| + eps) U' (NorMuon, arXiv 2510.05491). `work`: (lines). */
void lines_normalize(float *U, float *v, int64_t rows, int64_t cols, Side side,
                     const LineMoment *moment, double *work);

#endif
