/* ClippedScion: T. Pethick, W. Xie, M. Erdogan, K. Antonakopoulos, A. Silveti-Falls, V. Cevher,
   Generalized Gradient Norm Clipping & Non-Euclidean (L0, L1)-Smoothness, arXiv 2506.01913 (the
   paper without its appendix, and the README of LIONS-EPFL/ClippedScion; its code was not found).
   Algorithm 1 with the largest norm of the layers as norm. With Scion's D, LMO and radii,
     V = radius LMO(D),  S = the sum of <D, V> over all these parameters,
     W = (1 - lr wd) W - lr min(1, S / rho) V:
   Scion's unconstrained step while the dual norm S of the momentum is above rho, steepest descent
   below. The paper writes the step as gamma min(rho, S) V, so lr is gamma rho: the README's rates
   and thresholds (2^-12 and 600) are the size of Scion's only in this form. */
#include <math.h>

#include "optim/scion.h"

typedef struct {
  Balls balls;
  double rho;
} ClippedScionOptions;

static const Option table[] = {
    {.name = "rho", .help = "Dual norm of the momentum below which the step shrinks with it",
     .type = OPTION_REAL, .at = offsetof(ClippedScionOptions, rho), .fallback = "600",
     .min = 1e-30, .max = 1e30},
    BALL_OPTIONS(ClippedScionOptions, balls),
    {0},
};

enum { MOMENTUM, DIRECTION };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "direction", .floats = slot_full}, /* from `measure` to `update` */
    {0},
};

static int accepts(const Matrix *p, const void *options) {
  const ClippedScionOptions *o = options;
  return balls_accept(p, &o->balls);
}

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const ClippedScionOptions *o = options;
  balls_layout(work, s, p, &o->balls);
}

static void measure(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const ClippedScionOptions *o = options;
  float *v = slot[DIRECTION];
  double radius = balls_direction(v, slot[MOMENTUM], p, &o->balls, step->work);
  scale_numbers(v, matrix_size(p), 1, radius);
  step->total = inner_product(slot[MOMENTUM], v, matrix_size(p));
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const ClippedScionOptions *o = options;
  apply_update(p, step->keep, step->rate * fmin(1, step->total / o->rho), slot[DIRECTION]);
}

static double flops(const Matrix *p, const void *options) {
  const ClippedScionOptions *o = options;
  return 3 * (double)matrix_size(p) + balls_flops(p, &o->balls);
}

const Optimizer clipped_scion = {
    .name = "clipped-scion",
    .summary = "Scion's steps, which shrink where the momentum is small",
    .reference = "Pethick et al.: Generalized Gradient Norm Clipping & Non-Euclidean (L0, L1)-"
                 "Smoothness, arXiv 2506.01913",
    .published = "lr=2.44140625e-4",
    .ours = "aux-lr=0.0036",
    .like = "scion",
    .tune = "lr, aux-lr, rho, radius, head-radius",
    .options = table,
    .options_size = sizeof(ClippedScionOptions),
    .slots = slots,
    .accepts = accepts,
    .measure = measure,
    .update = update,
    .layout = layout,
    .work_size = sizeof(PolarWork),
    .flops = flops,
};
