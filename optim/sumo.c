/* SUMO: Y. Refael, G. Smorodinsky, T. Tirer, O. Lindenbaum, SUMO: Subspace-Aware Moment-
   Orthogonalization for Accelerating Memory-Efficient LLM Training, arXiv 2505.24749 (Algorithm 1
   of the NeurIPS text, read in full; the authors' code is not public). With Q (l,r) on the long
   side l; t counts from 0:
     1. t mod K = 0, or ||Q^T G|| <= refresh-below: Q' = leading r singular vectors of G by a
        randomized range finder, M = (Q'^T Q) M  (moment transport)
     2. Gh = Q^T G    3. M = mu M + Gh    4. O = msgn(M)
     5. if ||O|| > gamma ||O_before||: O = gamma ||O_before|| O / ||O||
     6. W = (1 - lr wd) W - lr (scale Q O + (G - Q Gh)).
   That is form v2, the default. Form v1, of the first version on arXiv as others describe it,
   leaves G - Q Gh out. That term has the size of the raw gradient. ||O|| is sqrt(r) as long as M has
   r directions, so that the limiter acts only where M had fewer. The SVD in step 4 is the paper's
   point; Newton-Schulz there is its ablation. The scale of the text is sqrt(max(m, n)) `following
   Moonlight`, and whether it takes the last term is not said; the default is Moonlight's own,
   0.2 sqrt(max(m, n)), on Q O only. */
#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "optim/optim.h"
#include "optim/parts/low_rank.h"
#include "optim/parts/momentum.h"

typedef struct {
  double momentum, gamma, refresh_below;
  int64_t rank, gap, oversample, power_iterations;
  int form, scale;
  Polar polar;
} SumoOptions;

#define FORMS(X) X(FORM_V1, "v1") X(FORM_V2, "v2")
enum { FORMS(CHOICE_NAME) };

#define FIELD(member) offsetof(SumoOptions, member)
static const Option options[] = {
    MOMENTUM_OPTION(SumoOptions, momentum, "0.95"),
    {.name = "rank", .help = "Rank of the subspace (r)",
     .type = OPTION_INT, .at = FIELD(rank), .fallback = "128", .min = 1, .max = 1e6},
    {.name = "update-gap", .help = "Steps between new subspaces (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "250", .min = 1, .max = 1e12},
    {.name = "oversample", .help = "Extra columns in the range finder",
     .type = OPTION_INT, .at = FIELD(oversample), .fallback = "8", .max = 1e6},
    {.name = "power-iterations", .help = "Power iterations in the range finder",
     .type = OPTION_INT, .at = FIELD(power_iterations), .fallback = "1", .max = 100},
    {.name = "refresh-below",
     .help = "Also choose a new subspace when the norm of the projected gradient is at most this "
             "(0: only every K steps)",
     .type = OPTION_REAL, .at = FIELD(refresh_below), .fallback = "0", .max = 1e30},
    {.name = "form",
     .help = "Update rule: v1 (first arXiv version) moves weights within the subspace only; v2 "
             "(NeurIPS text) adds the gradient outside it",
     .type = OPTION_CHOICE, .at = FIELD(form), .fallback = "v2", .choices = FORMS(CHOICE_WORD)},
    {.name = "gamma", .help = "Limit on the growth of the orthogonal moment's norm per step",
     .type = OPTION_REAL, .at = FIELD(gamma), .fallback = "1.1", .max = 1e30},
    POLAR_OPTIONS(SumoOptions, polar, "svd", "jordan"),
    SHAPE_SCALE_OPTION(SumoOptions, scale, "rms"),
    {0},
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t rank_of(int64_t rows, int64_t cols, const SumoOptions *o) {
  return least(o->rank, least(rows, cols));
}

static int64_t basis_floats(int64_t rows, int64_t cols, const void *with) {
  return (rows > cols ? rows : cols) * rank_of(rows, cols, with);
}

static int64_t moment_floats(int64_t rows, int64_t cols, const void *with) {
  return least(rows, cols) * rank_of(rows, cols, with);
}

enum { BASIS, MOMENT, NORM };
static const Slot slots[] = {
    {.name = "basis", .floats = basis_floats},
    {.name = "moment", .floats = moment_floats},
    {.name = "norm", .floats = slot_one},
    {0},
};

/* Step 1's two tests; `low` has room for Q^T G. */
static int is_due(const Matrix *p, Side side, int64_t r, const float *Q, const SumoOptions *o,
                  const Step *step, float *low) {
  if ((step->t - 1) % o->gap == 0) return 1;
  if (o->refresh_below == 0) return 0;
  project(low, p->g, p->rows, p->cols, side, Q, r);
  return frobenius_norm(low, r * least(p->rows, p->cols)) <= o->refresh_below;
}

/* A new basis; the moment moves with it: M = R M (or M R^T), R = Q'^T Q. */
static void refresh(const Matrix *p, Side side, int64_t r, float *Q, float *M, const SumoOptions *o,
                    Step *step) {
  int64_t l = side == LEFT ? p->rows : p->cols, s = p->rows + p->cols - l;
  float *new_Q = step->scratch, *R = new_Q + aligned(l * r), *old_M = R + aligned(r * r);
  range_finder(new_Q, p->g, p->rows, p->cols, side, r, o->oversample, o->power_iterations,
               &step->random, old_M + aligned(s * r));
  gemm(TRANSPOSED, PLAIN, r, r, l, 1, new_Q, r, Q, r, 0, R, r);
  memcpy(Q, new_Q, (size_t)(l * r) * sizeof *Q);
  memcpy(old_M, M, (size_t)(s * r) * sizeof *M);
  if (side == LEFT) gemm(PLAIN, PLAIN, r, s, r, 1, R, r, old_M, s, 0, M, s);
  else gemm(PLAIN, TRANSPOSED, s, r, r, 1, old_M, r, R, r, 0, M, r);
}

/* Step 5, on O (n). */
static void limit_growth(float *O, int64_t n, double gamma, float *norm_before) {
  double norm = frobenius_norm(O, n), limit = gamma * (double)*norm_before;
  if (*norm_before > 0 && norm > limit) {
    for (int64_t i = 0; i < n; i++) O[i] *= (float)(limit / norm);
    norm = limit;
  }
  *norm_before = (float)norm;
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const SumoOptions *o = with;
  int64_t r = rank_of(p->rows, p->cols, o), size = p->rows * p->cols;
  Side side = p->rows >= p->cols ? LEFT : RIGHT;
  int64_t rows = side == LEFT ? r : p->rows, cols = side == LEFT ? p->cols : r, n = rows * cols;
  float *Q = slot[BASIS], *M = slot[MOMENT];
  if (is_due(p, side, r, Q, o, step, step->scratch)) refresh(p, side, r, Q, M, o, step);
  float *U = step->scratch, *low = U + aligned(size), *O = low + aligned(n);
  project(low, p->g, p->rows, p->cols, side, Q, r);
  momentum_heavy_ball(O, M, low, n, o->momentum, 0);
  polar_factor(O, rows, cols, &o->polar, O + aligned(n));
  limit_growth(O, n, o->gamma, slot[NORM]);
  float scale = (float)shape_scale(o->scale, p->rows, p->cols), outside = o->form == FORM_V2;
  for (int64_t i = 0; i < n; i++) O[i] = scale * O[i] - outside * low[i];
  memcpy(U, p->g, (size_t)size * sizeof *U);
  project_back(U, p->rows, p->cols, side, Q, O, r, 1, outside);
  apply_update(p, step->keep, step->rate, U);
}

static int64_t scratch(const Matrix *p, const void *with) {
  const SumoOptions *o = with;
  int64_t r = rank_of(p->rows, p->cols, o), s = least(p->rows, p->cols), l = p->rows + p->cols - s;
  Side side = p->rows >= p->cols ? LEFT : RIGHT;
  int64_t refreshing = aligned(l * r) + aligned(r * r) + aligned(s * r) +
                       range_finder_scratch(p->rows, p->cols, side, r, o->oversample);
  int64_t stepping = aligned(p->rows * p->cols) + 2 * aligned(s * r) +
                     polar_scratch(r, s, &o->polar);
  return refreshing > stepping ? refreshing : stepping;
}

static double flops(const Matrix *p, const void *with) {
  const SumoOptions *o = with;
  double r = (double)rank_of(p->rows, p->cols, o), m = (double)p->rows, n = (double)p->cols;
  double w = r + (double)o->oversample, q = (double)o->power_iterations;
  double refreshing = (2 * m * n * w * (2 + 2 * q) + 4 * (m + n) * w * w) / (double)o->gap;
  return 4 * m * n * r + 4 * m * n + refreshing +
         polar_flops((int64_t)r, least(p->rows, p->cols), &o->polar);
}

const Optimizer sumo = {
    .name = "sumo",
    .summary = "Orthogonalized momentum in a slowly changing subspace",
    .reference = "Refael et al.: SUMO, arXiv 2505.24749 (NeurIPS 2025, read in full)",
    .ours = "lr=6e-4 aux-lr=6e-4",
    .tune = "lr, aux-lr, rank, update-gap",
    .options = options,
    .options_size = sizeof(SumoOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
