/* MARS-AdamW: H. Yuan, Y. Liu, S. Wu, X. Zhou, Q. Gu, MARS: Unleashing the Power of Variance
   Reduction for Training Large Models, arXiv 2411.10438 (the authors' code, AGI-Arena/MARS 4831e28,
   MARS/optimizers/mars.py; the paper was not read), in the approximate form: G' is the gradient of
   the step before on that step's tokens, 0 before the first.
     C = G + gamma b1 / (1 - b1) (G - G'),  C = C / max(1, ||C||_F),
     then AdamW on C.
   As there, vectors have plain AdamW with its own rate. */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/adam.h"

typedef struct {
  Adam adam;
  double gamma;
} MarsOptions;

static const Option table[] = {
    ADAM_OPTIONS(MarsOptions, adam, "", "", "0.95", "0.99", "1e-8"),
    {.name = "gamma", .help = "Strength of the variance reduction",
     .type = OPTION_REAL, .at = offsetof(MarsOptions, gamma), .fallback = "0.025", .max = 1e6},
    {0},
};

enum { M, V, BEFORE };
static const Slot slots[] = {
    {.name = "m", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "before", .floats = slot_full},
    {0},
};

static int accepts(const Matrix *p, const void *options) {
  (void)options;
  return p->role != ROLE_VECTOR;
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const MarsOptions *o = options;
  const AdamStep a = adam_step(&o->adam, step->t, step->rate);
  int64_t size = matrix_size(p);
  float *restrict w = p->w, *restrict m = slot[M], *restrict v = slot[V], *before = slot[BEFORE];
  const float *restrict g = p->g;
  float keep = (float)step->keep;
  float pull = (float)(o->gamma * o->adam.beta1 / (1 - o->adam.beta1));
  double square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < size; i++) {
    before[i] = g[i] + pull * (g[i] - before[i]); /* C, until the end of the step */
    square += (double)before[i] * (double)before[i];
  }
  float scale = (float)(1 / fmax(1, sqrt(square)));
  for (int64_t i = 0; i < size; i++)
    w[i] = keep * w[i] - adam_number(&a, &m[i], &v[i], scale * before[i]);
  memcpy(before, g, (size_t)size * sizeof *g);
}

static double flops(const Matrix *p, const void *options) {
  (void)options;
  return 21 * (double)matrix_size(p);
}

const Optimizer mars = {
    .name = "mars",
    .summary = "AdamW on gradients with reduced variance",
    .reference = "Yuan et al.: MARS, arXiv 2411.10438 (code)",
    .published = "lr=6e-3 weight-decay=0.01 aux-lr=3e-3",
    .like = "adamw",
    .tune = "lr, aux-lr, gamma, warmup",
    .options = table,
    .options_size = sizeof(MarsOptions),
    .slots = slots,
    .accepts = accepts,
    .update = update,
    .flops = flops,
};
