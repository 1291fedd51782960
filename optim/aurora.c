/* Aurora: tilde-research/aurora-release 3d79a5c, src/aurora.py (microsoft/dion d4d4fd5,
   dion/aurora_reference.py, scales wide matrices too). Muon whose orthogonal step has rows of equal
   length if the matrix is tall, and columns of equal length if it is wide. For m > n, else
   transposed:
     B, Z as in Muon,  D = 1 / max(||rows of Z||, eps),  U = msgn(D Z),
     then again  D = D (n/m / max(||rows of U||^2, eps^2))^damping,  U = msgn(D Z),
     W = (1 - lr wd) W - lr scale U.
   A square matrix takes Muon's step: orthogonal rows and columns have length 1. */
#include <math.h>
#include <string.h>

#include "core/int64.h"
#include "optim/parts/lines.h"
#include "optim/parts/variant.h"

typedef struct {
  Variant muon;
  double damping, eps;
  int64_t iterations;
} AuroraOptions;

#define FIELD(member) offsetof(AuroraOptions, member)
static const Option table[] = {
    VARIANT_OPTIONS(AuroraOptions, muon),
    SHAPE_SCALE_OPTION(AuroraOptions, muon.scale, "kj"),
    {.name = "iterations", .help = "Orthogonalizations of a matrix that is not square",
     .type = OPTION_INT, .at = FIELD(iterations), .fallback = "2", .min = 1, .max = 100},
    {.name = "damping", .help = "Exponent of the correction between two of them",
     .type = OPTION_REAL, .at = FIELD(damping), .fallback = "0.5", .max = 1},
    {.name = "eps", .help = "Smallest length that a row or column is divided by",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "1e-7", .min = 1e-30, .max = 1},
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

typedef struct {
  VariantWork muon;
  float *Z;  /* (rows,cols) */
  double *D; /* (long side) */
} AuroraWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  AuroraWork *w = work;
  variant_layout(&w->muon, s, p, options);
  w->Z = scratch_floats(s, matrix_size(p));
  w->D = scratch_doubles(s, i64_max(p->rows, p->cols));
}

/* U becomes msgn(D Z) of the Z that it holds. */
static void equalize(float *U, const Matrix *p, const AuroraOptions *o, const AuroraWork *work) {
  int64_t m = i64_max(p->rows, p->cols), n = i64_min(p->rows, p->cols);
  Side side = long_side(p->rows, p->cols);
  double *D = work->D, *squares = work->muon.lines;
  memcpy(work->Z, U, (size_t)(m * n) * sizeof *U);
  line_squares(squares, U, p->rows, p->cols, side);
  for (int64_t i = 0; i < m; i++) D[i] = 1 / fmax(sqrt(squares[i]), o->eps);
  for (int64_t k = 1;; k++) {
    line_scale(U, p->rows, p->cols, side, D);
    variant_polar(U, &o->muon, p, &work->muon);
    if (k == o->iterations) return;
    line_squares(squares, U, p->rows, p->cols, side);
    for (int64_t i = 0; i < m; i++)
      D[i] *= pow((double)n / (double)m / fmax(squares[i], o->eps * o->eps), o->damping);
    memcpy(U, work->Z, (size_t)(m * n) * sizeof *U);
  }
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const AuroraOptions *o = options;
  const AuroraWork *work = step->work;
  float *z = variant_momentum(&o->muon, p, slot[MOMENTUM], &work->muon);
  if (p->rows == p->cols) variant_polar(z, &o->muon, p, &work->muon);
  else equalize(z, p, o, work);
  variant_apply(&o->muon, p, step, &work->muon);
}

static double flops(const Matrix *p, const void *options) {
  const AuroraOptions *o = options;
  double once = variant_flops(&o->muon, p), more = p->rows != p->cols ? (double)o->iterations : 0;
  return once + (more - (more > 0)) * polar_flops(p->rows, p->cols, &o->muon.polar) +
         more * 3 * (double)matrix_size(p);
}

const Optimizer aurora = {
    .name = "aurora",
    .summary = "Muon with long-side rows or columns of equal length",
    .reference = "Tilde Research: Aurora, 2026 (code)",
    .published = "lr=0.05 weight-decay=0.025",
    .ours = "aux-lr=0.0036",
    .like = "muon",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(AuroraOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(AuroraWork),
    .flops = flops,
};
