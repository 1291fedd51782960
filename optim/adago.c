/* AdaGO: M. Zhang, Y. Liu, H. Schaeffer, AdaGrad Meets Muon: Adaptive Stepsizes for Orthogonal
   Updates, arXiv 2509.02981 (abstract; the update from three independent descriptions that agree):
     M = mu M + (1 - mu) G,  v^2 = v^2 + min(||G||, gamma)^2,  O = msgn(M),
     alpha = max(eps, lr min(||G||, gamma) / v),  W = (1 - lr wd) W - alpha scale O.
   ||G|| is the Frobenius norm, v one number per matrix, v_0 > 0. The schedule multiplies lr, not
   eps. The paper has neither decay nor scale. Defaults of gamma, eps and v0, and our rates, are a
   third party's (kozistr/pytorch_optimizer). A --clip of at most gamma makes gamma inert. */
#include <math.h>

#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum, gamma, eps, v0;
  Polar polar;
  int scale;
} AdagoOptions;

#define FIELD(member) offsetof(AdagoOptions, member)
static const Option table[] = {
    MOMENTUM_OPTION(AdagoOptions, momentum, "0.95"),
    {.name = "gamma", .help = "Largest gradient norm that is accumulated (larger ones are clipped)",
     .type = OPTION_REAL, .at = FIELD(gamma), .fallback = "10", .min = 1e-30, .max = 1e30},
    {.name = "eps", .help = "Smallest step size",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "5e-4", .max = 1e30},
    {.name = "v0", .help = "Initial value of the accumulated gradient norm",
     .type = OPTION_REAL, .at = FIELD(v0), .fallback = "1e-3", .min = 1e-30, .max = 1e15},
    POLAR_OPTIONS(AdagoOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(AdagoOptions, scale, "none"),
    {0},
};

enum { MOMENTUM, NORM };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "norm", .floats = slot_one},
    {0},
};

static void init(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AdagoOptions *o = options;
  (void)p, (void)step;
  *slot[NORM] = (float)o->v0;
}

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} AdagoWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const AdagoOptions *o = options;
  AdagoWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AdagoOptions *o = options;
  const AdagoWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z, *v = slot[NORM];
  momentum_ema(z, slot[MOMENTUM], p->g, size, o->momentum, 0);
  double norm = fmin(frobenius_norm(p->g, size), o->gamma);
  *v = (float)hypot((double)*v, norm);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  double alpha = fmax(o->eps, step->rate * norm / (double)*v);
  apply_update(p, step->keep, alpha * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const AdagoOptions *o = options;
  return 8 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer adago = {
    .name = "adago",
    .summary = "Orthogonalized momentum with AdaGrad step sizes",
    .reference = "Zhang, Liu, Schaeffer: AdaGrad Meets Muon, arXiv 2509.02981 (abstract)",
    .ours = "lr=0.05 aux-lr=3e-4",
    .tune = "lr, aux-lr, eps",
    .options = table,
    .options_size = sizeof(AdagoOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .init = init,
    .update = update,
    .layout = layout,
    .work_size = sizeof(AdagoWork),
    .flops = flops,
};
