/* Lion: Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv 2302.06675, Algorithm 2:
     c = b1 m + (1 - b1) g,  w = (1 - lr wd) w - lr sign(c),  m = b2 m + (1 - b2) g. */
#include "optim/optim.h"

typedef struct {
  double beta1, beta2;
} LionOptions;

#define FIELD(member) offsetof(LionOptions, member)
static const Option table[] = {
    {.name = "beta1", .help = "Weight of the momentum in the update",
     .type = OPTION_REAL, .at = FIELD(beta1), .fallback = "0.9", .max = 1},
    {.name = "beta2", .help = "Decay of the momentum",
     .type = OPTION_REAL, .at = FIELD(beta2), .fallback = "0.99", .max = 1},
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const LionOptions *o = options;
  float *restrict w = p->w, *restrict m = slot[MOMENTUM];
  const float *restrict g = p->g;
  float b1 = (float)o->beta1, b2 = (float)o->beta2;
  float new1 = (float)(1 - o->beta1), new2 = (float)(1 - o->beta2);
  float keep = (float)step->keep, rate = (float)step->rate;
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    float c = b1 * m[i] + new1 * g[i];
    float sign = (float)(c > 0) - (float)(c < 0);
    w[i] = keep * w[i] - rate * sign;
    m[i] = b2 * m[i] + new2 * g[i];
  }
}

static double flops(const Matrix *p, const void *options) {
  (void)options;
  return 9 * (double)(p->rows * p->cols);
}

const Optimizer lion = {
    .name = "lion",
    .summary = "Sign of an interpolated momentum",
    .reference = "Chen et al.: Symbolic Discovery of Optimization Algorithms, arXiv 2302.06675",
    .ours = "lr=1e-4 weight-decay=1",
    .tune = "lr, weight-decay",
    .options = table,
    .options_size = sizeof(LionOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts_all,
    .update = update,
    .flops = flops,
};
