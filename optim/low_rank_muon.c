/* Low-rank Muon: C. He, Z. Deng, Z. Lu, Low-rank Orthogonalization for Large-scale Matrix
   Optimization with Applications to Foundation Model Training, arXiv 2509.11983 (abstract, its
   Algorithm 1 as a review quotes it, and the authors' code, dengzhanwang/Low-rank-Muon 5d3a67b).
     B = mu B + (1 - mu) G,  Z = (1 - mu) G + mu B or B,  W = (1 - lr wd) W - lr scale lro(Z; rank).
   Paper and code differ, and the defaults take from each what can be compared on small models:
     the basis          paper: qr(Z Omega), Omega Gaussian; code and default: random columns, which
                        cost no product
     small matrices     paper and default: low rank too; code: whole where a side is up to 500
                        (--full-below), which on small models would be Muon
     momentum           paper and default: constant; code: from .85 over 300 steps
                        (--momentum-warmup), nearly all of a short run
     decay of the MLP   paper and default: as elsewhere; code: twice (--mlp-decay).
   tools/specs/as-published/low-rank-muon has the code's. Columns are drawn anew each step for each
   matrix, from all of them; the code draws from the first s columns of a tall matrix only, which we
   take for a slip (--construction first-columns), and the same places for Q, K, V and the output.
   The rank's effect on the size of the step is not compensated unless requested, as in the code. */
#include <math.h>
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/low_rank.h"
#include "optim/parts/momentum.h"

typedef struct {
  double momentum, mlp_decay;
  int64_t warmup;
  int nesterov, scale;
  LowRank low;
} LowRankMuonOptions;

#define FIELD(member) offsetof(LowRankMuonOptions, member)
static const Option table[] = {
    MOMENTUM_OPTION(LowRankMuonOptions, momentum, "0.95"),
    {.name = "momentum-warmup",
     .help = "Steps over which the momentum rises from 0.85 (0: none; authors' scripts: 300)",
     .type = OPTION_INT, .at = FIELD(warmup), .fallback = "0", .max = 1e12},
    NESTEROV_OPTION(LowRankMuonOptions, nesterov, "on"),
    {.name = "mlp-decay",
     .help = "Weight decay of MLP matrices, as a factor on --weight-decay (authors' scripts: 2)",
     .type = OPTION_REAL, .at = FIELD(mlp_decay), .fallback = "1", .max = 1e6,
     .needs = "weight-decay!=0"},
    LOW_RANK_OPTIONS(LowRankMuonOptions, low, "newton-schulz"),
    SHAPE_SCALE_OPTION(LowRankMuonOptions, scale, "kj"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

/* Where the momentum rises from in the authors' scripts (and modded-nanogpt's). */
static const double MOMENTUM_START = 0.85;

static double momentum_at(const LowRankMuonOptions *o, int64_t t) {
  if (o->warmup == 0) return o->momentum;
  double risen = fmin((double)(t - 1) / (double)o->warmup, 1);
  return MOMENTUM_START + (o->momentum - MOMENTUM_START) * risen;
}

static double keep(const Param *p, const Step *step, const void *options) {
  const LowRankMuonOptions *o = options;
  return 1 - step->rate * step->decay * (strstr(p->name, ".mlp.") ? o->mlp_decay : 1);
}

typedef struct {
  float *z; /* (rows,cols) */
  LowRankWork low;
} LowRankMuonWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const LowRankMuonOptions *o = options;
  LowRankMuonWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  low_rank_layout(&w->low, s, p->rows, p->cols, &o->low);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const LowRankMuonOptions *o = options;
  const LowRankMuonWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, size, momentum_at(o, step->t), o->nesterov);
  low_rank_factor(z, p->rows, p->cols, &o->low, &step->random, &work->low);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const LowRankMuonOptions *o = options;
  return 6 * (double)(p->rows * p->cols) + low_rank_flops(p->rows, p->cols, &o->low);
}

const Optimizer low_rank_muon = {
    .name = "low-rank-muon",
    .summary = "Muon in a random low-rank subspace of each matrix",
    .reference = "He, Deng, Lu: Low-rank Orthogonalization, arXiv 2509.11983 (abstract and code)",
    .published = "lr=0.025 weight-decay=0.01",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, rank",
    .options = table,
    .options_size = sizeof(LowRankMuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(LowRankMuonWork),
    .flops = flops,
    .keep = keep,
};
