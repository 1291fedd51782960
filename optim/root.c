/* ROOT: W. He, K. Han, H. Zhou, H. Chen, Z. Liu, X. Chen, Y. Wang, ROOT: Robust Orthogonalized
   Optimizer, arXiv 2511.20626 (the authors' toy code):
     B = mu B + G,  Z = G + mu B,  c = quantile of |Z| + 1e-9,  C = Z clipped to [-c, c],
     W = (1 - lr wd) W - lr scale NS(C).
   (Their outlier part sign(Z) max(|Z| - c, 0) taken from Z is the clipping.) Their Newton-Schulz
   coefficients depend on the shape and are published for four shapes only, of which 2048x2048 is
   not safe: f^5 reaches 3.31 and further steps diverge. `published` uses those that pass the
   condition max f on [0,1] < the unstable fixed point, else the schedule; `fitted` minimizes the
   error over the singular values of random matrices of each shape, under the same condition. */
#include <math.h>
#include <string.h>

#include "core/int64.h"
#include "optim/optim.h"
#include "optim/parts/fit.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"
#include "optim/parts/select.h"

typedef struct {
  double momentum, quantile;
  int nesterov, scale, coefficients;
  NewtonSchulz ns;
} RootOptions;

#define SOURCES(X) X(BY_SCHEDULE, "schedule") X(PUBLISHED, "published") X(FITTED, "fitted")
enum { SOURCES(CHOICE_NAME) };

#define FIELD(member) offsetof(RootOptions, member)
static const Option table[] = {
    MOMENTUM_OPTION(RootOptions, momentum, "0.95"),
    NESTEROV_OPTION(RootOptions, nesterov, "on"),
    {.name = "quantile",
     .help = "Quantile of the momentum's absolute values above which they are clipped",
     .type = OPTION_REAL, .at = FIELD(quantile), .fallback = "0.9", .max = 1},
    {.name = "coefficients",
     .help = "Newton-Schulz coefficients: of --ns-schedule, published (where the paper has the "
             "shape), or fitted to the shape",
     .type = OPTION_CHOICE, .at = FIELD(coefficients), .fallback = "schedule",
     .choices = SOURCES(CHOICE_WORD)},
    NEWTON_SCHULZ_OPTIONS(RootOptions, ns, "jordan", "coefficients!=fitted", NULL),
    SHAPE_SCALE_OPTION(RootOptions, scale, "rms"),
    {0},
};

static int64_t three_floats(const Matrix *p, const void *options) {
  (void)p, (void)options;
  return 3;
}

enum { MOMENTUM, COEFFICIENTS };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "coefficients", .floats = three_floats},
    {0},
};

typedef struct {
  int64_t shorter, longer;
  double abc[3];
} Published;

static const Published published[] = {
    {2048, 2048, {3.4916, -4.8224, 2.1095}},
    {2048, 3072, {3.4509, -4.5790, 1.9325}},
    {2048, 8192, {2.9794, -3.6674, 1.6207}},
    {2048, 16384, {3.1943, -3.8221, 1.5322}},
};

/* The coefficients of this shape; zeros mean those of the schedule. They are kept as state, so that
   a resumed run has the same. */
static void init(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const RootOptions *o = options;
  int64_t s = i64_min(p->rows, p->cols), l = i64_max(p->rows, p->cols);
  double abc[3] = {0, 0, 0};
  (void)step;
  if (o->coefficients == FITTED) fit_coefficients(s, l, newton_schulz_plan(&o->ns).steps, abc);
  if (o->coefficients == PUBLISHED)
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
      if (published[i].shorter == s && published[i].longer == l &&
          coefficients_safe(published[i].abc))
        memcpy(abc, published[i].abc, sizeof abc);
  for (int i = 0; i < 3; i++) slot[COEFFICIENTS][i] = (float)abc[i];
}

/* Quantile q of x (n), between neighbours in proportion. */
static double quantile(float *x, int64_t n, double q) {
  double place = q * (double)(n - 1);
  int64_t k = (int64_t)place;
  double below = select_kth(x, n, k), above = below;
  if (k + 1 < n) { /* every number after place k is at least as large: the smallest is next */
    above = x[k + 1];
    for (int64_t i = k + 2; i < n; i++) above = x[i] < above ? x[i] : above;
  }
  return below + (place - (double)k) * (above - below);
}

static const double LIMIT_EPS = 1e-9; /* added to the quantile, as in the authors' code */

/* z (n) clipped to the quantile q of |z|; `magnitudes`: (n). */
static void clip(float *z, int64_t n, double q, float *magnitudes) {
  for (int64_t i = 0; i < n; i++) magnitudes[i] = fabsf(z[i]);
  float limit = (float)(quantile(magnitudes, n, q) + LIMIT_EPS);
  for (int64_t i = 0; i < n; i++) z[i] = z[i] > limit ? limit : z[i] < -limit ? -limit : z[i];
}

typedef struct {
  float *z, *magnitudes; /* (rows,cols) */
  NewtonSchulzWork ns;
} RootWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  RootWork *w = work;
  (void)options;
  w->z = scratch_floats(s, matrix_size(p));
  Scratch clipping = *s, iterating = *s;
  w->magnitudes = scratch_floats(&clipping, matrix_size(p));
  newton_schulz_layout(&w->ns, &iterating, p->rows, p->cols);
  scratch_join(s, &clipping);
  scratch_join(s, &iterating);
}

static NewtonSchulzPlan plan_of(const RootOptions *o, const float *coefficients) {
  NewtonSchulzPlan plan = newton_schulz_plan(&o->ns);
  const double abc[3] = {coefficients[0], coefficients[1], coefficients[2]};
  return abc[0] != 0 ? newton_schulz_repeat(abc, plan.steps) : plan;
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const RootOptions *o = options;
  const RootWork *work = step->work;
  const NewtonSchulzPlan plan = plan_of(o, slot[COEFFICIENTS]);
  int64_t size = matrix_size(p);
  float *z = work->z;
  momentum_heavy_ball(z, slot[MOMENTUM], p->g, size, o->momentum, o->nesterov);
  clip(z, size, o->quantile, work->magnitudes);
  newton_schulz(z, p->rows, p->cols, &plan, &work->ns);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const RootOptions *o = options;
  const NewtonSchulzPlan plan = newton_schulz_plan(&o->ns);
  return 12 * (double)(p->rows * p->cols) + newton_schulz_flops(p->rows, p->cols, &plan);
}

const Optimizer root = {
    .name = "root",
    .summary = "Muon with the outliers of the momentum clipped",
    .reference = "He et al.: ROOT: Robust Orthogonalized Optimizer, arXiv 2511.20626 (toy code)",
    .published = "lr=1e-3 weight-decay=0.1 aux-lr=1e-3",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(RootOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .init = init,
    .update = update,
    .layout = layout,
    .work_size = sizeof(RootWork),
    .flops = flops,
};
