/* Orthogonal-SGDM: M. Tuddenham, A. Prugel-Bennett, J. Hare, Orthogonalising gradients to speed up
   neural network optimisation, arXiv 2202.07052 (the authors' code):
     B = mu B + msgn(G),  W = (1 - lr wd) W - lr scale B.
   Muon's two steps in the other order. Theirs is the exact SVD (`--orthogonalize svd`). */
#include <string.h>

#include "optim/momentum.h"
#include "optim/optim.h"
#include "optim/orthogonalize.h"

typedef struct {
  double momentum;
  Polar polar;
  int scale;
} OrthogonalOptions;

static const Option options[] = {
    MOMENTUM_OPTION(OrthogonalOptions, momentum, "0.9"),
    POLAR_OPTIONS(OrthogonalOptions, polar, "jordan"),
    SHAPE_SCALE_OPTION(OrthogonalOptions, scale, "none"),
    {0},
};

static const Slot slots[] = {{.name = "momentum", .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const OrthogonalOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  polar_factor(z, p->rows, p->cols, &o->polar, z + aligned(size));
  momentum_heavy_ball(z, slot[0], z, size, o->momentum, 0);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t scratch(const Matrix *p, const void *with) {
  const OrthogonalOptions *o = with;
  return aligned(p->rows * p->cols) + polar_scratch(p->rows, p->cols, &o->polar);
}

static double flops(const Matrix *p, const void *with) {
  const OrthogonalOptions *o = with;
  return 5 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer orthogonal_sgdm = {
    .name = "orthogonal-sgdm",
    .summary = "momentum of orthogonalized gradients: Muon's two steps in the other order",
    .reference = "Tuddenham, Prugel-Bennett, Hare: Orthogonalising gradients, arXiv 2202.07052",
    .recommended = "lr=1e-3 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = options,
    .options_size = sizeof(OrthogonalOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
