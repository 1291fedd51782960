/* NorMuon: Z. Li et al., NorMuon: Making Muon more efficient and scalable, arXiv 2510.05491 (the
   authors' code, zichongli5/NorMuon d45c9a4):
     B, Z as in Muon,  U = msgn(Z),  v = b2 v + (1 - b2) mean over each row of U^2,
     U' = U / (sqrt(v) + eps),  U' = ||U|| / (||U'|| + eps) U',  W = (1 - lr wd) W - lr scale U'.
   Dion's repository has its own version: nesterov off, ns-schedule dion, shape-scale spectral,
   eps 1e-8. */
#include <math.h>

#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

typedef struct {
  double momentum, beta2, eps;
  int nesterov, scale;
  Polar polar;
} NormuonOptions;

#define FIELD(member) offsetof(NormuonOptions, member)
static const Option table[] = {
    MOMENTUM_OPTION(NormuonOptions, momentum, "0.95"),
    NESTEROV_OPTION(NormuonOptions, nesterov, "on"),
    {.name = "beta2", .help = "Decay of the second moment of the rows",
     .type = OPTION_REAL, .at = FIELD(beta2), .fallback = "0.95", .below = 1},
    {.name = "eps", .help = "Constant added to the root of the second moment and to the norm",
     .type = OPTION_REAL, .at = offsetof(NormuonOptions, eps), .fallback = "1e-10", .min = 1e-30,
     .max = 1},
    POLAR_OPTIONS(NormuonOptions, polar, "newton-schulz", "jordan"),
    SHAPE_SCALE_OPTION(NormuonOptions, scale, "kj"),
    {0},
};

static int64_t row_floats(const Matrix *p, const void *options) {
  (void)options;
  return p->rows;
}

enum { MOMENTUM, ROWS };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "rows", .kind = SLOT_SECOND, .floats = row_floats},
    {0},
};

/* Divides each row of U (rows,cols) by the root of its second moment v, and keeps the norm of U. */
static void normalize_rows(float *U, float *v, int64_t rows, int64_t cols,
                           const NormuonOptions *o) {
  double before = frobenius_norm(U, rows * cols);
  for (int64_t i = 0; i < rows; i++) {
    double norm = frobenius_norm(U + i * cols, cols);
    v[i] = (float)(o->beta2 * v[i] + (1 - o->beta2) * norm * norm / (double)cols);
    float scale = (float)(1 / (sqrt((double)v[i]) + o->eps));
    for (int64_t j = 0; j < cols; j++) U[i * cols + j] *= scale;
  }
  double after = frobenius_norm(U, rows * cols);
  float back = (float)(before / (after + o->eps));
  for (int64_t i = 0; i < rows * cols; i++) U[i] *= back;
}

typedef struct {
  float *z; /* (rows,cols) */
  PolarWork polar;
} NormuonWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const NormuonOptions *o = options;
  NormuonWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const NormuonOptions *o = options;
  const NormuonWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, size, o->momentum, o->nesterov);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  normalize_rows(z, slot[ROWS], p->rows, p->cols, o);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
}

static double flops(const Matrix *p, const void *options) {
  const NormuonOptions *o = options;
  return 12 * (double)(p->rows * p->cols) + polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer normuon = {
    .name = "normuon",
    .summary = "Muon with rows normalized by a second moment",
    .reference = "Li et al.: NorMuon, arXiv 2510.05491 (code)",
    .published = "lr=0.02",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(NormuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(NormuonWork),
    .flops = flops,
};
