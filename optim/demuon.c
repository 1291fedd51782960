/* DeMuon: C. He, S. Ren, J. Mao, E. Larsson, DeMuon: A Decentralized Muon for Matrix Optimization
   over Graphs, arXiv 2510.01377 (equations). On each node, with the tracked gradient Y and the
   mixing of the weights of optim/nodes.h:
     V = mu V + (1 - mu) Y,  W = (1 - lr wd) W - lr scale msgn(V).
   It is Muon without Nesterov momentum. Scale and decay are Muon's; the paper has neither. */
#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum;
  int scale;
  Polar polar;
} DemuonOptions;

static const Option table[] = {
    MOMENTUM_OPTION(DemuonOptions, momentum, "0.95"),
    POLAR_OPTIONS(DemuonOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(DemuonOptions, scale, "kj"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} DemuonWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const DemuonOptions *o = options;
  DemuonWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const DemuonOptions *o = options;
  const DemuonWork *work = step->work;
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, matrix_size(p), o->momentum, 0);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const DemuonOptions *o = options;
  return 6 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
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
    .layout = layout,
    .work_size = sizeof(DemuonWork),
    .flops = flops,
};
