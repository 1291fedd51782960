#include "run/spectra.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "core/file.h"
#include "core/memory.h"
#include "run/names.h"

typedef struct {
  int step, kind, of, numbers[SPECTRUM_NUMBERS]; /* places in the file */
} Places;

static int place(const Csv *csv, const char *name, int *column, Err *err) {
  *column = csv_column(csv, name);
  if (*column >= 0) return 0;
  return fail(err, "%s, line 1: there is no column \"%s\": this is not a " SPECTRUM_FILE
                   " of ./train --log-spectrum", csv->path, name);
}

static int find_columns(const Csv *csv, Places *p, Err *err) {
  if (place(csv, "step", &p->step, err) || place(csv, "class", &p->kind, err) ||
      place(csv, "of", &p->of, err))
    return -1;
  for (int i = 0; i < SPECTRUM_NUMBERS; i++)
    if (place(csv, spectrum_columns[i], &p->numbers[i], err)) return -1;
  return 0;
}

static int find_class(const Spectra *s, const char *name) {
  for (int i = 0; i < s->class_count; i++)
    if (strcmp(s->classes[i], name) == 0) return i;
  return -1;
}

static int read_row(Spectra *s, const Csv *csv, const Places *p, Err *err) {
  SpectraRow row = {0};
  double step;
  if (csv_number(csv, p->step, &step, err)) return -1;
  if (!(step >= 0 && step < 9e15))
    return fail(err, "%s, line %d: the row has no step", csv->path, csv->line);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++)
    if (csv_number(csv, p->numbers[i], &row.values[i], err)) return -1;
  row.step = (int64_t)step;
  row.kind = spectrum_class(&s->classes, &s->class_count, csv->cells[p->kind]);
  snprintf(row.of, sizeof row.of, "%.15s", csv->cells[p->of]);
  s->rows = memory_grow(s->rows, (size_t)s->count + 1, sizeof *s->rows);
  s->rows[s->count++] = row;
  return 0;
}

static int read_rows(Spectra *s, Csv *csv, Err *err) {
  Places places = {0};
  int more, status = find_columns(csv, &places, err);
  while (status == 0 && (more = csv_row(csv, err)) != 0)
    status = more < 0 ? -1 : read_row(s, csv, &places, err);
  if (status == 0 && s->count == 0) return fail(err, "%s: no step is logged yet", s->path);
  return status;
}

int spectra_read(Spectra *s, const char *path, Err *err) {
  Csv csv;
  *s = (Spectra){0};
  int folder = folder_exists(path);
  if (snprintf(s->path, sizeof s->path, "%s%s", path, folder ? "/" SPECTRUM_FILE : "") >=
      (int)sizeof s->path)
    return fail(err, "%s: the path is too long", path);
  if (folder && !file_exists(s->path))
    return fail(err, "%s: holds no " SPECTRUM_FILE ": train with --log-spectrum N", path);
  if (csv_open(&csv, s->path, err)) return -1;
  int status = read_rows(s, &csv, err);
  csv_close(&csv);
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

int spectra_find_class(const Spectra *s, const char *name, Err *err) {
  int found = *name ? find_class(s, name) : 0;
  if (found >= 0) return found;
  char list[512] = "";
  for (int i = 0; i < s->class_count; i++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", s->classes[i]);
  }
  return fail(err, "--class %s: %s has the classes %s", name, s->path, list);
}

int spectra_last(const Spectra *s, int kind) {
  int at = s->count - 1;
  while (at > 0 && s->rows[at].kind != kind) at--;
  return at;
}
