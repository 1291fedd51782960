/* Muon: K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, Muon: an
   optimizer for hidden layers in neural networks (2024); scale `rms` from Moonlight, J. Liu et al.,
   Muon is Scalable for LLM Training, arXiv 2502.16982.
     B = mu B + (1 - mu) G,  Z = (1 - mu) G + mu B (Nesterov) or B,
     W = (1 - lr wd) W - lr scale msgn(Z).
   The decay takes the rate without the shape's scale, as in the authors' code. With a spectral
   power p the step is U S^p V^T of Z = U S V^T, scaled to the norm of msgn(Z) = U V^T: ours, for
   the question of W. Su, Isotropic Curvature Model, arXiv 2511.00674 (abstract), whether equal
   singular values are best. */
#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum;
  int nesterov, scale;
  Polar polar;
} MuonOptions;

static const Option table[] = {
    MOMENTUM_OPTION(MuonOptions, momentum, "0.95"),
    NESTEROV_OPTION(MuonOptions, nesterov, "on"),
    POLAR_OPTIONS(MuonOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(MuonOptions, scale, "kj"),
    {.name = "spectral-power",
     .help = "Power p of the step U S^p V^T for the momentum U S V^T, scaled to the norm of U V^T "
             "(0: Muon; 1: momentum of fixed norm)",
     .type = OPTION_REAL, .at = offsetof(MuonOptions, polar.power), .fallback = "0", .min = -1,
     .max = 1, .needs = "orthogonalize=svd"},
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} MuonWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const MuonOptions *o = options;
  MuonWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const MuonOptions *o = options;
  const MuonWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, size, o->momentum, o->nesterov);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const MuonOptions *o = options;
  return 6 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer muon = {
    .name = "muon",
    .summary = "Momentum orthogonalized by Newton-Schulz steps",
    .reference = "Jordan et al.: Muon, an optimizer for hidden layers in neural networks, 2024",
    .published = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(MuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(MuonWork),
    .flops = flops,
};
