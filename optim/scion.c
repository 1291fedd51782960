/* Scion: T. Pethick et al., Training Deep Learning Models with Norm-Constrained LMOs,
   arXiv 2502.07529 (the authors' code). D = (1 - alpha) D + alpha G and
     constrained    W = (1 - lr) W - lr radius LMO(D)
     unconstrained  W = (1 - lr wd) W - lr radius LMO(D)
   with LMO sqrt(rows/cols) msgn(D) for the blocks' matrices and sign(D) / cols for the head
   (head-norm sign), tied to the token embedding or not. The rest is left to AdamW. */
#include "optim/scion.h"

#include "optim/parts/momentum.h"

typedef struct {
  Balls balls;
  int form;
} ScionOptions;

#define FORMS(X) X(CONSTRAINED, "constrained") X(UNCONSTRAINED, "unconstrained")
enum { FORMS(CHOICE_NAME) };

static const Option table[] = {
    {.name = "form", .help = "Constrain the weights to the norm ball, or only their steps",
     .type = OPTION_CHOICE, .at = offsetof(ScionOptions, form), .fallback = "constrained",
     .choices = FORMS(CHOICE_WORD)},
    BALL_OPTIONS(ScionOptions, balls),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

static int is_head(Role role) { return role == ROLE_EMBEDDING || role == ROLE_HEAD; }

static int norm_of(Role role) { return is_head(role) ? NORM_SIGN : NORM_RMS; }

int balls_accept(const Matrix *p, const Balls *balls) {
  return p->role == ROLE_MATRIX || (is_head(p->role) && balls->head_norm == HEAD_SIGN);
}

void balls_layout(PolarWork *work, Scratch *s, const Matrix *p, const Balls *balls) {
  lmo_layout(work, s, p->rows, p->cols, norm_of(p->role), &balls->polar);
}

double balls_direction(float *z, float *d, const Matrix *p, const Balls *balls,
                       const PolarWork *work) {
  momentum_ema(z, d, p->g, matrix_size(p), 1 - balls->alpha, 0);
  lmo(z, p->rows, p->cols, norm_of(p->role), &balls->polar, work);
  return is_head(p->role) ? balls->head_radius / (double)p->cols : balls->radius;
}

double balls_flops(const Matrix *p, const Balls *balls) {
  return 5 * (double)matrix_size(p) + lmo_flops(p->rows, p->cols, norm_of(p->role), &balls->polar);
}

static int accepts(const Matrix *p, const void *options) {
  const ScionOptions *o = options;
  return balls_accept(p, &o->balls);
}

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} ScionWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const ScionOptions *o = options;
  ScionWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  balls_layout(&w->polar, s, p, &o->balls);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const ScionOptions *o = options;
  const ScionWork *work = step->work;
  double radius = balls_direction(work->z, slot[MOMENTUM], p, &o->balls, &work->polar);
  apply_update(p, step->keep, step->rate * radius, work->z);
}

/* The constrained form is a mean of the weights and a point of the ball: it has no other decay. */
static double keep(const Param *p, const Step *step, const void *options) {
  const ScionOptions *o = options;
  (void)p;
  return 1 - step->rate * (o->form == CONSTRAINED ? 1 : step->decay);
}

static double flops(const Matrix *p, const void *options) {
  const ScionOptions *o = options;
  return balls_flops(p, &o->balls);
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
