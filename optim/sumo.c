/* SUMO: Y. Refael, G. Smorodinsky, T. Tirer, O. Lindenbaum, SUMO: Subspace-Aware Moment-
   Orthogonalization for Accelerating Memory-Efficient LLM Training, arXiv 2505.24749 (Algorithm 1
   of the NeurIPS text, read in full; the authors' code is not public). With Q (l,r) on the long
   side l; t counts from 0:
     1. t mod K = 0, or ||Q^T G|| <= refresh-below: Q' = leading r singular vectors of G by a
        randomized range finder, M = (Q'^T Q) M  (moment transport)
     2. Gh = Q^T G    3. M = mu M + Gh    4. O = msgn(M)
     5. if ||O|| > gamma ||O_before||: O = gamma ||O_before|| O / ||O||
     6. W = (1 - lr wd) W - lr (scale Q O + (G - Q Gh)).
   This is form v2, the default. Form v1, of the first version on arXiv as others describe it,
   leaves G - Q Gh out; that term has the size of the raw gradient. ||O|| is sqrt(r) as long as M
   has r directions, so that the limiter acts only where M had fewer. The SVD in step 4 is the
   paper's point; Newton-Schulz there is its ablation. The scale in the text is sqrt(max(m, n))
   `following Moonlight`; the text leaves open whether it applies to the last term. The default is
   Moonlight's, 0.2 sqrt(max(m, n)), on Q O only. */
#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"
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
static const Option table[] = {
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

static int64_t rank_of(const Matrix *p, const SumoOptions *o) {
  return i64_min(o->rank, i64_min(p->rows, p->cols));
}

static int64_t basis_floats(const Matrix *p, const void *options) {
  return i64_max(p->rows, p->cols) * rank_of(p, options);
}

static int64_t moment_floats(const Matrix *p, const void *options) {
  return i64_min(p->rows, p->cols) * rank_of(p, options);
}

enum { BASIS, MOMENT, NORM };
static const Slot slots[] = {
    {.name = "basis", .kind = SLOT_BASIS, .floats = basis_floats},
    {.name = "moment", .kind = SLOT_PROJECTED, .floats = moment_floats},
    {.name = "norm", .floats = slot_one},
    {0},
};

typedef struct {
  float *Q, *R, *M; /* (l,r) the new basis, (r,r), the old moment */
  RangeWork range;
  float *U, *low, *O; /* (rows,cols), Q^T G, O */
  PolarWork polar;
} SumoWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const SumoOptions *o = options;
  SumoWork *w = work;
  Scratch refreshing = *s, stepping = *s;
  int64_t r = rank_of(p, o), n = moment_floats(p, o);
  w->Q = scratch_floats(&refreshing, basis_floats(p, o));
  w->R = scratch_floats(&refreshing, r * r);
  w->M = scratch_floats(&refreshing, n);
  range_layout(&w->range, &refreshing, p->rows, p->cols, long_side(p->rows, p->cols), r,
               o->oversample);
  w->U = scratch_floats(&stepping, matrix_size(p));
  w->low = scratch_floats(&stepping, n);
  w->O = scratch_floats(&stepping, n);
  polar_layout(&w->polar, &stepping, r, i64_min(p->rows, p->cols), &o->polar);
  scratch_join(s, &refreshing);
  scratch_join(s, &stepping);
}

/* Step 1's two conditions. */
static int is_due(const Matrix *p, Side side, int64_t r, const float *Q, const SumoOptions *o,
                  const Step *step) {
  const SumoWork *work = step->work;
  if ((step->t - 1) % o->gap == 0) return 1;
  if (o->refresh_below == 0) return 0;
  project(work->low, p->g, p->rows, p->cols, side, Q, r);
  return frobenius_norm(work->low, moment_floats(p, o)) <= o->refresh_below;
}

/* Step 1: a new basis Q', and M = R M (or M R^T) with R = Q'^T Q. */
static void change_basis(const Matrix *p, Side side, int64_t r, float *Q, float *M,
                         const SumoOptions *o, Step *step) {
  const SumoWork *work = step->work;
  int64_t s = i64_min(p->rows, p->cols), l = i64_max(p->rows, p->cols);
  float *R = work->R;
  range_finder(work->Q, p->g, p->rows, p->cols, side, r, o->oversample, o->power_iterations,
               &step->random, &work->range);
  gemm(TRANSPOSED, PLAIN, r, r, l, 1, work->Q, r, Q, r, 0, R, r);
  memcpy(Q, work->Q, (size_t)(l * r) * sizeof *Q);
  memcpy(work->M, M, (size_t)(s * r) * sizeof *M);
  if (side == LEFT) gemm(PLAIN, PLAIN, r, s, r, 1, R, r, work->M, s, 0, M, s);
  else gemm(PLAIN, TRANSPOSED, s, r, r, 1, work->M, r, R, r, 0, M, r);
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

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const SumoOptions *o = options;
  const SumoWork *work = step->work;
  int64_t r = rank_of(p, o), n = moment_floats(p, o);
  Side side = long_side(p->rows, p->cols);
  int64_t rows = side == LEFT ? r : p->rows, cols = side == LEFT ? p->cols : r; /* of M */
  float *Q = slot[BASIS], *M = slot[MOMENT], *U = work->U, *low = work->low, *O = work->O;
  if (is_due(p, side, r, Q, o, step)) change_basis(p, side, r, Q, M, o, step);
  project(low, p->g, p->rows, p->cols, side, Q, r);
  momentum_heavy_ball(O, M, low, n, o->momentum, 0);
  polar_factor(O, rows, cols, &o->polar, &work->polar);
  limit_growth(O, n, o->gamma, slot[NORM]);
  /* U = Q (scale O - Gh) + G, without Gh and G in form v1. */
  float scale = (float)shape_scale(o->scale, p->rows, p->cols), outside = o->form == FORM_V2;
  for (int64_t i = 0; i < n; i++) O[i] = scale * O[i] - outside * low[i];
  memcpy(U, p->g, (size_t)matrix_size(p) * sizeof *U);
  project_back(U, p->rows, p->cols, side, Q, O, r, 1, outside);
  apply_update(p, step->keep, step->rate, U);
}

static double flops(const Matrix *p, const void *options) {
  const SumoOptions *o = options;
  double r = (double)rank_of(p, o), m = (double)p->rows, n = (double)p->cols;
  double w = r + (double)o->oversample, q = (double)o->power_iterations;
  double refreshing = (2 * m * n * w * (2 + 2 * q) + 4 * (m + n) * w * w) / (double)o->gap;
  return 4 * m * n * r + 4 * m * n + refreshing +
         polar_flops((int64_t)r, i64_min(p->rows, p->cols), &o->polar);
}

const Optimizer sumo = {
    .name = "sumo",
    .summary = "Orthogonalized momentum in a slowly changing subspace",
    .reference = "Refael et al.: SUMO, arXiv 2505.24749 (NeurIPS 2025, read in full)",
    .ours = "lr=6e-4 aux-lr=6e-4",
    .tune = "lr, aux-lr, rank, update-gap",
    .options = table,
    .options_size = sizeof(SumoOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(SumoWork),
    .flops = flops,
};
