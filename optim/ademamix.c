/* AdEMAMix: M. Pagliardini, P. Ablin, D. Grangier, The AdEMAMix Optimizer: Better, Faster, Older,
   arXiv 2409.03137 (the authors' code, apple/ml-ademamix c3d73c0, pytorch/ademamix.py; the paper
   was not read). Adam with a second, slow average of the gradients, without bias correction:
     m = b1 m + (1 - b1) g,  s = b3 s + (1 - b3) g,  v = b2 v + (1 - b2) g^2,
     w = (1 - lr wd) w - lr (m / (1 - b1^t) + alpha s) / (sqrt(v / (1 - b2^t)) + eps).
   Before step T of --alpha-warmup, alpha is multiplied by t / T. Before step T of --beta3-warmup,
   the half-life of s, f(b) = log(1/2) / log(b + 1e-8) - 1, rises linearly from f(b1) to f(b3). */
#include "optim/optim.h"
#include "optim/parts/adam.h"

typedef struct {
  Adam adam;
  double beta3, alpha;
  int64_t alpha_warmup, beta3_warmup;
} AdemamixOptions;

#define FIELD(member) offsetof(AdemamixOptions, member)
static const Option table[] = {
    ADAM_OPTIONS(AdemamixOptions, adam, "", "", "0.9", "0.999", "1e-8"),
    {.name = "beta3", .help = "Decay of the slow average of gradients",
     .type = OPTION_REAL, .at = FIELD(beta3), .fallback = "0.9999", .below = 1},
    {.name = "alpha", .help = "Weight of the slow average",
     .type = OPTION_REAL, .at = FIELD(alpha), .fallback = "8", .max = 1e6},
    {.name = "alpha-warmup",
     .help = "Steps over which --alpha rises from 0; the source has those of the run (0: none)",
     .type = OPTION_INT, .at = FIELD(alpha_warmup), .fallback = "0", .max = 1e12},
    {.name = "beta3-warmup",
     .help = "Steps over which the decay of the slow average rises from --beta1 to --beta3; the "
             "source has the length of the run (0: none)",
     .type = OPTION_INT, .at = FIELD(beta3_warmup), .fallback = "0", .max = 1e12},
    {0},
};

enum { M, V, SLOW };
static const Slot slots[] = {
    {.name = "m", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "slow", .floats = slot_full},
    {0},
};

static double half_life(double beta) { return log(0.5) / log(beta + 1e-8) - 1; }

static double beta3_at(const AdemamixOptions *o, int64_t t) {
  if (t >= o->beta3_warmup) return o->beta3;
  double part = (double)t / (double)o->beta3_warmup;
  double life = (1 - part) * half_life(o->adam.beta1) + part * half_life(o->beta3);
  return pow(0.5, 1 / (life + 1));
}

static double alpha_at(const AdemamixOptions *o, int64_t t) {
  return t < o->alpha_warmup ? o->alpha * (double)t / (double)o->alpha_warmup : o->alpha;
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AdemamixOptions *o = options;
  const AdamStep a = adam_step(&o->adam, step->t, step->rate);
  double beta3 = beta3_at(o, step->t);
  float b3 = (float)beta3, new3 = (float)(1 - beta3);
  float keep = (float)step->keep, gain = (float)(step->rate * alpha_at(o, step->t));
  float *restrict w = p->w, *restrict m = slot[M], *restrict v = slot[V], *restrict s = slot[SLOW];
  const float *restrict g = p->g;
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    s[i] = b3 * s[i] + new3 * g[i];
    w[i] = keep * w[i] - adam_number_plus(&a, &m[i], &v[i], g[i], gain * s[i]);
  }
}

static double flops(const Matrix *p, const void *options) {
  (void)options;
  return 20 * (double)(p->rows * p->cols);
}

const Optimizer ademamix = {
    .name = "ademamix",
    .summary = "AdamW with a second, slow momentum",
    .reference = "Pagliardini, Ablin, Grangier: AdEMAMix, arXiv 2409.03137 (code)",
    .published = "lr=1e-3 weight-decay=0.1",
    .like = "adamw",
    .tune = "lr, warmup, alpha, beta3",
    .options = table,
    .options_size = sizeof(AdemamixOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts_all,
    .update = update,
    .flops = flops,
};
