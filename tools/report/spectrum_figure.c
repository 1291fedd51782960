#include "tools/report/spectrum_figure.h"

#include <math.h>
#include <string.h>

#include "tools/report/label.h"

static const struct {
  const char *y_label;
  int number;
  AxisScale scale;
} views[] = {
    {"", 0, SCALE_LINEAR},
    {"singular values of Z / ||Z||_F", SPECTRUM_FIRST_QUANTILE, SCALE_LOG},
    {"stable rank of Z, the matrix orthogonalized", SPECTRUM_STABLE_RANK, SCALE_LINEAR},
    {"condition number of Z, the matrix orthogonalized", SPECTRUM_CONDITION, SCALE_LOG},
    {"distance of the update's direction from msgn(Z)", SPECTRUM_POLAR_DISTANCE, SCALE_LINEAR},
    {"norm of update / norm of weights", SPECTRUM_UPDATE, SCALE_LOG},
    {"share of ||G||^2 in Z's leading directions", SPECTRUM_GRADIENT_IN, SCALE_LINEAR},
};

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
    if (mine) sum += logs ? log10(fmax(value, 1e-12)) : value, terms++;
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
    const char *name = spectrum_columns[number];
    char label[32];
    if (*name == 'q') snprintf(label, sizeof label, "%s%%", name + 1);
    else snprintf(label, sizeof label, "%s", name);
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

int spectra_figure(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                   const char *kind, Err *err) {
  char y_label[128], rank[32];
  int one = *kind ? spectra_find_class(&spectra[0], kind, err) : -1;
  if (*kind && one < 0) return -1;
  if (view == SPECTRA_QUANTILES && count > 1)
    return fail(err, "--spectrum quantiles draws one run at a time, not %d", count);
  snprintf(y_label, sizeof y_label, "%s", views[view].y_label);
  name_rank(spectra, count, rank, sizeof rank);
  if (view == SPECTRA_GRADIENT)
    snprintf(y_label, sizeof y_label, "share of ||G||^2 in Z's %s leading directions%s", rank,
             count == 1 ? " (thin: in G's own)" : "");
  *f = figure_make("", "steps", y_label);
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
