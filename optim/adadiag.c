/* AdaDiag: S. Nguyen, B. Liu, L. Chen, Q. Liu, Improving Adaptive Moment Optimization via
   Preconditioner Diagonalization, arXiv 2502.07488 (abstract and a summary). Every K steps
   G = P S Q^T, and Adam works on P^T G Q (two-sided) or in the basis of the shorter side alone
   (one-sided: P^T G, or G Q for a tall G, where P is arbitrary beyond rank):
     W = (1 - lr wd) W - lr P adam(P^T G Q) Q^T.
   As written, the moments are not rotated when the basis changes. The sign that a singular vector
   leaves open agrees with the vector it replaces; with two sides the right one follows the left, so
   that the diagonal of P^T G Q is S. */
#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/polar.h"

typedef struct {
  Betas betas;
  int64_t gap;
  int form;
} AdadiagOptions;

#define FORMS(X) X(ONE_SIDED, "one-sided") X(TWO_SIDED, "two-sided")
enum { FORMS(CHOICE_NAME) };

#define FIELD(member) offsetof(AdadiagOptions, member)
static const Option options[] = {
    BETAS_OPTIONS(AdadiagOptions, betas, "0.9", "0.95", "1e-8"),
    {.name = "update-gap", .help = "Steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "50", .min = 1, .max = 1e12},
    {.name = "form", .help = "Use a basis for the shorter side only, or for both sides",
     .type = OPTION_CHOICE, .at = FIELD(form), .fallback = "one-sided",
     .choices = FORMS(CHOICE_WORD)},
    {0},
};

static int has_left(int64_t rows, int64_t cols, const AdadiagOptions *o) {
  return o->form == TWO_SIDED || rows <= cols;
}

static int has_right(int64_t rows, int64_t cols, const AdadiagOptions *o) {
  return o->form == TWO_SIDED || rows > cols;
}

static int64_t left_floats(int64_t rows, int64_t cols, const void *with) {
  return has_left(rows, cols, with) ? rows * rows : 0;
}

static int64_t right_floats(int64_t rows, int64_t cols, const void *with) {
  return has_right(rows, cols, with) ? cols * cols : 0;
}

enum { M, V, LEFT_BASIS, RIGHT_BASIS };
static const Slot slots[] = {
    {.name = "m", .floats = slot_full},
    {.name = "v", .floats = slot_full},
    {.name = "left", .floats = left_floats},
    {.name = "right", .floats = right_floats},
    {0},
};

static void refresh(const Matrix *p, float *basis, int right, float *scratch) {
  int64_t n = right ? p->cols : p->rows;
  double *vectors = (double *)(void *)scratch, *values = vectors + n * n;
  singular_basis(p->g, p->rows, p->cols, right, vectors, values, values + n);
  replace_basis(basis, vectors, n);
}

/* Turns the columns of Q whose p_i^T G q_i is negative; z and work hold rows*cols floats. */
static void pair_signs(const Matrix *p, const float *P, float *Q, float *z, float *work) {
  rotate(z, p->g, p->rows, p->cols, P, Q, 1, work);
  for (int64_t i = 0; i < p->rows && i < p->cols; i++)
    if (z[i * p->cols + i] < 0)
      for (int64_t j = 0; j < p->cols; j++) Q[j * p->cols + i] *= -1;
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const AdadiagOptions *o = with;
  int64_t size = p->rows * p->cols;
  float *P = has_left(p->rows, p->cols, o) ? slot[LEFT_BASIS] : NULL;
  float *Q = has_right(p->rows, p->cols, o) ? slot[RIGHT_BASIS] : NULL;
  float *z = step->scratch, *work = z + aligned(size);
  if ((step->t - 1) % o->gap == 0) {
    if (P) refresh(p, P, 0, step->scratch);
    if (Q) refresh(p, Q, 1, step->scratch);
    if (P && Q) pair_signs(p, P, Q, z, work);
  }
  rotate(z, p->g, p->rows, p->cols, P, Q, 1, work);
  rotated_adam(z, slot[M], slot[V], z, size, &o->betas, step->t);
  float *u = work + aligned(size);
  rotate(u, z, p->rows, p->cols, P, Q, 0, work);
  apply_update(p, step->keep, step->rate, u);
}

static int64_t scratch(const Matrix *p, const void *with) {
  int64_t left = has_left(p->rows, p->cols, with) ? p->rows : 0;
  int64_t right = has_right(p->rows, p->cols, with) ? p->cols : 0, n = left > right ? left : right;
  int64_t refreshing = 2 * (n * n + n + singular_work(n));
  int64_t stepping = 3 * aligned(p->rows * p->cols);
  return refreshing > stepping ? refreshing : stepping;
}

static double flops(const Matrix *p, const void *with) {
  const AdadiagOptions *o = with;
  double m = (double)p->rows, n = (double)p->cols, sides = 0, refreshing = 0;
  if (has_left(p->rows, p->cols, o)) sides += m, refreshing += m * m * n + 9 * m * m * m;
  if (has_right(p->rows, p->cols, o)) sides += n, refreshing += m * n * n + 9 * n * n * n;
  return 4 * m * n * sides + 15 * m * n + refreshing / (double)o->gap;
}

const Optimizer adadiag = {
    .name = "adadiag",
    .summary = "Adam in the singular basis of the gradient",
    .reference = "Nguyen et al.: Preconditioner Diagonalization, arXiv 2502.07488 (abstract)",
    .ours = "lr=1e-3 aux-lr=1e-3",
    .tune = "lr, aux-lr, update-gap",
    .options = options,
    .options_size = sizeof(AdadiagOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
