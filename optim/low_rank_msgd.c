/* Low-rank matrix-signed gradient descent: C. He, Z. Deng, Z. Lu, Low-rank Orthogonalization for
   Large-scale Matrix Optimization, arXiv 2509.11983 (abstract):
     W = (1 - lr wd) W - lr scale lro(G; rank).
   It keeps no state. The scale is ours, as in Muon: the abstract has none (`none`). */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/low_rank.h"

typedef struct {
  LowRank low;
  int scale;
} LowRankMsgdOptions;

static const Option table[] = {
    LOW_RANK_OPTIONS(LowRankMsgdOptions, low, "newton-schulz"),
    SHAPE_SCALE_OPTION(LowRankMsgdOptions, scale, "kj"),
    {0},
};

static const Slot slots[] = {{0}};

typedef struct {
  float *z; /* (rows,cols) */
  LowRankWork low;
} LowRankMsgdWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const LowRankMsgdOptions *o = options;
  LowRankMsgdWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  low_rank_layout(&w->low, s, p->rows, p->cols, &o->low);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const LowRankMsgdOptions *o = options;
  const LowRankMsgdWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  (void)slot;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  low_rank_factor(z, p->rows, p->cols, &o->low, &step->random, &work->low);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const LowRankMsgdOptions *o = options;
  return 3 * (double)(p->rows * p->cols) + low_rank_flops(p->rows, p->cols, &o->low);
}

const Optimizer low_rank_msgd = {
    .name = "low-rank-msgd",
    .summary = "MSGD restricted to a random low-rank subspace",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr, rank",
    .options = table,
    .options_size = sizeof(LowRankMsgdOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(LowRankMsgdWork),
    .flops = flops,
};
