/* Muon: K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, Muon: an
   optimizer for hidden layers in neural networks (2024); scale `rms` from Moonlight, J. Liu et al.,
   Muon is Scalable for LLM Training, arXiv 2502.16982.
     B = mu B + (1 - mu) G,  Z = (1 - mu) G + mu B (Nesterov) or B,
     W = (1 - lr wd) W - lr scale msgn(Z).
   The decay takes the rate without the shape's scale, as in the authors' code. */
#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum;
  int nesterov, scale;
  Polar polar;
} MuonOptions;

static const Option options[] = {
    MOMENTUM_OPTION(MuonOptions, momentum, "0.95"),
    NESTEROV_OPTION(MuonOptions, nesterov, "on"),
    POLAR_OPTIONS(MuonOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(MuonOptions, scale, "kj"),
    {0},
};

static const Slot slots[] = {{.name = "momentum", .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const MuonOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  momentum_ema(z, slot[0], p->g, size, o->momentum, o->nesterov);
  polar_factor(z, p->rows, p->cols, &o->polar, z + aligned(size));
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t scratch(const Matrix *p, const void *with) {
  const MuonOptions *o = with;
  return aligned(p->rows * p->cols) + polar_scratch(p->rows, p->cols, &o->polar);
}

static double flops(const Matrix *p, const void *with) {
  const MuonOptions *o = with;
  return 6 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer muon = {
    .name = "muon",
    .summary = "Momentum orthogonalized by Newton-Schulz steps",
    .reference = "Jordan et al.: Muon, an optimizer for hidden layers in neural networks, 2024",
    .published = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = options,
    .options_size = sizeof(MuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
