/* AdamW: Loshchilov, Hutter, Decoupled Weight Decay Regularization, arXiv 1711.05101; the form of
   llm.c and PyTorch, with eps outside the root and after the bias correction:
     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
     w = (1 - lr wd) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). */
#include "optim/adamw.h"

#include <math.h>

static const Option options[] = {
    {"beta1", "decay of the first moment", OPTION_REAL, offsetof(AdamwOptions, beta1), "0.9", 0,
     0.9999999, NULL},
    {"beta2", "decay of the second moment", OPTION_REAL, offsetof(AdamwOptions, beta2), "0.95", 0,
     0.9999999, NULL},
    {"eps", "added to the root of the second moment", OPTION_REAL, offsetof(AdamwOptions, eps),
     "1e-8", 1e-30, 1, NULL},
    {"scope", "all: one rate for everything; matrices: the rest at the auxiliary rate",
     OPTION_CHOICE, offsetof(AdamwOptions, scope), "all", 0, 0, "all|matrices"},
    NO_OPTION,
};

enum { M, V };
static const Slot slots[] = {{"m", slot_full}, {"v", slot_full}, {NULL, NULL}};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const AdamwOptions *o = with;
  float *restrict w = p->w, *restrict m = slot[M], *restrict v = slot[V];
  const float *restrict g = p->g;
  float b1 = (float)o->beta1, b2 = (float)o->beta2, eps = (float)o->eps;
  float keep = (float)step->keep;
  float rate = (float)(step->rate / (1 - pow(o->beta1, (double)step->t)));
  float root = (float)(1 / sqrt(1 - pow(o->beta2, (double)step->t)));
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    m[i] = b1 * m[i] + (1 - b1) * g[i];
    v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
    w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) * root + eps);
  }
}

/* With scope `matrices` AdamW stands where the matrix methods stand: so what they gain by a rate of
   the embeddings' own can be told from what they gain by orthogonalization. */
static int accepts(const Param *p, const void *with) {
  const AdamwOptions *o = with;
  return o->scope == 0 || p->role == ROLE_MATRIX;
}

static double flops(const Matrix *p, const void *with) {
  (void)with;
  return 15 * (double)(p->rows * p->cols);
}

const Optimizer adamw = {
    .name = "adamw",
    .summary = "Adam with decoupled weight decay, the baseline",
    .reference = "Loshchilov, Hutter: Decoupled Weight Decay Regularization, arXiv 1711.05101",
    .recommended = "lr=6e-4 weight-decay=0.1",
    .tune = "lr, warmup",
    .options = options,
    .options_size = sizeof(AdamwOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts,
    .update = update,
    .flops = flops,
};
