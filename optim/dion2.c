/* Dion2: K. Ahn, N. Amsel, J. Langford, Dion2: A Simple Method to Shrink Matrix in Muon,
   arXiv 2512.16928 (the authors' code, with its Newton-Schulz coefficients, schedule `dion`). Along
   the shorter dimension (rows when rows <= cols):
     M = M + G,  S = the ceil(fraction * side) slices of M with the largest L1 norm,
     those slices of M = mu times themselves (error feedback for the others),
     U = msgn(S),  W = (1 - lr wd) W - lr scale U on those slices only. */
#include <math.h>

#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"
#include "optim/parts/select.h"

typedef struct {
  double momentum, fraction;
  Polar polar;
  int scale;
} Dion2Options;

#define FIELD(member) offsetof(Dion2Options, member)
static const Option options[] = {
    MOMENTUM_OPTION(Dion2Options, momentum, "0.95"),
    {.name = "fraction", .help = "Fraction of the rows or columns that is updated in a step",
     .type = OPTION_REAL, .at = FIELD(fraction), .fallback = "0.25", .max = 1},
    POLAR_OPTIONS(Dion2Options, polar, "newton-schulz", "dion"),
    SHAPE_SCALE_OPTION(Dion2Options, scale, "spectral"),
    {0},
};

static const Slot slots[] = {{.name = "momentum", .floats = slot_full}, {0}};

static int64_t slice_count(int64_t side, const Dion2Options *o) {
  int64_t k = (int64_t)ceil(o->fraction * (double)side);
  return k > 1 ? k : 1;
}

/* What `choose` works with, for each slice. */
typedef struct {
  double size; /* L1 norm */
  int64_t chosen;
} Slice;

static int64_t slices_floats(int64_t side) { return aligned((int64_t)sizeof(Slice) / 4 * side); }

/* The places of the k largest slices of M go to slices[0..k-1].chosen in ascending order; of equal
   ones the first are taken. */
static void choose(Slice *slices, float *order, const float *M, int64_t rows, int64_t cols,
                   int64_t k) {
  int64_t side = rows <= cols ? rows : cols, larger = 0, n = 0;
  for (int64_t i = 0; i < side; i++) slices[i] = (Slice){0, 0};
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) slices[side == rows ? i : j].size += fabsf(M[i * cols + j]);
  for (int64_t i = 0; i < side; i++) order[i] = (float)slices[i].size;
  float least = select_kth(order, side, side - k);
  for (int64_t i = 0; i < side; i++) larger += (float)slices[i].size > least;
  for (int64_t i = 0, equal = k - larger; i < side && n < k; i++) {
    float size = (float)slices[i].size;
    if (size > least || (size == least && equal-- > 0)) slices[n++].chosen = i;
  }
}

static void update(const Matrix *p, float *const *slot, const void *with, Step *step) {
  const Dion2Options *o = with;
  int64_t m = p->rows, n = p->cols, by_rows = m <= n, side = by_rows ? m : n;
  int64_t k = slice_count(side, o), rows = by_rows ? k : m, cols = by_rows ? n : k;
  float *M = slot[0], mu = (float)o->momentum, keep = (float)step->keep;
  Slice *slices = (Slice *)(void *)step->scratch;
  float *S = step->scratch + slices_floats(side);
  for (int64_t i = 0; i < m * n; i++) M[i] += p->g[i];
  choose(slices, S, M, m, n, k); /* S is not in use yet */
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) {
      float *x = &M[by_rows ? slices[i].chosen * n + j : i * n + slices[j].chosen];
      S[i * cols + j] = *x;
      *x *= mu;
    }
  polar_factor(S, rows, cols, &o->polar, S + aligned(rows * cols));
  float amount = (float)(step->rate * shape_scale(o->scale, m, n));
  for (int64_t i = 0; i < m * n; i++) p->w[i] *= keep;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) {
      int64_t at = by_rows ? slices[i].chosen * n + j : i * n + slices[j].chosen;
      p->w[at] -= amount * S[i * cols + j];
    }
}

static int64_t scratch(const Matrix *p, const void *with) {
  const Dion2Options *o = with;
  int64_t by_rows = p->rows <= p->cols, side = by_rows ? p->rows : p->cols;
  int64_t k = slice_count(side, o), m = by_rows ? k : p->rows, n = by_rows ? p->cols : k;
  return slices_floats(side) + aligned(m * n) + polar_scratch(m, n, &o->polar);
}

static double flops(const Matrix *p, const void *with) {
  const Dion2Options *o = with;
  int64_t m = p->rows, n = p->cols, by_rows = m <= n, k = slice_count(by_rows ? m : n, o);
  return 5 * (double)(m * n) + polar_flops(by_rows ? k : m, by_rows ? n : k, &o->polar);
}

const Optimizer dion2 = {
    .name = "dion2",
    .summary = "Muon on the largest rows or columns of the momentum",
    .reference = "Ahn, Amsel, Langford: Dion2, arXiv 2512.16928 (code)",
    .published = "lr=0.02 weight-decay=0.01",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, fraction",
    .options = options,
    .options_size = sizeof(Dion2Options),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .scratch = scratch,
    .flops = flops,
};
