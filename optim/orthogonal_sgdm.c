/* Orthogonal-SGDM: M. Tuddenham, A. Prugel-Bennett, J. Hare, Orthogonalising gradients to speed up
   neural network optimisation, arXiv 2202.07052 (the authors' code, which orthogonalizes the
   gradient by an exact SVD and gives it to PyTorch's SGD):
     coupled decay    B = mu B + msgn(G) + wd W,  W = W - lr scale B
     decoupled        B = mu B + msgn(G),  W = (1 - lr wd) W - lr scale B.
   Muon's two steps in the other order. One difference from the code: singular values below 3e-7 of
   the largest are rounding errors of float and become 0 here; there they become whole steps, in
   directions that no gradient has. */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum;
  Polar polar;
  int scale, decay;
} OrthogonalOptions;

#define DECAYS(X) X(COUPLED, "coupled") X(DECOUPLED, "decoupled")
enum { DECAYS(CHOICE_NAME) };

static const Option table[] = {
    MOMENTUM_OPTION(OrthogonalOptions, momentum, "0.9"),
    POLAR_OPTIONS(OrthogonalOptions, polar, "svd", "jordan"),
    SHAPE_SCALE_OPTION(OrthogonalOptions, scale, "none"),
    {.name = "decay",
     .help = "Where the weight decay is added (coupled: to the momentum, as in the authors' code)",
     .type = OPTION_CHOICE, .at = offsetof(OrthogonalOptions, decay), .fallback = "coupled",
     .choices = DECAYS(CHOICE_WORD), .needs = "weight-decay!=0"},
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} OrthogonalWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const OrthogonalOptions *o = options;
  OrthogonalWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const OrthogonalOptions *o = options;
  const OrthogonalWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  float coupled = o->decay == COUPLED ? (float)step->decay : 0;
  for (int64_t i = 0; i < size; i++) z[i] += coupled * p->w[i];
  momentum_heavy_ball(z, slot[MOMENTUM], z, size, o->momentum, 0);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double keep(const Param *p, const Step *step, const void *options) {
  const OrthogonalOptions *o = options;
  (void)p;
  return o->decay == COUPLED ? 1 : 1 - step->rate * step->decay;
}

static double flops(const Matrix *p, const void *options) {
  const OrthogonalOptions *o = options;
  return 7 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer orthogonal_sgdm = {
    .name = "orthogonal-sgdm",
    .summary = "Momentum of orthogonalized gradients",
    .reference = "Tuddenham, Prugel-Bennett, Hare: Orthogonalising gradients, arXiv 2202.07052",
    .published = "lr=1e-3",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(OrthogonalOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(OrthogonalWork),
    .flops = flops,
    .keep = keep,
};
