/* Dion: K. Ahn, B. Xu et al., Dion: Distributed Orthonormalized Updates, arXiv 2504.05295 (the
   authors' code). For a tall W (rows >= cols; a wide one is taken transposed), with V (cols,r):
     M = M + G,  P = orth(M V),  R = M^T P,  M = M - (1 - mu) P R^T  (error feedback),
     V = R with columns of length 1,  W = (1 - lr wd) W - lr scale P V^T.
   V begins as N(0,1); r = ceil(rank-fraction * short side). P V^T is only nearly orthonormal: the
   columns of V have length 1 but are not orthogonal.
   Two differences from the code. It divides by the columns' length + 1e-8; here the length alone
   counts, and columns of R below 1e-5 of the longest become 0: where M has fewer than r directions
   the others are rounding errors, which must not become steps (seen at rank-fraction 1 only, where
   the code in float differs as much from itself in double). And when M is 0 there V becomes 0 for
   good; here it stays. */
#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/lapack.h"
#include "optim/optim.h"
#include "optim/parts/low_rank.h"
#include "optim/parts/momentum.h"

typedef struct {
  double momentum, fraction;
  int scale;
} DionOptions;

#define FIELD(member) offsetof(DionOptions, member)
static const Option options[] = {
    MOMENTUM_OPTION(DionOptions, momentum, "0.95"),
    {.name = "rank-fraction", .help = "Rank as a fraction of the shorter side",
     .type = OPTION_REAL, .at = FIELD(fraction), .fallback = "0.5", .max = 1},
    SHAPE_SCALE_OPTION(DionOptions, scale, "spectral"),
    {0},
};

static int64_t shorter(int64_t rows, int64_t cols) { return rows < cols ? rows : cols; }

static int64_t rank_of(int64_t rows, int64_t cols, const DionOptions *o) {
  int64_t r = (int64_t)ceil(o->fraction * (double)shorter(rows, cols));
  return r > 1 ? r : 1;
}

static int64_t basis_floats(int64_t rows, int64_t cols, const void *with) {
  return shorter(rows, cols) * rank_of(rows, cols, with);
}

enum { MOMENTUM, BASIS };
static const Slot slots[] = {
    {.name = "momentum", .floats = slot_full},
    {.name = "basis", .floats = basis_floats},
    {0},
};

static void init(const Matrix *p, float *const *slot, const void *with, Step *step) {
  random_normals(&step->random, slot[BASIS], basis_floats(p->rows, p->cols, with));
}

static double column_length(const float *V, int64_t n, int64_t r, int64_t j) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)V[i * r + j] * (double)V[i * r + j];
  return sqrt(sum);
}

/* Columns of R up to this share of the longest are rounding errors of float. */
static const double ROUNDING = 1e-5;

/* V = the columns of R (n,r) to length 1. Returns 0, and leaves V alone, when R is 0. */
static int unit_columns(float *V, const float *R, int64_t n, int64_t r) {
  double longest = 0;
  for (int64_t j = 0; j < r; j++) longest = fmax(longest, column_length(R, n, r, j));
  if (longest == 0) return 0;
  for (int64_t j = 0; j < r; j++) {
    double length = column_length(R, n, r, j), scale = length > ROUNDING * longest ? 1 / length : 0;
    for (int64_t i = 0; i < n; i++) V[i * r + j] = (float)((double)R[i * r + j] * scale);
  }
  return 1;
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const DionOptions *o = with;
  int64_t r = rank_of(p->rows, p->cols, o), size = p->rows * p->cols;
  int64_t s = shorter(p->rows, p->cols), l = p->rows + p->cols - s;
  Side longer = p->rows >= p->cols ? LEFT : RIGHT, shorter_side = longer == LEFT ? RIGHT : LEFT;
  float *M = slot[MOMENTUM], *V = slot[BASIS];
  float *U = step->scratch, *P = U + aligned(size), *R = P + aligned(l * r);
  for (int64_t i = 0; i < size; i++) M[i] += p->g[i];
  to_side(P, M, p->rows, p->cols, longer, V, r);
  orthonormal_columns(P, l, r, R + aligned(s * r));
  to_side(R, M, p->rows, p->cols, shorter_side, P, r);
  /* The way back wants R^T (r,cols) or R (rows,r). */
  if (longer == LEFT)
    gemm(PLAIN, TRANSPOSED, l, s, r, (float)(o->momentum - 1), P, r, R, r, 1, M, s);
  else gemm(PLAIN, TRANSPOSED, s, l, r, (float)(o->momentum - 1), R, r, P, r, 1, M, l);
  double moved = unit_columns(V, R, s, r) ? 1 : 0;
  if (longer == LEFT) gemm(PLAIN, TRANSPOSED, l, s, r, 1, P, r, V, r, 0, U, s);
  else gemm(PLAIN, TRANSPOSED, s, l, r, 1, V, r, P, r, 0, U, l);
  apply_update(p, step->keep, moved * step->rate * shape_scale(o->scale, p->rows, p->cols), U);
}

static int64_t scratch(const Matrix *p, const void *with) {
  int64_t r = rank_of(p->rows, p->cols, with), l = p->rows > p->cols ? p->rows : p->cols;
  int64_t s = shorter(p->rows, p->cols);
  return aligned(p->rows * p->cols) + aligned(l * r) + aligned(s * r) + orthonormal_work(r);
}

static double flops(const Matrix *p, const void *with) {
  double r = (double)rank_of(p->rows, p->cols, with), m = (double)p->rows, n = (double)p->cols;
  return 8 * m * n * r + 4 * fmax(m, n) * r * r + 4 * m * n;
}

const Optimizer dion = {
    .name = "dion",
    .summary = "One amortized power iteration with error feedback",
    .reference = "Ahn, Xu et al.: Dion, arXiv 2504.05295 (code)",
    .published = "lr=0.02 weight-decay=0.01",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, rank-fraction",
    .options = options,
    .options_size = sizeof(DionOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .init = init,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
