/* Matrix-signed gradient descent and its low-rank form (He, Deng, Lu, arXiv 2509.11983, abstract;
   notation of DeMuon, arXiv 2510.01377):
     msgd           W = (1 - lr wd) W - lr scale msgn(G)
     low-rank-msgd  W = (1 - lr wd) W - lr scale lro(G; rank)
   Neither keeps any state. The scale is ours, as in Muon: the abstract has none (`none`). */
#include <string.h>

#include "optim/low_rank.h"
#include "optim/optim.h"

static const Slot slots[] = {{0}};

typedef struct {
  Polar polar;
  int scale;
} MsgdOptions;

static const Option msgd_options[] = {
    POLAR_OPTIONS(MsgdOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(MsgdOptions, scale, "kj"),
    {0},
};

static void msgd_update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const MsgdOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  (void)slot;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  polar_factor(z, p->rows, p->cols, &o->polar, z + aligned(size));
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t msgd_scratch(const Matrix *p, const void *with) {
  const MsgdOptions *o = with;
  return aligned(p->rows * p->cols) + polar_scratch(p->rows, p->cols, &o->polar);
}

static double msgd_flops(const Matrix *p, const void *with) {
  const MsgdOptions *o = with;
  return 3 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer msgd = {
    .name = "msgd",
    .summary = "Orthogonalized gradient without momentum",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = msgd_options,
    .options_size = sizeof(MsgdOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = msgd_update,
    .scratch = msgd_scratch,
    .flops = msgd_flops,
};

typedef struct {
  LowRank low;
  int scale;
} LowRankMsgdOptions;

static const Option low_rank_options[] = {
    LOW_RANK_OPTIONS(LowRankMsgdOptions, low, "newton-schulz"),
    SHAPE_SCALE_OPTION(LowRankMsgdOptions, scale, "kj"),
    {0},
};

static void low_rank_update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const LowRankMsgdOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  (void)slot;
  memcpy(z, p->g, (size_t)size * sizeof *z);
  low_rank_factor(z, p->rows, p->cols, &o->low, &step->random, z + aligned(size));
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t low_rank_msgd_scratch(const Matrix *p, const void *with) {
  const LowRankMsgdOptions *o = with;
  return aligned(p->rows * p->cols) + low_rank_scratch(p->rows, p->cols, &o->low);
}

static double low_rank_msgd_flops(const Matrix *p, const void *with) {
  const LowRankMsgdOptions *o = with;
  return 3 * (double)(p->rows * p->cols) + low_rank_flops(p->rows, p->cols, &o->low);
}

const Optimizer low_rank_msgd = {
    .name = "low-rank-msgd",
    .summary = "MSGD in a random low-rank subspace of each matrix",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr, rank",
    .options = low_rank_options,
    .options_size = sizeof(LowRankMsgdOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = low_rank_update,
    .scratch = low_rank_msgd_scratch,
    .flops = low_rank_msgd_flops,
};
