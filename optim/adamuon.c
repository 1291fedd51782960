/* AdaMuon: C. Si, D. Zhang, W. Shen, AdaMuon: Adaptive Muon Optimizer, arXiv 2507.11005 (the
   authors' code, Chongjie-Si/AdaMuon 369f0b3, gpt2/models/optimizers/adamuon.py):
     B, Z as in Muon,  O = msgn(sign(Z)),  V = mu V + (1 - mu) O^2,  U = O / (sqrt(V) + eps),
     W = (1 - lr wd) W - lr 0.2 sqrt(m n) U / (||U|| + eps).
   The root mean square of U is 0.2 then, that of an AdamW step. */
#include <math.h>

#include "optim/parts/adam.h"
#include "optim/parts/lmo.h"
#include "optim/parts/variant.h"

typedef struct {
  Variant muon;
  double eps;
} AdamuonOptions;

static const Option table[] = {
    VARIANT_OPTIONS(AdamuonOptions, muon),
    {.name = "eps", .help = "Constant added to the root of the second moment and to the norm",
     .type = OPTION_REAL, .at = offsetof(AdamuonOptions, eps), .fallback = "1e-8", .min = 1e-30,
     .max = 1},
    {0},
};

enum { MOMENTUM, SECOND };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "second", .kind = SLOT_SECOND, .floats = slot_full},
    {0},
};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AdamuonOptions *o = options;
  const VariantWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = variant_momentum(&o->muon, p, slot[MOMENTUM], work);
  lmo(z, p->rows, p->cols, NORM_SIGN, NULL, NULL);
  variant_polar(z, &o->muon, p, work);
  divide_by_root(z, slot[SECOND], z, size, o->muon.momentum, o->eps);
  double rms = ADAMW_RMS * sqrt((double)size) / (frobenius_norm(z, size) + o->eps);
  apply_update(p, step->keep, step->rate * rms, z);
}

static double flops(const Matrix *p, const void *options) {
  const AdamuonOptions *o = options;
  return variant_flops(&o->muon, p) + 11 * (double)matrix_size(p);
}

const Optimizer adamuon = {
    .name = "adamuon",
    .summary = "Orthogonalized signs of the momentum, divided as in Adam",
    .reference = "Si, Zhang, Shen: AdaMuon, arXiv 2507.11005 (code)",
    .published = "lr=6e-4 aux-lr=6e-4 weight-decay=0.1",
    .tune = "lr, aux-lr, weight-decay",
    .options = table,
    .options_size = sizeof(AdamuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = variant_layout,
    .work_size = sizeof(VariantWork),
    .flops = flops,
};
