#include "tools/spectra/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optim/parts/polynomials.h"

Curve *sheet_curve(Sheet *s, const char *label, const Look *look) {
  Curve *c = &s->curve[s->curves++];
  *c = (Curve){.drawn = look != NULL};
  if (look) c->look = *look;
  snprintf(c->label, sizeof c->label, "%s", label);
  for (int i = 0; i < SHEET_ROWS; i++) c->y[i] = c->expected[i] = NAN;
  return c;
}

void sheet_show(const Sheet *s, const char *head, const Output *o) {
  char text[SHEET_CURVES * sizeof s->curve->label];
  size_t used = (size_t)snprintf(text, sizeof text, "%s", head);
  int trends = 0;
  for (int i = 0; i < s->curves; i++) {
    used += (size_t)snprintf(text + used, sizeof text - used, "|%s", s->curve[i].label);
    trends += *s->curve[i].trend != 0;
  }
  Table t = table_make(text);
  for (int k = 0; k < s->rows; k++) {
    table_add(&t, "%s", s->names[k]);
    for (int i = 0; i < s->curves; i++) {
      double y = s->curve[i].y[k], expected = s->curve[i].expected[k];
      if (isfinite(expected))
        table_set(&t, i + 1, "%.*g (%.*g)", s->digits, y, s->digits, expected);
      else if (isfinite(y)) table_set(&t, i + 1, "%.*g", s->digits, y);
    }
  }
  if (trends) table_add(&t, "trend");
  for (int i = 0; i < s->curves && trends; i++) table_set(&t, i + 1, "%s", s->curve[i].trend);
  o->show(&t);
  table_free(&t);
}

static void draw_curve(const Sheet *s, Figure *f, SeriesKind kind, const Curve *c, const double *y,
                       const char *label) {
  Series *series = figure_add(f, kind, c->look, s->rows, label);
  int n = 0;
  for (; n < s->rows && isfinite(y[n]) && !(y[n] <= f->y_min); n++) {
    series->x[n] = s->x[n];
    series->y[n] = y[n];
  }
  series->n = n;
}

void sheet_draw(const Sheet *s, Figure *f) {
  for (int i = 0; i < s->curves; i++)
    if (s->curve[i].drawn) draw_curve(s, f, SERIES_FAINT, &s->curve[i], s->curve[i].expected, "");
  for (int i = 0; i < s->curves; i++)
    if (s->curve[i].drawn)
      draw_curve(s, f, SERIES_CURVE, &s->curve[i], s->curve[i].y, s->curve[i].label);
}

int read_list(const char *option, const char *text, int per, int64_t least, int64_t most,
              int64_t *out, int room, Err *err) {
  const char *want = per == 1 ? "whole numbers with commas between them, such as 64,128,256"
                              : "a list of shapes with commas, such as 768x768,3072x768";
  int count = 0;
  for (const char *at = text; *at; count++) {
    if (count == room) return fail(err, "--%s %s: at most %d are allowed", option, text, room);
    for (int k = 0; k < per; k++) {
      char *end, after = k + 1 < per ? 'x' : ',';
      long long n = strtoll(at, &end, 10);
      if (end == at || (*end != after && !(*end == 0 && after == ',')))
        return fail(err, "--%s %s: give %s", option, text, want);
      if (n < least || n > most)
        return fail(err, "--%s %s: %lld is out of range: %lld to %lld is allowed", option, text, n,
                    (long long)least, (long long)most);
      out[count * per + k] = n;
      at = *end ? end + 1 : end;
    }
  }
  return count > 0 ? count : fail(err, "--%s is empty: give %s", option, want);
}

int read_words(const char *option, const char *text, const char *choices, int *out, int room,
               Err *err) {
  int count = 0;
  for (const char *at = text; *at && count < room; count++) {
    char word[64];
    size_t length = strcspn(at, ",");
    snprintf(word, sizeof word, "%.*s", (int)length, at);
    out[count] = word_index(choices, word);
    if (out[count] < 0)
      return fail(err, "--%s %s: \"%s\" is not one of %s", option, text, word,
                  choices + (*choices == '|'));
    at += length + (at[length] == ',');
  }
  return count > 0 ? count : fail(err, "--%s is empty: give some of %s", option,
                                  choices + (*choices == '|'));
}

const char *schedule_name(int schedule) {
  static char name[32];
  word_at(NS_SCHEDULE_NAMES, schedule, name, sizeof name);
  return name;
}

int schedule_steps(int schedule) {
  return (int)newton_schulz_plan(&(NewtonSchulz){schedule, 0}).steps;
}
