#include "tools/report/figure.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/quote.h"
#include "core/terminal.h"
#include "tools/report/gnuplot.h"

enum { PIXELS_PER_LABEL = 21, CHARACTERS_OF_FRAME = 5, PIXELS_OF_FRAME = 130 };

Figure figure_make(const char *title, const char *x_label, const char *y_label) {
  Figure f = {.x_min = NAN, .x_max = NAN, .y_min = NAN, .y_max = NAN, .line = NAN,
              .width = 1100, .height = 660};
  snprintf(f.title, sizeof f.title, "%s", title);
  snprintf(f.x_label, sizeof f.x_label, "%s", x_label);
  snprintf(f.y_label, sizeof f.y_label, "%s", y_label);
  return f;
}

void figure_free(Figure *f) {
  for (int i = 0; i < f->count; i++) free(f->series[i].x);
  free(f->series);
  free(f->rows);
  free(f->columns);
  *f = (Figure){0};
}

Series *figure_add(Figure *f, SeriesKind kind, Look look, int n, const char *label) {
  f->series = memory_grow(f->series, (size_t)f->count + 1, sizeof *f->series);
  Series *s = &f->series[f->count++];
  double *memory = memory_take(3 * (size_t)(n + 1), sizeof *memory);
  *s = (Series){.kind = kind, .look = look, .n = n, .x = memory, .y = memory + n + 1};
  if (kind == SERIES_BAND || kind == SERIES_BARS) s->high = s->y + n + 1;
  snprintf(s->label, sizeof s->label, "%s", label);
  return s;
}

void figure_show(Figure *f, double low, double high, double below, double above) {
  if (!(high > low)) return;
  f->y_min = low - below * (high - low);
  f->y_max = high + above * (high - low);
}

int figure_has_points(const Figure *f) {
  for (int i = 0; i < f->count; i++)
    if (f->series[i].n > 0) return 1;
  return 0;
}

void figure_fit_terminal(Figure *f) {
  int width = 101, height = 32;
  int known = terminal_size(STDOUT_FILENO, &width, &height);
  f->width = width - 1;
  f->height = height < 34 ? height - 2 : 30;
  f->ansi = known && !getenv("NO_COLOR");
}

/* ---- scales and the range of y, which the places of labels need ---- */

/* gnuplot sees logarithms, and numbers are written at the tics. */
static double place(double value, AxisScale scale) {
  return scale == SCALE_LINEAR ? value : log10(value);
}

static double place_y(const Figure *f, double y) { return place(y, f->y_scale); }
static double place_x(const Figure *f, double x) { return place(x, f->x_scale); }

static void find_range(const Figure *f, double *low, double *high) {
  *low = INFINITY;
  *high = -INFINITY;
  for (int i = 0; i < f->count; i++)
    for (int j = 0; j < f->series[i].n; j++) {
      const Series *s = &f->series[i];
      double y = place_y(f, s->y[j]);
      if (!isfinite(y)) continue;
      *low = fmin(*low, y);
      *high = fmax(*high, s->high ? place_y(f, s->high[j]) : y);
    }
  if (*low > *high) *low = 0, *high = 1;
  double margin = *high > *low ? 0.04 * (*high - *low) : 0.5;
  *low = isnan(f->y_min) ? *low - margin : place_y(f, f->y_min);
  *high = isnan(f->y_max) ? *high + margin : place_y(f, f->y_max);
  if (!(*high > *low)) *high = *low + 1;
}

/* ---- labels at the ends of curves ---- */

typedef struct {
  const Series *series;
  double y; /* its place */
} Label;

static int higher_first(const void *a, const void *b) {
  double x = ((const Label *)a)->y, y = ((const Label *)b)->y;
  return (x < y) - (x > y);
}

static double end_of(const Figure *f, const Series *s) {
  for (int j = s->n - 1; j >= 0; j--)
    if (isfinite(s->y[j])) return place_y(f, s->high ? (s->y[j] + s->high[j]) / 2 : s->y[j]);
  return NAN;
}

/* Whether any point lies in the figure: a label for nothing would only confuse. */
static int in_sight(const Figure *f, const Series *s, double low, double high) {
  if (s->kind == SERIES_BARS) return 0; /* they carry numbers instead */
  for (int j = 0; j < s->n; j++)
    if (place_y(f, s->y[j]) >= low && place_y(f, s->y[j]) <= high && !(s->x[j] < f->x_min) &&
        !(s->x[j] > f->x_max))
      return 1;
  return 0;
}

/* Moves labels apart until none covers another: neighbours that overlap become one block around
   the mean of the places where they belong. */
static void spread(Label *labels, int n, double apart, double low, double high) {
  double *wanted = memory_take((size_t)n, sizeof *wanted);
  int *first = memory_take((size_t)n, sizeof *first), blocks = 0;
  if (n > 1 && apart * (n - 1) > high - low) apart = (high - low) / (n - 1);
  for (int i = 0; i < n; i++) wanted[i] = labels[i].y;
  for (int i = 0; i < n; i++) {
    first[blocks++] = i;
    for (;;) {
      int start = first[blocks - 1];
      double mean = 0, size = apart * (i - start);
      for (int j = start; j <= i; j++) mean += (wanted[j] + apart * (j - start)) / (i - start + 1);
      mean = fmin(fmax(mean, low + size), high);
      for (int j = start; j <= i; j++) labels[j].y = mean - apart * (j - start);
      if (start == 0 || labels[start - 1].y - labels[start].y >= apart * 0.999) break;
      blocks--;
    }
  }
  free(wanted);
  free(first);
}

/* In characters the n-th labelled series is drawn with the n-th letter. */
static char letter_of(const Figure *f, const Series *s) {
  int n = 0;
  for (const Series *other = f->series; other < s; other++) n += *other->label != 0;
  return (char)(*s->label ? 'A' + n % 26 : '*');
}

/* Black is invisible on most terminals. */
static unsigned colour_of(const Series *s, FigureFormat format) {
  return format == FIGURE_CHARACTERS && s->look.colour == 0 ? 0xA0A0A0 : s->look.colour;
}

/* A curve that falls out of the figure has its label where it was last seen. */
static int ends_inside(const Figure *f, const Series *s, FigureFormat format) {
  return f->labels_inside && format != FIGURE_CHARACTERS && s->n > 0 &&
         s->x[s->n - 1] < f->x_max - 0.02 * (f->x_max - f->x_min);
}

/* `where` is what gnuplot needs to know of the place. */
static void write_label(FILE *out, const char *text, unsigned colour, const char *where, ...) {
  va_list arguments;
  fprintf(out, "set label ");
  quote_gnuplot(out, text);
  fprintf(out, " noenhanced front textcolor rgb '#%06x' at ", colour);
  va_start(arguments, where);
  vfprintf(out, where, arguments);
  va_end(arguments);
  fputc('\n', out);
}

/* Returns the width of the widest label in characters. */
static int write_labels(FILE *out, const Figure *f, FigureFormat format, double low, double high) {
  Label *labels = memory_take((size_t)f->count, sizeof *labels);
  int n = 0, widest = 0;
  for (int i = 0; i < f->count; i++) {
    const Series *s = &f->series[i];
    if (f->columns && format != FIGURE_CHARACTERS) break; /* the names are below */
    if (!*s->label || !in_sight(f, s, low, high)) continue;
    double end = fmin(fmax(end_of(f, s), low), high);
    int width = (int)strlen(s->label);
    if (ends_inside(f, s, format)) {
      write_label(out, s->label, colour_of(s, format),
                  "first %.9g, first %.9g right offset character -1,0", place_x(f, s->x[s->n - 1]),
                  end);
      continue;
    }
    labels[n++] = (Label){s, end};
    if (width > widest) widest = width;
  }
  qsort(labels, (size_t)n, sizeof *labels, higher_first);
  double apart = format == FIGURE_CHARACTERS
                     ? (high - low) / (f->height - CHARACTERS_OF_FRAME)
                     : (high - low) * PIXELS_PER_LABEL / (f->height - PIXELS_OF_FRAME);
  spread(labels, n, apart, low, high);
  for (int i = 0; i < n; i++) {
    const Series *s = labels[i].series;
    char text[160];
    snprintf(text, sizeof text, "%c %s", letter_of(f, s), s->label);
    write_label(out, text + (format == FIGURE_CHARACTERS ? 0 : 2), colour_of(s, format),
                "graph 1, first %.9g left offset character 1,0", labels[i].y);
  }
  free(labels);
  return widest;
}

/* The numbers after the bars. */
static void write_bar_labels(FILE *out, const Figure *f) {
  for (int i = 0; i < f->count; i++)
    for (int j = 0; j < f->series[i].n && f->series[i].kind == SERIES_BARS; j++) {
      const Series *s = &f->series[i];
      char text[160];
      if (!*s->label || !isfinite(s->high[j])) continue;
      snprintf(text, sizeof text, "%.3g%s", s->high[j], s->label);
      write_label(out, text, 0, "first %.9g, first %.9g left offset character 0.7,0", s->high[j],
                  s->x[j]);
    }
}

static void write_line_label(FILE *out, const Figure *f) {
  if (isnan(f->line) || !*f->line_label) return;
  write_label(out, f->line_label, 0x555555,
              "graph 0.01, first %.9g left offset character 0,0.6", place_y(f, f->line));
}

/* ---- the script ---- */

void figure_write_terminal(FILE *out, const Figure *f, FigureFormat format) {
  if (format == FIGURE_PNG)
    fprintf(out, "set terminal pngcairo size %d,%d font 'sans,13' background 'white'\n", f->width,
            f->height);
  else if (format == FIGURE_SVG)
    fprintf(out,
            "set terminal svg size %d,%d font 'Helvetica,Arial,sans-serif,15' background 'white' "
            "dynamic\n",
            f->width, f->height);
  else
    fprintf(out, "set terminal dumb size %d,%d %s\n", f->width, f->height,
            f->ansi ? "ansirgb" : "mono");
}

static void write_text(FILE *out, const char *what, const char *text) {
  fprintf(out, "set %s ", what);
  quote_gnuplot(out, text);
  fprintf(out, " noenhanced\n");
}

static void write_axes(FILE *out, const Figure *f, FigureFormat format, int widest) {
  double wide = format == FIGURE_CHARACTERS ? widest + 5 : 0.93 * widest + 4;
  if (f->rows) wide = 12; /* for the number after the longest bar */
  fprintf(out, "set encoding utf8\nunset key\nset rmargin %.9g\n"
               "set border 3 linecolor rgb '#444444'\nset tics nomirror\n"
               "set xtics autofreq\nset format '%%g'\n", wide);
  if (format != FIGURE_CHARACTERS)
    fprintf(out, "set grid ytics linetype 1 linewidth 1 linecolor rgb '#e4e4e4'\n"
                 "set tics out scale 0.6\nset lmargin %d\n", f->rows ? 20 : 10);
  if (*f->title) write_text(out, "title", f->title);
  else fprintf(out, "set tmargin 1\n");
  write_text(out, "xlabel", f->x_label);
  write_text(out, "ylabel", f->y_label);
}

/* Numbers at the tics of an axis of logarithms from low to high: powers of two, or some of each
   decade, the fewer the more decades there are. */
static void write_log_tics(FILE *out, char axis, AxisScale scale, double low, double high) {
  static const double parts[] = {1, 2, 5, 1.5, 3, 7};
  int doublings = scale == SCALE_DOUBLINGS, count = 0;
  int each = doublings || high - low > 3.3 ? 1 : high - low > 1.5 ? 3 : 6;
  double unit = doublings ? log10(2) : 1;
  int every = high - low > 14 ? 3 : high - low > 7 ? 2 : 1;
  fprintf(out, "set %ctics (", axis);
  for (int whole = (int)floor(low / unit); whole * unit <= high; whole++)
    for (int i = 0; i < each; i++) {
      double at = whole * unit + log10(parts[i]);
      if (whole % every != 0 || at < low - 1e-9 || at > high + 1e-9) continue;
      if (each == 1 && !doublings) fprintf(out, "%s'1e%d' %d", count++ ? "," : "", whole, whole);
      else fprintf(out, "%s'%.4g' %.9g", count++ ? "," : "", pow(10, at), at);
    }
  fprintf(out, ")\n");
}

/* In characters the letters of the curves, whose names are at the right. */
static void write_columns(FILE *out, const Figure *f, FigureFormat format) {
  fprintf(out, "set xtics %s noenhanced (",
          format == FIGURE_CHARACTERS ? "norotate" : "rotate by 35 right");
  for (int i = 0; i < f->column_count; i++) {
    const char letter[] = {(char)('A' + i % 26), 0};
    if (i) fputc(',', out);
    quote_gnuplot_tic(out, format == FIGURE_CHARACTERS ? letter : f->columns[i]);
    fprintf(out, " %d", i);
  }
  fprintf(out, ")\n");
}

static void write_ranges(FILE *out, const Figure *f, FigureFormat format, double low,
                         double high) {
  const double bounds[] = {place_x(f, f->x_min), place_x(f, f->x_max)};
  fprintf(out, "set xrange [");
  for (int i = 0; i < 2; i++) {
    if (isnan(bounds[i])) fprintf(out, "*");
    else fprintf(out, "%.9g", bounds[i]);
    fprintf(out, i ? "]\n" : ":");
  }
  if (f->x_scale != SCALE_LINEAR) write_log_tics(out, 'x', f->x_scale, bounds[0], bounds[1]);
  if (f->columns) write_columns(out, f, format);
  if (!f->rows) fprintf(out, "set yrange [%.9g:%.9g]\n", low, high);
  if (f->y_scale != SCALE_LINEAR) write_log_tics(out, 'y', f->y_scale, low, high);
  if (!f->rows) return;
  fprintf(out, "set yrange [%d.6:-0.6]\nset ytics scale 0 (", f->row_count - 1);
  for (int i = 0; i < f->row_count; i++) {
    if (i) fputc(',', out);
    quote_gnuplot_tic(out, f->rows[i]);
    fprintf(out, " %d", i);
  }
  fprintf(out, ") noenhanced\nunset grid\nset border 1\nset xrange [0:*]\n");
}

/* Characters have no lines: points in between take their place. */
static void write_between(FILE *out, const Figure *f, const Series *s, int j) {
  double span = place_x(f, s->x[s->n - 1]) - place_x(f, s->x[0]);
  if (j == 0 || !isfinite(s->x[j - 1]) || !isfinite(s->y[j - 1]) || !(span > 0)) return;
  double x = place_x(f, s->x[j - 1]), y = place_y(f, s->y[j - 1]);
  double dx = place_x(f, s->x[j]) - x, dy = place_y(f, s->y[j]) - y;
  int steps = (int)ceil(dx / span * f->width);
  for (int k = 1; k < steps; k++)
    fprintf(out, "%.9g %.9g\n", x + dx * k / steps, y + dy * k / steps);
}

/* gnuplot leaves out points outside the range, and clips a band wrongly that leaves it more than
   once: here it is cut off at the border instead. */
static void write_band(FILE *out, const Figure *f, const Series *s, double low, double high) {
  enum { PIECES = 16 }; /* of a segment, so that the cut looks straight */
  for (int j = 0; j + 1 < s->n; j++)
    for (int k = 0; k <= PIECES; k++) {
      double b = (double)k / PIECES, a = 1 - b;
      double from = a * s->y[j] + b * s->y[j + 1], to = a * s->high[j] + b * s->high[j + 1];
      fprintf(out, "%.9g %.9g %.9g\n", place_x(f, a * s->x[j] + b * s->x[j + 1]),
              fmin(fmax(place_y(f, from), low), high), fmin(fmax(place_y(f, to), low), high));
    }
}

static void write_points(FILE *out, const Figure *f, FigureFormat format, const Series *s) {
  for (int j = 0; j < s->n; j++) {
    double x = place_x(f, s->x[j]), y = place_y(f, s->y[j]);
    if (format == FIGURE_CHARACTERS && s->kind != SERIES_BARS && isfinite(y))
      write_between(out, f, s, j);
    if (!isfinite(x) || !isfinite(y)) fprintf(out, "\n"); /* a gap in the line */
    else if (s->high) fprintf(out, "%.9g %.9g %.9g\n", x, y, place_y(f, s->high[j]));
    else fprintf(out, "%.9g %.9g\n", x, y);
  }
}

static void write_plot_characters(FILE *out, const Figure *f, int number) {
  const Series *s = &f->series[number];
  fprintf(out, "$s%d using 1:2 with points pointtype '%c' linecolor rgb '#%06x'", number,
          s->kind == SERIES_MARK ? '!' : s->kind == SERIES_FAINT ? '.' : letter_of(f, s),
          colour_of(s, FIGURE_CHARACTERS));
}

static void write_plot(FILE *out, const Series *s, FigureFormat format, int number) {
  unsigned colour = s->look.colour, drawn = colour;
  int every = s->n > 16 ? s->n / 12 : 1;
  fprintf(out, "$s%d using ", number);
  switch (s->kind) {
    case SERIES_CURVE:
      fprintf(out, "1:2 with linespoints linewidth 2.4 dashtype %d pointtype %d pointsize %g "
                   "pointinterval %d", s->look.dash, s->look.point,
              format == FIGURE_SVG ? 0.65 : 0.9, every); /* SVG's symbols are larger */
      break;
    case SERIES_LINE: fprintf(out, "1:2 with lines linewidth 2.4 dashtype %d", s->look.dash); break;
    case SERIES_FAINT:
      fprintf(out, "1:2 with lines linewidth 1.2");
      drawn = palette_lighter(colour, 0.55);
      break;
    case SERIES_BAND:
      fprintf(out, "1:2:3 with filledcurves fillstyle solid noborder");
      drawn = palette_lighter(colour, 0.8);
      break;
    case SERIES_MARK:
      fprintf(out, "1:2 with points pointtype 2 pointsize 1.6 linewidth 3");
      break;
    case SERIES_BARS:
      fprintf(out, "2:1:2:3:($1-0.36):($1+0.36) with boxxyerror fillstyle solid noborder");
      break;
  }
  fprintf(out, " linecolor rgb '#%06x'", drawn);
}

static void write_series(FILE *out, const Figure *f, FigureFormat format, double low,
                         double high) {
  for (int i = 0; i < f->count; i++) {
    fprintf(out, "$s%d << EOD\n", i);
    if (f->series[i].kind == SERIES_BAND) write_band(out, f, &f->series[i], low, high);
    else write_points(out, f, format, &f->series[i]);
    fprintf(out, "EOD\n");
  }
  fprintf(out, "set clip two\nplot ");
  if (!isnan(f->line))
    fprintf(out, "%.9g with lines linewidth 1.5 dashtype 2 linecolor rgb '#777777', ",
            place_y(f, f->line));
  for (int i = 0, drawn = 0; i < f->count; i++) {
    if (format == FIGURE_CHARACTERS && f->series[i].kind == SERIES_BAND) continue;
    if (drawn++) fprintf(out, ", ");
    if (format == FIGURE_CHARACTERS && f->series[i].kind != SERIES_BARS)
      write_plot_characters(out, f, i);
    else write_plot(out, &f->series[i], format, i);
  }
  fprintf(out, "\n");
}

int figure_draw(const Figure *f, FigureFormat format, char **out, size_t *size, Err *err) {
  double low, high;
  char *script;
  size_t length;
  FILE *text = open_memstream(&script, &length);
  find_range(f, &low, &high);
  figure_write_terminal(text, f, format);
  write_axes(text, f, format, write_labels(text, f, format, low, high));
  write_ranges(text, f, format, low, high);
  write_bar_labels(text, f);
  write_line_label(text, f);
  write_series(text, f, format, low, high);
  fclose(text);
  int status = gnuplot_run(script, length, out, size, err);
  free(script);
  if (status == 0 && **out == '\f') **out = '\n'; /* the terminal of characters starts a new page */
  return status;
}

/* PNG's signature; the first line of gnuplot's SVG. */
size_t figure_sign(FigureFormat format) {
  static const char svg[] = "<?xml version=\"1.0\" encoding=\"utf-8\"  standalone=\"no\"?>";
  return format == FIGURE_PNG ? 8 : sizeof svg - 1;
}
