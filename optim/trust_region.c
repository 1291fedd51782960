/* The stochastic non-Euclidean trust-region method with momentum: D. Kovalev, Understanding
   Gradient Orthogonalization for Deep Learning via Non-Euclidean Trust-Region Optimization,
   arXiv 2503.12645 (theorem statements):
     M = (1 - alpha) M + alpha G,  W = argmin <M, W'> over |||W' - (1 - lr wd) W||| <= lr radius,
   the ball shifted toward zero by the decay. The norm is chosen for each role: spectral is Muon
   without Nesterov or a scale for the shape, rms the same with Scion's scale, frobenius normalized
   SGD, sign signSGD with momentum. The paper starts from M = the first gradient; M = 0 is the
   default here, as in the other methods: the norms that scale all of M see no difference in the
   first step. */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/lmo.h"
#include "optim/parts/momentum.h"

typedef struct {
  double alpha, radius;
  int norm, embedding_norm, vector_norm, init;
  Polar polar;
} TrustRegionOptions;

enum { NORM_ADAMW = NORM_ROW + 1 }; /* the word after NORMS: left to the auxiliary AdamW */

#define STARTS(X) X(START_ZERO, "zero") X(START_GRADIENT, "first-gradient")
enum { STARTS(CHOICE_NAME) };

#define FIELD(member) offsetof(TrustRegionOptions, member)
static const Option table[] = {
    {.name = "norm", .help = "Norm for steps of hidden matrices",
     .type = OPTION_CHOICE, .at = FIELD(norm), .fallback = "spectral",
     .choices = NORMS(CHOICE_WORD)},
    {.name = "embedding-norm",
     .help = "Norm for steps of embeddings and the head (adamw: use the auxiliary AdamW)",
     .type = OPTION_CHOICE, .at = FIELD(embedding_norm), .fallback = "adamw",
     .choices = NORMS(CHOICE_WORD) "|adamw"},
    {.name = "vector-norm", .help = "Norm for steps of vectors (adamw: use the auxiliary AdamW)",
     .type = OPTION_CHOICE, .at = FIELD(vector_norm), .fallback = "adamw",
     .choices = NORMS(CHOICE_WORD) "|adamw"},
    {.name = "alpha", .help = "Weight of the new gradient in the momentum",
     .type = OPTION_REAL, .at = FIELD(alpha), .fallback = "0.05", .min = 1e-7, .max = 1},
    {.name = "radius", .help = "Radius of the trust region; multiplies the learning rate",
     .type = OPTION_REAL, .at = FIELD(radius), .fallback = "1", .max = 1e30},
    {.name = "momentum-init", .help = "Initial momentum",
     .type = OPTION_CHOICE, .at = FIELD(init), .fallback = "zero",
     .choices = STARTS(CHOICE_WORD)},
    POLAR_OPTIONS(TrustRegionOptions, polar, "newton-schulz", "jordan"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static int norm_of(Role role, const TrustRegionOptions *o) {
  if (role == ROLE_MATRIX) return o->norm;
  if (role != ROLE_VECTOR) return o->embedding_norm;
  return o->vector_norm == NORM_RMS ? NORM_ROW : o->vector_norm; /* vectors are stored as rows */
}

static int accepts(const Matrix *p, const void *options) {
  return norm_of(p->role, options) != NORM_ADAMW;
}

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} TrustRegionWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const TrustRegionOptions *o = options;
  TrustRegionWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  lmo_layout(&w->polar, s, p->rows, p->cols, norm_of(p->role, o), &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const TrustRegionOptions *o = options;
  const TrustRegionWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  if (step->t == 1 && o->init == START_GRADIENT)
    memcpy(slot[MOMENTUM], p->g, (size_t)size * sizeof *z);
  momentum_ema(z, slot[MOMENTUM], p->g, size, 1 - o->alpha, 0);
  lmo(z, p->rows, p->cols, norm_of(p->role, o), &o->polar, &work->polar);
  apply_update(p, step->keep, step->rate * o->radius, z);
}

static double flops(const Matrix *p, const void *options) {
  const TrustRegionOptions *o = options;
  return 5 * (double)(p->rows * p->cols) +
         lmo_flops(p->rows, p->cols, norm_of(p->role, o), &o->polar);
}

const Optimizer trust_region = {
    .name = "trust-region",
    .summary = "Momentum step in a ball of a chosen norm",
    .reference = "Kovalev: Understanding Gradient Orthogonalization, arXiv 2503.12645 (theorems)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(TrustRegionOptions),
    .slots = slots,
    .accepts = accepts,
    .update = update,
    .layout = layout,
    .work_size = sizeof(TrustRegionWork),
    .flops = flops,
};
