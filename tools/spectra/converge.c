#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "optim/parts/newton_schulz.h"
#include "optim/parts/norms.h"
#include "run/spectra.h"
#include "tools/spectra/shape.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { DEGREES = 3, METHODS_MAX = 32, TABLE_STEPS = 40 };
static const double VISIBLE = 1e-9; /* below it curves only fall */

typedef struct {
  char shape[OPTION_TEXT], run[OPTION_TEXT], kind[OPTION_TEXT];
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
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "12", .min = 1, .max = TABLE_STEPS},
    {0},
};

/* One iteration: the Taylor polynomial of degree 1 to 3 or, with degree 0, a schedule. */
typedef struct {
  char name[32];
  Look look;
  int degree;
  NewtonSchulz ns;
  double delta[TABLE_STEPS + 1], eps[TABLE_STEPS + 1]; /* after q = 0, 1, ... steps */
  double delta_bound[TABLE_STEPS + 1], eps_bound[TABLE_STEPS + 1];
  double in_float[TABLE_STEPS + 1]; /* eps of the float matrix itself; NaN: not measured */
} Method;

typedef struct {
  const ConvergeOptions *options;
  const Output *output;
  Values start;
  char about[256];
  Method methods[METHODS_MAX];
  int count;
  int64_t rows, cols; /* of the float matrix, or 0 */
} Converge;

/* ---- the start ---- */

static int start_random(Converge *c, Err *err) {
  if (read_shapes(c->options->shape, &c->rows, &c->cols, 1, err) < 0) return -1;
  int64_t s = c->rows < c->cols ? c->rows : c->cols, l = c->rows + c->cols - s;
  snprintf(c->about, sizeof c->about, "a random %lld x %lld matrix", (long long)s, (long long)l);
  return values_random(&c->start, s, l, (uint64_t)c->output->seed, 0, err);
}

static void start_spread(Converge *c) {
  enum { POINTS = 1000 };
  c->start = values_make(POINTS);
  for (int i = 0; i < POINTS; i++)
    c->start.x[i] = pow(c->options->smallest, (double)i / (POINTS - 1));
  snprintf(c->about, sizeof c->about, "singular values from %g to 1", c->options->smallest);
}

/* The quantiles of the last row of a class: delta_q of the p_k needs only the smallest. */
static int start_run(Converge *c, Err *err) {
  Spectra log;
  if (spectra_read(&log, c->options->run, err)) return -1;
  int kind = spectra_find_class(&log, c->options->kind, err);
  if (kind >= 0) {
    const SpectraRow *row = &log.rows[spectra_last(&log, kind)];
    c->start = values_make(SPECTRUM_QUANTILES);
    for (int i = 0; i < SPECTRUM_QUANTILES; i++)
      c->start.x[i] = row->values[SPECTRUM_FIRST_QUANTILE + i];
    snprintf(c->about, sizeof c->about, "the momentum of %.60s, step %lld of %.80s",
             log.classes[kind], (long long)row->step, c->options->run);
  }
  spectra_free(&log);
  return kind < 0 ? -1 : 0;
}

static int start(Converge *c, Err *err) {
  int status = 0;
  if (*c->options->run && c->options->smallest > 0)
    return fail(err, "--run and --smallest both say where to start: give one of them");
  if (*c->options->run) status = start_run(c, err);
  else if (c->options->smallest > 0) start_spread(c);
  else status = start_random(c, err);
  if (status) return -1;
  int64_t kept = 0; /* delta is defined on the singular values that are not zero */
  for (int64_t i = 0; i < c->start.n; i++)
    if (c->start.x[i] > 0) c->start.x[kept++] = c->start.x[i];
  c->start.n = kept;
  return kept > 0 ? 0 : fail(err, "%s: every singular value is zero", c->about);
}

/* ---- the iterations ---- */

/* delta = ||I - X X^T||_2 and eps = ||X - msgn||_2 of singular values. */
static void distances(const Values *v, double *delta, double *eps) {
  *delta = *eps = 0;
  for (int64_t i = 0; i < v->n; i++) {
    *delta = fmax(*delta, fabs(1 - v->x[i] * v->x[i]));
    *eps = fmax(*eps, fabs(1 - v->x[i]));
  }
}

/* delta_q <= delta_0^((k+1)^q), eps_q <= 1 - sqrt(1 - that). */
static void bound(Method *m, int q) {
  double power = pow(m->degree + 1, q), log_bound = power * log(m->delta[0]);
  m->delta_bound[q] = exp(log_bound);
  double b = m->delta_bound[q];
  m->eps_bound[q] = b < 1e-8 ? b / 2 : 1 - sqrt(1 - b);
}

static void iterate(Method *m, const Values *from, int64_t steps) {
  Values v = values_copy(from);
  if (!m->degree) values_margin(&v, &m->ns);
  for (int q = 0; q <= steps; q++) {
    distances(&v, &m->delta[q], &m->eps[q]);
    m->delta_bound[q] = m->eps_bound[q] = m->in_float[q] = NAN;
    if (m->degree) bound(m, q);
    if (!m->degree) values_step(&v, &m->ns, q);
    for (int64_t i = 0; i < v.n && m->degree; i++) v.x[i] = taylor_step(v.x[i], m->degree);
  }
  values_free(&v);
}

/* eps of the float matrix after 1..steps iterations. */
static int iterate_float(const Converge *c, Method *m, Err *err) {
  NewtonSchulzWork work;
  Scratch scratch = {0};
  int64_t n = c->rows * c->cols;
  newton_schulz_layout(&work, &scratch, c->rows, c->cols);
  float *X = scratch_floats(&scratch, n);
  void *memory = scratch_allocate(&scratch);
  newton_schulz_layout(&work, &scratch, c->rows, c->cols);
  X = scratch_floats(&scratch, n);
  int status = memory ? 0 : fail(err, "no memory for a matrix of %lld x %lld", (long long)c->rows,
                                 (long long)c->cols);
  for (int q = 1; status == 0 && q <= c->options->steps; q++) {
    NewtonSchulzPlan plan = newton_schulz_plan(&(NewtonSchulz){m->ns.schedule, q});
    Values v;
    double delta;
    Random random = random_stream((uint64_t)c->output->seed, RANDOM_TEST, 0, 0);
    random_normals(&random, X, n);
    plan.direct = 1;
    newton_schulz(X, c->rows, c->cols, &plan, &work);
    double norm = frobenius_norm(X, n);
    if ((status = values_of_matrix(&v, X, c->rows, c->cols, err))) break;
    for (int64_t i = 0; i < v.n; i++) v.x[i] *= norm;
    distances(&v, &delta, &m->in_float[q]);
    values_free(&v);
  }
  free(memory);
  return status;
}

static Method *add(Converge *c, const char *name, Look look, int degree, int schedule) {
  Method *m = &c->methods[c->count++];
  *m = (Method){.look = look, .degree = degree, .ns = {schedule, 0}};
  snprintf(m->name, sizeof m->name, "%s", name);
  iterate(m, &c->start, c->options->steps);
  return m;
}

/* `cubic` and `classical` are the degrees 1 and 2; degree 3 is not a schedule of the trainer. */
static int compute(Converge *c, Err *err) {
  const int own[] = {NS_CUBIC, NS_CLASSICAL, -1};
  for (int k = 1; k <= DEGREES; k++) {
    char name[32];
    Look look = palette_nth(6); /* black, which no schedule of the figure has */
    look.dash = DEGREES + 1 - k;
    snprintf(name, sizeof name, "degree %d", k);
    Method *m = add(c, name, look, k, own[k - 1]);
    if (c->rows && own[k - 1] >= 0 && iterate_float(c, m, err)) return -1;
  }
  for (int i = 0; i < schedule_count(); i++) {
    if (i == own[0] || i == own[1]) continue;
    Method *m = add(c, schedule_name(i), palette_schedule(schedule_name(i)), 0, i);
    if (c->rows && iterate_float(c, m, err)) return -1;
  }
  return 0;
}

/* ---- tables and figure ---- */

static void print_table(const Converge *c) {
  char head[1024];
  size_t used = (size_t)snprintf(head, sizeof head, "q");
  for (int i = 0; i < c->count; i++)
    used += (size_t)snprintf(head + used, sizeof head - used, "|%s", c->methods[i].name);
  Table t = table_make(head);
  for (int q = 0; q <= c->options->steps; q++) {
    table_row(&t);
    table_set(&t, 0, "%d", q);
    for (int i = 0; i < c->count; i++) {
      const Method *m = &c->methods[i];
      if (m->degree) table_set(&t, 1 + i, "%.2g (%.2g)", m->eps[q], m->eps_bound[q]);
      else table_set(&t, 1 + i, "%.2g", m->eps[q]);
    }
  }
  printf("\neps_q = ||X_q - msgn||_2 from %s (bound)\n", c->about);
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
}

/* Whether the last four steps reduced eps to a tenth, or it is nothing; with fewer than ten steps
   that cannot be told. */
static const char *converged(const Method *m, int last) {
  if (last < 10) return "";
  return m->eps[last] <= 1e-6 || m->eps[last] <= 0.1 * m->eps[last - 4] ? "yes" : "no";
}

static void print_end(const Converge *c) {
  int last = (int)c->options->steps, holds = 1;
  for (int i = 0; i < c->count; i++)
    for (int q = 0; q <= last && c->methods[i].degree; q++)
      holds &= c->methods[i].eps[q] <= c->methods[i].eps_bound[q] * (1 + 1e-9) + 1e-15;
  printf("delta_0 = %.9g; the bounds %s at every step\n\nafter %d steps\n",
         c->methods[0].delta[0], holds ? "hold" : "DO NOT hold", last);
  Table t = table_make("method|eps|of the float32 matrix|converged");
  for (int i = 0; i < c->count; i++) {
    const Method *m = &c->methods[i];
    table_row(&t);
    table_set(&t, 0, "%s", m->name);
    table_set(&t, 1, "%.2g", m->eps[last]);
    if (isfinite(m->in_float[last])) table_set(&t, 2, "%.2g", m->in_float[last]);
    table_set(&t, 3, "%s", converged(m, last));
  }
  table_write(&t, TABLE_TEXT, stdout);
  table_free(&t);
}

static void set_number(Table *t, int column, double x) {
  if (isfinite(x)) table_set(t, column, "%.6g", x);
}

static int write_csv(const Converge *c, Err *err) {
  Table t = table_make("method|q|delta|delta bound|eps|eps bound|chi|eps in float");
  for (int i = 0; i < c->count; i++)
    for (int q = 0; q <= c->options->steps; q++) {
      const Method *m = &c->methods[i];
      table_row(&t);
      table_set(&t, 0, "%s", m->name);
      table_set(&t, 1, "%d", q);
      set_number(&t, 2, m->delta[q]);
      set_number(&t, 3, m->delta_bound[q]);
      set_number(&t, 4, m->eps[q]);
      set_number(&t, 5, m->eps_bound[q]);
      if (m->eps[q] < 1) set_number(&t, 6, 1 / (1 - m->eps[q]));
      set_number(&t, 7, m->in_float[q]);
    }
  int status = output_csv(c->output, "converge", &t, err);
  table_free(&t);
  return status;
}

static void add_curve(Figure *f, const Converge *c, SeriesKind kind, const Method *m,
                      const double *eps, const char *label) {
  int n = (int)c->options->steps + 1;
  Series *s = figure_add(f, kind, m->look, n, label);
  s->n = 0;
  for (int q = 0; q < n && eps[q] > VISIBLE; q++, s->n++) {
    s->x[q] = q;
    s->y[q] = eps[q];
  }
}

static int draw(const Converge *c, Err *err) {
  char title[384];
  snprintf(title, sizeof title, "Newton-Schulz from %s", c->about);
  Figure f = figure_make(title, "steps q", "||X - msgn||   (thin: bound)");
  f.y_scale = SCALE_LOG;
  f.x_min = 0, f.x_max = (double)c->options->steps;
  f.y_min = VISIBLE, f.y_max = 2;
  for (int i = 0; i < DEGREES; i++)
    add_curve(&f, c, SERIES_FAINT, &c->methods[i], c->methods[i].eps_bound, "");
  for (int i = 0; i < c->count; i++) {
    const Method *m = &c->methods[i];
    if (word_index("you|dion|converged|track3", m->name) >= 0) continue; /* relatives, in the CSV */
    add_curve(&f, c, SERIES_CURVE, m, m->eps, m->name);
  }
  return output_figure(c->output, "converge", &f, err);
}

static int run(const void *with, const Output *output, Err *err) {
  static Converge c;
  c = (Converge){.options = with, .output = output};
  int status = start(&c, err) || compute(&c, err) ? -1 : 0;
  if (status == 0) {
    print_table(&c);
    print_end(&c);
    status = write_csv(&c, err) || draw(&c, err) ? -1 : 0;
  }
  values_free(&c.start);
  return status;
}

const Study study_converge = {"converge", "Newton-Schulz step by step against its bounds", options,
                              sizeof(ConvergeOptions), run};
