/* DeMuon: C. He, S. Ren, J. Mao, E. Larsson, DeMuon: A Decentralized Muon for Matrix Optimization
   over Graphs, arXiv 2510.01377 (equations). On each node, with the tracked gradient Y and the
   mixing of the weights of optim/nodes.h:
     V = mu V + (1 - mu) Y,  W = (1 - lr wd) W - lr scale msgn(V).
   It is Muon without Nesterov momentum. Scale and decay are Muon's; the paper has neither. */
#include "optim/parts/variant.h"

typedef struct {
  Variant muon; /* nesterov is not used */
} DemuonOptions;

static const Option table[] = {
    MOMENTUM_OPTION(DemuonOptions, muon.momentum, "0.95"),
    POLAR_OPTIONS(DemuonOptions, muon.polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(DemuonOptions, muon.scale, "kj"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const DemuonOptions *o = options;
  const VariantWork *work = step->work;
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, matrix_size(p), o->muon.momentum, 0);
  variant_polar(z, &o->muon, p, work);
  variant_apply(&o->muon, p, step, work);
}

static double flops(const Matrix *p, const void *options) {
  const DemuonOptions *o = options;
  return variant_flops(&o->muon, p);
}

const Optimizer demuon = {
    .name = "demuon",
    .summary = "Muon on the nodes of a graph, with gradient tracking",
    .reference = "He et al.: DeMuon, arXiv 2510.01377 (equations); its graph: --help nodes",
    .like = "muon",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(DemuonOptions),
    .slots = slots,
    .decentralized = 1,
    .accepts = accepts_matrices,
    .update = update,
    .layout = variant_layout,
    .work_size = sizeof(VariantWork),
    .flops = flops,
};
