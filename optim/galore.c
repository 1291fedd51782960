/* GaLore: J. Zhao et al., GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection,
   arXiv 2403.03507 (the authors' code). Every K steps P = leading r singular vectors of G on the
   short side (G P for rows >= cols, P^T G else); Adam on the projection, its moments kept when P
   changes, eps added before the bias correction of v:
     W = (1 - lr wd) (W - lr scale sqrt(1 - b2^t)/(1 - b1^t) back(m / (sqrt(v) + eps))).
   The decay comes after the step, as in the authors' code (and as in SOAP's). */
#include <math.h>

#include "core/int64.h"
#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/low_rank.h"

typedef struct {
  Adam adam;
  double scale;
  int64_t rank, gap;
} GaloreOptions;

#define FIELD(member) offsetof(GaloreOptions, member)
static const Option table[] = {
    ADAM_OPTIONS(GaloreOptions, adam, "", "", "0.9", "0.999", "1e-6"),
    {.name = "rank", .help = "Rank of the projection (r)",
     .type = OPTION_INT, .at = FIELD(rank), .fallback = "128", .min = 1, .max = 1e6},
    {.name = "update-gap", .help = "Steps between new projections (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "200", .min = 1, .max = 1e12},
    {.name = "scale", .help = "Factor on the update (alpha)",
     .type = OPTION_REAL, .at = FIELD(scale), .fallback = "0.25", .max = 1e30},
    {0},
};

static int64_t rank_of(const Matrix *p, const GaloreOptions *o) {
  return i64_min(o->rank, i64_min(p->rows, p->cols));
}

static int64_t low_floats(const Matrix *p, const void *options) {
  return i64_max(p->rows, p->cols) * rank_of(p, options);
}

static int64_t basis_floats(const Matrix *p, const void *options) {
  return i64_min(p->rows, p->cols) * rank_of(p, options);
}

enum { M, V, BASIS };
static const Slot slots[] = {
    {.name = "m", .floats = low_floats},
    {.name = "v", .kind = SLOT_SECOND, .floats = low_floats},
    {.name = "basis", .kind = SLOT_BASIS, .floats = basis_floats},
    {0},
};

typedef struct {
  SingularWork singular;
  float *u, *low; /* (rows,cols), (long side, r) */
} GaloreWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  GaloreWork *w = work;
  Scratch refreshing = *s, stepping = *s;
  singular_layout(&w->singular, &refreshing, i64_min(p->rows, p->cols));
  w->u = scratch_floats(&stepping, matrix_size(p));
  w->low = scratch_floats(&stepping, low_floats(p, options));
  scratch_join(s, &refreshing);
  scratch_join(s, &stepping);
}

/* eps before the bias correction is eps / sqrt(1 - b2^t) after it. */
static AdamStep early_eps(const GaloreOptions *o, int64_t t) {
  Adam adam = o->adam;
  adam.eps /= sqrt(1 - pow(adam.beta2, (double)t));
  return adam_step(&adam, t, 1);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const GaloreOptions *o = options;
  const GaloreWork *work = step->work;
  const AdamStep a = early_eps(o, step->t);
  Side side = opposite(long_side(p->rows, p->cols));
  int64_t r = rank_of(p, o);
  float *P = slot[BASIS], *u = work->u, *low = work->low;
  if ((step->t - 1) % o->gap == 0) {
    singular_basis(p->g, p->rows, p->cols, side, &work->singular);
    leading_vectors(P, work->singular.V, i64_min(p->rows, p->cols), r);
  }
  project(low, p->g, p->rows, p->cols, side, P, r);
  adam(low, slot[M], slot[V], low, low_floats(p, o), &a);
  project_back(u, p->rows, p->cols, side, P, low, r, 1, 0);
  apply_update(p, step->keep, step->keep * step->rate * o->scale, u); /* decay after the step */
}

static double flops(const Matrix *p, const void *options) {
  const GaloreOptions *o = options;
  double r = (double)rank_of(p, o);
  double m = (double)p->rows, n = (double)p->cols, s = fmin(m, n);
  return 4 * m * n * r + 15 * fmax(m, n) * r + (m * n * s + 9 * s * s * s) / (double)o->gap;
}

const Optimizer galore = {
    .name = "galore",
    .summary = "Adam on a low-rank projection of the gradient",
    .reference = "Zhao et al.: GaLore, arXiv 2403.03507 (code)",
    .published = "lr=0.01",
    .ours = "aux-lr=1e-3",
    .tune = "lr, aux-lr, rank, update-gap",
    .options = table,
    .options_size = sizeof(GaloreOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(GaloreWork),
    .flops = flops,
};
