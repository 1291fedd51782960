/* The best singular values of a step by the isotropic curvature model, for the momentum of a run
   and several growths of the curvature, beside the powers S^p of --spectral-power. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/int64.h"
#include "core/memory.h"
#include "tools/spectra/curvature.h"
#include "tools/spectra/replay.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { GROWTHS_MAX = 8, POWERS = 4 };
static const double powers[POWERS] = {0, 0.25, 0.5, 1};

/* Smaller singular values, relative to the largest, count as zero. */
static const double NOTHING = 1e-4;

typedef struct {
  char from[OPTION_TEXT], matrix[OPTION_TEXT], shape[OPTION_TEXT], growth[OPTION_TEXT];
  int64_t steps;
} IsotropicOptions;

#define FIELD(member) offsetof(IsotropicOptions, member)
static const Option options[] = {
    {.name = "from",
     .help = "Run or checkpoint whose momentum has the singular values (empty: a random matrix)",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "matrix",
     .help = "Matrix to look at, such as h.0.mlp.c_fc or h.0.attn.c_attn.q (empty: the attention's "
             "output in the middle block)",
     .type = OPTION_WORD, .at = FIELD(matrix), .fallback = "", .needs = "from!="},
    {.name = "steps",
     .help = "Training steps after the checkpoint, repeated in memory to collect the momentum",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "30", .min = 1, .max = 1000,
     .needs = "from!="},
    {.name = "shape", .help = "Shape of the random matrix",
     .type = OPTION_WORD, .at = FIELD(shape), .fallback = "128x128", .needs = "from="},
    {.name = "growth",
     .help = "Even exponents a of the curvature H(r) = r^a / a (2: constant curvature)",
     .type = OPTION_WORD, .at = FIELD(growth), .fallback = "2,4,16,64,256,1024"},
    {0},
};

typedef struct {
  Values s; /* of root mean square 1 */
  char about[240];
  int64_t growth[GROWTHS_MAX];
  int growths;
  double *best[GROWTHS_MAX], *power[POWERS]; /* (s.n), the same */
} Isotropic;

static int start(Isotropic *c, const IsotropicOptions *o, const Output *out, Err *err) {
  if (!*o->from) {
    int64_t sides[2];
    if (read_list("shape", o->shape, 2, 2, 4096, sides, 1, err) < 0) return -1;
    snprintf(c->about, sizeof c->about, "a random %lld x %lld matrix", (long long)sides[0],
             (long long)sides[1]);
    return values_random(&c->s, i64_min(sides[0], sides[1]), i64_max(sides[0], sides[1]),
                         (uint64_t)out->seed, 0, err);
  }
  Replay r;
  int status = replay_open(&r, o->from, o->matrix, o->steps, out->progress, err);
  if (status == 0) {
    snprintf(c->about, sizeof c->about, "the momentum of %.60s, step %lld of %.80s", r.matrix,
             (long long)r.step, o->from);
    status = values_of_matrix(&c->s, r.X[REPLAY_MOMENTUM], r.rows, r.cols, err);
  }
  replay_close(&r);
  return status;
}

/* The values that are not zero, and their powers. */
static void prepare(Isotropic *c) {
  Values *s = &c->s;
  while (s->n > 1 && s->x[s->n - 1] <= NOTHING * s->x[0]) s->n--;
  for (int64_t i = 0; i < s->n; i++) s->x[i] *= sqrt((double)s->n);
  for (int p = 0; p < POWERS; p++) {
    double sum = 0;
    c->power[p] = memory_take((size_t)s->n, sizeof(double));
    for (int64_t i = 0; i < s->n; i++) sum += pow(s->x[i], 2 * powers[p]) / (double)s->n;
    for (int64_t i = 0; i < s->n; i++) c->power[p][i] = pow(s->x[i], powers[p]) / sqrt(sum);
  }
}

static int solve(Isotropic *c, const Output *out, Err *err) {
  for (int i = 0; i < c->growths; i++) {
    char what[64];
    snprintf(what, sizeof what, "growth %lld", (long long)c->growth[i]);
    out->progress(what, (double)i / c->growths);
    c->best[i] = memory_take((size_t)c->s.n, sizeof(double));
    if (curvature_best(c->best[i], c->s.x, c->s.n, c->growth[i] / 2, err)) return -1;
  }
  out->progress("", 1);
  return 0;
}

/* ---- results ---- */

static void print(const Isotropic *c, const Output *out) {
  int64_t middle = c->s.n / 2;
  const double *s = c->s.x;
  Table t = table_make("growth|largest / median|power|S^0|S^0.25|S^0.5|S^1");
  for (int i = 0; i < c->growths; i++) {
    const double *q = c->best[i];
    double share[POWERS];
    for (int p = 0; p < POWERS; p++)
      share[p] = curvature_share(c->power[p], q, s, c->s.n, c->growth[i] / 2);
    table_add(&t, "%lld|%.2f|%.3f|%.3f|%.3f|%.3f|%.3f", (long long)c->growth[i],
              q[0] / q[middle], log(q[0] / q[middle]) / log(s[0] / s[middle]), share[0], share[1],
              share[2], share[3]);
  }
  out->say("\nThe best step by the isotropic curvature model, H(r) = r^growth / growth, for\n%s:\n"
           "%lld singular values, the largest %.2f times the median. Power: p of an S^p with the\n"
           "same ratio. S^0 (Muon) to S^1 (momentum): their gain as a share of the best one's",
           c->about, (long long)c->s.n, s[0] / s[middle]);
  out->show(&t);
  table_free(&t);
}

static int csv(const Isotropic *c, const Output *out, Err *err) {
  Table t = table_make("growth|number|singular value|best step");
  for (int i = 0; i < c->growths; i++)
    for (int64_t k = 0; k < c->s.n; k++)
      table_add(&t, "%lld|%lld|%.6g|%.6g", (long long)c->growth[i], (long long)k + 1, c->s.x[k],
                c->best[i][k]);
  return out->csv(out, "isotropic", &t, err);
}

/* The smallest value first, so that the label is at the largest. */
static void draw_curve(Figure *f, const Isotropic *c, SeriesKind kind, Look look, const double *y,
                       const char *label) {
  int n = (int)c->s.n;
  Series *series = figure_add(f, kind, look, n, label);
  for (int k = 0; k < n; k++) series->x[k] = c->s.x[n - 1 - k], series->y[k] = y[n - 1 - k];
}

static int draw(const Isotropic *c, const Output *out, Err *err) {
  char title[300], label[32];
  snprintf(title, sizeof title, "The best singular values of a step for %s", c->about);
  Figure f = figure_make(title, "singular value of the momentum / root mean square",
                         "of the step / root mean square");
  snprintf(f.caption, sizeof f.caption,
           "Isotropic curvature model with H(r) = r^a / a. With a constant curvature (a = 2) the "
           "momentum itself is best, with a steep one equal singular values, Muon's step. Thin: "
           "powers of the momentum.");
  f.x_scale = f.y_scale = SCALE_LOG;
  f.x_min = f.y_min = fmax(values_quantile(&c->s, 0.1), 0.02), f.x_max = 1.05 * c->s.x[0];
  for (int p = 0; p < POWERS - 1; p++) {
    snprintf(label, sizeof label, "S^%g", powers[p]);
    draw_curve(&f, c, SERIES_FAINT, palette_nth(6), c->power[p], label);
  }
  for (int i = 0; i < c->growths; i++) {
    snprintf(label, sizeof label, "a = %lld", (long long)c->growth[i]);
    draw_curve(&f, c, SERIES_LINE, palette_nth(i), c->best[i], label);
  }
  return out->figure(out, "isotropic", &f, err);
}

static int run(const void *with, const Output *out, Err *err) {
  const IsotropicOptions *o = with;
  Isotropic c = {0};
  c.growths = read_list("growth", o->growth, 1, 2, 2 * CURVATURE_K_MAX, c.growth, GROWTHS_MAX, err);
  for (int i = 0; i < c.growths; i++)
    if (c.growth[i] % 2)
      return fail(err, "--growth %s: %lld is odd: even numbers are allowed", o->growth,
                  (long long)c.growth[i]);
  int status = c.growths < 0 || start(&c, o, out, err) ? -1 : 0;
  if (status == 0) prepare(&c);
  if (status == 0) status = solve(&c, out, err);
  if (status == 0) print(&c, out);
  if (status == 0) status = csv(&c, out, err) || draw(&c, out, err) ? -1 : 0;
  for (int i = 0; i < GROWTHS_MAX; i++) free(c.best[i]);
  for (int p = 0; p < POWERS; p++) free(c.power[p]);
  values_free(&c.s);
  return status;
}

const Study study_isotropic = {"isotropic", "the best spectrum of a step by a model of curvature",
                               options, sizeof(IsotropicOptions), run};
