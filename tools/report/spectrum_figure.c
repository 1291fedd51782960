#include "tools/report/spectra.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

enum { FIXED = 4, COLUMNS = FIXED + SPECTRUM_NUMBERS }; /* step, class, matrices, of */

/* ---- reading ---- */

static int class_number(Spectra *s, const char *name) {
  for (int i = 0; i < s->class_count; i++)
    if (strcmp(s->classes[i], name) == 0) return i;
  s->classes = realloc(s->classes, (size_t)(s->class_count + 1) * sizeof *s->classes);
  snprintf(s->classes[s->class_count], sizeof *s->classes, "%s", name);
  return s->class_count++;
}

static int check_header(const Spectra *s, char *line, Err *err) {
  static const char *const fixed[FIXED] = {"step", "class", "matrices", "of"};
  int column = 0;
  for (char *at = line, *cell; (cell = strsep(&at, ",")); column++) {
    const char *wanted = column < FIXED     ? fixed[column]
                         : column < COLUMNS ? spectrum_columns[column - FIXED]
                                            : "";
    if (strcmp(cell, wanted) != 0)
      return fail(err, "%s, line 1: column %d is \"%.40s\", not \"%s\": this is not a spectrum.csv "
                       "of ./train --log-spectrum", s->path, column + 1, cell, wanted);
  }
  return column == COLUMNS ? 0 : fail(err, "%s, line 1: %d columns, not %d: this is not a "
                                           "spectrum.csv of ./train --log-spectrum",
                                      s->path, column, COLUMNS);
}

static int read_row(Spectra *s, int number, char *line, Err *err) {
  SpectraRow row = {0};
  int column = 0;
  for (char *at = line, *cell; (cell = strsep(&at, ",")) && column < COLUMNS; column++) {
    char *end = cell;
    double x = *cell ? strtod(cell, &end) : NAN;
    int is_text = column == 1 || column == 3;
    if (!is_text && *end)
      return fail(err, "%s, line %d: \"%.40s\" is not a number", s->path, number, cell);
    if (column == 0) row.step = isfinite(x) ? (int64_t)x : -1;
    if (column == 1) row.kind = class_number(s, cell);
    if (column == 3) snprintf(row.of, sizeof row.of, "%.15s", cell);
    if (column >= FIXED) row.values[column - FIXED] = x;
  }
  if (column != COLUMNS || row.step < 0)
    return fail(err, "%s, line %d: this row is damaged: a step and %d cells are needed", s->path,
                number, COLUMNS);
  s->rows = realloc(s->rows, (size_t)(s->count + 1) * sizeof *s->rows);
  s->rows[s->count++] = row;
  return 0;
}

static int read_lines(Spectra *s, char *text, Err *err) {
  int number = 1;
  for (char *line = text, *end; *line; line = end + 1, number++) {
    end = strchr(line, '\n');
    if (!end && number > 1) break;
    if (end) *end = 0;
    line[strcspn(line, "\r")] = 0;
    if (number == 1 ? check_header(s, line, err) : read_row(s, number, line, err)) return -1;
    if (!end) break;
  }
  return s->count > 0 ? 0 : fail(err, "%s: no step is logged yet", s->path);
}

int spectra_read(Spectra *s, const char *path, Err *err) {
  char *text;
  size_t size;
  *s = (Spectra){0};
  int folder = folder_exists(path);
  if (snprintf(s->path, sizeof s->path, "%s%s", path, folder ? "/spectrum.csv" : "") >=
      (int)sizeof s->path)
    return fail(err, "%s: the path is too long", path);
  if (folder && !file_exists(s->path))
    return fail(err, "%s: holds no spectrum.csv: train with --log-spectrum N", path);
  if (file_read(s->path, &text, &size, err)) return -1;
  int status = read_lines(s, text, err);
  free(text);
  if (status) spectra_free(s);
  return status;
}

void spectra_free(Spectra *s) {
  free(s->rows);
  free(s->classes);
  s->rows = NULL;
  s->classes = NULL;
  s->count = s->class_count = 0;
}

static int find_class(const Spectra *s, const char *name) {
  for (int i = 0; i < s->class_count; i++)
    if (strcmp(s->classes[i], name) == 0) return i;
  return -1;
}

int spectra_last(const Spectra *s, const char *name) {
  int kind = find_class(s, name), at = -1;
  for (int i = 0; i < s->count; i++)
    if (s->rows[i].kind == kind) at = i;
  return at;
}

const char *spectra_class_list(const Spectra *s) {
  static char text[1024];
  size_t used = 0;
  for (int i = 0; i < s->class_count && used < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "",
                             s->classes[i]);
  return text;
}

/* ---- drawing ---- */

static const struct {
  const char *y_label;
  int number, decades;
} views[] = {
    {"", 0, 0},
    {"singular values of Z / ||Z||_F", SPECTRUM_FIRST_QUANTILE, 1},
    {"stable rank of Z, the matrix orthogonalized", SPECTRUM_STABLE_RANK, 0},
    {"condition number of Z, the matrix orthogonalized", SPECTRUM_CONDITION, 1},
    {"distance of the update's direction from msgn(Z)", SPECTRUM_POLAR_DISTANCE, 0},
    {"norm of update / norm of weights", SPECTRUM_UPDATE, 1},
    {"share of the gradient's energy in Z's leading directions", SPECTRUM_GRADIENT_IN, 0},
};

/* Mean over the classes (all, or one) of a number at each step; logarithms in decades. */
static void add_curve(Figure *f, const Spectra *s, int kind, int number, int decades, Look look,
                      SeriesKind series_kind, const char *label) {
  Series *curve = figure_add(f, series_kind, look, s->count, label);
  int n = 0, terms = 0;
  double sum = 0;
  for (int i = 0; i < s->count; i++) {
    double value = s->rows[i].values[number];
    int mine = (kind < 0 || s->rows[i].kind == kind) && isfinite(value);
    if (mine) sum += decades ? log10(fmax(value, 1e-12)) : value, terms++;
    int last = i + 1 == s->count || s->rows[i + 1].step != s->rows[i].step;
    if (!last) continue;
    if (terms > 0) {
      curve->x[n] = (double)s->rows[i].step;
      curve->y[n++] = sum / terms;
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
    add_curve(f, s, kind, number, 1, palette_nth(i), SERIES_CURVE, label);
  }
}

static void add_run(Figure *f, const Spectra *s, int view, int kind) {
  int number = views[view].number, decades = views[view].decades;
  for (int i = 0; i < s->class_count; i++) {
    if (kind >= 0 && i != kind) continue;
    if (view == SPECTRA_GRADIENT)
      add_curve(f, s, i, SPECTRUM_GRADIENT_OWN, 0, palette_nth(i), SERIES_FAINT, "");
    add_curve(f, s, i, number, decades, palette_nth(i), SERIES_CURVE, s->classes[i]);
  }
}

static void add_runs(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                     const char *kind) {
  for (int i = 0; i < count; i++) {
    char label[128];
    int nth = 0, class_of = *kind ? find_class(&spectra[i], kind) : -1;
    const char *optimizer = runlog_option(&logs[i], "optimizer");
    for (int j = 0; j < i; j++)
      nth += strcmp(runlog_option(&logs[j], "optimizer"), optimizer) == 0;
    runlog_label(logs, count, i, 1, label, sizeof label);
    add_curve(f, &spectra[i], class_of, views[view].number, views[view].decades,
              palette_shade(palette_look(optimizer), nth), SERIES_CURVE, label);
  }
}

int spectra_figure(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                   const char *kind, Err *err) {
  char y_label[128];
  if (view == SPECTRA_QUANTILES && count > 1)
    return fail(err, "--spectrum quantiles draws one run at a time, not %d", count);
  for (int i = 0; i < count && *kind; i++)
    if (find_class(&spectra[i], kind) < 0)
      return fail(err, "--class %s: %s has the classes %s", kind, spectra[i].path,
                  spectra_class_list(&spectra[i]));
  double rank = spectra[0].rows[0].values[SPECTRUM_RANK];
  for (int i = 0; i < count; i++)
    if (spectra[i].rows[0].values[SPECTRUM_RANK] != rank) rank = NAN;
  char number[32] = "r";
  if (isfinite(rank)) snprintf(number, sizeof number, "%.0f", rank);
  if (view == SPECTRA_GRADIENT)
    snprintf(y_label, sizeof y_label, "share of ||G||^2 in Z's %s leading directions%s", number,
             count == 1 ? " (thin: in G's own)" : "");
  else snprintf(y_label, sizeof y_label, "%s", views[view].y_label);
  *f = figure_make("", "steps", y_label);
  f->y_decades = views[view].decades;
  if (view == SPECTRA_POLAR || view == SPECTRA_GRADIENT) f->y_min = 0;
  int one = *kind ? find_class(&spectra[0], kind) : -1;
  if (view == SPECTRA_QUANTILES) add_quantiles(f, &spectra[0], one);
  else if (count == 1) add_run(f, &spectra[0], view, one);
  else add_runs(f, spectra, logs, count, view, kind);
  return 0;
}
