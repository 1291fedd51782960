/* PolarGrad: T. T.-K. Lau, Q. Long, W. Su, PolarGrad: A Class of Matrix-Gradient Optimizers from a
   Unifying Preconditioning Perspective, arXiv 2505.21799 (the authors' code, timlautk/polargrad
   79f3c6f, polar_grad.py; the paper was not read).
     M = mu M + (1 - mu) G,   W = (1 - lr wd) W - lr <M, msgn(M)> msgn(M),
   where <M, msgn(M)> is the nuclear norm of M: the step shrinks with the gradient. Polar first:
     M = mu M + (1 - mu) msgn(G),   W = (1 - lr wd) W - lr <G, msgn(G)> M.
   msgn is exact, there by QDWH. */
#include <string.h>

#include "optim/parts/variant.h"

typedef struct {
  Variant muon; /* nesterov and scale are not used */
  int polar_first;
} PolargradOptions;

static const Option table[] = {
    MOMENTUM_OPTION(PolargradOptions, muon.momentum, "0.95"),
    {.name = "polar-first", .help = "Average polar factors of gradients, not gradients",
     .type = OPTION_CHOICE, .at = offsetof(PolargradOptions, polar_first), .fallback = "off",
     .choices = ON_OFF},
    POLAR_OPTIONS(PolargradOptions, muon.polar, "converged", "jordan"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const PolargradOptions *o = options;
  const VariantWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z, *M = slot[MOMENTUM];
  if (o->polar_first) memcpy(z, p->g, (size_t)size * sizeof *z);
  else momentum_ema(z, M, p->g, size, o->muon.momentum, 0);
  variant_polar(z, &o->muon, p, work);
  double nuclear_norm = inner_product(o->polar_first ? p->g : M, z, size);
  if (o->polar_first) momentum_ema(z, M, z, size, o->muon.momentum, 0);
  apply_update(p, step->keep, step->rate * nuclear_norm, z);
}

static double flops(const Matrix *p, const void *options) {
  const PolargradOptions *o = options;
  return variant_flops(&o->muon, p) + 2 * (double)matrix_size(p);
}

const Optimizer polargrad = {
    .name = "polargrad",
    .summary = "Orthogonalized momentum times its nuclear norm",
    .reference = "Lau, Long, Su: PolarGrad, arXiv 2505.21799 (code)",
    .published = "lr=0.02",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, momentum",
    .options = table,
    .options_size = sizeof(PolargradOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = variant_layout,
    .work_size = sizeof(VariantWork),
    .flops = flops,
};
