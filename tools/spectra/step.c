/* One matrix of a run: singular values and entries of its gradient, its momentum, and the steps
   that AdamW and Muon make of the same gradients. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/int64.h"
#include "core/quote.h"
#include "run/names.h"
#include "tools/report/gnuplot.h"
#include "tools/report/spectrum_figure.h"
#include "tools/spectra/replay.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

enum { RUNS = 2, MAP = 64 };

typedef struct {
  char from[OPTION_TEXT], beside[OPTION_TEXT], matrix[OPTION_TEXT];
  int64_t steps;
} StepOptions;

#define FIELD(member) offsetof(StepOptions, member)
static const Option options[] = {
    {.name = "from", .help = "Run or checkpoint to start from",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "beside", .help = "Second run or checkpoint, drawn beside the first",
     .type = OPTION_WORD, .at = FIELD(beside), .fallback = "", .needs = "from!="},
    {.name = "matrix",
     .help = "Matrix to look at, such as h.0.mlp.c_fc or h.0.attn.c_attn.q (empty: the attention's "
             "output in the middle block)",
     .type = OPTION_WORD, .at = FIELD(matrix), .fallback = ""},
    {.name = "steps",
     .help = "Training steps after the checkpoint, repeated in memory to collect the momentum",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "30", .min = 1, .max = 1000},
    {0},
};

typedef struct {
  const char *path;
  Replay replay;
  Values values[REPLAY_MATRICES]; /* singular values over their root mean square */
} Subject;

/* Lines of at most 110 characters; the last is about the squares, which characters do not show. */
static const char *const caption[] = {
    ("Gradient and momentum have a few large singular values and many small ones: rows and columns "
     "are visible."),
    "AdamW's step has entries of similar size, but its singular values fall nearly as fast.",
    "In Muon's step most are equal: all directions of the momentum count, not only the largest.",
    "Squares: the first 64 x 64 entries; white is 0, blue negative, orange positive."};
enum { LINES = sizeof caption / sizeof *caption };

static Look look_of(int matrix) {
  const Look looks[REPLAY_MATRICES] = {palette_nth(3), palette_nth(1), palette_look("adamw"),
                                       palette_look("muon")};
  return looks[matrix];
}

/* ---- numbers ---- */

static int measure(Subject *s, Err *err) {
  const Replay *r = &s->replay;
  for (int i = 0; i < REPLAY_MATRICES; i++) {
    Values *v = &s->values[i];
    if (values_of_matrix(v, r->X[i], r->rows, r->cols, err)) return -1;
    for (int64_t k = 0; k < v->n; k++) v->x[k] *= sqrt((double)v->n);
  }
  return 0;
}

/* How many of the largest singular values have 90 % of the sum of squares. */
static int64_t directions(const Values *v) {
  double sum = 0;
  int64_t k = 0;
  while (k < v->n && sum < 0.9 * (double)v->n) sum += v->x[k] * v->x[k], k++;
  return k;
}

static void tables(const Subject *subjects, int count, const Output *out, Table *csv) {
  Table t = table_make("matrix|largest|median|smallest|stable rank|directions with 90 %");
  for (int i = 0; i < count * REPLAY_MATRICES; i++) {
    const Subject *s = &subjects[i / REPLAY_MATRICES];
    const char *name = replay_names[i % REPLAY_MATRICES];
    const Values *v = &s->values[i % REPLAY_MATRICES];
    table_add(&t, "|%.2f|%.2f|%.4f|%.1f|%lld of %lld", v->x[0], values_quantile(v, 0.5),
              v->x[v->n - 1], (double)v->n / (v->x[0] * v->x[0]), (long long)directions(v),
              (long long)v->n);
    table_set(&t, 0, "%s%s%s", count > 1 ? s->path : "", count > 1 ? ": " : "", name);
    for (int64_t k = 0; k < v->n; k++) {
      table_add(csv, "|%s|%lld|%.6g", name, (long long)k + 1, v->x[k]);
      table_set(csv, 0, "%s", s->path);
    }
  }
  out->say("\nSingular values, divided by their root mean square; directions with 90 %%: how many "
           "have 90 %%\nof the sum of squares");
  out->show(&t);
  table_free(&t);
}

/* ---- the figure ---- */

static void title_of(const Subject *s, char *text, size_t size) {
  snprintf(text, size, "%.80s (%s), step %lld", s->path, s->replay.optimizer,
           (long long)s->replay.step);
}

static void write_data(FILE *out, const Subject *s, int run) {
  int64_t rows = i64_min(s->replay.rows, MAP), cols = i64_min(s->replay.cols, MAP);
  for (int i = 0; i < REPLAY_MATRICES; i++) {
    fprintf(out, "$v%d%d << EOD\n", run, i);
    for (int64_t k = 0; k < s->values[i].n; k++)
      fprintf(out, "%lld %.6g\n", (long long)k + 1, fmax(s->values[i].x[k], 1e-9));
    fprintf(out, "EOD\n$m%d%d << EOD\n", run, i);
    for (int64_t k = 0; k < rows * cols; k++)
      fprintf(out, "%.2f%c", (double)s->replay.X[i][k / cols * s->replay.cols + k % cols],
              k % cols == cols - 1 ? '\n' : ' ');
    fprintf(out, "EOD\n");
  }
}

/* A column of the picture: the singular values, and below them the entries. */
static void write_column(FILE *out, const Subject *s, int run, int count, double low) {
  char title[256];
  double width = 1.0 / count, x = run * width;
  title_of(s, title, sizeof title);
  fprintf(out, "set origin %g,0.45\nset size %g,0.50\nset title ", x, width);
  quote_gnuplot(out, title);
  fprintf(out, " noenhanced\nset lmargin 10\nset rmargin 2\nset border 3\nset tics nomirror out\n"
               "set xlabel 'singular values, the largest first'\n"
               "set ylabel 'divided by their root mean square' offset 1\n"
               "set grid ytics linecolor rgb '#e4e4e4'\n"
               "set logscale y\nset format y '%%g'\nset xrange [0:%lld]\nset yrange [%g:40]\n"
               "set key top right horizontal maxrows 1 noenhanced\nplot ",
          (long long)s->values[0].n + 1, low);
  for (int i = 0; i < REPLAY_MATRICES; i++)
    fprintf(out, "%s$v%d%d using 1:2 with lines linewidth 2.6 linecolor rgb '#%06x' title \"%s\"",
            i ? ", " : "", run, i, look_of(i).colour, replay_names[i]);
  fprintf(out, "\nunset label\nunset logscale\nunset grid\nunset xlabel\nunset ylabel\nunset key\n"
               "unset tics\nset border 15\nset lmargin 1\nset rmargin 1\nset cbrange [-3:3]\n"
               "unset colorbox\nset palette maxcolors 9 defined "
               "(-3 '#0072B2', 0 'white', 3 '#D55E00')\n"
               "set xrange [*:*]\nset yrange [*:*] reverse\n");
  for (int i = 0; i < REPLAY_MATRICES; i++)
    fprintf(out, "set origin %g,0.115\nset size %g,0.33\nset title \"%s\"\n"
                 "plot $m%d%d matrix with image\n",
            x + i * width / REPLAY_MATRICES, width / REPLAY_MATRICES, replay_names[i], run, i);
  fprintf(out, "set yrange [*:*] noreverse\nset tics\n");
}

static double lowest(const Subject *subjects, int count) {
  double low = 0.1;
  for (int i = 0; i < count; i++)
    for (int k = 0; k < REPLAY_MATRICES; k++) {
      const Values *v = &subjects[i].values[k];
      low = fmin(low, 0.7 * values_quantile(v, 0.01));
    }
  return fmax(low, 1e-4);
}

static void write_page_text(FILE *out, const Subject *subjects) {
  const Replay *r = &subjects[0].replay;
  char title[256];
  snprintf(title, sizeof title, "What Muon changes in a step: %s (%lld x %lld)", r->matrix,
           (long long)r->rows, (long long)r->cols);
  fprintf(out, "set multiplot title ");
  quote_gnuplot(out, title);
  fprintf(out, " noenhanced font ',15'\n");
  for (int i = 0; i < LINES; i++) {
    fprintf(out, "set label ");
    quote_gnuplot(out, caption[i]);
    fprintf(out, " noenhanced at screen 0.015,%g left textcolor rgb '#555555'\n",
            0.095 - i * 0.026);
  }
}

static int image(const Subject *subjects, int count, FigureFormat format, char **picture,
                 size_t *size, Err *err) {
  char *script;
  size_t length;
  FILE *out = open_memstream(&script, &length);
  if (!out) return fail(err, "no memory for a figure");
  int wide = 40 + 860 * count, high = 840;
  if (format == FIGURE_PDF)
    fprintf(out, "set terminal pdfcairo size %g,%g font 'sans,11'\n", wide / 100.0, high / 100.0);
  else
    fprintf(out, "set terminal %s size %d,%d font 'sans,%d' background 'white'\n",
            format == FIGURE_PNG ? "pngcairo" : "svg", wide, high, format == FIGURE_PNG ? 11 : 13);
  fprintf(out, "set encoding utf8\n");
  for (int i = 0; i < count; i++) write_data(out, &subjects[i], i);
  write_page_text(out, subjects);
  double low = lowest(subjects, count);
  for (int i = 0; i < count; i++) write_column(out, &subjects[i], i, count, low);
  fprintf(out, "unset multiplot\n");
  fclose(out);
  int status = gnuplot_run(script, length, picture, size, err);
  free(script);
  return status;
}

/* Only the singular values, for a terminal. */
static int characters(const Subject *s, const Output *out, Err *err) {
  char title[256];
  title_of(s, title, sizeof title);
  Figure f = figure_make(title, "singular values, the largest first",
                         "divided by their root mean square");
  snprintf(f.caption, sizeof f.caption, "%s %s %s", caption[0], caption[1], caption[2]);
  f.y_scale = SCALE_LOG, f.y_min = lowest(s, 1), f.y_max = 20;
  for (int i = 0; i < REPLAY_MATRICES; i++) {
    int n = (int)s->values[i].n;
    Series *series = figure_add(&f, SERIES_LINE, look_of(i), n, replay_names[i]);
    for (int k = 0; k < n; k++) series->x[k] = k + 1, series->y[k] = s->values[i].x[k];
  }
  return out->figure(out, "step", &f, err);
}

/* The matrices of the same class during training, if the run has logged them. */
static int history(const Subject *s, int run, const Output *out, Err *err) {
  const char *kind = s->replay.matrix + 2 + strcspn(s->replay.matrix + 2, ".") + 1;
  char path[OPTION_TEXT + 32], name[32];
  Spectra spectra;
  RunLog log;
  Figure f;
  snprintf(path, sizeof path, "%s/" SPECTRUM_FILE, s->path);
  if (!file_exists(path)) return 0;
  if (runlog_read(&log, s->path, err)) return -1;
  int status = spectra_read(&spectra, path, err);
  if (status == 0) {
    status = spectra_figure(&f, &spectra, &log, 1, SPECTRA_QUANTILES, kind, err);
    spectra_free(&spectra);
  }
  runlog_free(&log);
  snprintf(name, sizeof name, run ? "step-history-%d" : "step-history", run + 1);
  return status ? -1 : out->figure(out, name, &f, err);
}

static int run(const void *with, const Output *out, Err *err) {
  const StepOptions *o = with;
  Subject subjects[RUNS] = {{.path = o->from}, {.path = o->beside}};
  int count = *o->beside ? 2 : 1, status = 0;
  if (!*o->from)
    return fail(err, "--from is required: name a run, such as tools/spectrum step --from "
                     "runs/muon-nano");
  for (int i = 0; i < count && status == 0; i++)
    status = replay_open(&subjects[i].replay, subjects[i].path, o->matrix, o->steps, out->progress,
                         err) || measure(&subjects[i], err);
  if (status == 0) {
    Table csv = table_make("run|matrix|number|singular value");
    tables(subjects, count, out, &csv);
    status = out->csv(out, "step", &csv, err);
  }
  for (int i = 0; i < count && status == 0 && out->format == FIGURE_CHARACTERS; i++)
    status = characters(&subjects[i], out, err);
  if (status == 0 && out->format != FIGURE_CHARACTERS) {
    char *picture;
    size_t size;
    status = image(subjects, count, (FigureFormat)out->format, &picture, &size, err) ||
             out->picture(out, "step", picture, size, err);
  }
  for (int i = 0; i < count && status == 0; i++) status = history(&subjects[i], i, out, err);
  for (int i = 0; i < count; i++) {
    for (int k = 0; k < REPLAY_MATRICES; k++) values_free(&subjects[i].values[k]);
    replay_close(&subjects[i].replay);
  }
  return status;
}

const Study study_step = {"step", "what Muon and AdamW do to a gradient of a run", options,
                          sizeof(StepOptions), run};
