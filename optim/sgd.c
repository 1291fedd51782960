/* Stochastic gradient descent with heavy-ball momentum (Polyak 1964), Nesterov's form on request:
     b = mu b + g,  w = (1 - lr wd) w - lr (b or g + mu b). */
#include "optim/optim.h"

typedef struct {
  double momentum;
  int nesterov;
} SgdOptions;

#define FIELD(member) offsetof(SgdOptions, member)
static const Option options[] = {
    {.name = "momentum", .help = "Heavy-ball momentum (mu; 0: plain gradient descent)",
     .type = OPTION_REAL, .at = FIELD(momentum), .fallback = "0.9", .max = 0.9999999},
    {.name = "nesterov", .help = "Use Nesterov momentum",
     .type = OPTION_CHOICE, .at = FIELD(nesterov), .fallback = "off", .choices = ON_OFF},
    {0},
};

static const Slot slots[] = {{.name = "momentum", .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const SgdOptions *o = with;
  float *restrict w = p->w, *restrict b = slot[0];
  const float *restrict g = p->g;
  float mu = (float)o->momentum, keep = (float)step->keep, rate = (float)step->rate;
  float of_g = o->nesterov ? 1 : 0, of_b = o->nesterov ? mu : 1;
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    b[i] = mu * b[i] + g[i];
    w[i] = keep * w[i] - rate * (of_g * g[i] + of_b * b[i]);
  }
}

static double flops(const Matrix *p, const void *with) {
  (void)with;
  return 7 * (double)(p->rows * p->cols);
}

const Optimizer sgd = {
    .name = "sgd",
    .summary = "Gradient descent with momentum",
    .reference = "Polyak: Some methods of speeding up the convergence of iteration methods, 1964",
    .ours = "lr=0.1",
    .tune = "lr, momentum",
    .options = options,
    .options_size = sizeof(SgdOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts_all,
    .update = update,
    .flops = flops,
};
