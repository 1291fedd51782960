/* AdamW: Loshchilov, Hutter, Decoupled Weight Decay Regularization, arXiv 1711.05101; the form of
   llm.c and PyTorch, with eps outside the root and after the bias correction:
     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
     w = (1 - lr wd) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). */
#include "optim/adamw.h"

#include <math.h>

#define FIELD(member) offsetof(AdamwOptions, member)
static const Option options[] = {
    {.name = "beta1", .help = "Decay of the first moment",
     .type = OPTION_REAL, .at = FIELD(beta1), .fallback = "0.9", .max = 0.9999999},
    {.name = "beta2", .help = "Decay of the second moment",
     .type = OPTION_REAL, .at = FIELD(beta2), .fallback = "0.95", .max = 0.9999999},
    {.name = "eps", .help = "Constant added to the root of the second moment",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "1e-8", .min = 1e-30, .max = 1},
    {.name = "scope",
     .help = "Parameters updated at --lr (matrices: hidden matrices only; the auxiliary AdamW "
             "updates the rest)",
     .type = OPTION_CHOICE, .at = FIELD(scope), .fallback = "all", .choices = SCOPES(CHOICE_WORD)},
    {0},
};

enum { M, V };
static const Slot slots[] = {
    {.name = "m", .floats = slot_full},
    {.name = "v", .floats = slot_full},
    {0},
};

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const AdamwOptions *o = with;
  float *restrict w = p->w, *restrict m = slot[M], *restrict v = slot[V];
  const float *restrict g = p->g;
  float b1 = (float)o->beta1, b2 = (float)o->beta2, eps = (float)o->eps;
  float new1 = (float)(1 - o->beta1), new2 = (float)(1 - o->beta2);
  float keep = (float)step->keep;
  float rate = (float)(step->rate / (1 - pow(o->beta1, (double)step->t)));
  float root = (float)(1 / sqrt(1 - pow(o->beta2, (double)step->t)));
  for (int64_t i = 0; i < p->rows * p->cols; i++) {
    m[i] = b1 * m[i] + new1 * g[i];
    v[i] = b2 * v[i] + new2 * g[i] * g[i];
    w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) * root + eps);
  }
}

/* With scope `matrices` AdamW stands where the matrix methods stand: so what they gain by a rate of
   the embeddings' own can be told from what they gain by orthogonalization. */
static int accepts(const Param *p, const void *with) {
  const AdamwOptions *o = with;
  return o->scope == SCOPE_ALL || p->role == ROLE_MATRIX;
}

static double flops(const Matrix *p, const void *with) {
  (void)with;
  return 15 * (double)(p->rows * p->cols);
}

const Optimizer adamw = {
    .name = "adamw",
    .summary = "Adam with decoupled weight decay; the baseline",
    .reference = "Loshchilov, Hutter: Decoupled Weight Decay Regularization, arXiv 1711.05101",
    .published = "lr=6e-4 weight-decay=0.1",
    .tune = "lr, warmup",
    .options = options,
    .options_size = sizeof(AdamwOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts,
    .update = update,
    .flops = flops,
};
