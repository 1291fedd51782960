/* Newton-Schulz from a start to the polar factor U V^T of X = U S V^T: the distance after each
   step (the largest |1 - sigma|), its bounds, and the same of a matrix in each precision. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/int64.h"
#include "core/precision.h"
#include "core/random.h"
#include "optim/parts/newton_schulz.h"
#include "optim/parts/norms.h"
#include "run/spectra.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { DEGREES = 3, STEPS_MAX = SHEET_ROWS - 8, PRECISION_COUNT = 3 };
static const double VISIBLE = 1e-9; /* lower end of the figure */

typedef struct {
  char shape[OPTION_TEXT], run[OPTION_TEXT], kind[OPTION_TEXT], precision[OPTION_TEXT];
  double smallest;
  int64_t steps;
} ConvergeOptions;

#define FIELD(member) offsetof(ConvergeOptions, member)
static const Option options[] = {
    {.name = "shape", .help = "Shape of the random matrix to start from",
     .type = OPTION_WORD, .at = FIELD(shape), .fallback = "256x1024"},
    {.name = "smallest",
     .help = "Start from singular values spaced evenly in logarithms from this value to 1 (0: from "
             "the random matrix)",
     .type = OPTION_REAL, .at = FIELD(smallest), .fallback = "0", .max = 1},
    {.name = "run", .help = "Start from the last momentum in the spectrum.csv of this run",
     .type = OPTION_WORD, .at = FIELD(run), .fallback = ""},
    {.name = "class", .help = "Class of matrix in the run (empty: the first)",
     .type = OPTION_WORD, .at = FIELD(kind), .fallback = ""},
    {.name = "steps", .help = "Newton-Schulz steps",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "12", .min = 1, .max = STEPS_MAX},
    {.name = "precision",
     .help = "Precisions of the products with which the random matrix itself is iterated: fp32, "
             "bf16, bf16x3",
     .type = OPTION_WORD, .at = FIELD(precision), .fallback = "fp32,bf16"},
    {0},
};

/* The Taylor polynomials of degree 1 to 3, which have bounds, then the schedules. */
typedef struct {
  int steps;
  Values start;
  double gram; /* ||I - X X^T|| at the start */
  char about[256];
  int64_t rows, cols; /* of the random matrix, or 0 */
  uint64_t seed;
  Sheet distance;     /* a curve per iteration: distance and its bound after 0, 1, ... steps */
  int precisions[PRECISION_COUNT], precision_count;
  /* The distance of the matrix by precision and curve; NaN: not measured. */
  double matrix[PRECISION_COUNT][SHEET_CURVES][SHEET_ROWS];
} Converge;

/* ---- the start ---- */

static int start_random(Converge *c, const ConvergeOptions *o, Err *err) {
  int64_t sides[2];
  if (read_list("shape", o->shape, 2, 2, 16384, sides, 1, err) < 0) return -1;
  c->rows = sides[0], c->cols = sides[1];
  int64_t s = i64_min(c->rows, c->cols), l = i64_max(c->rows, c->cols);
  snprintf(c->about, sizeof c->about, "a random %lld x %lld matrix", (long long)s, (long long)l);
  return values_random(&c->start, s, l, c->seed, 0, err);
}

static int start_spread(Converge *c, const ConvergeOptions *o) {
  c->start = values_make(1000);
  for (int64_t i = 0; i < c->start.n; i++)
    c->start.x[i] = pow(o->smallest, (double)i / (double)(c->start.n - 1));
  snprintf(c->about, sizeof c->about, "singular values from %g to 1", o->smallest);
  return 0;
}

/* The quantiles in the last row of a class: the distance depends mostly on the smallest value. */
static int start_run(Converge *c, const ConvergeOptions *o, Err *err) {
  Spectra log;
  if (spectra_read(&log, o->run, err)) return -1;
  int kind = spectra_find_class(&log, o->kind, err);
  if (kind >= 0) {
    const SpectraRow *row = &log.rows[spectra_last(&log, kind)];
    c->start = values_make(SPECTRUM_QUANTILES);
    for (int i = 0; i < SPECTRUM_QUANTILES; i++)
      c->start.x[i] = row->values[SPECTRUM_FIRST_QUANTILE + i];
    snprintf(c->about, sizeof c->about, "the momentum of %.60s, step %lld of %.80s",
             log.classes[kind], (long long)row->step, o->run);
  }
  spectra_free(&log);
  return kind < 0 ? -1 : 0;
}

static int start(Converge *c, const ConvergeOptions *o, Err *err) {
  if (*o->run && o->smallest > 0)
    return fail(err, "--run and --smallest both say where to start: give one of them");
  if (*o->run          ? start_run(c, o, err)
      : o->smallest > 0 ? start_spread(c, o)
                        : start_random(c, o, err))
    return -1;
  int64_t kept = 0; /* a zero has no direction in the polar factor */
  for (int64_t i = 0; i < c->start.n; i++)
    if (c->start.x[i] > 0) c->start.x[kept++] = c->start.x[i];
  c->start.n = kept;
  for (int64_t i = 0; i < kept; i++) c->gram = fmax(c->gram, fabs(1 - pow(c->start.x[i], 2)));
  return kept > 0 ? 0 : fail(err, "%s: every singular value is zero", c->about);
}

/* ---- the iterations ---- */

static double distance(const Values *v) {
  double most = 0;
  for (int64_t i = 0; i < v->n; i++) most = fmax(most, fabs(1 - v->x[i]));
  return most;
}

/* After q steps of the polynomial of degree k, ||I - X X^T|| is at most its start to the power
   (k+1)^q, and 1 - sigma at most this. */
static double bound(const Converge *c, int degree, int q) {
  double gram = pow(c->gram, pow(degree + 1, q));
  return gram < 1e-8 ? gram / 2 : 1 - sqrt(1 - gram);
}

/* The random matrix after 1, 2, ... steps. */
static int iterate_matrix(Converge *c, int schedule, double *out, Err *err) {
  NewtonSchulzWork work;
  Scratch scratch = {0};
  int64_t n = c->rows * c->cols;
  newton_schulz_layout(&work, &scratch, c->rows, c->cols);
  scratch_floats(&scratch, n);
  void *memory = scratch_allocate(&scratch);
  if (!memory) return fail(err, "no memory for a matrix of %lld numbers", (long long)n);
  newton_schulz_layout(&work, &scratch, c->rows, c->cols);
  float *X = scratch_floats(&scratch, n);
  int status = 0;
  for (int q = 1; status == 0 && q <= c->steps; q++) {
    NewtonSchulzPlan plan = newton_schulz_plan(&(NewtonSchulz){schedule, q});
    Values v;
    Random random = random_stream(c->seed, RANDOM_TEST, 0, 0);
    random_normals(&random, X, n);
    plan.direct = 1;
    newton_schulz(X, c->rows, c->cols, &plan, &work);
    if ((status = values_of_matrix(&v, X, c->rows, c->cols, err))) break;
    for (int64_t i = 0; i < v.n; i++) v.x[i] *= frobenius_norm(X, n);
    out[q] = distance(&v);
    values_free(&v);
  }
  free(memory);
  return status;
}

/* Either a degree or, if that is 0, a schedule. */
static void iterate(Converge *c, const char *name, int degree, int schedule) {
  int i = c->distance.curves, seen = word_index("you|dion|converged|track3", name) < 0;
  Look look = degree ? palette_nth(6) : palette_schedule(name);
  Values v = values_copy(&c->start);
  if (degree) look.dash = DEGREES + 1 - degree;
  else values_margin(&v, schedule);
  Curve *curve = sheet_curve(&c->distance, name, seen ? &look : NULL);
  for (int q = 0; q <= c->steps; q++) {
    curve->y[q] = distance(&v);
    for (int k = 0; k < PRECISION_COUNT; k++) c->matrix[k][i][q] = NAN;
    if (degree) curve->expected[q] = bound(c, degree, q);
    else values_step(&v, schedule, q);
    for (int64_t j = 0; j < v.n && degree; j++) v.x[j] = taylor_step(v.x[j], degree);
  }
  values_free(&v);
}

/* Degrees 1 and 2 are the schedules `cubic` and `classical`. */
static int compute(Converge *c, Err *err) {
  static const int same[DEGREES] = {NS_CUBIC, NS_CLASSICAL, -1};
  for (int i = -DEGREES; i < NS_SCHEDULE_COUNT; i++) {
    int degree = i < 0 ? i + DEGREES + 1 : 0, schedule = degree ? same[degree - 1] : i;
    if (i == same[0] || i == same[1]) continue;
    char name[32];
    snprintf(name, sizeof name, "degree %d", degree);
    iterate(c, degree ? name : schedule_name(i), degree, schedule);
    for (int k = 0; k < c->precision_count && c->rows && schedule >= 0; k++) {
      Precision before = precision_set((Precision)c->precisions[k]);
      int status = iterate_matrix(c, schedule, c->matrix[c->precisions[k]][c->distance.curves - 1],
                                  err);
      precision_set(before);
      if (status) return -1;
    }
  }
  return 0;
}

/* ---- results ---- */

static const char *converged(const double *y, int last) {
  if (last < 10) return "";
  return y[last] <= 1e-6 || y[last] <= 0.1 * y[last - 4] ? "yes" : "no";
}

static int hold(const Converge *c) {
  int yes = 1;
  for (int i = 0; i < DEGREES; i++)
    for (int q = 0; q <= c->steps; q++)
      yes &= c->distance.curve[i].y[q] <= c->distance.curve[i].expected[q] * (1 + 1e-9) + 1e-15;
  return yes;
}

static void print(const Converge *c, const Output *out) {
  Table t = table_make("iteration|distance|with fp32|with bf16|with bf16x3|converged");
  for (int i = 0; i < c->distance.curves; i++) {
    const Curve *curve = &c->distance.curve[i];
    table_add(&t, "%s|%.2g|%.2g|%.2g|%.2g|%s", curve->label, curve->y[c->steps],
              c->matrix[0][i][c->steps], c->matrix[1][i][c->steps], c->matrix[2][i][c->steps],
              converged(curve->y, c->steps));
  }
  out->say("\nDistance from the polar factor, the largest |1 - singular value|, after each step\n"
           "from %s; in brackets the bound of the Taylor polynomials", c->about);
  sheet_show(&c->distance, "steps", out);
  out->say("||I - X X^T|| is %.9g at the start; the bounds %s at every step", c->gram,
           hold(c) ? "hold" : "DO NOT hold");
  out->say("\nAfter %d steps, exactly and of the matrix with products of that precision;\n"
           "converged: below 1e-6, or a tenth of what it was four steps before", c->steps);
  out->show(&t);
  table_free(&t);
}

static int csv(const Converge *c, const Output *out, Err *err) {
  Table t = table_make("iteration|steps|distance|bound|with fp32|with bf16|with bf16x3");
  for (int i = 0; i < c->distance.curves; i++)
    for (int q = 0; q <= c->steps; q++) {
      const Curve *curve = &c->distance.curve[i];
      table_add(&t, "%s|%d|%.6g|%.6g|%.6g|%.6g|%.6g", curve->label, q, curve->y[q],
                curve->expected[q], c->matrix[0][i][q], c->matrix[1][i][q], c->matrix[2][i][q]);
    }
  return out->csv(out, "converge", &t, err);
}

static int draw(const Converge *c, const Output *out, Err *err) {
  char title[300];
  snprintf(title, sizeof title, "Newton-Schulz from %s", c->about);
  Figure f = figure_make(title, "steps", "distance from the polar factor (thin: bound)");
  snprintf(f.caption, sizeof f.caption,
           "A curve that falls to the bottom reaches the polar factor; Jordan's stays at 0.3 for "
           "any number of steps. Polynomials with a larger slope at 0 lift small singular values "
           "sooner and so need fewer steps.");
  f.y_scale = SCALE_LOG;
  f.x_min = 0, f.x_max = c->steps;
  f.y_min = VISIBLE, f.y_max = 2;
  sheet_draw(&c->distance, &f);
  return out->figure(out, "converge", &f, err);
}

/* The matrix in each precision, by schedules that converge and by Jordan's. */
static int draw_precisions(const Converge *c, const Output *out, Err *err) {
  static const char drawn[] = "jordan|polar-express|degree 2";
  static Sheet sheet;
  sheet = (Sheet){.rows = c->steps};
  for (int q = 0; q < c->steps; q++) sheet.x[q] = q + 1;
  for (int i = 0; i < c->distance.curves; i++)
    for (int k = 0; k < c->precision_count; k++) {
      const Curve *from = &c->distance.curve[i];
      int seen = word_index(drawn, from->label) >= 0;
      char word[16], label[80];
      Look look = seen ? palette_nth(word_index(drawn, from->label)) : from->look;
      look.dash = k + 1;
      word_at(PRECISIONS(CHOICE_WORD), c->precisions[k], word, sizeof word);
      snprintf(label, sizeof label, "%s, %s", from->label, word);
      if (!seen) continue;
      Curve *curve = sheet_curve(&sheet, label, &look);
      for (int q = 0; q < c->steps; q++) curve->y[q] = c->matrix[c->precisions[k]][i][q + 1];
    }
  Figure f = figure_make("Newton-Schulz with products in lower precision", "steps",
                         "distance from the polar factor");
  snprintf(f.caption, sizeof f.caption,
           "From %s. The distance stops falling at the rounding of the products. In the first five "
           "steps, which Muon takes, the precisions hardly differ.", c->about);
  f.y_scale = SCALE_LOG;
  f.x_min = 1, f.x_max = c->steps;
  sheet_draw(&sheet, &f);
  return out->figure(out, "converge-precision", &f, err);
}

static int run(const void *with, const Output *out, Err *err) {
  const ConvergeOptions *o = with;
  static Converge c;
  c = (Converge){.steps = (int)o->steps, .seed = (uint64_t)out->seed};
  c.distance.digits = 2, c.distance.rows = c.steps + 1;
  for (int q = 0; q <= c.steps; q++) {
    c.distance.x[q] = q;
    snprintf(c.distance.names[q], sizeof c.distance.names[q], "%d", q);
  }
  c.precision_count = read_words("precision", o->precision, PRECISIONS(CHOICE_WORD), c.precisions,
                                 PRECISION_COUNT, err);
  if (c.precision_count < 0 || precision_start(err)) return -1;
  int status = start(&c, o, err) || compute(&c, err) ? -1 : 0;
  if (status == 0) {
    print(&c, out);
    status = csv(&c, out, err) || draw(&c, out, err) ||
             (c.rows && draw_precisions(&c, out, err)) ? -1 : 0;
  }
  values_free(&c.start);
  return status;
}

const Study study_converge = {"converge", "Newton-Schulz step by step against its bounds", options,
                              sizeof(ConvergeOptions), run};
