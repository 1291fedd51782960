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

static const Option options[] = {
    LOW_RANK_OPTIONS(LowRankMsgdOptions, low, "newton-schulz"),
    SHAPE_SCALE_OPTION(LowRankMsgdOptions, scale, "kj"),
    {0},
};

static const Slot slots[] = {{0}};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const LowRankMsgdOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  (void)slot;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  low_rank_factor(z, p->rows, p->cols, &o->low, &step->random, z + aligned(size));
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t scratch(const Matrix *p, const void *with) {
  const LowRankMsgdOptions *o = with;
  return aligned(p->rows * p->cols) + low_rank_scratch(p->rows, p->cols, &o->low);
}

static double flops(const Matrix *p, const void *with) {
  const LowRankMsgdOptions *o = with;
  return 3 * (double)(p->rows * p->cols) + low_rank_flops(p->rows, p->cols, &o->low);
}

const Optimizer low_rank_msgd = {
    .name = "low-rank-msgd",
    .summary = "MSGD restricted to a random low-rank subspace",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr, rank",
    .options = options,
    .options_size = sizeof(LowRankMsgdOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
