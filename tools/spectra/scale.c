/* Random matrices of many shapes: their singular values against size, and what each Newton-Schulz
   schedule leaves of them. All rows are in scale.csv; the terminal shows a selection. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/spectra/shape.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { SIZES_MAX = 16, ASPECTS_MAX = 6, MATRICES_MAX = 256, QUANTILES = 6 };

static const double quantiles[QUANTILES] = {0, 0.01, 0.1, 0.5, 0.9, 1};
static const char *const quantile_names[QUANTILES] = {"smallest", "1%", "10%", "median", "90%",
                                                      "largest"};

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

/* All matrices of one shape (s,l), s <= l, and their law. */
typedef struct {
  int64_t s, l;
  int count;
  Values values[MATRICES_MAX], law;
} ShapeSample;

typedef struct {
  const Output *output;
  int64_t steps, sizes[SIZES_MAX], aspects[ASPECTS_MAX]; /* ascending */
  int size_count, aspect_count;
  ShapeSample *shapes; /* (aspect_count, size_count) */
  Table csv;
} Scale;

static ShapeSample *shape_at(const Scale *c, int aspect, int size) {
  return &c->shapes[aspect * c->size_count + size];
}

/* ---- measuring ---- */

/* Small matrices cost little, and the smallest singular value of a square one varies by a factor of
   three from matrix to matrix: use more of them. */
static int matrices_of(int64_t s, int64_t aspect, int64_t seeds) {
  int64_t small = aspect == 1 ? 4096 : 1024, n = seeds * (s < small ? small / s : 1);
  return n > MATRICES_MAX ? MATRICES_MAX : (int)n;
}

static double work_of(const ShapeSample *h) {
  double s = (double)h->s, l = (double)h->l;
  return s * s * l + 6 * s * s * s + 300 * s * l; /* Gram, eigenvalues, random numbers */
}

static int measure(Scale *c, Err *err) {
  double all = 0, done = 0, started = clock_seconds();
  int n = c->aspect_count * c->size_count, status = 0;
  for (int i = 0; i < n; i++) all += c->shapes[i].count * work_of(&c->shapes[i]);
  for (int i = 0; i < n; i++) {
    ShapeSample *h = &c->shapes[i];
    h->law = values_of_law(h->s, h->l);
    for (int j = 0; status == 0 && j < h->count; j++) {
      char what[128];
      snprintf(what, sizeof what, "%lld x %lld, matrix %d of %d", (long long)h->s,
               (long long)h->l, j + 1, h->count);
      output_progress(what, done / all, started);
      status = values_random(&h->values[j], h->s, h->l, (uint64_t)c->output->seed,
                             (uint32_t)(i * MATRICES_MAX + j), err);
      done += work_of(h);
    }
  }
  output_progress_end();
  return status;
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int plan(Scale *c, const ScaleOptions *o, Err *err) {
  c->size_count = read_numbers(o->sizes, "sizes", 8, 32768, c->sizes, SIZES_MAX, err);
  if (c->size_count < 0) return -1;
  c->aspect_count = read_numbers(o->aspects, "aspects", 1, 64, c->aspects, ASPECTS_MAX, err);
  if (c->aspect_count < 0) return -1;
  qsort(c->sizes, (size_t)c->size_count, sizeof *c->sizes, ascending);
  qsort(c->aspects, (size_t)c->aspect_count, sizeof *c->aspects, ascending);
  c->shapes = memory_take((size_t)(c->size_count * c->aspect_count), sizeof *c->shapes);
  int matrices = 0;
  for (int a = 0; a < c->aspect_count; a++)
    for (int i = 0; i < c->size_count; i++) {
      ShapeSample *h = shape_at(c, a, i);
      h->s = c->sizes[i];
      h->l = h->s * c->aspects[a];
      h->count = matrices_of(h->s, c->aspects[a], o->seeds);
      matrices += h->count;
    }
  printf("%d matrices; the largest needs %.0f MB of memory\n", matrices,
         (double)values_random_bytes(c->sizes[c->size_count - 1]) / 1e6);
  fflush(stdout);
  return 0;
}

static void csv_row(Scale *c, const ShapeSample *h, const char *quantity, int64_t steps,
                    double measured, double expected) {
  table_row(&c->csv);
  table_set(&c->csv, 0, "1:%lld", (long long)(h->l / h->s));
  table_set(&c->csv, 1, "%lld", (long long)h->s);
  table_set(&c->csv, 2, "%d", h->count);
  table_set(&c->csv, 3, "%s", quantity);
  if (steps) table_set(&c->csv, 4, "%lld", (long long)steps);
  table_set(&c->csv, 5, "%.6g", measured);
  table_set(&c->csv, 6, "%.6g", expected);
}

/* ---- singular values against size ---- */

static double log_quantile(const ShapeSample *h, int j, double q) {
  return log(fmax(values_quantile(&h->values[j], q), 1e-30));
}

/* Geometric mean of the matrices' q-quantiles. */
static double measured(const ShapeSample *h, double q) {
  double sum = 0;
  for (int j = 0; j < h->count; j++) sum += log_quantile(h, j, q);
  return exp(sum / h->count);
}

/* The q-quantile by the law; for q = 0 of a square, the geometric mean of the smallest value. */
static double expected(const ShapeSample *h, double q) {
  double s = (double)h->s;
  if (q == 0 && h->s == h->l) return smallest_geometric_mean() / (s * sqrt(s));
  return law_quantile(s / (double)h->l, q) / sqrt(s);
}

/* At least five values below the quantile, so that the law describes it. */
static int resolves(const ShapeSample *h, double q) { return q == 0 || q * (double)h->s >= 5; }

/* Slope of ln(q-quantile) against ln(size) by least squares over all matrices. */
static double fit_slope(const Scale *c, int aspect, double q, double *standard_error) {
  double n = 0, x1 = 0, y1 = 0, xx = 0, xy = 0, yy = 0;
  for (int i = 0; i < c->size_count; i++) {
    const ShapeSample *h = shape_at(c, aspect, i);
    for (int j = 0; j < h->count && resolves(h, q); j++) {
      double x = log((double)h->s), y = log_quantile(h, j, q);
      n++, x1 += x, y1 += y, xx += x * x, xy += x * y, yy += y * y;
    }
  }
  double sxx = xx - x1 * x1 / n, sxy = xy - x1 * y1 / n, syy = yy - y1 * y1 / n;
  *standard_error = n > 2 ? sqrt(fmax(0, syy - sxy * sxy / sxx) / (n - 2) / sxx) : NAN;
  return sxy / sxx;
}

static void quantile_tables(Scale *c) {
  Table t = table_make("shape|smallest|1%|10%|median|90%|largest");
  for (int a = 0; a < c->aspect_count; a++) {
    for (int i = 0; i < c->size_count; i++) {
      const ShapeSample *h = shape_at(c, a, i);
      table_row(&t);
      table_set(&t, 0, "%lld x %lld", (long long)h->s, (long long)h->l);
      for (int k = 0; k < QUANTILES; k++) {
        double got = measured(h, quantiles[k]), want = expected(h, quantiles[k]);
        table_set(&t, k + 1, "%.3g (%.3g)", got, want);
        csv_row(c, h, quantile_names[k], 0, got, want);
      }
    }
    if (c->size_count < 2) continue;
    table_row(&t);
    table_set(&t, 0, "slope");
    for (int k = 0; k < QUANTILES; k++) {
      double error, slope = fit_slope(c, a, quantiles[k], &error);
      double law = quantiles[k] == 0 && c->aspects[a] == 1 ? -1.5 : -0.5;
      if (isfinite(slope)) table_set(&t, k + 1, "%.3f +- %.3f (%.1f)", slope, error, law);
    }
  }
  printf("\nNormalized singular values of random matrices, measured (expected), and their slope\n"
         "in ln(size)\n");
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
}

static Figure size_figure(const Scale *c, const char *title, const char *y_label) {
  Figure f = figure_make(title, "short side", y_label);
  f.x_scale = SCALE_DOUBLINGS;
  f.x_min = (double)c->sizes[0] / 1.05, f.x_max = (double)c->sizes[c->size_count - 1] * 1.05;
  return f;
}

/* Adds a curve and its thin law; returns the curve, the law is the series before it. */
static Series *add_pair(Figure *f, const Scale *c, Look look, const char *label) {
  figure_add(f, SERIES_FAINT, look, c->size_count, "");
  Series *s = figure_add(f, SERIES_CURVE, look, c->size_count, label), *law = s - 1;
  for (int i = 0; i < c->size_count; i++) s->x[i] = law->x[i] = (double)c->sizes[i];
  return s;
}

static void add_quantile(Figure *f, const Scale *c, int aspect, int k, Look look) {
  char label[64];
  snprintf(label, sizeof label, "%s, 1:%lld", quantile_names[k], (long long)c->aspects[aspect]);
  Series *s = add_pair(f, c, look, label), *law = s - 1;
  for (int i = 0; i < c->size_count; i++) {
    s->y[i] = measured(shape_at(c, aspect, i), quantiles[k]);
    law->y[i] = expected(shape_at(c, aspect, i), quantiles[k]);
  }
}

static int values_figure(const Scale *c, Err *err) {
  Figure f = size_figure(c, "Singular values of random matrices, ||X||_F = 1",
                         "singular value (thin: expected)");
  f.y_scale = SCALE_LOG;
  for (int a = c->aspect_count - 1; a >= 0; a--) {
    Look look = palette_nth(c->aspects[a] == 1 ? 1 : 2);
    add_quantile(&f, c, a, 0, a > 0 && c->aspects[a] != 1 ? palette_shade(look, a - 1) : look);
  }
  static const int looks[QUANTILES] = {0, 3, 4, 0, 0, 6};
  for (int k = 1; k < QUANTILES && c->aspects[0] == 1; k++)
    if (k != 4) add_quantile(&f, c, 0, k, palette_nth(looks[k])); /* 90 % is near the largest */
  return output_figure(c->output, "scale-values", &f, err);
}

/* ---- what the schedules leave ---- */

/* Means over the matrices of a shape after 1, 2, ... steps, and of its law. */
static void add_effects(const Values *from, int schedule, int64_t steps, Effect *sum,
                        double weight) {
  NewtonSchulz ns = {schedule, steps};
  Values v = values_copy(from);
  values_margin(&v, &ns);
  for (int64_t k = 0; k < steps; k++) {
    values_step(&v, &ns, k);
    Effect e = values_effect(&v);
    sum[k].below_half += weight * e.below_half;
    sum[k].error += weight * e.error;
    sum[k].gram += weight * e.gram;
  }
  values_free(&v);
}

static void shape_effects(const ShapeSample *h, int schedule, int64_t steps, Effect *got,
                          Effect *want) {
  for (int64_t k = 0; k < steps; k++) got[k] = want[k] = (Effect){0};
  for (int j = 0; j < h->count; j++)
    add_effects(&h->values[j], schedule, steps, got, 1.0 / h->count);
  add_effects(&h->law, schedule, steps, want, 1);
}

static void left_rows(Scale *c) {
  Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
  for (int n = 0; n < c->aspect_count * c->size_count; n++)
    for (int schedule = 0; schedule < schedule_count(); schedule++) {
      const ShapeSample *h = &c->shapes[n];
      char below[64], error[64], gram[64];
      snprintf(below, sizeof below, "%s: share below 1/2", schedule_name(schedule));
      snprintf(error, sizeof error, "%s: mean |x - 1|", schedule_name(schedule));
      snprintf(gram, sizeof gram, "%s: ||X X^T - I|| / sqrt(s)", schedule_name(schedule));
      shape_effects(h, schedule, c->steps, got, want);
      for (int64_t k = 0; k < c->steps; k++) {
        csv_row(c, h, below, k + 1, got[k].below_half, want[k].below_half);
        csv_row(c, h, error, k + 1, got[k].error, want[k].error);
        csv_row(c, h, gram, k + 1, got[k].gram, want[k].gram);
      }
    }
}

static void left_table(const Scale *c) {
  char head[512];
  size_t used = (size_t)snprintf(head, sizeof head, "schedule|steps");
  for (int i = 0; i < c->size_count; i++)
    used += (size_t)snprintf(head + used, sizeof head - used, "|%lld", (long long)c->sizes[i]);
  Table t = table_make(head);
  Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
  for (int schedule = 0; schedule < schedule_count(); schedule++) {
    int64_t steps = newton_schulz_plan(&(NewtonSchulz){schedule, 0}).steps;
    table_row(&t);
    table_set(&t, 0, "%s", schedule_name(schedule));
    table_set(&t, 1, "%lld", (long long)steps);
    for (int i = 0; i < c->size_count; i++) {
      shape_effects(shape_at(c, 0, i), schedule, steps, got, want);
      table_set(&t, 2 + i, "%.3g (%.3g)", 100 * got[steps - 1].below_half,
                100 * want[steps - 1].below_half);
    }
  }
  printf("\nPer cent of directions left below one half, 1:%lld, measured (expected)\n",
         (long long)c->aspects[0]);
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
}

static int left_figure(const Scale *c, Err *err) {
  static const char *const drawn[] = {"jordan", "polar-express", "cesista", "you", "cans",
                                      "track3"};
  char title[128];
  snprintf(title, sizeof title, "Directions of a random 1:%lld matrix left below one half",
           (long long)c->aspects[0]);
  Figure f = size_figure(c, title, "per cent (thin: expected)");
  f.y_min = 0;
  for (size_t d = 0; d < sizeof drawn / sizeof *drawn; d++) {
    NewtonSchulz ns = {word_index(NS_SCHEDULE_NAMES, drawn[d]), 0};
    Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
    char label[64];
    int64_t steps = newton_schulz_plan(&ns).steps;
    snprintf(label, sizeof label, "%s, %lld steps", drawn[d], (long long)steps);
    Series *s = add_pair(&f, c, palette_schedule(drawn[d]), label), *law = s - 1;
    for (int i = 0; i < c->size_count; i++) {
      shape_effects(shape_at(c, 0, i), ns.schedule, steps, got, want);
      s->y[i] = 100 * got[steps - 1].below_half;
      law->y[i] = 100 * want[steps - 1].below_half;
    }
  }
  return output_figure(c->output, "scale-left", &f, err);
}

/* ---- how many steps a size needs ---- */

static double steps_measured(const ShapeSample *h, double q, const NewtonSchulz *ns) {
  double sum = 0;
  for (int j = 0; j < h->count; j++) sum += steps_to_half(values_quantile(&h->values[j], q), ns);
  return sum / h->count;
}

static void steps_table(const Scale *c) {
  static const char *const names[2] = {"jordan", "polar-express"};
  Table t = table_make("size|schedule|1% to half|expected|smallest to half|expected ");
  double first[2] = {0}, last[2] = {0}, from[2] = {0}; /* of Jordan's, for the growth */
  for (int i = 0; i < c->size_count; i++)
    for (int n = 0; n < 2; n++) {
      const ShapeSample *h = shape_at(c, 0, i);
      NewtonSchulz ns = {word_index(NS_SCHEDULE_NAMES, names[n]), 0};
      table_row(&t);
      table_set(&t, 0, "%lld x %lld", (long long)h->s, (long long)h->l);
      table_set(&t, 1, "%s", names[n]);
      for (int k = 0; k < 2; k++) {
        double q = k ? 0 : 0.01, steps = steps_measured(h, q, &ns);
        table_set(&t, 2 + 2 * k, "%.2f", steps);
        table_set(&t, 3 + 2 * k, "%.2f", steps_to_half(expected(h, q), &ns));
        if (n == 0 && from[k] == 0 && resolves(h, q)) first[k] = steps, from[k] = (double)h->s;
        if (n == 0) last[k] = steps;
      }
    }
  printf("\nSteps until a singular value reaches one half\n");
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
  double end = (double)c->sizes[c->size_count - 1], bulk = 0.5 * log(2) / log(3.4445);
  for (int k = 0; k < 2; k++)
    if (from[k] > 0 && end > from[k])
      printf("Jordan's steps for the %s grow by %.2f per doubling from %.0f (expected %.2f)\n",
             k ? "smallest" : "1% quantile", (last[k] - first[k]) / log2(end / from[k]), from[k],
             k && c->aspects[0] == 1 ? 3 * bulk : bulk);
}

/* ---- the study ---- */

static int report(Scale *c, Err *err) {
  c->csv = table_make("aspect|size|matrices|quantity|steps|measured|expected");
  quantile_tables(c);
  left_table(c);
  left_rows(c);
  steps_table(c);
  int status = output_csv(c->output, "scale", &c->csv, err) || values_figure(c, err) ||
               left_figure(c, err);
  table_free(&c->csv);
  return status ? -1 : 0;
}

static int run(const void *with, const Output *output, Err *err) {
  const ScaleOptions *o = with;
  Scale c = {.output = output, .steps = o->steps};
  int status = plan(&c, o, err) || measure(&c, err) || report(&c, err) ? -1 : 0;
  for (int i = 0; c.shapes && i < c.aspect_count * c.size_count; i++) {
    for (int j = 0; j < c.shapes[i].count; j++) values_free(&c.shapes[i].values[j]);
    values_free(&c.shapes[i].law);
  }
  free(c.shapes);
  return status;
}

const Study study_scale = {"scale", "singular values of random matrices against their size",
                           options, sizeof(ScaleOptions), run};
