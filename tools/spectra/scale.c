#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/random.h"
#include "tools/spectra/shape.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum {
  SIZES = 16,       /* at most */
  ASPECTS = 6,
  MATRICES = 64,    /* of one size, at most */
  CHECKED = 512,    /* size of the matrices whose float iterations are compared with the polynomial */
  QUANTILES = 6,
};
static const double FEW = 0.01;   /* share of directions that may stay below one half */
static const double CLOSE = 0.1;  /* a mean error that counts as orthogonal */
static const double quantiles[QUANTILES] = {0, 0.01, 0.1, 0.5, 0.9, 1};
static const char *const quantile_names[QUANTILES] = {"smallest", "1%", "10%", "median", "90%",
                                                      "largest"};

typedef struct {
  char sizes[OPTION_TEXT], aspects[OPTION_TEXT];
  int64_t seeds, steps;
} ScaleOptions;

#define FIELD(member) offsetof(ScaleOptions, member)
static const Option options[] = {
    {"sizes", "short sides of the matrices", OPTION_WORD, FIELD(sizes),
     "64,128,256,512,1024,2048,4096", 0, 0, NULL},
    {"aspects", "long side over short side", OPTION_WORD, FIELD(aspects), "1,2,3,4", 0, 0, NULL},
    {"seeds", "matrices of each shape, at least; small ones, which scatter more, are more",
     OPTION_INT, FIELD(seeds), "3", 1, MATRICES, NULL},
    {"steps", "Newton-Schulz steps, at most, in the table of what is left", OPTION_INT,
     FIELD(steps), "10", 1, NS_STEPS_MAX, NULL},
    {NULL, NULL, 0, 0, NULL, 0, 0, NULL},
};

/* All matrices of one shape. */
typedef struct {
  int64_t s, l;
  int count;
  Values values[MATRICES], law;
} Shape;

typedef struct {
  const ScaleOptions *options;
  const Output *output;
  int64_t sizes[SIZES], aspects[ASPECTS];
  int size_count, aspect_count;
  Shape *shapes; /* (aspect_count, size_count) */
} Scale;

static Shape *shape_at(const Scale *c, int aspect, int size) {
  return &c->shapes[aspect * c->size_count + size];
}

/* ---- measuring ---- */

/* More of the small ones: they cost little, and the smallest singular value of a square matrix
   scatters by a factor of three from matrix to matrix. */
static int matrices_of(int64_t s, int64_t aspect, int64_t seeds) {
  int64_t small = aspect == 1 ? 4096 : 1024, n = seeds * (s < small ? small / s : 1);
  return n > MATRICES ? MATRICES : (int)n;
}

static double work_of(const Shape *h) {
  double s = (double)h->s, l = (double)h->l;
  return s * s * l + 6 * s * s * s + 300 * s * l; /* Gram, eigenvalues, random numbers */
}

static int measure(Scale *c, Err *err) {
  double all = 0, done = 0, started = clock_seconds();
  int n = c->aspect_count * c->size_count, status = 0;
  for (int i = 0; i < n; i++) all += c->shapes[i].count * work_of(&c->shapes[i]);
  for (int i = 0; i < n; i++) {
    Shape *h = &c->shapes[i];
    h->law = values_of_law(h->s, h->l);
    for (int j = 0; status == 0 && j < h->count; j++) {
      char what[128];
      snprintf(what, sizeof what, "%lld x %lld, matrix %d of %d", (long long)h->s,
               (long long)h->l, j + 1, h->count);
      output_progress(what, done / all, started);
      status = values_random(&h->values[j], h->s, h->l, (uint64_t)c->output->seed,
                             (uint32_t)(i * MATRICES + j), err);
      done += work_of(h);
    }
  }
  output_progress_end();
  return status;
}

/* ---- the values and their slopes ---- */

/* Of the matrices' q-quantiles: the geometric mean. */
static double measured(const Shape *h, double q) {
  double sum = 0;
  for (int j = 0; j < h->count; j++) sum += log(fmax(values_quantile(&h->values[j], q), 1e-30));
  return exp(sum / h->count);
}

/* What the laws say of it; the edges of the law for the extremes. */
static double expected(const Shape *h, double q) {
  double s = (double)h->s;
  if (q == 0 && h->s == h->l) return smallest_geometric_mean() / (s * sqrt(s));
  return law_quantile(s / (double)h->l, q) / sqrt(s);
}

static double expected_slope(const Shape *h, double q) {
  return q == 0 && h->s == h->l ? -1.5 : -0.5;
}

typedef struct {
  double slope, error; /* with its standard error */
} Slope;

/* Of ln(q-quantile) against ln(size), by least squares over all matrices with at least two values
   below the quantile. */
static Slope fit_slope(const Scale *c, int aspect, double q) {
  double n = 0, x1 = 0, y1 = 0, xx = 0, xy = 0, yy = 0;
  for (int i = 0; i < c->size_count; i++) {
    const Shape *h = shape_at(c, aspect, i);
    for (int j = 0; j < h->count && (q == 0 || q * (double)h->s >= 2); j++) {
      double x = log((double)h->s), y = log(fmax(values_quantile(&h->values[j], q), 1e-30));
      n++, x1 += x, y1 += y, xx += x * x, xy += x * y, yy += y * y;
    }
  }
  double sxx = xx - x1 * x1 / n, sxy = xy - x1 * y1 / n, syy = yy - y1 * y1 / n;
  Slope out = {sxy / sxx, NAN};
  if (n > 2) out.error = sqrt(fmax(0, syy - sxy * sxy / sxx) / (n - 2) / sxx);
  return out;
}

static int values_table(const Scale *c, Err *err) {
  Table t = table_make("aspect|size|matrices|quantile|measured|expected|ratio");
  printf("\nNormalized singular values of random matrices: measured (expected)\n");
  Table shown = table_make("shape|smallest|1%|10%|median|90%|largest");
  for (int a = 0; a < c->aspect_count; a++)
    for (int i = 0; i < c->size_count; i++) {
      const Shape *h = shape_at(c, a, i);
      table_row(&shown);
      table_set(&shown, 0, "%lld x %lld", (long long)h->s, (long long)h->l);
      for (int k = 0; k < QUANTILES; k++) {
        double got = measured(h, quantiles[k]), want = expected(h, quantiles[k]);
        table_row(&t);
        table_set(&t, 0, "1:%lld", (long long)c->aspects[a]);
        table_set(&t, 1, "%lld", (long long)h->s);
        table_set(&t, 2, "%d", h->count);
        table_set(&t, 3, "%s", quantile_names[k]);
        table_set(&t, 4, "%.6g", got);
        table_set(&t, 5, "%.6g", want);
        table_set(&t, 6, "%.4f", got / want);
        table_set(&shown, k + 1, "%.3g (%.3g)", got, want);
      }
    }
  table_write(&shown, TABLE_TEXT, stdout);
  table_free(&shown);
  int status = output_csv(c->output, "scale-values", &t, err);
  table_free(&t);
  return status;
}

static int slopes_table(const Scale *c, Err *err) {
  if (c->size_count < 2) return 0;
  Table t = table_make("aspect|quantile|slope|standard error|expected");
  for (int a = 0; a < c->aspect_count; a++)
    for (int k = 0; k < QUANTILES; k++) {
      Slope slope = fit_slope(c, a, quantiles[k]);
      table_row(&t);
      table_set(&t, 0, "1:%lld", (long long)c->aspects[a]);
      table_set(&t, 1, "%s", quantile_names[k]);
      table_set(&t, 2, "%.4f", slope.slope);
      table_set(&t, 3, "%.4f", slope.error);
      table_set(&t, 4, "%.1f", expected_slope(shape_at(c, a, 0), quantiles[k]));
    }
  printf("\nSlopes of ln(singular value) against ln(size)\n");
  table_write(&t, TABLE_TEXT, stdout);
  int status = output_csv(c->output, "scale-slopes", &t, err);
  table_free(&t);
  return status;
}

static void add_quantile(Figure *f, const Scale *c, int aspect, int k, Look look,
                         const char *label) {
  Series *law = figure_add(f, SERIES_FAINT, look, c->size_count, "");
  Series *s = figure_add(f, SERIES_CURVE, look, c->size_count, label);
  law = &f->series[f->count - 2];
  for (int i = 0; i < c->size_count; i++) {
    const Shape *h = shape_at(c, aspect, i);
    s->x[i] = law->x[i] = (double)h->s;
    s->y[i] = log10(measured(h, quantiles[k]));
    law->y[i] = log10(expected(h, quantiles[k]));
  }
}

static int values_figure(const Scale *c, Err *err) {
  Figure f = figure_make("Singular values of random matrices, ||X||_F = 1", "short side",
                         "singular value (thin: expected)");
  f.x_log = f.x_doublings = f.y_decades = 1;
  f.x_min = (double)c->sizes[0] / 1.05, f.x_max = (double)c->sizes[c->size_count - 1] * 1.05;
  for (int a = c->aspect_count - 1; a >= 0; a--) {
    char label[64];
    snprintf(label, sizeof label, "smallest, 1:%lld", (long long)c->aspects[a]);
    Look look = palette_nth(c->aspects[a] == 1 ? 1 : 2);
    if (a > 0 && c->aspects[a] != 1) look = palette_shade(look, a - 1);
    add_quantile(&f, c, a, 0, look, label);
  }
  for (int k = 1; k < QUANTILES && c->aspects[0] == 1; k++) {
    char label[64];
    if (k == 4) continue; /* 90 % lies on the largest */
    snprintf(label, sizeof label, "%s, 1:1", quantile_names[k]);
    add_quantile(&f, c, 0, k, palette_nth(k == 5 ? 6 : k == 1 ? 3 : k == 2 ? 4 : 0), label);
  }
  return output_figure(c->output, "scale-values", &f, err);
}

/* ---- what a schedule leaves ---- */

static void add_effect(Effect *sum, const Effect *e, double weight) {
  sum->least = fmin(sum->least, e->least);
  sum->most = fmax(sum->most, e->most);
  sum->mean += weight * e->mean;
  sum->below_half += weight * e->below_half;
  sum->error += weight * e->error;
  sum->gram += weight * e->gram;
}

/* Fills effects[0..steps-1] of values after 1, 2, ... steps. */
static void effects_of(const Values *from, int schedule, int64_t steps, Effect *effects,
                       double weight) {
  NewtonSchulz ns = {schedule, steps};
  Values v = values_copy(from);
  values_margin(&v, &ns);
  for (int64_t k = 0; k < steps; k++) {
    values_step(&v, &ns, k);
    Effect e = values_effect(&v);
    add_effect(&effects[k], &e, weight);
  }
  values_free(&v);
}

/* Means over the matrices of a shape (least and most: over all), and of its law. */
static void shape_effects(const Shape *h, int schedule, int64_t steps, Effect *got, Effect *want) {
  const Effect none = {INFINITY, 0, -INFINITY, 0, 0, 0};
  for (int64_t k = 0; k < steps; k++) got[k] = want[k] = none;
  for (int j = 0; j < h->count; j++)
    effects_of(&h->values[j], schedule, steps, got, 1.0 / h->count);
  effects_of(&h->law, schedule, steps, want, 1);
}

static int64_t steps_shown(const Scale *c, int schedule) {
  NewtonSchulz ns = {schedule, 0};
  int64_t own = newton_schulz_steps(&ns);
  return own > c->options->steps ? own : c->options->steps;
}

static int left_csv(const Scale *c, Err *err) {
  Table t = table_make("aspect|size|schedule|steps|least|mean|most|below half|expected below half|"
                       "mean error|expected mean error|gram error|expected gram error");
  Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
  for (int n = 0; n < c->aspect_count * c->size_count; n++)
    for (int schedule = 0; schedule < schedule_count(); schedule++) {
      const Shape *h = &c->shapes[n];
      int64_t steps = steps_shown(c, schedule);
      shape_effects(h, schedule, steps, got, want);
      for (int64_t k = 0; k < steps; k++) {
        const double numbers[] = {got[k].least,      got[k].mean,        got[k].most,
                                  got[k].below_half, want[k].below_half, got[k].error,
                                  want[k].error,     got[k].gram,        want[k].gram};
        table_row(&t);
        table_set(&t, 0, "1:%lld", (long long)(h->l / h->s));
        table_set(&t, 1, "%lld", (long long)h->s);
        table_set(&t, 2, "%s", schedule_name(schedule));
        table_set(&t, 3, "%lld", (long long)k + 1);
        for (int i = 0; i < 9; i++) table_set(&t, 4 + i, "%.6g", numbers[i]);
      }
    }
  int status = output_csv(c->output, "scale-left", &t, err);
  table_free(&t);
  return status;
}

/* One number of the effects, for every schedule at its own steps and every size. */
typedef enum { BELOW_HALF, MEAN_ERROR, GRAM_ERROR } Number;

static double number_of(const Effect *e, Number number) {
  return number == BELOW_HALF ? 100 * e->below_half : number == MEAN_ERROR ? e->error : e->gram;
}

static void left_table(const Scale *c, int aspect, Number number, const char *title) {
  char head[512];
  size_t used = (size_t)snprintf(head, sizeof head, "schedule|steps");
  for (int i = 0; i < c->size_count; i++)
    used += (size_t)snprintf(head + used, sizeof head - used, "|%lld", (long long)c->sizes[i]);
  Table t = table_make(head);
  Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
  for (int schedule = 0; schedule < schedule_count(); schedule++) {
    NewtonSchulz ns = {schedule, 0};
    int64_t steps = newton_schulz_steps(&ns);
    table_row(&t);
    table_set(&t, 0, "%s", schedule_name(schedule));
    table_set(&t, 1, "%lld", (long long)steps);
    for (int i = 0; i < c->size_count; i++) {
      shape_effects(shape_at(c, aspect, i), schedule, steps, got, want);
      table_set(&t, 2 + i, "%.3g (%.3g)", number_of(&got[steps - 1], number),
                number_of(&want[steps - 1], number));
    }
  }
  printf("\n%s, 1:%lld, measured (expected)\n", title, (long long)c->aspects[aspect]);
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
}

static int left_figure(const Scale *c, Err *err) {
  static const char *const drawn[] = {"jordan", "polar-express", "cesista", "you", "cans",
                                      "track3"};
  char title[128];
  snprintf(title, sizeof title, "Directions of a random 1:%lld matrix left below one half",
           (long long)c->aspects[0]);
  Figure f = figure_make(title, "short side", "per cent (thin: expected)");
  f.x_log = f.x_doublings = 1;
  f.x_min = (double)c->sizes[0] / 1.05, f.x_max = (double)c->sizes[c->size_count - 1] * 1.05;
  f.y_min = 0;
  for (size_t d = 0; d < sizeof drawn / sizeof *drawn; d++) {
    NewtonSchulz ns = {word_index(NS_SCHEDULE_NAMES, drawn[d]), 0};
    Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
    char label[64];
    int64_t steps = newton_schulz_steps(&ns);
    Look look = palette_schedule(drawn[d]);
    snprintf(label, sizeof label, "%s, %lld", drawn[d], (long long)steps);
    figure_add(&f, SERIES_FAINT, look, c->size_count, "");
    Series *s = figure_add(&f, SERIES_CURVE, look, c->size_count, label), *law = s - 1;
    for (int i = 0; i < c->size_count; i++) {
      shape_effects(shape_at(c, 0, i), ns.schedule, steps, got, want);
      s->x[i] = law->x[i] = (double)c->sizes[i];
      s->y[i] = 100 * got[steps - 1].below_half;
      law->y[i] = 100 * want[steps - 1].below_half;
    }
  }
  return output_figure(c->output, "scale-left", &f, err);
}

/* ---- how many steps a size needs ---- */

/* The first number of steps after which `few` holds, or 0. */
static int64_t first_steps(const Effect *e, int64_t steps, Number number, double few) {
  for (int64_t k = 0; k < steps; k++)
    if (number_of(&e[k], number) <= few) return k + 1;
  return 0;
}

static void set_steps(Table *t, int column, int64_t steps) {
  if (steps) table_set(t, column, "%lld", (long long)steps);
  else table_set(t, column, "never");
}

/* Geometric mean over the matrices, in steps: of their q-quantile. */
static double steps_measured(const Shape *h, double q, const NewtonSchulz *ns) {
  double sum = 0;
  for (int j = 0; j < h->count; j++) sum += steps_to_half(values_quantile(&h->values[j], q), ns);
  return sum / h->count;
}

static int steps_table(const Scale *c, Err *err) {
  enum { TRIED = 40 };
  Table t = table_make("aspect|size|schedule|1% to half|expected|smallest to half|expected |"
                       "at most 1% below half|mean error <= 0.1");
  Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
  for (int n = 0; n < c->aspect_count * c->size_count; n++)
    for (int schedule = 0; schedule < schedule_count(); schedule++) {
      const Shape *h = &c->shapes[n];
      NewtonSchulz ns = {schedule, 0};
      shape_effects(h, schedule, TRIED, got, want);
      table_row(&t);
      table_set(&t, 0, "1:%lld", (long long)(h->l / h->s));
      table_set(&t, 1, "%lld", (long long)h->s);
      table_set(&t, 2, "%s", schedule_name(schedule));
      table_set(&t, 3, "%.2f", steps_measured(h, FEW, &ns));
      table_set(&t, 4, "%.2f", steps_to_half(expected(h, FEW), &ns));
      table_set(&t, 5, "%.2f", steps_measured(h, 0, &ns));
      table_set(&t, 6, "%.2f", steps_to_half(expected(h, 0), &ns));
      set_steps(&t, 7, first_steps(got, TRIED, BELOW_HALF, 100 * FEW));
      set_steps(&t, 8, first_steps(got, TRIED, MEAN_ERROR, CLOSE));
    }
  int status = output_csv(c->output, "scale-steps", &t, err);
  table_free(&t);
  return status;
}

/* Jordan's steps, as the page of a size needs them, with their growth per doubling. */
static void steps_summary(const Scale *c) {
  Table t = table_make("size|1% to half|expected|smallest to half|expected |polar-express: 1%|"
                       "expected  |smallest|expected   ");
  const NewtonSchulz ns[] = {{word_index(NS_SCHEDULE_NAMES, "jordan"), 0},
                             {word_index(NS_SCHEDULE_NAMES, "polar-express"), 0}};
  double first[2] = {0}, last[2] = {0}, from[2] = {0};
  for (int i = 0; i < c->size_count; i++) {
    const Shape *h = shape_at(c, 0, i);
    table_row(&t);
    table_set(&t, 0, "%lld x %lld", (long long)h->s, (long long)h->l);
    for (int k = 0; k < 4; k++) {
      double q = k % 2 ? 0 : FEW, steps = steps_measured(h, q, &ns[k / 2]);
      table_set(&t, 1 + 2 * k, "%.2f", steps);
      table_set(&t, 2 + 2 * k, "%.2f", steps_to_half(expected(h, q), &ns[k / 2]));
      if (k > 1) continue;
      if (from[k] == 0 && (q == 0 || q * (double)h->s >= 2)) first[k] = steps, from[k] = (double)h->s;
      last[k] = steps;
    }
  }
  printf("\nSteps until a direction comes to one half, of Jordan's and of Polar Express\n");
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
  double end = (double)c->sizes[c->size_count - 1], bulk = 0.5 * log(2) / log(3.4445);
  double want[2] = {bulk, c->aspects[0] == 1 ? 3 * bulk : bulk};
  static const char *const names[2] = {"1% quantile", "smallest"};
  for (int k = 0; k < 2; k++)
    if (from[k] > 0 && end > from[k])
      printf("Jordan's steps for the %s grow by %.2f per doubling from %.0f on (expected %.2f)\n",
             names[k], (last[k] - first[k]) / log2(end / from[k]), from[k], want[k]);
}

/* ---- float against exact arithmetic ---- */

/* The largest difference between the singular values of an iterated float matrix and the
   polynomial of its own. */
static int check_matrix(int64_t s, int64_t l, int schedule, uint64_t seed, double *off, Err *err) {
  NewtonSchulz ns = {schedule, 0};
  float *X = malloc((size_t)(s * l + newton_schulz_scratch(s, l)) * sizeof *X);
  Values want = {0}, got = {0};
  if (!X) return fail(err, "no memory for a matrix of %lld x %lld", (long long)s, (long long)l);
  Random random = random_stream(seed, RANDOM_TEST, 0xFFFFFFFFu, 0);
  random_normals(&random, X, s * l);
  int status = values_of_matrix(&want, X, s, l, err);
  newton_schulz(X, s, l, &ns, X + s * l);
  if (status == 0) status = values_of_matrix(&got, X, s, l, err);
  if (status == 0) {
    double norm = 0; /* values_of_matrix divides by it */
    for (int64_t i = 0; i < s * l; i++) norm += (double)X[i] * (double)X[i];
    values_margin(&want, &ns);
    for (int64_t k = 0; k < newton_schulz_steps(&ns); k++) values_step(&want, &ns, k);
    *off = 0;
    for (int64_t i = 0; i < s; i++) {
      double rank = 1 - ((double)i + 0.5) / (double)s;
      *off = fmax(*off, fabs(got.x[i] * sqrt(norm) - values_quantile(&want, rank)));
    }
  }
  values_free(&want);
  values_free(&got);
  free(X);
  return status;
}

static int check_matrices(const Scale *c, Err *err) {
  printf("\nThe matrices themselves in float, beside the polynomial of their singular values: "
         "largest difference\n");
  Table t = table_make("schedule|512 x 512|512 x 2048, by the Gram form");
  for (int schedule = 0; schedule < schedule_count(); schedule++) {
    table_row(&t);
    table_set(&t, 0, "%s", schedule_name(schedule));
    for (int wide = 0; wide < 2; wide++) {
      double off = NAN;
      if (check_matrix(CHECKED, wide ? 4 * CHECKED : CHECKED, schedule,
                       (uint64_t)c->output->seed, &off, err)) {
        table_free(&t);
        return -1;
      }
      table_set(&t, 1 + wide, "%.1e", off);
    }
  }
  table_write(&t, TABLE_TEXT, stdout);
  int status = output_csv(c->output, "scale-float", &t, err);
  table_free(&t);
  return status;
}

/* ---- the study ---- */

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int plan(Scale *c, Err *err) {
  const ScaleOptions *o = c->options;
  c->size_count = read_numbers(o->sizes, "sizes", 8, 32768, c->sizes, SIZES, err);
  if (c->size_count < 0) return -1;
  c->aspect_count = read_numbers(o->aspects, "aspects", 1, 64, c->aspects, ASPECTS, err);
  if (c->aspect_count < 0) return -1;
  qsort(c->sizes, (size_t)c->size_count, sizeof *c->sizes, ascending);
  qsort(c->aspects, (size_t)c->aspect_count, sizeof *c->aspects, ascending);
  c->shapes = calloc((size_t)(c->size_count * c->aspect_count), sizeof *c->shapes);
  int matrices = 0;
  for (int a = 0; a < c->aspect_count; a++)
    for (int i = 0; i < c->size_count; i++) {
      Shape *h = shape_at(c, a, i);
      h->s = c->sizes[i];
      h->l = h->s * c->aspects[a];
      h->count = matrices_of(h->s, c->aspects[a], o->seeds);
      matrices += h->count;
    }
  printf("%d matrices; the largest takes %.0f MB of memory\n", matrices,
         (double)values_random_bytes(c->sizes[c->size_count - 1]) / 1e6);
  fflush(stdout);
  return 0;
}

static int run(const void *with, const Output *output, Err *err) {
  Scale c = {.options = with, .output = output};
  int status = plan(&c, err) || measure(&c, err) || values_table(&c, err) ||
               slopes_table(&c, err) ? -1 : 0;
  if (status == 0) {
    left_table(&c, 0, BELOW_HALF, "Per cent of directions left below one half");
    left_table(&c, 0, MEAN_ERROR, "Mean |singular value - 1|");
    left_table(&c, 0, GRAM_ERROR, "||X X^T - I||_F / sqrt(short side)");
    steps_summary(&c);
    status = left_csv(&c, err) || steps_table(&c, err) || check_matrices(&c, err) ||
             values_figure(&c, err) || left_figure(&c, err) ? -1 : 0;
  }
  for (int i = 0; c.shapes && i < c.aspect_count * c.size_count; i++) {
    for (int j = 0; j < c.shapes[i].count; j++) values_free(&c.shapes[i].values[j]);
    values_free(&c.shapes[i].law);
  }
  free(c.shapes);
  return status;
}

const Study study_scale = {"scale", "singular values of random matrices against their size", options,
                           sizeof(ScaleOptions), run};
