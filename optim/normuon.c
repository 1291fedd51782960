/* NorMuon: Z. Li et al., NorMuon: Making Muon more efficient and scalable, arXiv 2510.05491 (the
   authors' code, zichongli5/NorMuon d45c9a4):
     B, Z as in Muon,  U = msgn(Z),  v = b2 v + (1 - b2) mean over each row of U^2,
     U' = U / (sqrt(v) + eps),  U' = ||U|| / (||U'|| + eps) U',  W = (1 - lr wd) W - lr scale U'.
   Dion's repository has its own version: nesterov off, ns-schedule dion, shape-scale spectral,
   eps 1e-8. */
#include "optim/parts/lines.h"
#include "optim/parts/variant.h"

typedef struct {
  Variant muon;
  LineMoment moment;
} NormuonOptions;

static const Option table[] = {
    VARIANT_OPTIONS(NormuonOptions, muon),
    LINE_MOMENT_OPTIONS(NormuonOptions, moment, "1e-10", "rows"),
    SHAPE_SCALE_OPTION(NormuonOptions, muon.scale, "kj"),
    {0},
};

static int64_t row_floats(const Matrix *p, const void *options) {
  (void)options;
  return p->rows;
}

enum { MOMENTUM, ROWS };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "rows", .kind = SLOT_SECOND, .floats = row_floats},
    {0},
};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const NormuonOptions *o = options;
  const VariantWork *work = step->work;
  float *z = variant_momentum(&o->muon, p, slot[MOMENTUM], work);
  variant_polar(z, &o->muon, p, work);
  lines_normalize(z, slot[ROWS], p->rows, p->cols, LEFT, &o->moment, work->lines);
  variant_apply(&o->muon, p, step, work);
}

static double flops(const Matrix *p, const void *options) {
  const NormuonOptions *o = options;
  return variant_flops(&o->muon, p) + 6 * (double)matrix_size(p);
}

const Optimizer normuon = {
    .name = "normuon",
    .summary = "Muon with rows normalized by a second moment",
    .reference = "Li et al.: NorMuon, arXiv 2510.05491 (code)",
    .published = "lr=0.02",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(NormuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = variant_layout,
    .work_size = sizeof(VariantWork),
    .flops = flops,
};
