/* MuonH, "hyperball": KellerJordan/modded-nanogpt e0f0bfc, records/track_3_optimization/results/
   20260430_muonh/train_gpt_simple_muonh.py. Muon whose weights keep the Frobenius norm that they
   start with, so that the rate is the size of a step relative to the weights:
     B, Z as in Muon,  U = msgn(Z),  W' = W - lr ||W|| U / max(||U||, e),
     W = ||W|| W' / max(||W'||, e)   with e = 1e-10.
   There is no decay of these matrices. One that starts at zero stays zero. */
#include <math.h>

#include "optim/parts/variant.h"

typedef struct {
  Variant muon;
} MuonhOptions;

static const Option table[] = {VARIANT_OPTIONS(MuonhOptions, muon), {0}};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static const double SMALLEST = 1e-10;

static double norm_of(const float *x, const Matrix *p) {
  return frobenius_norm(x, matrix_size(p));
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const MuonhOptions *o = options;
  const VariantWork *work = step->work;
  float *z = variant_momentum(&o->muon, p, slot[MOMENTUM], work);
  variant_polar(z, &o->muon, p, work);
  double norm = norm_of(p->w, p);
  apply_update(p, 1, step->rate * norm / fmax(norm_of(z, p), SMALLEST), z);
  scale_numbers(p->w, matrix_size(p), 1, norm / fmax(norm_of(p->w, p), SMALLEST));
}

/* Decay would change the norm only, which the step restores. */
static double keep(const Param *p, const Step *step, const void *options) {
  (void)p, (void)step, (void)options;
  return 1;
}

static double flops(const Matrix *p, const void *options) {
  const MuonhOptions *o = options;
  return variant_flops(&o->muon, p) + 7 * (double)matrix_size(p);
}

const Optimizer muonh = {
    .name = "muonh",
    .summary = "Muon on weights of constant norm",
    .reference = "modded-nanogpt, track 3, 2026-04-30: MuonH (code)",
    .published = "lr=0.018",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(MuonhOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = variant_layout,
    .work_size = sizeof(VariantWork),
    .flops = flops,
    .keep = keep,
};
