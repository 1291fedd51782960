/* Muon^2: Z. Liu et al., Muon^2: Boosting Muon via Adaptive Second-Moment Preconditioning,
   arXiv 2604.09967. Read: the abstract, and KellerJordan/modded-nanogpt a5adcca, records/
   track_3_optimization/results/20260501_muonsq/train_gpt_simple_muonsq.py:
     B, Z as in Muon,  V = b2 V + (1 - b2) G^2,
     W = (1 - lr wd) W - lr scale msgn(Z / (sqrt(V) + eps)).
   There is no bias correction, which msgn would not see. */
#include "optim/parts/adam.h"
#include "optim/parts/variant.h"

typedef struct {
  Variant muon;
  double beta2, eps;
} Muon2Options;

#define FIELD(member) offsetof(Muon2Options, member)
static const Option table[] = {
    VARIANT_OPTIONS(Muon2Options, muon),
    SHAPE_SCALE_OPTION(Muon2Options, muon.scale, "kj"),
    {.name = "beta2", .help = "Decay of the second moment",
     .type = OPTION_REAL, .at = FIELD(beta2), .fallback = "0.95", .below = 1},
    {.name = "eps", .help = "Constant added to the root of the second moment",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "1e-10", .min = 1e-30, .max = 1},
    {0},
};

enum { MOMENTUM, SECOND };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "second", .kind = SLOT_SECOND, .floats = slot_full},
    {0},
};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const Muon2Options *o = options;
  const VariantWork *work = step->work;
  float *z = variant_momentum(&o->muon, p, slot[MOMENTUM], work);
  divide_by_root(z, slot[SECOND], p->g, matrix_size(p), o->beta2, o->eps);
  variant_polar(z, &o->muon, p, work);
  variant_apply(&o->muon, p, step, work);
}

static double flops(const Matrix *p, const void *options) {
  const Muon2Options *o = options;
  return variant_flops(&o->muon, p) + 7 * (double)matrix_size(p);
}

const Optimizer muon2 = {
    .name = "muon2",
    .summary = "Muon on the momentum divided by the root of a second moment",
    .reference = "Liu et al.: Muon^2, arXiv 2604.09967 (abstract; code of modded-nanogpt)",
    .published = "lr=0.1 weight-decay=0.0125",
    .ours = "aux-lr=0.0036",
    .like = "muon",
    .tune = "lr, aux-lr, beta2",
    .options = table,
    .options_size = sizeof(Muon2Options),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = variant_layout,
    .work_size = sizeof(VariantWork),
    .flops = flops,
};
