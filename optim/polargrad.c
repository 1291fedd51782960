/* PolarGrad: T. T.-K. Lau, Q. Long, W. Su, PolarGrad: A Class of Matrix-Gradient Optimizers from a
   Unifying Preconditioning Perspective, arXiv 2505.21799 (the authors' code, timlautk/polargrad
   79f3c6f, polar_grad.py; the paper was not read).
     M = mu M + (1 - mu) G,   W = (1 - lr wd) W - lr <M, msgn(M)> msgn(M),
   where <M, msgn(M)> is the nuclear norm of M: the step shrinks with the gradient. Polar first:
     M = mu M + (1 - mu) msgn(G),   W = (1 - lr wd) W - lr <G, msgn(G)> M.
   msgn is exact, there by QDWH. */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum;
  int polar_first;
  Polar polar;
} PolargradOptions;

static const Option table[] = {
    MOMENTUM_OPTION(PolargradOptions, momentum, "0.95"),
    {.name = "polar-first", .help = "Average polar factors of gradients, not gradients",
     .type = OPTION_CHOICE, .at = offsetof(PolargradOptions, polar_first), .fallback = "off",
     .choices = ON_OFF},
    POLAR_OPTIONS(PolargradOptions, polar, "converged", "jordan"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} PolargradWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const PolargradOptions *o = options;
  PolargradWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const PolargradOptions *o = options;
  const PolargradWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  const float *of = o->polar_first ? p->g : slot[MOMENTUM];
  if (o->polar_first) memcpy(z, p->g, (size_t)size * sizeof *z);
  else momentum_ema(z, slot[MOMENTUM], p->g, size, o->momentum, 0);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  double nuclear_norm = inner_product(of, z, size);
  if (o->polar_first) momentum_ema(z, slot[MOMENTUM], z, size, o->momentum, 0);
  apply_update(p, step->keep, step->rate * nuclear_norm, z);
}

static double flops(const Matrix *p, const void *options) {
  const PolargradOptions *o = options;
  return 8 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
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
    .layout = layout,
    .work_size = sizeof(PolargradWork),
    .flops = flops,
};
