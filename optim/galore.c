/* GaLore: J. Zhao et al., GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection,
   arXiv 2403.03507 (the authors' code). Every K steps P = leading r singular vectors of G on the
   short side (G P for rows >= cols, P^T G else); Adam on the projection, its moments kept when P
   changes, eps added before the bias correction of v:
     W = (1 - lr wd) (W - lr scale sqrt(1 - b2^t)/(1 - b1^t) back(m / (sqrt(v) + eps))).
   The decay comes after the step, as in the authors' code (and as in SOAP's). */
#include <math.h>

#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/low_rank.h"

typedef struct {
  Betas betas;
  double scale;
  int64_t rank, gap;
} GaloreOptions;

#define FIELD(member) offsetof(GaloreOptions, member)
static const Option options[] = {
    BETAS_OPTIONS(GaloreOptions, betas, "0.9", "0.999", "1e-6"),
    {.name = "rank", .help = "Rank of the projection (r)",
     .type = OPTION_INT, .at = FIELD(rank), .fallback = "128", .min = 1, .max = 1e6},
    {.name = "update-gap", .help = "Steps between new projections (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "200", .min = 1, .max = 1e12},
    {.name = "scale", .help = "Factor on the update (alpha)",
     .type = OPTION_REAL, .at = FIELD(scale), .fallback = "0.25", .max = 1e30},
    {0},
};

static int64_t rank_of(int64_t rows, int64_t cols, const GaloreOptions *o) {
  int64_t s = rows < cols ? rows : cols;
  return o->rank < s ? o->rank : s;
}

static int64_t low_floats(int64_t rows, int64_t cols, const void *with) {
  return (rows > cols ? rows : cols) * rank_of(rows, cols, with);
}

static int64_t basis_floats(int64_t rows, int64_t cols, const void *with) {
  return (rows < cols ? rows : cols) * rank_of(rows, cols, with);
}

enum { M, V, BASIS };
static const Slot slots[] = {
    {.name = "m", .floats = low_floats},
    {.name = "v", .floats = low_floats},
    {.name = "basis", .floats = basis_floats},
    {0},
};

static void refresh(const Matrix *p, Side side, int64_t r, float *basis, float *scratch) {
  int64_t n = side == LEFT ? p->rows : p->cols;
  double *vectors = (double *)(void *)scratch, *values = vectors + n * n;
  singular_basis(p->g, p->rows, p->cols, side == RIGHT, vectors, values, values + n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < r; j++) basis[i * r + j] = (float)vectors[j * n + i];
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const GaloreOptions *o = with;
  Side side = p->rows >= p->cols ? RIGHT : LEFT;
  int64_t r = rank_of(p->rows, p->cols, o), n = low_floats(p->rows, p->cols, o);
  float *u = step->scratch, *low = u + aligned(p->rows * p->cols);
  if ((step->t - 1) % o->gap == 0) refresh(p, side, r, slot[BASIS], step->scratch);
  project(low, p->g, p->rows, p->cols, side, slot[BASIS], r);
  /* eps before the bias correction is eps / sqrt(1 - b2^t) after it. */
  Betas betas = o->betas;
  betas.eps /= sqrt(1 - pow(betas.beta2, (double)step->t));
  rotated_adam(low, slot[M], slot[V], low, n, &betas, step->t);
  project_back(u, p->rows, p->cols, side, slot[BASIS], low, r, 1, 0);
  apply_update(p, step->keep, step->keep * step->rate * o->scale, u); /* decay after the step */
}

static int64_t scratch(const Matrix *p, const void *with) {
  int64_t n = p->rows < p->cols ? p->rows : p->cols;
  int64_t refreshing = 2 * (n * n + n + singular_work(n));
  int64_t stepping = aligned(p->rows * p->cols) + low_floats(p->rows, p->cols, with);
  return refreshing > stepping ? refreshing : stepping;
}

static double flops(const Matrix *p, const void *with) {
  const GaloreOptions *o = with;
  double r = (double)rank_of(p->rows, p->cols, o);
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
    .options = options,
    .options_size = sizeof(GaloreOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
