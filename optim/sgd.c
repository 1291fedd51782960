/* Stochastic gradient descent with heavy-ball momentum (Polyak 1964), Nesterov's form on request:
     b = mu b + g,  w = (1 - lr wd) w - lr (b or g + mu b). */
#include "optim/optim.h"
#include "optim/parts/momentum.h"

typedef struct {
  double momentum;
  int nesterov;
} SgdOptions;

static const Option table[] = {
    MOMENTUM_OPTION(SgdOptions, momentum, "0.9"),
    NESTEROV_OPTION(SgdOptions, nesterov, "off"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const SgdOptions *o = options;
  float *restrict w = p->w, *restrict b = slot[MOMENTUM];
  const float *restrict g = p->g;
  float mu = (float)o->momentum, keep = (float)step->keep, rate = (float)step->rate;
  float of_g = o->nesterov ? 1 : 0, of_b = o->nesterov ? mu : 1;
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    b[i] = mu * b[i] + g[i];
    w[i] = keep * w[i] - rate * (of_g * g[i] + of_b * b[i]);
  }
}

static double flops(const Matrix *p, const void *options) {
  (void)options;
  return 7 * (double)(p->rows * p->cols);
}

const Optimizer sgd = {
    .name = "sgd",
    .summary = "Gradient descent with momentum",
    .reference = "Polyak: Some methods of speeding up the convergence of iteration methods, 1964",
    .ours = "lr=0.1",
    .tune = "lr, momentum",
    .options = table,
    .options_size = sizeof(SgdOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts_all,
    .update = update,
    .flops = flops,
};
