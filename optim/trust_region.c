/* The stochastic non-Euclidean trust-region method with momentum: D. Kovalev, Understanding
   Gradient Orthogonalization for Deep Learning via Non-Euclidean Trust-Region Optimization,
   arXiv 2503.12645 (abstract and theorem statements):
     M = (1 - alpha) M + alpha G,  W = argmin <M, W'> over |||W' - (1 - lr wd) W||| <= lr radius,
   the ball shifted toward zero by the decay. The norm is chosen for each role: spectral is Muon
   without Nesterov or a scale for the shape, rms the same with Scion's scale, frobenius normalized
   SGD, sign signSGD with momentum. The paper starts from M = the first gradient; M = 0 is the
   default here, as in the other methods: the norms that scale all of M see no difference in the
   first step.
   Composite problem, for the decay as a term R(W) = wd/2 |W|^2 of what is minimized:
     W = argmin <M, W'> + R(W') over |||W' - W||| <= lr radius = W - P/wd,
   P the point of the ball of radius wd lr radius that is nearest to M + wd W. Where the ball is the
   limit, this is the step of M + wd W; where it is not, a shorter one.
   Extrapolation, for functions with a smooth second derivative: the gradient is taken at
     X = W + (1 - alpha)/alpha (W - W_before),
   so that M is a gradient at W up to second order (the extrapolation of A. Cutkosky and H. Mehta,
   arXiv 2002.03305; Kovalev's text for it was not read). The parameters hold X, which is also what
   is validated and saved; it meets W as the rate goes to 0. */
#include <string.h>

#include "optim/optim.h"
#include "optim/parts/lmo.h"
#include "optim/parts/momentum.h"

typedef struct {
  double alpha, radius;
  int norm, embedding_norm, vector_norm, init, decay, extrapolate;
  Polar polar;
} TrustRegionOptions;

enum { NORM_ADAMW = NORM_ROW + 1 }; /* the word after NORMS: left to the auxiliary AdamW */

#define STARTS(X) X(START_ZERO, "zero") X(START_GRADIENT, "first-gradient")
enum { STARTS(CHOICE_NAME) };
#define DECAYS(X) X(SHIFTED, "shifted") X(COMPOSITE, "composite")
enum { DECAYS(CHOICE_NAME) };

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
    {.name = "decay",
     .help = "How weight decay enters (shifted: the ball's center moves toward zero; composite: as "
             "a term of the minimized function)",
     .type = OPTION_CHOICE, .at = FIELD(decay), .fallback = "shifted",
     .choices = DECAYS(CHOICE_WORD), .needs = "weight-decay!=0,orthogonalize=svd"},
    {.name = "extrapolate",
     .help = "Take the gradient ahead of the iterate, at W + (1/alpha - 1) times the last step",
     .type = OPTION_CHOICE, .at = FIELD(extrapolate), .fallback = "off", .choices = ON_OFF},
    POLAR_OPTIONS(TrustRegionOptions, polar, "newton-schulz", "jordan"),
    {0},
};

enum { MOMENTUM, ITERATE };

static int64_t iterate_floats(const Matrix *p, const void *options) {
  return ((const TrustRegionOptions *)options)->extrapolate ? matrix_size(p) : 0;
}

static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
                             {.name = "iterate", .floats = iterate_floats},
                             {0}};

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

static int is_composite(const TrustRegionOptions *o, double decay) {
  return o->decay == COMPOSITE && o->polar.way == BY_SVD && decay > 0;
}

/* The iterate x becomes keep x - amount u, and w the point ahead of it. All (n). */
static void move_ahead(float *w, float *x, double keep, double amount, const float *u, int64_t n,
                       double alpha) {
  double ahead = (1 - alpha) / alpha;
  for (int64_t i = 0; i < n; i++) {
    float next = (float)(keep * (double)x[i] - amount * (double)u[i]);
    w[i] = (float)((double)next + ahead * ((double)next - (double)x[i]));
    x[i] = next;
  }
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const TrustRegionOptions *o = options;
  const TrustRegionWork *work = step->work;
  int64_t size = matrix_size(p), bytes = size * (int64_t)sizeof(float);
  float *z = work->z, *x = o->extrapolate ? slot[ITERATE] : p->w;
  double amount = step->rate * o->radius;
  int norm = norm_of(p->role, o);
  if (step->t == 1 && o->init == START_GRADIENT) memcpy(slot[MOMENTUM], p->g, (size_t)bytes);
  if (step->t == 1 && o->extrapolate) memcpy(x, p->w, (size_t)bytes);
  momentum_ema(z, slot[MOMENTUM], p->g, size, 1 - o->alpha, 0);
  if (is_composite(o, step->decay)) {
    for (int64_t i = 0; i < size; i++) z[i] += (float)step->decay * x[i];
    ball_nearest(z, p->rows, p->cols, norm, step->decay * amount, &work->polar);
    amount = 1 / step->decay;
  } else {
    lmo(z, p->rows, p->cols, norm, &o->polar, &work->polar);
  }
  if (o->extrapolate) move_ahead(p->w, x, step->keep, amount, z, size, o->alpha);
  else apply_update(p, step->keep, amount, z);
}

static double keep(const Param *p, const Step *step, const void *options) {
  (void)p;
  return is_composite(options, step->decay) ? 1 : 1 - step->rate * step->decay;
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
    .keep = keep,
};
