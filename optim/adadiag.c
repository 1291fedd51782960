/* AdaDiag: S. Nguyen, B. Liu, L. Chen, Q. Liu, Improving Adaptive Moment Optimization via
   Preconditioner Diagonalization, arXiv 2502.07488 (abstract and a summary). Every K steps
   G = P S Q^T, and Adam works on P^T G Q (two-sided) or in the basis of the shorter side alone
   (one-sided: P^T G, or G Q for a tall G, where P is arbitrary beyond rank):
     W = (1 - lr wd) W - lr P adam(P^T G Q) Q^T.
   As written, the moments are not rotated when the basis changes. The sign that a singular vector
   leaves open agrees with the vector it replaces; with two sides the right one follows the left, so
   that the diagonal of P^T G Q is S. */
#include "core/int64.h"
#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/basis.h"

typedef struct {
  Adam adam;
  int64_t gap;
  int form;
} AdadiagOptions;

#define FORMS(X) X(ONE_SIDED, "one-sided") X(TWO_SIDED, "two-sided")
enum { FORMS(CHOICE_NAME) };

#define FIELD(member) offsetof(AdadiagOptions, member)
static const Option table[] = {
    ADAM_OPTIONS(AdadiagOptions, adam, "", "", "0.9", "0.95", "1e-8"),
    {.name = "update-gap", .help = "Steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "50", .min = 1, .max = 1e12},
    {.name = "form", .help = "Use a basis for the shorter side only, or for both sides",
     .type = OPTION_CHOICE, .at = FIELD(form), .fallback = "one-sided",
     .choices = FORMS(CHOICE_WORD)},
    {0},
};

static int has_left(const Matrix *p, const AdadiagOptions *o) {
  return o->form == TWO_SIDED || p->rows <= p->cols;
}

static int has_right(const Matrix *p, const AdadiagOptions *o) {
  return o->form == TWO_SIDED || p->rows > p->cols;
}

static int64_t left_floats(const Matrix *p, const void *options) {
  return has_left(p, options) ? p->rows * p->rows : 0;
}

static int64_t right_floats(const Matrix *p, const void *options) {
  return has_right(p, options) ? p->cols * p->cols : 0;
}

enum { M, V, LEFT_BASIS, RIGHT_BASIS };
static const Slot slots[] = {
    {.name = "m", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "left", .kind = SLOT_BASIS, .floats = left_floats},
    {.name = "right", .kind = SLOT_BASIS, .floats = right_floats},
    {0},
};

typedef struct {
  SingularWork singular;
  float *z, *u, *work; /* (rows,cols) */
} AdadiagWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  AdadiagWork *w = work;
  Scratch refreshing = *s, stepping = *s;
  int64_t left = has_left(p, options) ? p->rows : 0, right = has_right(p, options) ? p->cols : 0;
  singular_layout(&w->singular, &refreshing, i64_max(left, right));
  w->z = scratch_floats(&stepping, matrix_size(p));
  w->u = scratch_floats(&stepping, matrix_size(p));
  w->work = scratch_floats(&stepping, matrix_size(p));
  scratch_join(s, &refreshing);
  scratch_join(s, &stepping);
}

static void refresh(const Matrix *p, float *basis, Side side, const SingularWork *work) {
  singular_basis(p->g, p->rows, p->cols, side, work);
  replace_basis(basis, work->V, side == LEFT ? p->rows : p->cols);
}

/* Turns the columns of Q whose p_i^T G q_i is negative. */
static void pair_signs(const Matrix *p, const float *P, float *Q, const AdadiagWork *work) {
  float *z = work->z;
  rotate(z, p->g, p->rows, p->cols, P, Q, 1, work->work);
  for (int64_t i = 0; i < p->rows && i < p->cols; i++)
    if (z[i * p->cols + i] < 0)
      for (int64_t j = 0; j < p->cols; j++) Q[j * p->cols + i] *= -1;
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AdadiagOptions *o = options;
  const AdadiagWork *work = step->work;
  const AdamStep a = adam_step(&o->adam, step->t, 1);
  float *P = has_left(p, o) ? slot[LEFT_BASIS] : NULL;
  float *Q = has_right(p, o) ? slot[RIGHT_BASIS] : NULL;
  float *z = work->z;
  if ((step->t - 1) % o->gap == 0) {
    if (P) refresh(p, P, LEFT, &work->singular);
    if (Q) refresh(p, Q, RIGHT, &work->singular);
    if (P && Q) pair_signs(p, P, Q, work);
  }
  rotate(z, p->g, p->rows, p->cols, P, Q, 1, work->work);
  adam(z, slot[M], slot[V], z, matrix_size(p), &a);
  rotate(work->u, z, p->rows, p->cols, P, Q, 0, work->work);
  apply_update(p, step->keep, step->rate, work->u);
}

static double flops(const Matrix *p, const void *options) {
  const AdadiagOptions *o = options;
  double m = (double)p->rows, n = (double)p->cols, sides = 0, refreshing = 0;
  if (has_left(p, o)) sides += m, refreshing += m * m * n + 9 * m * m * m;
  if (has_right(p, o)) sides += n, refreshing += m * n * n + 9 * n * n * n;
  return 4 * m * n * sides + 15 * m * n + refreshing / (double)o->gap;
}

const Optimizer adadiag = {
    .name = "adadiag",
    .summary = "Adam in the singular basis of the gradient",
    .reference = "Nguyen et al.: Preconditioner Diagonalization, arXiv 2502.07488 (abstract)",
    .ours = "lr=1e-3 aux-lr=1e-3",
    .tune = "lr, aux-lr, update-gap",
    .options = table,
    .options_size = sizeof(AdadiagOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(AdadiagWork),
    .flops = flops,
};
