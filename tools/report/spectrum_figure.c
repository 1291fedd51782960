#include "tools/report/spectrum_figure.h"

#include <math.h>
#include <string.h>

#include "tools/report/label.h"

/* %s in a title is the matrix that was measured, in a note the rank of the subspace. */
static const struct {
  const char *title, *y_label, *note;
  int number;
  AxisScale scale;
} views[] = {
    [SPECTRA_QUANTILES] =
        {"Singular values of the %s", "singular value / Frobenius norm",
         "Each line is a quantile of the singular values. Orthogonalization makes all of them "
         "equal: the further apart the lines are, the more it changes. Values below 1e-8 are rounding.",
         SPECTRUM_FIRST_QUANTILE, SCALE_LOG},
    [SPECTRA_STABLE_RANK] =
        {"Stable rank of the %s", "stable rank",
         "The squared ratio of Frobenius norm and largest singular value says how many directions "
         "carry the matrix: 1 if one dominates, the length of its short side if all are equal.",
         SPECTRUM_STABLE_RANK, SCALE_LINEAR},
    [SPECTRA_CONDITION] =
        {"Condition number of the %s", "largest / smallest singular value",
         "The larger it is, the more Newton-Schulz steps it takes until the smallest singular "
         "values reach 1.",
         SPECTRUM_CONDITION, SCALE_LOG},
    [SPECTRA_POLAR] =
        {"How far the update is from an orthogonal matrix",
         "relative distance from the polar factor",
         "0: the update is the exact polar factor, all singular values equal. Newton-Schulz "
         "leaves a distance, and methods that do not orthogonalize have a large one.",
         SPECTRUM_POLAR_DISTANCE, SCALE_LINEAR},
    [SPECTRA_UPDATE] =
        {"Size of the update", "norm of the update / norm of the weights",
         "By how much a step changes a matrix, without weight decay. It follows the learning "
         "rate.",
         SPECTRUM_UPDATE, SCALE_LOG},
    [SPECTRA_GRADIENT] =
        {"How much of the gradient is in the leading directions of the %s",
         "share of the gradient's squared norm",
         "Share in the leading %s directions. A high one means that the subspace still fits the "
         "gradient.",
         SPECTRUM_GRADIENT_IN, SCALE_LINEAR},
};

/* Singular values below it are rounding (optim/parts/spectrum.c). */
static const double ROUNDING = 1e-8;

/* Mean over the classes (all, or one) of a number at each step; of logarithms where the figure
   shows these. */
static void add_curve(Figure *f, const Spectra *s, int kind, int number, Look look,
                      SeriesKind series_kind, const char *label) {
  int logs = f->y_scale == SCALE_LOG;
  Series *curve = figure_add(f, series_kind, look, s->count, label);
  int n = 0, terms = 0;
  double sum = 0;
  for (int i = 0; i < s->count; i++) {
    double value = s->rows[i].values[number];
    int mine = (kind < 0 || s->rows[i].kind == kind) && isfinite(value);
    if (mine) sum += logs ? log10(fmax(value, ROUNDING)) : value, terms++;
    int last = i + 1 == s->count || s->rows[i + 1].step != s->rows[i].step;
    if (!last) continue;
    if (terms > 0) {
      curve->x[n] = (double)s->rows[i].step;
      curve->y[n++] = logs ? pow(10, sum / terms) : sum / terms;
    }
    sum = 0, terms = 0;
  }
  curve->n = n;
}

static void add_quantiles(Figure *f, const Spectra *s, int kind) {
  static const int drawn[] = {7, 6, 4, 2, 1, 0};
  for (int i = 0; i < 6; i++) {
    int number = SPECTRUM_FIRST_QUANTILE + drawn[i];
    double part = spectrum_quantiles[drawn[i]];
    char label[32];
    snprintf(label, sizeof label, part == 0 ? "smallest" : part == 1 ? "largest" : part == 0.5
             ? "median" : "%g %% are below", 100 * part);
    add_curve(f, s, kind, number, palette_nth(i), SERIES_CURVE, label);
  }
}

static void add_run(Figure *f, const Spectra *s, int view, int kind) {
  for (int i = 0; i < s->class_count; i++) {
    if (kind >= 0 && i != kind) continue;
    if (view == SPECTRA_GRADIENT)
      add_curve(f, s, i, SPECTRUM_GRADIENT_OWN, palette_nth(i), SERIES_FAINT, "");
    add_curve(f, s, i, views[view].number, palette_nth(i), SERIES_CURVE, s->classes[i]);
  }
}

static int add_runs(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                    const char *kind, Err *err) {
  for (int i = 0; i < count; i++) {
    char label[128];
    int class_of = *kind ? spectra_find_class(&spectra[i], kind, err) : -1;
    if (*kind && class_of < 0) return -1;
    label_run(logs, count, i, 1, label, sizeof label);
    add_curve(f, &spectra[i], class_of, views[view].number, label_look(logs, i), SERIES_CURVE,
              label);
  }
  return 0;
}

/* "r" where the runs differ in it. */
static void name_rank(const Spectra *spectra, int count, char *out, size_t size) {
  double rank = spectra[0].rows[0].values[SPECTRUM_RANK];
  for (int i = 0; i < count; i++)
    if (spectra[i].rows[0].values[SPECTRUM_RANK] != rank) rank = NAN;
  if (isfinite(rank)) snprintf(out, size, "%.0f", rank);
  else snprintf(out, size, "r");
}

/* The measured matrix: the word of spectrum.csv if all runs have the same, else several. */
static const char *measured(const Spectra *spectra, int count) {
  static const struct {
    const char *of, *words;
  } names[] = {{"nesterov", "Nesterov momentum"}, {"projected", "momentum in the subspace"},
               {"momentum", "momentum"}, {"gradient", "gradient"}};
  for (int i = 1; i < count; i++)
    if (strcmp(spectra[i].rows[0].of, spectra[0].rows[0].of) != 0) return "orthogonalized matrix";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i].of, spectra[0].rows[0].of) == 0) return names[i].words;
  return "orthogonalized matrix";
}

/* Title and caption: the runs, what is measured, what to look at. */
static void describe(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                     const char *kind) {
  char run[128], rank[32], note[300], of[64];
  int one = count == 1, n;
  label_run(logs, count, 0, 1, run, sizeof run);
  name_rank(spectra, count, rank, sizeof rank);
  n = snprintf(f->title, sizeof f->title, views[view].title, measured(spectra, count));
  if (one) snprintf(f->title + n, sizeof f->title - (size_t)n, ": %s", run);
  snprintf(note, sizeof note, views[view].note, rank);
  if (*kind) snprintf(of, sizeof of, "Matrices of the class %.30s", kind);
  else if (one && view != SPECTRA_QUANTILES) snprintf(of, sizeof of, "A line: a class of matrices");
  else snprintf(of, sizeof of, "Means over the classes of matrices");
  snprintf(f->caption, sizeof f->caption, "%s. %s%s", of, note,
           view == SPECTRA_GRADIENT && one ? " Thin: the share that the best subspace has." : "");
}

int spectra_figure(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                   const char *kind, Err *err) {
  int one = *kind ? spectra_find_class(&spectra[0], kind, err) : -1;
  if (*kind && one < 0) return -1;
  if (view == SPECTRA_QUANTILES && count > 1)
    return fail(err, "--spectrum quantiles draws one run at a time, not %d", count);
  *f = figure_make("", "steps", views[view].y_label);
  describe(f, spectra, logs, count, view, kind);
  f->y_scale = views[view].scale;
  if (view == SPECTRA_POLAR || view == SPECTRA_GRADIENT) f->y_min = 0;
  if (count > 1 && add_runs(f, spectra, logs, count, view, kind, err)) {
    figure_free(f);
    return -1;
  }
  if (count == 1 && view == SPECTRA_QUANTILES) add_quantiles(f, &spectra[0], one);
  else if (count == 1) add_run(f, &spectra[0], view, one);
  return 0;
}
