#include "tools/report/forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quote.h"
#include "tools/report/gnuplot.h"
#include "tools/report/label.h"

/* The methods that are drawn, the lowest difference first; the baseline has none. */
typedef struct {
  const Entry **rows;
  int count;
  double low, high; /* range of x */
} Forest;

static double difference(const Comparison *c, const Entry *e) {
  return e == &c->entries[c->baseline] ? 0 : e->difference.mean;
}

/* 0 of a single seed, which has no interval. */
static double half_of(const Entry *e) { return isnan(e->difference.half) ? 0 : e->difference.half; }

/* Shows all means, and intervals that are not far wider than these are apart. */
static void choose_range(const Comparison *c, Forest *f) {
  double low = 0, high = 0, least = 0, greatest = 0;
  for (int i = 0; i < f->count; i++) {
    double x = difference(c, f->rows[i]), half = half_of(f->rows[i]);
    low = fmin(low, x);
    high = fmax(high, x);
    least = fmin(least, x - half);
    greatest = fmax(greatest, x + half);
  }
  double apart = high > low ? high - low : 1;
  f->low = fmax(least, low - apart) - 0.03 * apart;
  f->high = fmin(greatest, high + apart) + 0.03 * apart;
}

static Forest collect(const Comparison *c) {
  Forest f = {memory_take((size_t)c->count, sizeof *f.rows), 0, 0, 0};
  for (int i = 0; c->baseline >= 0 && i < c->count; i++) {
    const Entry *e = &c->entries[i];
    int at = f.count;
    if (!isfinite(difference(c, e)) || e->summary.n == 0) continue;
    for (; at > 0 && difference(c, f.rows[at - 1]) > difference(c, e); at--)
      f.rows[at] = f.rows[at - 1];
    f.rows[at] = e;
    f.count++;
  }
  choose_range(c, &f);
  return f;
}

/* Of intervals: below zero, above zero, and across it or not known. */
static unsigned colour_of(const Summary *s) {
  if (s->mean + s->half < 0) return 0x0072B2;
  if (s->mean - s->half > 0) return 0xD55E00;
  return 0x8C8C8C;
}

static void write_text(FILE *out, const char *before, const char *text, const char *after) {
  fputs(before, out);
  quote_gnuplot(out, text);
  fputs(after, out);
}

/* "-0.339 (-0.387 to -0.291)" at the right of a row. */
static void write_number(FILE *out, const Comparison *c, const Entry *e, int row) {
  char text[80];
  const Summary *d = &e->difference;
  if (e == &c->entries[c->baseline]) snprintf(text, sizeof text, "baseline: %.3f", e->summary.mean);
  else if (d->n < 2) snprintf(text, sizeof text, "%+.3f (one seed)", d->mean);
  else
    snprintf(text, sizeof text, "%+.3f (%+.3f to %+.3f)", d->mean, d->mean - d->half,
             d->mean + d->half);
  write_text(out, "set label ", text, " noenhanced at graph 1, first ");
  fprintf(out, "%d left offset character 1,0\n", row);
}

static void write_axes(FILE *out, const Comparison *c, const Forest *f, FigureFormat format) {
  char label[256];
  int widest = 0;
  for (int i = 0; i < f->count; i++) widest = (int)fmax(widest, (double)strlen(f->rows[i]->name));
  snprintf(label, sizeof label, "difference of the final loss to %.64s (%s)%s",
           c->entries[c->baseline].name, comparison_unit(c),
           c->seed_count > 1 ? ", 95 % interval" : "");
  fprintf(out, "set encoding utf8\nunset key\nset border 1 linecolor rgb '#444444'\n"
               "set lmargin %d\nset rmargin 27\nset tmargin 1\nset bmargin %d\n"
               "set tics nomirror out\nset xrange [%.9g:%.9g]\nset yrange [%d.6:-0.6]\n",
          widest + 2, format == FIGURE_CHARACTERS ? 3 : 6, f->low, f->high, f->count - 1);
  write_text(out, "set xlabel ", label, " noenhanced\n");
  if (format != FIGURE_CHARACTERS) {
    char caption[256];
    label_caption(c->logs, c->log_count, c->seed_count, caption, sizeof caption);
    write_text(out, "set label ", caption,
               " noenhanced textcolor rgb '#555555' at screen 0.02,0.03 left\n");
  }
  fprintf(out, "set ytics scale 0 noenhanced (");
  for (int i = 0; i < f->count; i++) {
    quote_gnuplot_tic(out, f->rows[i]->name);
    fprintf(out, " %d%s", i, i + 1 < f->count ? "," : ")\n");
  }
  for (int i = 0; i < f->count; i++) write_number(out, c, f->rows[i], i);
}

/* What leaves the range is cut off at its border. */
static void write_data(FILE *out, const Comparison *c, const Forest *f, FigureFormat format) {
  fprintf(out, "$d << EOD\n");
  for (int i = 0; i < f->count; i++) {
    double x = difference(c, f->rows[i]), half = half_of(f->rows[i]);
    fprintf(out, "%.9g %d %.9g %.9g %u\n", x, i, fmax(x - half, f->low), fmin(x + half, f->high),
            colour_of(&f->rows[i]->difference));
  }
  fprintf(out, "EOD\nset errorbars %s\nset arrow from 0, graph 0 to 0, graph 1 nohead dashtype 2 "
               "linecolor rgb '#777777'\n", format == FIGURE_CHARACTERS ? "0" : "0.5");
}

int forest_draw(const Comparison *c, FigureFormat format, char **out, size_t *size, Err *err) {
  Forest f = collect(c);
  Figure frame = figure_make("", "", "");
  int status = 0;
  *out = NULL;
  *size = 0;
  frame.height = 110 + 30 * f.count;
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(&frame), frame.height = f.count + 6;
  if (f.count > 1) {
    char *script;
    size_t length;
    FILE *text = open_memstream(&script, &length);
    figure_write_terminal(text, &frame, format);
    write_axes(text, c, &f, format);
    write_data(text, c, &f, format);
    if (format == FIGURE_CHARACTERS)
      fprintf(text, "plot $d using 1:2:3:4 with xerrorbars pointtype 'o'\n");
    else
      fprintf(text, "plot $d using 1:2:3:4:5 with xerrorbars linecolor rgb variable linewidth 2.2 "
                    "pointtype 7 pointsize 0.9\n");
    fclose(text);
    status = gnuplot_run(script, length, out, size, err);
    free(script);
  }
  free(f.rows);
  figure_free(&frame);
  return status;
}
