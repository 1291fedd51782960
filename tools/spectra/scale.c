/* Random matrices of many shapes: their singular values against size, and what each Newton-Schulz
   schedule leaves of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/int64.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { SIZES_MAX = 16, ASPECTS_MAX = 6, MATRICES_MAX = 256, QUANTILES = 6, HALVES = 4 };

static const struct {
  const char *name;
  double q;
  int look; /* -1: not drawn */
} quantiles[QUANTILES] = {{"smallest", 0, 1}, {"1%", 0.01, 3}, {"10%", 0.1, 4},
                          {"median", 0.5, 0}, {"90%", 0.9, -1}, {"largest", 1, 6}};

/* The schedules and quantiles whose steps to one half are counted. */
static const struct {
  const char *name;
  int schedule, quantile;
} halves[HALVES] = {{"1% by jordan", NS_JORDAN, 1}, {"smallest by jordan", NS_JORDAN, 0},
                    {"1% by polar-express", NS_POLAR_EXPRESS, 1},
                    {"smallest by polar-express", NS_POLAR_EXPRESS, 0}};

typedef struct {
  char sizes[OPTION_TEXT], aspects[OPTION_TEXT];
  int64_t seeds, steps;
} ScaleOptions;

#define FIELD(member) offsetof(ScaleOptions, member)
static const Option options[] = {
    {.name = "sizes", .help = "Short sides of the matrices",
     .type = OPTION_WORD, .at = FIELD(sizes), .fallback = "64,128,256,512,1024,2048,4096"},
    {.name = "aspects", .help = "Ratios of long side to short side",
     .type = OPTION_WORD, .at = FIELD(aspects), .fallback = "1,2,3,4"},
    {.name = "seeds", .help = "Minimum number of matrices per shape (small shapes use more)",
     .type = OPTION_INT, .at = FIELD(seeds), .fallback = "3", .min = 1, .max = MATRICES_MAX},
    {.name = "steps", .help = "Newton-Schulz steps to follow",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "10", .min = 1, .max = NS_STEPS_MAX},
    {0},
};

/* What is measured, as means over the matrices of a shape, or expected by the law. */
typedef struct {
  double log_quantile[QUANTILES], half[HALVES];
  Effect left[NS_SCHEDULE_COUNT][NS_STEPS_MAX]; /* after 1, 2, ... steps */
} Numbers;

/* Sums for a straight line through (x,y). */
typedef struct {
  double n, x, y, xx, xy, yy;
} Fit;

typedef struct {
  const ScaleOptions *options;
  const Output *out;
  int64_t sizes[SIZES_MAX], aspects[ASPECTS_MAX]; /* ascending */
  int size_count, aspect_count;
  double work, done;                   /* of all matrices, and of those measured */
  Fit fits[QUANTILES];                 /* of ln(quantile) to ln(size), for one aspect */
  Sheet quantiles, left, half;         /* for one aspect; the last two only for the first */
  Table csv;
} Scale;

static int ascending_int(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Small matrices cost little, and the smallest singular value of a square one varies by a factor of
   three from matrix to matrix: use more of them. */
static int matrices_of(const Scale *c, int64_t s, int64_t l) {
  int64_t small = s == l ? 4096 : 1024, n = c->options->seeds * i64_max(1, small / s);
  return (int)i64_min(n, MATRICES_MAX);
}

static double work_of(int64_t s, int64_t l) { /* Gram matrix, eigenvalues, random numbers */
  return (double)s * (double)s * (double)(l + 6 * s) + 300 * (double)s * (double)l;
}

static int plan(Scale *c, Err *err) {
  c->size_count = read_list("sizes", c->options->sizes, 1, 8, 32768, c->sizes, SIZES_MAX, err);
  if (c->size_count < 0) return -1;
  c->aspect_count = read_list("aspects", c->options->aspects, 1, 1, 64, c->aspects, ASPECTS_MAX,
                              err);
  if (c->aspect_count < 0) return -1;
  qsort(c->sizes, (size_t)c->size_count, sizeof *c->sizes, ascending_int);
  qsort(c->aspects, (size_t)c->aspect_count, sizeof *c->aspects, ascending_int);
  int matrices = 0;
  int64_t side = c->sizes[c->size_count - 1], longest = side * c->aspects[c->aspect_count - 1];
  for (int i = 0; i < c->aspect_count * c->size_count; i++) {
    int64_t s = c->sizes[i % c->size_count], l = s * c->aspects[i / c->size_count];
    matrices += matrices_of(c, s, l);
    c->work += matrices_of(c, s, l) * work_of(s, l);
  }
  c->out->say("%d matrices; the largest needs %.0f MB of memory", matrices,
              values_random_bytes(side, longest) / 1e6);
  return 0;
}

/* The quantile by the law; of the smallest value of a square, the geometric mean. */
static double expected_quantile(int64_t s, int64_t l, double q) {
  double size = (double)s;
  if (q == 0 && s == l) return smallest_geometric_mean() / (size * sqrt(size));
  return law_quantile(size / (double)l, q) / sqrt(size);
}

/* At least five values below the quantile, so that the law describes it. */
static int resolves(int64_t s, double q) { return q == 0 || q * (double)s >= 5; }

/* Adds the numbers of some values, of which the quantiles are given. */
static void add_numbers(const Scale *c, Numbers *sum, double weight, const Values *v,
                        const double *quantile) {
  for (int k = 0; k < QUANTILES; k++) sum->log_quantile[k] += weight * log(quantile[k]);
  for (int k = 0; k < HALVES; k++)
    sum->half[k] += weight * steps_to_half(quantile[halves[k].quantile], halves[k].schedule);
  for (int schedule = 0; schedule < NS_SCHEDULE_COUNT; schedule++) {
    Values x = values_copy(v);
    values_margin(&x, schedule);
    for (int64_t k = 0; k < i64_max(c->options->steps, schedule_steps(schedule)); k++) {
      Effect *left = &sum->left[schedule][k];
      values_step(&x, schedule, k);
      Effect e = values_effect(&x);
      left->below_half += weight * e.below_half;
      left->error += weight * e.error;
      left->gram += weight * e.gram;
    }
    values_free(&x);
  }
}

static int measure(Scale *c, int64_t s, int64_t l, uint32_t index, Numbers *got, Err *err) {
  int count = matrices_of(c, s, l);
  for (int j = 0; j < count; j++) {
    Values v;
    double quantile[QUANTILES], x = log((double)s);
    char what[128];
    snprintf(what, sizeof what, "%lld x %lld, matrix %d of %d", (long long)s, (long long)l, j + 1,
             count);
    c->out->progress(what, c->done / c->work);
    if (values_random(&v, s, l, (uint64_t)c->out->seed, index + (uint32_t)j, err)) return -1;
    for (int k = 0; k < QUANTILES; k++) {
      quantile[k] = fmax(values_quantile(&v, quantiles[k].q), 1e-30);
      double y = log(quantile[k]);
      Fit *f = &c->fits[k];
      if (resolves(s, quantiles[k].q))
        f->n++, f->x += x, f->y += y, f->xx += x * x, f->xy += x * y, f->yy += y * y;
    }
    add_numbers(c, got, 1.0 / count, &v, quantile);
    values_free(&v);
    c->done += work_of(s, l);
  }
  return 0;
}

static void expect(const Scale *c, int64_t s, int64_t l, Numbers *want) {
  double quantile[QUANTILES];
  Values law = values_of_law(s, l);
  for (int k = 0; k < QUANTILES; k++) quantile[k] = expected_quantile(s, l, quantiles[k].q);
  add_numbers(c, want, 1, &law, quantile);
  values_free(&law);
}

/* ---- tables and figures ---- */

static void put(Sheet *s, int curve, int row, double measured, double expected) {
  s->curve[curve].y[row] = measured;
  s->curve[curve].expected[row] = expected;
}

/* The numbers of a shape to scale.csv and to row i of the tables. */
static void record(Scale *c, int64_t s, int64_t l, int i, int first, const Numbers *got,
                   const Numbers *want) {
  char start[96];
  snprintf(start, sizeof start, "1:%lld|%lld|%d|", (long long)(l / s), (long long)s,
           matrices_of(c, s, l));
  for (int k = 0; k < QUANTILES; k++) {
    put(&c->quantiles, k, i, exp(got->log_quantile[k]), exp(want->log_quantile[k]));
    table_add(&c->csv, "%s%s||%.6g|%.6g", start, quantiles[k].name, exp(got->log_quantile[k]),
              exp(want->log_quantile[k]));
  }
  for (int n = 0; n < NS_SCHEDULE_COUNT; n++) {
    const char *name = schedule_name(n);
    const Effect *g = got->left[n], *w = want->left[n];
    int64_t own = schedule_steps(n) - 1;
    if (first) put(&c->left, n, i, 100 * g[own].below_half, 100 * w[own].below_half);
    for (int k = 0; k < c->options->steps; k++) {
      table_add(&c->csv, "%s%s: share below 1/2|%d|%.6g|%.6g", start, name, k + 1,
                g[k].below_half, w[k].below_half);
      table_add(&c->csv, "%s%s: mean of abs(x - 1)|%d|%.6g|%.6g", start, name, k + 1, g[k].error,
                w[k].error);
      table_add(&c->csv, "%s%s: norm of X X^T - I over sqrt(s)|%d|%.6g|%.6g", start, name, k + 1,
                g[k].gram, w[k].gram);
    }
  }
  for (int k = 0; k < HALVES && first; k++) put(&c->half, k, i, got->half[k], want->half[k]);
}

static void name_rows(const Scale *c, Sheet *s, int64_t aspect) {
  *s = (Sheet){.digits = 3, .rows = c->size_count};
  for (int i = 0; i < s->rows; i++) {
    s->x[i] = (double)c->sizes[i];
    snprintf(s->names[i], sizeof s->names[i], "%lld x %lld", (long long)c->sizes[i],
             (long long)(c->sizes[i] * aspect));
  }
}

static void name_curves(Scale *c) {
  for (int k = 0; k < HALVES; k++) sheet_curve(&c->half, halves[k].name, NULL);
  for (int n = 0; n < NS_SCHEDULE_COUNT; n++) {
    Look look = palette_schedule(schedule_name(n));
    char label[64];
    snprintf(label, sizeof label, "%s, %d steps", schedule_name(n), schedule_steps(n));
    sheet_curve(&c->left, label, n == NS_CLASSICAL || n == NS_CUBIC || n == NS_DION ||
                                 n == NS_CONVERGED ? NULL : &look);
  }
}

static Figure size_figure(const Scale *c, const char *title, const char *y_label,
                          const char *caption) {
  Figure f = figure_make(title, "short side of the matrix", y_label);
  snprintf(f.caption, sizeof f.caption, "%s", caption);
  f.x_scale = SCALE_DOUBLINGS;
  f.x_min = (double)c->sizes[0] / 1.05, f.x_max = (double)c->sizes[c->size_count - 1] * 1.05;
  return f;
}

static void show_quantiles(Scale *c, int64_t aspect, int shade, Figure *f) {
  for (int k = 0; k < QUANTILES; k++) {
    const Fit *a = &c->fits[k];
    Curve *curve = &c->quantiles.curve[k];
    double xx = a->xx - a->x * a->x / a->n, xy = a->xy - a->x * a->y / a->n;
    double rest = fmax(0, a->yy - a->y * a->y / a->n - xy * xy / xx);
    if (c->size_count > 1 && isfinite(xy / xx))
      snprintf(curve->trend, sizeof curve->trend, "%.3f +- %.3f (%.1f)", xy / xx,
               sqrt(rest / (a->n - 2) / xx), aspect == 1 && quantiles[k].q == 0 ? -1.5 : -0.5);
  }
  c->out->say("\nQuantiles of the singular values of random matrices of norm 1: measured "
              "(expected);\ntrend: their slope in ln(size) with its standard error (expected)");
  sheet_show(&c->quantiles, "shape", c->out);
  for (int k = 0; k < QUANTILES; k++) { /* of longer matrices only the smallest is drawn */
    Curve *curve = &c->quantiles.curve[k];
    curve->drawn = aspect == 1 ? quantiles[k].look >= 0 : k == 0;
    curve->look = aspect == 1 && curve->drawn ? palette_nth(quantiles[k].look)
                                              : palette_shade(palette_nth(2), shade);
    snprintf(curve->label, sizeof curve->label, "%s, 1:%lld", quantiles[k].name,
             (long long)aspect);
  }
  sheet_draw(&c->quantiles, f);
}

static void show_steps(Scale *c) {
  for (int k = 0; k < 2; k++) { /* of Jordan, whose steps multiply small values by 3.4445 */
    Curve *curve = &c->half.curve[k];
    int from = 0, last = c->size_count - 1, smallest = halves[k].quantile == 0;
    while (from < last && !resolves(c->sizes[from], quantiles[halves[k].quantile].q)) from++;
    double doublings = log2(c->half.x[last] / c->half.x[from]);
    if (from < last)
      snprintf(curve->trend, sizeof curve->trend, "%.2f (%.2f)",
               (curve->y[last] - curve->y[from]) / doublings,
               (smallest && c->aspects[0] == 1 ? 1.5 : 0.5) * log(2) / log(3.4445));
  }
  c->out->say("\nPer cent of the directions that are left below one half: measured (expected)");
  sheet_show(&c->left, "shape", c->out);
  c->out->say("\nSteps until a singular value reaches one half: measured (expected);\n"
              "trend: more steps for each doubling of the size");
  sheet_show(&c->half, "shape", c->out);
}

static int study(Scale *c, Figure *values, Err *err) {
  for (int a = 0; a < c->aspect_count; a++) {
    for (int k = 0; k < QUANTILES; k++) c->fits[k] = (Fit){0};
    name_rows(c, &c->quantiles, c->aspects[a]);
    for (int k = 0; k < QUANTILES; k++) sheet_curve(&c->quantiles, quantiles[k].name, NULL);
    for (int i = 0; i < c->size_count; i++) {
      static Numbers got, want;
      int64_t s = c->sizes[i], l = s * c->aspects[a];
      got = want = (Numbers){0};
      uint32_t index = (uint32_t)((a * c->size_count + i) * MATRICES_MAX);
      if (measure(c, s, l, index, &got, err)) return -1;
      expect(c, s, l, &want);
      record(c, s, l, i, a == 0, &got, &want);
    }
    c->out->progress("", 1);
    show_quantiles(c, c->aspects[a], a, values);
  }
  return 0;
}

static int run(const void *with, const Output *out, Err *err) {
  static Scale c;
  c = (Scale){.options = with, .out = out};
  if (plan(&c, err)) return -1;
  Figure values = size_figure(
      &c, "Singular values of random matrices of norm 1", "singular value (thin: expected)",
      "The larger the matrix, the smaller its singular values, and the smallest of a square matrix "
      "falls fastest. Matrices that are longer than wide (1:2 and more) have no such small "
      "values.");
  Figure left = size_figure(
      &c, "Directions that Newton-Schulz leaves below one half", "per cent (thin: expected)",
      "With a fixed number of steps, more directions of a random matrix stay small as it grows. "
      "Coefficients with a larger slope at 0, or more steps, leave fewer.");
  values.y_scale = SCALE_LOG, left.y_min = 0;
  c.csv = table_make("aspect|size|matrices|quantity|steps|measured|expected");
  name_rows(&c, &c.left, c.aspects[0]);
  name_rows(&c, &c.half, c.aspects[0]);
  name_curves(&c);
  if (study(&c, &values, err)) return -1;
  show_steps(&c);
  sheet_draw(&c.left, &left);
  return out->csv(out, "scale", &c.csv, err) || out->figure(out, "scale-values", &values, err) ||
         out->figure(out, "scale-left", &left, err);
}

const Study study_scale = {"scale", "singular values of random matrices against their size",
                           options, sizeof(ScaleOptions), run};
