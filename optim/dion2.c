/* Dion2: K. Ahn, N. Amsel, J. Langford, Dion2: A Simple Method to Shrink Matrix in Muon,
   arXiv 2512.16928 (the authors' code, with its Newton-Schulz coefficients, schedule `dion`). Along
   the shorter dimension (rows when rows <= cols):
     M = M + G,  S = the ceil(fraction * side) slices of M with the largest L1 norm,
     those slices of M = mu times themselves (error feedback for the others),
     U = msgn(S),  W = (1 - lr wd) W - lr scale U on those slices only. */
#include <math.h>

#include "core/int64.h"
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
static const Option table[] = {
    MOMENTUM_OPTION(Dion2Options, momentum, "0.95"),
    {.name = "fraction", .help = "Fraction of the rows or columns that is updated in a step",
     .type = OPTION_REAL, .at = FIELD(fraction), .fallback = "0.25", .max = 1},
    POLAR_OPTIONS(Dion2Options, polar, "newton-schulz", "dion"),
    SHAPE_SCALE_OPTION(Dion2Options, scale, "spectral"),
    {0},
};

enum { MOMENTUM };
static const Slot slots[] = {{.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full}, {0}};

/* The rows and columns of the k slices that a step updates: rows of a wide matrix, else columns. */
typedef struct {
  int64_t k, rows, cols;
} Chosen;

static int by_rows(const Matrix *p) { return p->rows <= p->cols; }

static Chosen chosen_of(const Matrix *p, const Dion2Options *o) {
  double side = (double)i64_min(p->rows, p->cols);
  int64_t k = i64_max((int64_t)ceil(o->fraction * side), 1);
  return (Chosen){k, by_rows(p) ? k : p->rows, by_rows(p) ? p->cols : k};
}

typedef struct {
  double *norm;    /* (side) L1 norms of the slices */
  float *order;    /* (side) */
  int64_t *chosen; /* (k) */
  float *S;        /* the chosen slices of the momentum */
  PolarWork polar;
} Dion2Work;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const Dion2Options *o = options;
  Dion2Work *w = work;
  Chosen c = chosen_of(p, o);
  int64_t side = i64_min(p->rows, p->cols);
  w->norm = scratch_doubles(s, side);
  w->order = scratch_floats(s, side);
  w->chosen = scratch_take(s, c.k, sizeof *w->chosen);
  w->S = scratch_floats(s, c.rows * c.cols);
  polar_layout(&w->polar, s, c.rows, c.cols, &o->polar);
}

/* work->chosen (k) = the slices of M with the largest norms, in ascending order; of equal ones the
   first are taken. */
static void choose(const Dion2Work *work, const Matrix *p, const float *M, int64_t k) {
  int64_t side = i64_min(p->rows, p->cols), larger = 0, n = 0;
  double *norm = work->norm;
  float *order = work->order;
  for (int64_t i = 0; i < side; i++) norm[i] = 0;
  for (int64_t i = 0; i < p->rows; i++)
    for (int64_t j = 0; j < p->cols; j++) norm[by_rows(p) ? i : j] += fabsf(M[i * p->cols + j]);
  for (int64_t i = 0; i < side; i++) order[i] = (float)norm[i];
  float smallest = select_kth(order, side, side - k);
  for (int64_t i = 0; i < side; i++) larger += (float)norm[i] > smallest;
  for (int64_t i = 0, equal = k - larger; i < side && n < k; i++) {
    float size = (float)norm[i];
    if (size > smallest || (size == smallest && equal-- > 0)) work->chosen[n++] = i;
  }
}

/* Where number (i,j) of the chosen slices is in the matrix. */
static int64_t place(const Matrix *p, const int64_t *chosen, int64_t i, int64_t j) {
  return by_rows(p) ? chosen[i] * p->cols + j : i * p->cols + chosen[j];
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const Dion2Options *o = options;
  const Dion2Work *work = step->work;
  Chosen c = chosen_of(p, o);
  float *M = slot[MOMENTUM], *S = work->S, mu = (float)o->momentum, keep = (float)step->keep;
  for (int64_t i = 0; i < p->rows * p->cols; i++) M[i] += p->g[i];
  choose(work, p, M, c.k);
  for (int64_t i = 0; i < c.rows; i++)
    for (int64_t j = 0; j < c.cols; j++) {
      float *x = &M[place(p, work->chosen, i, j)];
      S[i * c.cols + j] = *x;
      *x *= mu;
    }
  polar_factor(S, c.rows, c.cols, &o->polar, &work->polar);
  float amount = (float)(step->rate * shape_scale(o->scale, p->rows, p->cols));
  for (int64_t i = 0; i < p->rows * p->cols; i++) p->w[i] *= keep;
  for (int64_t i = 0; i < c.rows; i++)
    for (int64_t j = 0; j < c.cols; j++)
      p->w[place(p, work->chosen, i, j)] -= amount * S[i * c.cols + j];
}

static double flops(const Matrix *p, const void *options) {
  const Dion2Options *o = options;
  Chosen c = chosen_of(p, o);
  return 5 * (double)(p->rows * p->cols) + polar_flops(c.rows, c.cols, &o->polar);
}

const Optimizer dion2 = {
    .name = "dion2",
    .summary = "Muon on the largest rows or columns of the momentum",
    .reference = "Ahn, Amsel, Langford: Dion2, arXiv 2512.16928 (code)",
    .published = "lr=0.02 weight-decay=0.01",
    .ours = "aux-lr=0.0036",
    .tune = "lr, aux-lr, fraction",
    .options = table,
    .options_size = sizeof(Dion2Options),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(Dion2Work),
    .flops = flops,
};
