/* Schedule-Free AdamW: A. Defazio, X. Yang, H. Mehta, K. Mishchenko, A. Khaled, A. Cutkosky,
   The Road Less Scheduled, arXiv 2405.15682 (the authors' code, facebookresearch/schedule_free
   70785b5, adamw_schedulefree_reference.py; the paper was not read). The gradient is taken at y, and x is
   what is evaluated and saved; x, y and z start at the same weights:
     v = b2 v + (1 - b2) g^2,
     z = z - lr (g / (sqrt(v / (1 - b2^t)) + eps) + wd y),
     x = (1 - c) x + c z  with c = lr^2 / (the sum of lr^2 of all steps so far),
     y = b1 x + (1 - b1) z.
   The rate is constant after its warm-up; where it falls, the code has other weights c. The
   authors' main code keeps y and z and computes x, which rounds; with x kept, a resumed run is
   exact. */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/adam.h"

typedef struct {
  double beta1, beta2, eps;
} ScheduleFreeOptions;

#define FIELD(member) offsetof(ScheduleFreeOptions, member)
static const Option table[] = {
    {.name = "beta1", .help = "Share of the averaged weights in those where gradients are taken",
     .type = OPTION_REAL, .at = FIELD(beta1), .fallback = "0.9", .max = 1},
    {.name = "beta2", .help = "Decay of the second moment",
     .type = OPTION_REAL, .at = FIELD(beta2), .fallback = "0.999", .below = 1},
    {.name = "eps", .help = "Constant added to the root of the second moment",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "1e-8", .min = 1e-30, .max = 1},
    {0},
};

enum { X, Z, V, SUM };
static const Slot slots[] = {
    {.name = "x", .floats = slot_full},
    {.name = "z", .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "sum", .floats = slot_one}, /* of lr^2 */
    {0},
};

static void init(const Matrix *p, float *const *slot, const void *options, Step *step) {
  size_t bytes = (size_t)matrix_size(p) * sizeof *p->w;
  (void)options, (void)step;
  memcpy(slot[X], p->w, bytes);
  memcpy(slot[Z], p->w, bytes);
}

static void weights(const Matrix *p, float *const *slot, const void *options, int evaluated) {
  const ScheduleFreeOptions *o = options;
  float *restrict w = p->w;
  const float *restrict x = slot[X], *restrict z = slot[Z];
  float part = evaluated ? 0 : (float)(1 - o->beta1);
  for (int64_t i = 0; i < matrix_size(p); i++) w[i] = x[i] + part * (z[i] - x[i]);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const ScheduleFreeOptions *o = options;
  const AdamStep a = adam_step(&(Adam){0, o->beta2, o->eps}, step->t, step->rate);
  float *restrict x = slot[X], *restrict z = slot[Z], *restrict v = slot[V], *sum = slot[SUM];
  const float *restrict y = p->w, *restrict g = p->g;
  float decay = (float)(step->rate * step->decay), weight = (float)(step->rate * step->rate);
  *sum += weight;
  float c = *sum > 0 ? weight / *sum : 0;
  for (int64_t i = 0; i < matrix_size(p); i++) {
    float m = 0; /* no momentum: that of y replaces it */
    z[i] -= adam_number(&a, &m, &v[i], g[i]) + decay * y[i];
    x[i] += c * (z[i] - x[i]);
  }
  weights(p, slot, options, 0);
}

static double flops(const Matrix *p, const void *options) {
  (void)options;
  return 19 * (double)matrix_size(p);
}

const Optimizer schedule_free = {
    .name = "schedule-free",
    .summary = "AdamW that averages its weights in place of a schedule",
    .reference = "Defazio et al.: The Road Less Scheduled, arXiv 2405.15682 (code)",
    .published = "lr=2.5e-3",
    .like = "adamw",
    .tune = "lr, warmup, beta1, beta2",
    .options = table,
    .options_size = sizeof(ScheduleFreeOptions),
    .slots = slots,
    .elementwise = 1,
    .constant_rate = 1,
    .accepts = accepts_all,
    .init = init,
    .update = update,
    .weights = weights,
    .flops = flops,
};
