/* AdamW: Loshchilov, Hutter, Decoupled Weight Decay Regularization, arXiv 1711.05101; the form of
   llm.c and PyTorch, with eps outside the root and after the bias correction:
     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
     w = (1 - lr wd) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). */
#include "optim/adamw.h"

#define FIELD(member) offsetof(AdamwOptions, member)
static const Option table[] = {
    ADAM_OPTIONS(AdamwOptions, adam, "", "", "0.9", "0.95", "1e-8"),
    {.name = "scope",
     .help = "Parameters updated at --lr (matrices: hidden matrices only; the auxiliary AdamW "
             "updates the rest)",
     .type = OPTION_CHOICE, .at = FIELD(scope), .fallback = "all", .choices = SCOPES(CHOICE_WORD)},
    {0},
};

enum { M, V };
static const Slot slots[] = {
    {.name = "m", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {0},
};

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AdamwOptions *o = options;
  const AdamStep a = adam_step(&o->adam, step->t, step->rate);
  float *restrict w = p->w, *restrict m = slot[M], *restrict v = slot[V];
  const float *restrict g = p->g;
  float keep = (float)step->keep;
  for (int64_t i = 0; i < p->rows * p->cols; i++)
    w[i] = keep * w[i] - adam_number(&a, &m[i], &v[i], g[i]);
}

/* With scope `matrices`, AdamW updates exactly what the matrix methods update. This separates the
   gain from a separate rate for the embeddings from that of orthogonalization. */
static int accepts(const Matrix *p, const void *options) {
  const AdamwOptions *o = options;
  return o->scope == SCOPE_ALL || p->role == ROLE_MATRIX;
}

static double flops(const Matrix *p, const void *options) {
  (void)options;
  return 15 * (double)(p->rows * p->cols);
}

const Optimizer adamw = {
    .name = "adamw",
    .summary = "Adam with decoupled weight decay; the baseline",
    .reference = "Loshchilov, Hutter: Decoupled Weight Decay Regularization, arXiv 1711.05101",
    .published = "lr=6e-4 weight-decay=0.1",
    .tune = "lr, warmup",
    .options = table,
    .options_size = sizeof(AdamwOptions),
    .slots = slots,
    .elementwise = 1,
    .accepts = accepts,
    .update = update,
    .flops = flops,
};
