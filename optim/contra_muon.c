/* Contra-Muon: nilin/contra-muon, as in KellerJordan/modded-nanogpt 5754e86, records/
   track_3_optimization/results/20260501_contra_muon/train_gpt_simple_contra_muon_2.py. A part of
   the momentum is subtracted from Muon's step, which makes small singular values larger than large
   ones; the rest is NorMuon along the longer side, and a smallest step:
     B, Z as in Muon,  O = msgn(Z),  C = O - contra Z / ||Z||_2,  C = ||O|| / ||C|| C,
     v = b2 v + (1 - b2) mean of C^2 over each row (m >= n) or column,  U = C / (sqrt(v) + eps),
     U = ||C|| / ||U|| U,  W = (1 - lr wd) W - lr max(scale, floor ||W|| / ||U||) U.
   ||Z||_2 is estimated by five power iterations from a vector of equal numbers. */
#include <math.h>
#include <string.h>

#include "core/int64.h"
#include "optim/parts/lines.h"
#include "optim/parts/variant.h"

typedef struct {
  Variant muon;
  LineMoment moment;
  double contra, floor;
} ContraMuonOptions;

#define FIELD(member) offsetof(ContraMuonOptions, member)
static const Option table[] = {
    VARIANT_OPTIONS(ContraMuonOptions, muon),
    SHAPE_SCALE_OPTION(ContraMuonOptions, muon.scale, "kj"),
    {.name = "contra", .help = "Weight of the momentum of norm 1 that is subtracted",
     .type = OPTION_REAL, .at = FIELD(contra), .fallback = "0.2", .max = 100},
    LINE_MOMENT_OPTIONS(ContraMuonOptions, moment, "1e-10", "rows or columns"),
    {.name = "floor", .help = "Smallest norm of the step before the rate, as a fraction of that of "
                              "the weights (0: none)",
     .type = OPTION_REAL, .at = FIELD(floor), .fallback = "0.35", .max = 1e6},
    {0},
};

static int64_t line_floats(const Matrix *p, const void *options) {
  (void)options;
  return i64_max(p->rows, p->cols);
}

enum { MOMENTUM, LINES };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "lines", .kind = SLOT_SECOND, .floats = line_floats},
    {0},
};

typedef struct {
  VariantWork muon;
  float *Z;      /* (rows,cols) */
  double *right; /* (cols) */
} ContraMuonWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  ContraMuonWork *w = work;
  variant_layout(&w->muon, s, p, options);
  w->Z = scratch_floats(s, matrix_size(p));
  w->right = scratch_doubles(s, p->cols);
}

enum { POWER_ITERATIONS = 5 };
static const double SMALLEST = 1e-10;

/* ||X||_2 of X (rows,cols), from below. v, next: (cols); in each round next = X^T X v. */
static double spectral_norm(const float *X, int64_t rows, int64_t cols, double *v, double *next) {
  double square = 0;
  for (int64_t j = 0; j < cols; j++) v[j] = 1 / sqrt((double)cols);
  for (int k = 0; k <= POWER_ITERATIONS; k++) {
    double length = 0;
    square = 0;
    memset(next, 0, (size_t)cols * sizeof *next);
    for (int64_t i = 0; i < rows; i++) {
      const float *row = X + i * cols;
      double u = 0;
      for (int64_t j = 0; j < cols; j++) u += (double)row[j] * v[j];
      for (int64_t j = 0; j < cols; j++) next[j] += u * (double)row[j];
      square += u * u;
    }
    for (int64_t j = 0; j < cols; j++) length += next[j] * next[j];
    for (int64_t j = 0; j < cols && length > 0; j++) v[j] = next[j] / sqrt(length);
  }
  return fmax(sqrt(square), SMALLEST);
}

/* O (rows,cols) becomes O - contra Z / ||Z||_2 of the norm of O. */
static void subtract(float *O, const Matrix *p, const ContraMuonOptions *o,
                     const ContraMuonWork *work) {
  int64_t size = matrix_size(p);
  double before = frobenius_norm(O, size);
  double norm = spectral_norm(work->Z, p->rows, p->cols, work->right, work->muon.lines);
  for (int64_t i = 0; i < size; i++) O[i] -= (float)(o->contra / norm * (double)work->Z[i]);
  scale_numbers(O, size, 1, before / fmax(frobenius_norm(O, size), SMALLEST));
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const ContraMuonOptions *o = options;
  const ContraMuonWork *work = step->work;
  int64_t size = matrix_size(p);
  float *z = variant_momentum(&o->muon, p, slot[MOMENTUM], &work->muon);
  memcpy(work->Z, z, (size_t)size * sizeof *z);
  variant_polar(z, &o->muon, p, &work->muon);
  subtract(z, p, o, work);
  lines_normalize(z, slot[LINES], p->rows, p->cols, long_side(p->rows, p->cols), &o->moment,
                  work->muon.lines);
  double smallest = o->floor * frobenius_norm(p->w, size) / fmax(frobenius_norm(z, size), SMALLEST);
  double scale = fmax(shape_scale(o->muon.scale, p->rows, p->cols), smallest);
  apply_update(p, step->keep, step->rate * scale, z);
}

static double flops(const Matrix *p, const void *options) {
  const ContraMuonOptions *o = options;
  return variant_flops(&o->muon, p) + (4 * POWER_ITERATIONS + 18) * (double)matrix_size(p);
}

const Optimizer contra_muon = {
    .name = "contra-muon",
    .summary = "Muon less a part of the momentum, with normalized rows or columns",
    .reference = "nilin/contra-muon; modded-nanogpt, track 3, 2026-05-01 (code)",
    .published = "lr=0.0375",
    .ours = "aux-lr=0.0036",
    .like = "muon",
    .tune = "lr, aux-lr, contra",
    .options = table,
    .options_size = sizeof(ContraMuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(ContraMuonWork),
    .flops = flops,
};
