/* Scion: T. Pethick et al., Training Deep Learning Models with Norm-Constrained LMOs,
   arXiv 2502.07529 (the authors' code). D = (1 - alpha) D + alpha G and
     constrained    W = (1 - lr) W - lr radius LMO(D)
     unconstrained  W = (1 - lr wd) W - lr radius LMO(D)
   with LMO sqrt(rows/cols) msgn(D) for the blocks' matrices and, as the head is tied to it, sign(D)
   / cols for the token embedding (head-norm sign). Positions and vectors are left to AdamW. */
#include "optim/optim.h"
#include "optim/parts/lmo.h"
#include "optim/parts/momentum.h"

typedef struct {
  double alpha, radius, head_radius;
  int form, head_norm;
  Polar polar;
} ScionOptions;

#define FORMS(X) X(CONSTRAINED, "constrained") X(UNCONSTRAINED, "unconstrained")
#define HEAD_NORMS(X) X(HEAD_SIGN, "sign") X(HEAD_ADAMW, "adamw")
enum { FORMS(CHOICE_NAME) };
enum { HEAD_NORMS(CHOICE_NAME) };

#define FIELD(member) offsetof(ScionOptions, member)
static const Option options[] = {
    {.name = "alpha", .help = "Weight of the new gradient in the momentum",
     .type = OPTION_REAL, .at = FIELD(alpha), .fallback = "0.1", .min = 1e-7, .max = 1},
    {.name = "form", .help = "Constrain the weights to the norm ball, or only their steps",
     .type = OPTION_CHOICE, .at = FIELD(form), .fallback = "constrained",
     .choices = FORMS(CHOICE_WORD)},
    {.name = "radius",
     .help = "Radius of the norm ball for hidden matrices; multiplies the learning rate",
     .type = OPTION_REAL, .at = FIELD(radius), .fallback = "50", .max = 1e30},
    {.name = "head-norm",
     .help = "Norm for steps of the tied head (adamw: use the auxiliary AdamW)",
     .type = OPTION_CHOICE, .at = FIELD(head_norm), .fallback = "sign",
     .choices = HEAD_NORMS(CHOICE_WORD)},
    {.name = "head-radius", .help = "Radius of the norm ball for the tied head",
     .type = OPTION_REAL, .at = FIELD(head_radius), .fallback = "3000", .max = 1e30,
     .needs = "head-norm=sign"},
    POLAR_OPTIONS(ScionOptions, polar, "newton-schulz", "jordan"),
    {0},
};

static const Slot slots[] = {{.name = "momentum", .floats = slot_full}, {0}};

static int accepts(const Param *p, const void *with) {
  const ScionOptions *o = with;
  return p->role == ROLE_MATRIX || (p->role == ROLE_EMBEDDING && o->head_norm == HEAD_SIGN);
}

static int norm_of(Role role) { return role == ROLE_EMBEDDING ? NORM_SIGN : NORM_RMS; }

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const ScionOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *z = step->scratch;
  momentum_ema(z, slot[0], p->g, size, 1 - o->alpha, 0);
  steepest(z, p->rows, p->cols, norm_of(p->role), &o->polar, z + aligned(size));
  double radius = p->role == ROLE_EMBEDDING ? o->head_radius / (double)p->cols : o->radius;
  apply_update(p, step->keep, step->rate * radius, z);
}

/* The constrained form is a mean of the weights and a point of the ball: it has no other decay. */
static double keep(const Param *p, const Step *step, const void *with) {
  const ScionOptions *o = with;
  (void)p;
  return 1 - step->rate * (o->form == CONSTRAINED ? 1 : step->decay);
}

static int64_t scratch(const Matrix *p, const void *with) {
  const ScionOptions *o = with;
  return aligned(p->rows * p->cols) +
         steepest_scratch(p->rows, p->cols, norm_of(p->role), &o->polar);
}

static double flops(const Matrix *p, const void *with) {
  const ScionOptions *o = with;
  return 5 * (double)(p->rows * p->cols) +
         steepest_flops(p->rows, p->cols, norm_of(p->role), &o->polar);
}

const Optimizer scion = {
    .name = "scion",
    .summary = "Steps and weights in balls of operator norms",
    .reference = "Pethick et al.: Training Deep Learning Models with Norm-Constrained LMOs, "
                 "arXiv 2502.07529 (code)",
    .published = "lr=2.44140625e-4",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, radius, head-radius",
    .options = options,
    .options_size = sizeof(ScionOptions),
    .slots = slots,
    .accepts = accepts,
    .update = update,
    .scratch = scratch,
    .flops = flops,
    .keep = keep,
};
