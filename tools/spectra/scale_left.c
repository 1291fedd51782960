#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/random.h"
#include "tools/spectra/scale.h"
#include "tools/spectra/shape.h"

enum { CHECKED = 512 }; /* size of the matrices that are iterated in float */
static const double FEW = 0.01;  /* share of directions that may stay below one half */
static const double CLOSE = 0.1; /* a mean error that counts as orthogonal */

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
  return own > c->steps ? own : c->steps;
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
      shape_effects(scale_shape(c, aspect, i), schedule, steps, got, want);
      table_set(&t, 2 + i, "%.3g (%.3g)", number_of(&got[steps - 1], number),
                number_of(&want[steps - 1], number));
    }
  }
  printf("\n%s, 1:%lld, measured (expected)\n", title, (long long)c->aspects[aspect]);
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
}

/* The largest size after 1, 2, ... steps of every schedule; expected values are in the CSV. */
static void by_steps_table(const Scale *c, Number number, const char *title) {
  char head[1024];
  int64_t steps = c->steps;
  const Shape *h = scale_shape(c, 0, c->size_count - 1);
  Effect got[NS_STEPS_MAX], want[NS_STEPS_MAX];
  size_t used = (size_t)snprintf(head, sizeof head, "schedule");
  for (int64_t k = 1; k <= steps; k++)
    used += (size_t)snprintf(head + used, sizeof head - used, "|%lld", (long long)k);
  Table t = table_make(head);
  for (int schedule = 0; schedule < schedule_count(); schedule++) {
    shape_effects(h, schedule, steps, got, want);
    table_row(&t);
    table_set(&t, 0, "%s", schedule_name(schedule));
    for (int64_t k = 0; k < steps; k++)
      table_set(&t, (int)k + 1, "%.2g", number_of(&got[k], number));
  }
  printf("\n%s, %lld x %lld, by number of steps\n", title, (long long)h->s, (long long)h->l);
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
      shape_effects(scale_shape(c, 0, i), ns.schedule, steps, got, want);
      s->x[i] = law->x[i] = (double)c->sizes[i];
      s->y[i] = 100 * got[steps - 1].below_half;
      law->y[i] = 100 * want[steps - 1].below_half;
    }
  }
  return output_figure(c->output, "scale-left", &f, err);
}

int scale_left(const Scale *c, Err *err) {
  left_table(c, 0, BELOW_HALF, "Per cent of directions left below one half");
  left_table(c, 0, MEAN_ERROR, "Mean |singular value - 1|");
  left_table(c, 0, GRAM_ERROR, "||X X^T - I||_F / sqrt(short side)");
  by_steps_table(c, BELOW_HALF, "Per cent of directions left below one half");
  by_steps_table(c, MEAN_ERROR, "Mean |singular value - 1|");
  return left_csv(c, err) || left_figure(c, err) ? -1 : 0;
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
      table_set(&t, 4, "%.2f", steps_to_half(scale_expected(h, FEW), &ns));
      table_set(&t, 5, "%.2f", steps_measured(h, 0, &ns));
      table_set(&t, 6, "%.2f", steps_to_half(scale_expected(h, 0), &ns));
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
    const Shape *h = scale_shape(c, 0, i);
    table_row(&t);
    table_set(&t, 0, "%lld x %lld", (long long)h->s, (long long)h->l);
    for (int k = 0; k < 4; k++) {
      double q = k % 2 ? 0 : FEW, steps = steps_measured(h, q, &ns[k / 2]);
      table_set(&t, 1 + 2 * k, "%.2f", steps);
      table_set(&t, 2 + 2 * k, "%.2f", steps_to_half(scale_expected(h, q), &ns[k / 2]));
      if (k > 1) continue;
      if (from[k] == 0 && scale_resolves(h, q))
        first[k] = steps, from[k] = (double)h->s;
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

int scale_steps(const Scale *c, Err *err) {
  steps_summary(c);
  return steps_table(c, err);
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

int scale_float(const Scale *c, Err *err) {
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
