/* Matrix-signed gradient descent: C. He, Z. Deng, Z. Lu, Low-rank Orthogonalization for Large-scale
   Matrix Optimization, arXiv 2509.11983 (abstract; notation of DeMuon, arXiv 2510.01377):
     W = (1 - lr wd) W - lr scale msgn(G).
   It keeps no state. The scale is ours, as in Muon: the abstract has none (`none`). */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/polar.h"

typedef struct {
  Polar polar;
  int scale;
} MsgdOptions;

static const Option table[] = {
    POLAR_OPTIONS(MsgdOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(MsgdOptions, scale, "kj"),
    {0},
};

static const Slot slots[] = {{0}};

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} MsgdWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const MsgdOptions *o = options;
  MsgdWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const MsgdOptions *o = options;
  const MsgdWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  (void)slot;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const MsgdOptions *o = options;
  return 3 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer msgd = {
    .name = "msgd",
    .summary = "Orthogonalized gradient without momentum",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(MsgdOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(MsgdWork),
    .flops = flops,
};
