/* The momentum of runs of several widths: its singular values against the width, and what each
   Newton-Schulz schedule leaves of them, beside random matrices of the same size. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "run/runlog.h"
#include "run/spectra.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { RUNS_MAX = SHEET_ROWS, POINTS = 1000, DRAWN = 5 };

typedef struct {
  char runs[OPTION_TEXT], kind[OPTION_TEXT];
} MomentumOptions;

#define FIELD(member) offsetof(MomentumOptions, member)
static const Option options[] = {
    {.name = "runs",
     .help = "Runs with a spectrum.csv (--log-spectrum), separated by spaces, the narrowest first",
     .type = OPTION_WORD, .at = FIELD(runs), .fallback = ""},
    {.name = "class", .help = "Class of matrix (empty: means over the classes)",
     .type = OPTION_WORD, .at = FIELD(kind), .fallback = ""},
    {0},
};

/* Quantiles of spectrum.csv that are shown, with their places among spectrum_quantiles. */
static const struct {
  const char *name;
  int quantile, look;
} shown[DRAWN] = {{"smallest", 0, 1}, {"1%", 1, 3}, {"10%", 2, 4}, {"median", 4, 0},
                  {"largest", 7, 6}};

typedef struct {
  const MomentumOptions *options;
  Sheet values, left;
} Momentum;

/* Singular values with the quantiles of a row of spectrum.csv, linear in logarithms between. */
static Values values_of_row(const SpectraRow *row) {
  const double *y = row->values + SPECTRUM_FIRST_QUANTILE;
  Values v = values_make(POINTS);
  for (int i = 0; i < POINTS; i++) {
    double q = (i + 0.5) / POINTS;
    int k = 0;
    while (k < SPECTRUM_QUANTILES - 2 && spectrum_quantiles[k + 1] < q) k++;
    double part = (q - spectrum_quantiles[k]) / (spectrum_quantiles[k + 1] - spectrum_quantiles[k]);
    double low = fmax(y[k], 1e-9), high = fmax(y[k + 1], 1e-9);
    v.x[i] = low * pow(high / low, part);
  }
  return v;
}

/* Per cent that a schedule leaves below one half. */
static double left_by(const Values *v, int schedule) {
  Values x = values_copy(v);
  values_margin(&x, schedule);
  for (int k = 0; k < schedule_steps(schedule); k++) values_step(&x, schedule, k);
  double left = 100 * values_effect(&x).below_half;
  values_free(&x);
  return left;
}

static void add(double *sum, double x, int count) {
  *sum = (isnan(*sum) ? 0 : *sum) + x / count;
}

/* The last row of each class of run number i, or of the chosen one. */
static int measure(Momentum *c, const Spectra *log, int i, Err *err) {
  int chosen = *c->options->kind ? spectra_find_class(log, c->options->kind, err) : -1;
  if (*c->options->kind && chosen < 0) return -1;
  int count = chosen < 0 ? log->class_count : 1;
  for (int k = 0; k < log->class_count; k++) {
    if (chosen >= 0 && k != chosen) continue;
    const SpectraRow *row = &log->rows[spectra_last(log, k)];
    Values v = values_of_row(row);
    for (int j = 0; j < DRAWN; j++)
      add(&c->values.curve[j].y[i],
          log10(fmax(row->values[SPECTRUM_FIRST_QUANTILE + shown[j].quantile], 1e-9)), count);
    for (int n = 0; n < NS_SCHEDULE_COUNT; n++) add(&c->left.curve[n].y[i], left_by(&v, n), count);
    values_free(&v);
  }
  for (int j = 0; j < DRAWN; j++) c->values.curve[j].y[i] = pow(10, c->values.curve[j].y[i]);
  return 0;
}

/* A random square matrix of the same width. */
static void expect(Momentum *c, int i, int64_t width) {
  Values law = values_of_law(width, width);
  for (int j = 0; j < DRAWN; j++) {
    double q = spectrum_quantiles[shown[j].quantile], side = (double)width;
    c->values.curve[j].expected[i] = q == 0 ? smallest_geometric_mean() / (side * sqrt(side))
                                            : law_quantile(1, q) / sqrt(side);
  }
  for (int n = 0; n < NS_SCHEDULE_COUNT; n++) c->left.curve[n].expected[i] = left_by(&law, n);
  values_free(&law);
}

static int add_run(Momentum *c, const char *path, Err *err) {
  int i = c->values.rows;
  RunLog log;
  Spectra spectra;
  if (i == RUNS_MAX) return fail(err, "--runs: at most %d runs are allowed", RUNS_MAX);
  if (runlog_read(&log, path, err)) return -1;
  int64_t width = strtoll(runlog_option(&log, "channels"), NULL, 10);
  runlog_free(&log);
  if (width < 1) return fail(err, "%s: its config.txt does not say how many channels it has", path);
  if (i > 0 && (double)width <= c->values.x[i - 1])
    return fail(err, "--runs: %s has %lld channels, not more than the run before it: give the "
                     "narrowest run first", path, (long long)width);
  if (spectra_read(&spectra, path, err)) return -1;
  int status = measure(c, &spectra, i, err);
  spectra_free(&spectra);
  if (status) return -1;
  expect(c, i, width);
  c->values.x[i] = c->left.x[i] = (double)width;
  snprintf(c->values.names[i], sizeof c->values.names[i], "%lld", (long long)width);
  snprintf(c->left.names[i], sizeof c->left.names[i], "%lld", (long long)width);
  c->values.rows = c->left.rows = i + 1;
  return 0;
}

static void name_curves(Momentum *c) {
  c->values.digits = c->left.digits = 3;
  for (int j = 0; j < DRAWN; j++) {
    Look look = palette_nth(shown[j].look);
    sheet_curve(&c->values, shown[j].name, &look);
  }
  for (int n = 0; n < NS_SCHEDULE_COUNT; n++) {
    Look look = palette_schedule(schedule_name(n));
    char label[64];
    snprintf(label, sizeof label, "%s, %d steps", schedule_name(n), schedule_steps(n));
    sheet_curve(&c->left, label, n == NS_DION || n == NS_CONVERGED ? NULL : &look);
  }
}

static int csv(const Momentum *c, const Output *out, Err *err) {
  Table t = table_make("width|quantity|momentum|random square matrix");
  for (int i = 0; i < c->values.rows; i++) {
    for (int j = 0; j < DRAWN; j++)
      table_add(&t, "%s|%s|%.6g|%.6g", c->values.names[i], shown[j].name,
                c->values.curve[j].y[i], c->values.curve[j].expected[i]);
    for (int n = 0; n < NS_SCHEDULE_COUNT; n++)
      table_add(&t, "%s|%s: per cent below 1/2|%.6g|%.6g", c->left.names[i],
                c->left.curve[n].label, c->left.curve[n].y[i], c->left.curve[n].expected[i]);
  }
  return out->csv(out, "momentum", &t, err);
}

static int draw(Momentum *c, const Output *out, Err *err) {
  Figure values = figure_make("Singular values of the momentum, of norm 1", "width of the model",
                              "singular value (thin: random square matrix)");
  Figure left = figure_make("Directions of the momentum that Newton-Schulz leaves below one half",
                            "width of the model", "per cent (thin: random square matrix)");
  snprintf(values.caption, sizeof values.caption,
           "At the last logged step, of %.60s.",
           *c->options->kind ? c->options->kind : "all matrices, as means over their classes");
  snprintf(left.caption, sizeof left.caption,
           "A momentum has more small singular values than a random matrix, so more of its "
           "directions stay small.");
  values.x_scale = left.x_scale = SCALE_DOUBLINGS;
  values.y_scale = left.y_scale = SCALE_LOG;
  left.y_min = 0.1;
  sheet_draw(&c->values, &values);
  sheet_draw(&c->left, &left);
  return out->figure(out, "momentum-values", &values, err) ||
         out->figure(out, "momentum-left", &left, err);
}

static int run(const void *with, const Output *out, Err *err) {
  static Momentum c;
  c = (Momentum){.options = with};
  name_curves(&c);
  char *runs = memory_text(c.options->runs), *rest = NULL;
  int status = 0;
  for (char *path = strtok_r(runs, " ", &rest); path && status == 0;
       path = strtok_r(NULL, " ", &rest))
    status = add_run(&c, path, err);
  free(runs);
  if (status) return -1;
  if (c.values.rows == 0)
    return fail(err, "--runs is required: name runs with a spectrum.csv, such as "
                     "tools/spectrum momentum --runs \"runs/narrow runs/wide\"");
  out->say("\nSingular values of the momentum, of norm 1 (of a random square matrix)");
  sheet_show(&c.values, "width", out);
  out->say("\nPer cent of its directions that are left below one half (of a random square matrix)");
  sheet_show(&c.left, "width", out);
  return csv(&c, out, err) || draw(&c, out, err) ? -1 : 0;
}

const Study study_momentum = {"momentum", "the momentum of runs of several widths", options,
                              sizeof(MomentumOptions), run};
