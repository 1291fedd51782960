/* MuonEq: D. Chang et al., MuonEq: Balancing Before Orthogonalization with Lightweight
   Equilibration, arXiv 2603.28254 (the authors' code, MaeChd/muon-eq 99b6c8b,
   llm-opt-baseline-gpu/llm-baselines/src/optim/muoneq.py):
     B = mu B + G,  Z = G + mu B (Nesterov) or B,
     row i of Z times (||row i||^2 + eps)^(-1/2), or the columns so, or both (of the same Z),
     W = (1 - lr wd) W - lr scale msgn(Z).
   The authors' scale is rms; kj is that of karpathy/nanochat 92d63d4, nanochat/optim.py, which
   equalizes rows too. */
#include <math.h>

#include "optim/parts/lines.h"
#include "optim/parts/variant.h"

#define EQUALIZED(X) X(EQUAL_ROWS, "rows") X(EQUAL_COLUMNS, "columns") X(EQUAL_BOTH, "both")
enum { EQUALIZED(CHOICE_NAME) };

typedef struct {
  Variant muon;
  double eps;
  int equalize;
} MuoneqOptions;

#define FIELD(member) offsetof(MuoneqOptions, member)
static const Option table[] = {
    VARIANT_OPTIONS(MuoneqOptions, muon),
    SHAPE_SCALE_OPTION(MuoneqOptions, muon.scale, "kj"),
    {.name = "equalize", .help = "What gets one length before the orthogonalization",
     .type = OPTION_CHOICE, .at = FIELD(equalize), .fallback = "rows",
     .choices = EQUALIZED(CHOICE_WORD)},
    {.name = "eps", .help = "Constant added to the squared length of a row or column",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "1e-8", .min = 1e-30, .max = 1},
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

typedef struct {
  VariantWork muon;
  double *columns; /* (cols) */
} MuoneqWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  MuoneqWork *w = work;
  variant_layout(&w->muon, s, p, options);
  w->columns = scratch_doubles(s, p->cols);
}

static void find_factors(double *factors, const float *Z, const Matrix *p, Side side, double eps) {
  line_squares(factors, Z, p->rows, p->cols, side);
  for (int64_t i = 0; i < line_count(p->rows, p->cols, side); i++)
    factors[i] = 1 / sqrt(factors[i] + eps);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const MuoneqOptions *o = options;
  const MuoneqWork *work = step->work;
  float *z = work->muon.z;
  double *rows = work->muon.lines, *columns = work->columns;
  momentum_heavy_ball(z, slot[MOMENTUM], p->g, matrix_size(p), o->muon.momentum, o->muon.nesterov);
  if (o->equalize != EQUAL_COLUMNS) find_factors(rows, z, p, LEFT, o->eps);
  if (o->equalize != EQUAL_ROWS) find_factors(columns, z, p, RIGHT, o->eps);
  if (o->equalize != EQUAL_COLUMNS) line_scale(z, p->rows, p->cols, LEFT, rows);
  if (o->equalize != EQUAL_ROWS) line_scale(z, p->rows, p->cols, RIGHT, columns);
  variant_polar(z, &o->muon, p, &work->muon);
  variant_apply(&o->muon, p, step, &work->muon);
}

static double flops(const Matrix *p, const void *options) {
  const MuoneqOptions *o = options;
  return variant_flops(&o->muon, p) + 5 * (double)matrix_size(p);
}

const Optimizer muoneq = {
    .name = "muoneq",
    .summary = "Muon with rows of one length before the orthogonalization",
    .reference = "Chang et al.: MuonEq, arXiv 2603.28254 (code)",
    .published = "lr=0.02",
    .ours = "aux-lr=0.0036",
    .like = "muon",
    .tune = "lr, aux-lr",
    .options = table,
    .options_size = sizeof(MuoneqOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(MuoneqWork),
    .flops = flops,
};
