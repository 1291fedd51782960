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

#include "core/blas.h"
#include "core/int64.h"
#include "core/lapack.h"
#include "optim/optim.h"
#include "optim/parts/low_rank.h"
#include "optim/parts/momentum.h"

typedef struct {
  double momentum, fraction;
  int scale;
} DionOptions;

#define FIELD(member) offsetof(DionOptions, member)
static const Option table[] = {
    MOMENTUM_OPTION(DionOptions, momentum, "0.95"),
    {.name = "rank-fraction", .help = "Rank as a fraction of the shorter side",
     .type = OPTION_REAL, .at = FIELD(fraction), .fallback = "0.5", .max = 1},
    SHAPE_SCALE_OPTION(DionOptions, scale, "spectral"),
    {0},
};

static int64_t rank_of(const Matrix *p, const DionOptions *o) {
  double r = ceil(o->fraction * (double)i64_min(p->rows, p->cols));
  return i64_max((int64_t)r, 1);
}

static int64_t basis_floats(const Matrix *p, const void *options) {
  return i64_min(p->rows, p->cols) * rank_of(p, options);
}

enum { MOMENTUM, BASIS };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "basis", .kind = SLOT_BASIS, .floats = basis_floats},
    {0},
};

static void init(const Matrix *p, float *const *slot, const void *options, Step *step) {
  random_normals(&step->random, slot[BASIS], basis_floats(p, options));
}

typedef struct {
  float *U, *P, *R; /* (rows,cols), (long side, r), (short side, r) */
  QrWork qr;
} DionWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  DionWork *w = work;
  int64_t r = rank_of(p, options);
  w->U = scratch_floats(s, matrix_size(p));
  w->P = scratch_floats(s, i64_max(p->rows, p->cols) * r);
  w->R = scratch_floats(s, i64_min(p->rows, p->cols) * r);
  qr_layout(&w->qr, s, r);
}

static double column_length(const float *V, int64_t n, int64_t r, int64_t j) {
  return sqrt(square_sum(V + j, n, r));
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

/* X = gain P V^T + keep X, with P (long side, r), V (short side, r); transposed for a wide X. */
static void add_product(float *X, const Matrix *p, const float *P, const float *V, int64_t r,
                        double gain, double keep) {
  int tall = p->rows >= p->cols;
  gemm(PLAIN, TRANSPOSED, p->rows, p->cols, r, (float)gain, tall ? P : V, r, tall ? V : P, r,
       (float)keep, X, p->cols);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const DionOptions *o = options;
  const DionWork *work = step->work;
  int64_t r = rank_of(p, o), s = i64_min(p->rows, p->cols), l = i64_max(p->rows, p->cols);
  Side side = long_side(p->rows, p->cols);
  float *M = slot[MOMENTUM], *V = slot[BASIS], *P = work->P, *R = work->R, *U = work->U;
  for (int64_t i = 0; i < p->rows * p->cols; i++) M[i] += p->g[i];
  to_side(P, M, p->rows, p->cols, side, V, r);
  orthonormal_columns(P, l, r, &work->qr);
  to_side(R, M, p->rows, p->cols, opposite(side), P, r);
  add_product(M, p, P, R, r, o->momentum - 1, 1);
  double moved = unit_columns(V, R, s, r) ? 1 : 0;
  add_product(U, p, P, V, r, 1, 0);
  apply_update(p, step->keep, moved * step->rate * shape_scale(o->scale, p->rows, p->cols), U);
}

static double flops(const Matrix *p, const void *options) {
  double r = (double)rank_of(p, options), m = (double)p->rows, n = (double)p->cols;
  return 8 * m * n * r + 4 * fmax(m, n) * r * r + 4 * m * n;
}

const Optimizer dion = {
    .name = "dion",
    .summary = "Low-rank orthonormal steps by one power iteration, with error feedback",
    .reference = "Ahn, Xu et al.: Dion, arXiv 2504.05295 (code)",
    .published = "lr=0.02 weight-decay=0.01",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, rank-fraction",
    .options = table,
    .options_size = sizeof(DionOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .init = init,
    .update = update,
    .layout = layout,
    .work_size = sizeof(DionWork),
    .flops = flops,
};
