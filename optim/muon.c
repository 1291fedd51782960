/* Muon: K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, Muon: an
   optimizer for hidden layers in neural networks (2024); scale `rms` from Moonlight, J. Liu et al.,
   Muon is Scalable for LLM Training, arXiv 2502.16982.
     B = mu B + (1 - mu) G,  Z = (1 - mu) G + mu B (Nesterov) or B,
     W = (1 - lr wd) W - lr scale msgn(Z).
   The decay takes the rate without the shape's scale, as in the authors' code. */
#include "optim/optim.h"
#include "optim/orthogonalize.h"

typedef struct {
  double momentum;
  int nesterov, scale;
  NewtonSchulz ns;
} MuonOptions;

#define FIELD(member) offsetof(MuonOptions, member)
static const Option options[] = {
    {"momentum", "decay of the average of gradients (mu)", OPTION_REAL, FIELD(momentum), "0.95", 0,
     0.9999999, NULL},
    {"nesterov", "look ahead along the momentum", OPTION_CHOICE, FIELD(nesterov), "on", 0, 0,
     ON_OFF},
    NEWTON_SCHULZ_OPTIONS(MuonOptions),
    {"shape-scale", "factor on the orthogonal update by the matrix's shape", OPTION_CHOICE,
     FIELD(scale), "kj", 0, 0, SHAPE_SCALE_NAMES},
    {NULL, NULL, 0, 0, NULL, 0, 0, NULL},
};

static const Slot slots[] = {{"momentum", slot_full}, {NULL, NULL}};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const MuonOptions *o = with;
  float *restrict b = slot[0], *restrict z = step->scratch;
  const float *restrict g = p->g;
  float mu = (float)o->momentum, of_g = o->nesterov ? 1 - mu : 0, of_b = o->nesterov ? mu : 1;
  int64_t size = p->rows * p->cols;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < size; i++) {
    b[i] = mu * b[i] + (1 - mu) * g[i];
    z[i] = of_g * g[i] + of_b * b[i];
  }
  newton_schulz(z, p->rows, p->cols, &o->ns, z + size);
  apply_update(p, step, z, shape_scale(o->scale, p->rows, p->cols));
}

static int64_t scratch(int64_t rows, int64_t cols, const void *with) {
  (void)with;
  return rows * cols + newton_schulz_scratch(rows, cols);
}

static double flops(int64_t rows, int64_t cols, const void *with) {
  const MuonOptions *o = with;
  return 6 * (double)(rows * cols) + newton_schulz_flops(rows, cols, &o->ns);
}

const Optimizer muon = {
    .name = "muon",
    .summary = "momentum, orthogonalized by Newton-Schulz",
    .reference = "Jordan et al.: Muon, an optimizer for hidden layers in neural networks, 2024",
    .recommended = "lr=0.02 aux-lr=0.0036",
    .options = options,
    .options_size = sizeof(MuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
