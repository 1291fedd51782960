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
static const Option options[] = {
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

static int64_t three_floats(int64_t rows, int64_t cols, const void *with) {
  (void)rows, (void)cols, (void)with;
  return 3;
}

enum { MOMENTUM, COEFFICIENTS };
static const Slot slots[] = {
    {.name = "momentum", .floats = slot_full},
    {.name = "coefficients", .floats = three_floats},
    {0},
};

typedef struct {
  int64_t least, most;
  double abc[3];
} Published;

static const Published published[] = {
    {2048, 2048, {3.4916, -4.8224, 2.1095}},
    {2048, 3072, {3.4509, -4.5790, 1.9325}},
    {2048, 8192, {2.9794, -3.6674, 1.6207}},
    {2048, 16384, {3.1943, -3.8221, 1.5322}},
};

/* The coefficients of this shape; zeros stand for the schedule's. */
static void init(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const RootOptions *o = with;
  int64_t s = p->rows < p->cols ? p->rows : p->cols, l = p->rows + p->cols - s;
  double abc[3] = {0, 0, 0};
  (void)step;
  if (o->coefficients == FITTED) fit_coefficients(s, l, newton_schulz_steps(&o->ns), abc);
  if (o->coefficients == PUBLISHED)
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
      if (published[i].least == s && published[i].most == l && coefficients_safe(published[i].abc))
        memcpy(abc, published[i].abc, sizeof abc);
  for (int i = 0; i < 3; i++) slot[COEFFICIENTS][i] = (float)abc[i];
}

/* Quantile q of x (n), between neighbours in proportion. */
static double quantile(float *x, int64_t n, double q) {
  double place = q * (double)(n - 1);
  int64_t k = (int64_t)place;
  double below = select_kth(x, n, k), above = below;
  if (k + 1 < n) { /* everything behind place k is at least as large: its least is next */
    above = x[k + 1];
    for (int64_t i = k + 2; i < n; i++) above = x[i] < above ? x[i] : above;
  }
  return below + (place - (double)k) * (above - below);
}

static const double LIMIT_EPS = 1e-9; /* added to the quantile, as in the authors' code */

static void clip(float *z, int64_t n, double q, float *scratch) {
  for (int64_t i = 0; i < n; i++) scratch[i] = fabsf(z[i]);
  float limit = (float)(quantile(scratch, n, q) + LIMIT_EPS);
  for (int64_t i = 0; i < n; i++) z[i] = z[i] > limit ? limit : z[i] < -limit ? -limit : z[i];
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const RootOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch, *rest = z + aligned(size);
  momentum_heavy_ball(z, slot[MOMENTUM], p->g, size, o->momentum, o->nesterov);
  clip(z, size, o->quantile, rest);
  if (slot[COEFFICIENTS][0] != 0) {
    double abc[NS_STEPS_MAX][3];
    for (int k = 0; k < NS_STEPS_MAX; k++)
      for (int i = 0; i < 3; i++) abc[k][i] = slot[COEFFICIENTS][i];
    newton_schulz_with(z, p->rows, p->cols, (const double (*)[3])abc, newton_schulz_steps(&o->ns),
                       1, NS_EPS, rest);
  } else {
    newton_schulz(z, p->rows, p->cols, &o->ns, rest);
  }
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t scratch(const Matrix *p, const void *with) {
  (void)with;
  return aligned(p->rows * p->cols) + newton_schulz_scratch(p->rows, p->cols);
}

static double flops(const Matrix *p, const void *with) {
  const RootOptions *o = with;
  return 12 * (double)(p->rows * p->cols) + newton_schulz_flops(p->rows, p->cols, &o->ns);
}

const Optimizer root = {
    .name = "root",
    .summary = "Muon with the outliers of the momentum clipped",
    .reference = "He et al.: ROOT: Robust Orthogonalized Optimizer, arXiv 2511.20626 (toy code)",
    .published = "lr=1e-3 weight-decay=0.1 aux-lr=1e-3",
    .tune = "lr, aux-lr",
    .options = options,
    .options_size = sizeof(RootOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .init = init,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
