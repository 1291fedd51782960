/* SOAP: N. Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, arXiv 2409.11321 (the
   update from the authors' code, nikhilvyas/SOAP a1e5535; the paper was not read).
     L = b L + (1 - b) G G^T,  R = b R + (1 - b) G^T G  with b = beta2 and their eigenbases P, Q;
     m = b1 m + (1 - b1) G,  v = b2 v + (1 - b2) (P^T G Q)^2,
     W = (1 - lr wd) (W - lr sqrt(1 - b2^t)/(1 - b1^t) P [ P^T m Q / (sqrt(v) + eps) ] Q^T).
   The first gradient only makes the bases, by eigenvectors: no step and no decay; t counts from the
   second. L and R grow after each step, and every K steps the columns of P are sorted by
   diag(P^T L P), descending, v's rows with them, and P = qr(L P); the same with Q, R and v's
   columns. The decay comes after the step, and eps before the bias correction of v. */
#include <math.h>

#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/momentum.h"
#include "optim/parts/shampoo.h"

typedef struct {
  Adam adam;
  int64_t gap;
} SoapOptions;

#define FIELD(member) offsetof(SoapOptions, member)
static const Option table[] = {
    ADAM_OPTIONS(SoapOptions, adam, "", "", "0.95", "0.95", "1e-8"),
    {.name = "update-gap", .help = "Steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "10", .min = 1, .max = 1e12},
    {0},
};

enum { M, V, L, R, P, Q };
static const Slot slots[] = {
    {.name = "m", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "l", .kind = SLOT_SECOND, .floats = slot_rows_square},
    {.name = "r", .kind = SLOT_SECOND, .floats = slot_cols_square},
    {.name = "p", .kind = SLOT_BASIS, .floats = slot_rows_square},
    {.name = "q", .kind = SLOT_BASIS, .floats = slot_cols_square},
    {0},
};

typedef struct {
  float *g, *m, *u; /* (rows,cols) gradient, moment and direction in the eigenbasis */
  float *half;      /* (rows,cols) between two rotations */
  ShampooWork shampoo;
} SoapWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  SoapWork *w = work;
  Scratch stepping = *s, averaging = *s;
  int64_t size = matrix_size(p);
  (void)options;
  w->g = scratch_floats(&stepping, size);
  w->m = scratch_floats(&stepping, size);
  w->u = scratch_floats(&stepping, size);
  w->half = scratch_floats(&stepping, size);
  shampoo_layout(&w->shampoo, &averaging, p->rows, p->cols);
  scratch_join(s, &stepping);
  scratch_join(s, &averaging);
}

/* Adam's step t with the first moment kept in the original space and the second in the eigenbasis.
   The old moment is rotated and the new gradient added there: rotated together they would have
   other rounding errors than v's, and where the gradient has nothing else m / sqrt(v) would have no
   bound. */
static void step_in_eigenbasis(const Matrix *p, float *const *slot, const SoapOptions *o,
                               const Step *step, int64_t t) {
  const SoapWork *work = step->work;
  const AdamStep a = adam_step_plain(&o->adam);
  const float *left = slot[P], *right = slot[Q];
  int64_t size = matrix_size(p);
  float *g = work->g, *m = work->m, *u = work->u;
  rotate(g, p->g, p->rows, p->cols, left, right, 1, work->half);
  rotate(m, slot[M], p->rows, p->cols, left, right, 1, work->half);
  adam(g, m, slot[V], g, size, &a);
  rotate(u, g, p->rows, p->cols, left, right, 0, work->half);
  double b1 = o->adam.beta1, b2 = o->adam.beta2;
  double correction = sqrt(1 - pow(b2, (double)t)) / (1 - pow(b1, (double)t));
  apply_update(p, step->keep, step->keep * step->rate * correction, u); /* decay after the step */
  momentum_ema(m, slot[M], p->g, size, b1, 0);
}

/* The first gradient makes the bases only. */
static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const SoapOptions *o = options;
  const SoapWork *work = step->work;
  const Shampoo bases = {slot[L], slot[R], slot[P], slot[Q], slot[V]};
  if (step->t > 1) step_in_eigenbasis(p, slot, o, step, step->t - 1);
  shampoo_update(&bases, p->g, p->rows, p->cols, o->adam.beta2, step->t, o->gap, &work->shampoo);
}

static double keep(const Param *p, const Step *step, const void *options) {
  (void)p, (void)options;
  return step->t == 1 ? 1 : 1 - step->rate * step->decay;
}

static double flops(const Matrix *p, const void *options) {
  const SoapOptions *o = options;
  double m = (double)p->rows, n = (double)p->cols;
  return 6 * (m * m * n + m * n * n) + 20 * m * n + shampoo_flops(p->rows, p->cols, o->gap);
}

const Optimizer soap = {
    .name = "soap",
    .summary = "Adam in the eigenbasis of Shampoo's preconditioners",
    .reference = "Vyas et al.: SOAP, arXiv 2409.11321 (code)",
    .published = "lr=3e-3 weight-decay=0.01 aux-lr=3e-3",
    .tune = "lr, aux-lr, update-gap",
    .options = table,
    .options_size = sizeof(SoapOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(SoapWork),
    .flops = flops,
    .keep = keep,
};
