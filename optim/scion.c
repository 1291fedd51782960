/* Scion: T. Pethick et al., Training Deep Learning Models with Norm-Constrained LMOs,
   arXiv 2502.07529 (the authors' code). D = (1 - alpha) D + alpha G and
     constrained    W = (1 - lr) W - lr radius LMO(D)
     unconstrained  W = (1 - lr wd) W - lr radius LMO(D)
   with LMO sqrt(rows/cols) msgn(D) for the blocks' matrices and sign(D) / cols for the head
   (head-norm sign), tied to the token embedding or not. The rest is left to AdamW. */
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
static const Option table[] = {
    {.name = "alpha", .help = "Weight of the new gradient in the momentum",
     .type = OPTION_REAL, .at = FIELD(alpha), .fallback = "0.1", .min = 1e-7, .max = 1},
    {.name = "form", .help = "Constrain the weights to the norm ball, or only their steps",
     .type = OPTION_CHOICE, .at = FIELD(form), .fallback = "constrained",
     .choices = FORMS(CHOICE_WORD)},
    {.name = "radius",
     .help = "Radius of the norm ball for hidden matrices; multiplies the learning rate",
     .type = OPTION_REAL, .at = FIELD(radius), .fallback = "50", .max = 1e30},
    {.name = "head-norm",
     .help = "Norm for steps of the head (adamw: use the auxiliary AdamW)",
     .type = OPTION_CHOICE, .at = FIELD(head_norm), .fallback = "sign",
     .choices = HEAD_NORMS(CHOICE_WORD)},
    {.name = "head-radius", .help = "Radius of the norm ball for the head",
     .type = OPTION_REAL, .at = FIELD(head_radius), .fallback = "3000", .max = 1e30,
     .needs = "head-norm=sign"},
    POLAR_OPTIONS(ScionOptions, polar, "newton-schulz", "jordan"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static int is_head(Role role) { return role == ROLE_EMBEDDING || role == ROLE_HEAD; }

static int accepts(const Matrix *p, const void *options) {
  const ScionOptions *o = options;
  return p->role == ROLE_MATRIX || (is_head(p->role) && o->head_norm == HEAD_SIGN);
}

static int norm_of(Role role) { return is_head(role) ? NORM_SIGN : NORM_RMS; }

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} ScionWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const ScionOptions *o = options;
  ScionWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  lmo_layout(&w->polar, s, p->rows, p->cols, norm_of(p->role), &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const ScionOptions *o = options;
  const ScionWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, size, 1 - o->alpha, 0);
  lmo(z, p->rows, p->cols, norm_of(p->role), &o->polar, &work->polar);
  double radius = is_head(p->role) ? o->head_radius / (double)p->cols : o->radius;
  apply_update(p, step->keep, step->rate * radius, z);
}

/* The constrained form is a mean of the weights and a point of the ball: it has no other decay. */
static double keep(const Param *p, const Step *step, const void *options) {
  const ScionOptions *o = options;
  (void)p;
  return 1 - step->rate * (o->form == CONSTRAINED ? 1 : step->decay);
}

static double flops(const Matrix *p, const void *options) {
  const ScionOptions *o = options;
  return 5 * (double)(p->rows * p->cols) +
         lmo_flops(p->rows, p->cols, norm_of(p->role), &o->polar);
}

const Optimizer scion = {
    .name = "scion",
    .summary = "Steps and weights in balls of operator norms",
    .reference = "Pethick et al.: Training Deep Learning Models with Norm-Constrained LMOs, "
                 "arXiv 2502.07529 (code)",
    .published = "lr=2.44140625e-4",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, radius, head-radius",
    .options = table,
    .options_size = sizeof(ScionOptions),
    .slots = slots,
    .accepts = accepts,
    .update = update,
    .layout = layout,
    .work_size = sizeof(ScionWork),
    .flops = flops,
    .keep = keep,
};
