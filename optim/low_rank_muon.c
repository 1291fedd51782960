/* Low-rank Muon: C. He, Z. Deng, Z. Lu, Low-rank Orthogonalization for Large-scale Matrix
   Optimization with Applications to Foundation Model Training, arXiv 2509.11983 (abstract, and the
   authors' code; the paper's body was not at hand).
     B = mu B + (1 - mu) G,  Z = (1 - mu) G + mu B or B,  W = (1 - lr wd) W - lr scale lro(Z; rank).
   Columns are drawn anew each step for each matrix, from all of them: the authors' code draws from
   the first s columns of a tall matrix only, which we take for a slip. The rank's effect on the
   size of the step is not compensated unless asked for, as in the code. */
#include <math.h>

#include "optim/low_rank.h"
#include "optim/momentum.h"
#include "optim/optim.h"

typedef struct {
  double momentum;
  int64_t warmup;
  int nesterov, scale;
  LowRank low;
} LowRankMuonOptions;

#define FIELD(member) offsetof(LowRankMuonOptions, member)
static const Option options[] = {
    MOMENTUM_OPTION(LowRankMuonOptions, momentum, "0.95"),
    {.name = "momentum-warmup", .help = "steps over which the momentum rises from 0.85; 0: none",
     .type = OPTION_INT, .at = FIELD(warmup), .fallback = "0", .max = 1e12},
    NESTEROV_OPTION(LowRankMuonOptions, nesterov, "on"),
    LOW_RANK_OPTIONS(LowRankMuonOptions, low, "newton-schulz"),
    SHAPE_SCALE_OPTION(LowRankMuonOptions, scale, "kj"),
    {0},
};

static const Slot slots[] = {{.name = "momentum", .floats = slot_full}, {0}};

static double momentum_at(const LowRankMuonOptions *o, int64_t t) {
  if (o->warmup == 0) return o->momentum;
  return 0.85 + (o->momentum - 0.85) * fmin((double)(t - 1) / (double)o->warmup, 1);
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const LowRankMuonOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  momentum_ema(z, slot[0], p->g, size, momentum_at(o, step->t), o->nesterov);
  low_rank_factor(z, p->rows, p->cols, &o->low, &step->random, z + aligned(size));
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static int64_t scratch(const Matrix *p, const void *with) {
  const LowRankMuonOptions *o = with;
  return aligned(p->rows * p->cols) + low_rank_scratch(p->rows, p->cols, &o->low);
}

static double flops(const Matrix *p, const void *with) {
  const LowRankMuonOptions *o = with;
  return 6 * (double)(p->rows * p->cols) + low_rank_flops(p->rows, p->cols, &o->low);
}

const Optimizer low_rank_muon = {
    .name = "low-rank-muon",
    .summary = "Muon on a few random directions of each matrix",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract and code)",
    .recommended = "lr=0.025 weight-decay=0.01 aux-lr=0.0036",
    .tune = "lr, aux-lr, rank",
    .options = options,
    .options_size = sizeof(LowRankMuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
