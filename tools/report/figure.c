#include "tools/report/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/quantile.h"
#include "core/quote.h"
#include "core/terminal.h"
#include "tools/report/gnuplot.h"

enum { PIXELS_PER_LABEL = 21, PIXELS_OF_FRAME = 130 };

Figure figure_make(const char *title, const char *x_label, const char *y_label) {
  Figure f = {.x_min = NAN, .x_max = NAN, .y_min = NAN, .y_max = NAN, .shown = 1, .line = NAN,
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
  *f = (Figure){0};
}

Series *figure_add(Figure *f, SeriesKind kind, Look look, int n, const char *label) {
  f->series = memory_grow(f->series, (size_t)f->count + 1, sizeof *f->series);
  Series *s = &f->series[f->count++];
  double *memory = memory_take(3 * (size_t)(n + 1), sizeof *memory);
  *s = (Series){.kind = kind, .look = look, .n = n, .x = memory, .y = memory + n + 1};
  if (kind == SERIES_BAND || kind >= SERIES_BAR) s->high = s->y + n + 1;
  snprintf(s->label, sizeof s->label, "%s", label);
  return s;
}

void figure_mark(Figure *f, Look look, double x, double y) {
  Series *s = figure_add(f, SERIES_MARK, look, 1, "");
  s->x[0] = x;
  s->y[0] = y;
}

void figure_row(Figure *f, const char *name) {
  f->rows = memory_grow(f->rows, (size_t)f->row_count + 1, sizeof *f->rows);
  snprintf(f->rows[f->row_count++], sizeof *f->rows, "%s", name);
  f->height = 110 + 32 * f->row_count;
}

void figure_bar(Figure *f, SeriesKind kind, Look look, double from, double to, const char *label) {
  Series *s = figure_add(f, kind, look, 1, label);
  s->x[0] = f->row_count - 1;
  s->y[0] = from;
  s->high[0] = to;
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
  int width = 81, height = 32;
  int known = terminal_size(STDOUT_FILENO, &width, &height);
  f->width = width - 1;
  f->height = f->rows ? f->row_count + 6 : height < 34 ? height - 2 : 32;
  f->ansi = known && !getenv("NO_COLOR");
}

/* ---- ranges ---- */

typedef struct {
  AxisScale scale;
  double low, high;
  double unit;      /* numbers at the tics are in this unit, ... */
  const char *name; /* ... which is "k" or the like */
} Axis;

/* Where a value is on the axis: 0 at its low end, 1 at its high end. */
static double share(const Axis *a, double value) {
  if (a->scale == SCALE_LINEAR) return (value - a->low) / (a->high - a->low);
  return log(value / a->low) / log(a->high / a->low);
}

/* Widens a range by a share of it at the chosen ends; a single value gets some space too. */
static void widen(Axis *a, double margin, int low, int high) {
  int single = a->high - a->low <= 1e-9 * fabs(a->high);
  if (a->scale != SCALE_LINEAR) {
    double factor = single ? 2 : pow(a->high / a->low, margin);
    if (low) a->low /= factor;
    if (high) a->high *= factor;
    return;
  }
  double size = single ? fmax(0.01 * fabs(a->low), 1e-9) : (a->high - a->low) * margin;
  if (low) a->low -= size;
  if (high) a->high += size;
}

static void extend(Axis *a, double value) {
  if (!isfinite(value) || (a->scale != SCALE_LINEAR && !(value > 0))) return;
  a->low = fmin(a->low, value);
  a->high = fmax(a->high, value);
}

/* The range of a series' y; without its highest values if it is a curve that falls. */
static void extend_y(Axis *a, const Figure *f, const Series *s) {
  if (s->kind == SERIES_MARK) return;
  double top = f->shown < 1 && !s->high ? quantile(s->y, s->n, f->shown) : INFINITY;
  for (int j = 0; j < s->n; j++) {
    if (s->y[j] <= top) extend(a, s->y[j]);
    if (s->high) extend(a, s->high[j]);
  }
}

static void choose_unit(Axis *a) {
  static const struct {
    double unit;
    const char *name;
  } units[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  a->unit = 1;
  a->name = "";
  for (int i = 4; i >= 0 && a->scale == SCALE_LINEAR; i--)
    if (fmax(fabs(a->low), fabs(a->high)) >= (i == 4 ? 1e4 : units[i].unit))
      a->unit = units[i].unit, a->name = units[i].name;
}

static void finish_axis(Axis *a, double low, double high, double margin) {
  if (a->low > a->high) a->low = 1, a->high = 2;
  widen(a, margin, isnan(low), isnan(high));
  if (!isnan(low)) a->low = low;
  if (!isnan(high)) a->high = high;
  if (!(a->high > a->low)) a->high = a->scale == SCALE_LINEAR ? a->low + 1 : a->low * 2;
  choose_unit(a);
}

static void find_axes(const Figure *f, Axis *x, Axis *y) {
  *x = (Axis){.scale = f->x_scale, .low = INFINITY, .high = -INFINITY};
  *y = (Axis){.scale = f->y_scale, .low = INFINITY, .high = -INFINITY};
  for (int aside = 0; aside < 2; aside++)
    for (int i = 0; i < f->count; i++)
      if (f->series[i].aside <= aside && !(y->low <= y->high && aside))
        extend_y(y, f, &f->series[i]);
  for (int i = 0; i < f->count && !f->rows; i++)
    for (int j = 0; j < f->series[i].n; j++) extend(x, f->series[i].x[j]);
  if (f->rows) *x = *y; /* bars are horizontal */
  finish_axis(x, f->x_min, f->x_max, x->scale == SCALE_LINEAR && !f->rows ? 0 : 0.03);
  finish_axis(y, f->y_min, f->y_max, 0.05);
}

/* ---- labels ---- */

typedef struct {
  const Series *series;
  double x, y; /* shares of the axes: where the curve was last seen */
  double at;   /* the label's y */
} Label;

static int higher_first(const void *a, const void *b) {
  double x = ((const Label *)a)->at, y = ((const Label *)b)->at;
  return (x < y) - (x > y);
}

/* Where the curve leaves the figure or ends; 0 if no point of it is in the figure. */
static int find_end(const Series *s, const Axis *x, const Axis *y, Label *label) {
  *label = (Label){.series = s};
  for (int j = s->n - 1; j >= 0; j--) {
    double at_x = share(x, s->x[j]), at_y = share(y, s->y[j]);
    if (!(at_x >= -1e-9 && at_x <= 1 + 1e-9 && at_y >= 0 && at_y <= 1)) continue;
    label->x = at_x;
    label->y = label->at = at_y;
    return 1;
  }
  return 0;
}

/* Moves labels apart, highest first, until none covers another. */
static void spread(Label *labels, int n, double apart) {
  if (apart * (n - 1) > 1) apart = 1.0 / (n - 1);
  for (int pass = 0; pass < 500; pass++)
    for (int i = 0; i < n; i++) {
      double overlap = i + 1 < n ? apart - (labels[i].at - labels[i + 1].at) : 0;
      if (overlap > 0) labels[i].at += overlap / 2, labels[i + 1].at -= overlap / 2;
      labels[i].at = fmin(fmax(labels[i].at, apart * (n - 1 - i)), 1 - apart * i);
    }
}

/* The labelled series by height, highest first; if there are more than `room`, without those in
   grey. Returns their number. */
static int find_labels(const Figure *f, const Axis *x, const Axis *y, int room, Label *labels) {
  int n;
  for (int grey = 1; grey >= 0; grey--) {
    n = 0;
    for (int i = 0; i < f->count; i++) {
      const Series *s = &f->series[i];
      if (*s->label && !f->rows && (grey || s->look.point != 0))
        n += find_end(s, x, y, &labels[n]);
    }
    if (n <= room) break;
  }
  qsort(labels, (size_t)n, sizeof *labels, higher_first);
  return n;
}

static size_t widest(const Figure *f) {
  size_t most = 0;
  for (int i = 0; i < f->count; i++)
    if (strlen(f->series[i].label) > most) most = strlen(f->series[i].label);
  return most;
}

static void write_label(FILE *out, const char *text, unsigned colour) {
  fprintf(out, "set label ");
  quote_gnuplot(out, text);
  fprintf(out, " noenhanced front textcolor rgb '#%06x' at ", colour);
}

/* Direct labels at the right border, with a line from the curve where it ends elsewhere. */
static void write_labels(FILE *out, const Figure *f, Label *labels, int n) {
  spread(labels, n, (double)PIXELS_PER_LABEL / (f->height - PIXELS_OF_FRAME));
  fprintf(out, "set rmargin %.9g\n", 0.93 * (double)widest(f) + 5);
  for (int i = 0; i < n; i++) {
    const Label *l = &labels[i];
    unsigned colour = l->series->look.colour;
    write_label(out, l->series->label, l->series->look.point ? colour : 0x808080);
    fprintf(out, "graph 1.025, graph %.6f left\n", l->at);
    if (fabs(l->at - l->y) > 0.005 || l->x < 0.99)
      fprintf(out, "set arrow from graph %.6f, graph %.6f to graph 1.02, graph %.6f nohead "
                   "linewidth 0.7 linecolor rgb '#%06x'\n",
              fmin(l->x, 1), l->y, l->at, palette_lighter(colour, 0.5));
  }
}

/* In characters gnuplot's key names the letters, at the right or, if that is too wide, below. */
static void write_key(FILE *out, const Figure *f) {
  int below = (int)widest(f) + 8 > f->width * 2 / 5;
  fprintf(out, "set key outside %s Left reverse noenhanced samplen 0 textcolor variable\n",
          below ? "bottom center horizontal" : "right center");
}

/* The n-th label's letter; a curve in grey is dotted. */
static char letter_of(const Figure *f, const Label *labels, int n, const Series *s) {
  int letter = 0;
  if (s->kind == SERIES_MARK) return '!';
  if (f->rows) return s->kind == SERIES_BAR && *s->label ? '#' : '-';
  if (s->look.point == 0 || s->kind == SERIES_FAINT) return '.';
  for (int i = 0; i < n && labels[i].series != s; i++) letter += labels[i].series->look.point != 0;
  return (char)(*s->label ? 'A' + letter % 26 : '*');
}

/* After the bars, and at the right of intervals. */
static void write_row_labels(FILE *out, const Figure *f, const Axis *x) {
  for (int i = 0; i < f->count; i++) {
    const Series *s = &f->series[i];
    if (!*s->label || !isfinite(s->high[0])) continue;
    write_label(out, s->label, 0);
    if (s->kind == SERIES_INTERVAL) fprintf(out, "graph 1");
    else fprintf(out, "first %.9g", s->high[0] / x->unit);
    fprintf(out, ", first %.9g left offset character 0.7,0\n", s->x[0]);
  }
  fprintf(out, "set rmargin %.9g\n", (double)widest(f) + 2);
}

/* ---- the script ---- */

static void write_terminal(FILE *out, const Figure *f, FigureFormat format) {
  switch (format) {
    case FIGURE_PNG:
      fprintf(out, "set terminal pngcairo size %d,%d font 'sans,13'", f->width, f->height);
      break;
    case FIGURE_SVG:
      fprintf(out, "set terminal svg size %d,%d font 'Helvetica,Arial,sans-serif,15' dynamic",
              f->width, f->height);
      break;
    case FIGURE_PDF: /* in inches */
      fprintf(out, "set terminal pdfcairo size %g,%g font 'sans,13'", f->width / 100.0,
              f->height / 100.0);
      break;
    case FIGURE_CHARACTERS:
      fprintf(out, "set terminal dumb size %d,%d %s", f->width, f->height,
              f->ansi ? "ansirgb" : "mono");
  }
  fprintf(out, format == FIGURE_CHARACTERS ? "\n" : " background 'white'\n");
}

static void write_text(FILE *out, const char *what, const char *text) {
  fprintf(out, "set %s ", what);
  quote_gnuplot(out, text);
  fprintf(out, " noenhanced\n");
}

/* Range and tics. On logarithmic axes gnuplot only marks decades, too few for most ranges; this
   adds marks between them. */
static void write_axis(FILE *out, char name, const Axis *a) {
  double decades = log10(a->high / a->low);
  fprintf(out, "set %crange [%.9g:%.9g]\nset format %c '%%g%s%s'\n", name, a->low / a->unit,
          a->high / a->unit, name, *a->name ? " " : "", a->name);
  if (a->scale == SCALE_LINEAR) {
    if (*a->name) fprintf(out, "set %ctics add ('0' 0)\n", name);
    return;
  }
  fprintf(out, "set logscale %c %d\n", name, a->scale == SCALE_LOG ? 10 : 2);
  if (a->scale == SCALE_DOUBLINGS) return;
  fprintf(out, "set %ctics ('' 1)\n"
               "do for [e=%.0f:%.0f] { do for [m in '%s'] { v = m * 10.0**e\n"
               "set %ctics add (v >= 1e4 ? gprintf('%%.0s %%c', v) : sprintf('%%g', v) v) } }\n",
          name, floor(log10(a->low)), ceil(log10(a->high)),
          decades > 3.3 ? "1" : decades > 1.3 ? "1 2 5" : decades > 0.5 ? "1 2 3 4 5 7"
                        : "1 1.2 1.5 2 2.5 3 3.5 4 4.5 5 6 7 8 9", name);
}

static void write_rows(FILE *out, const Figure *f) {
  fprintf(out, "set yrange [%d.6:-0.6]\nset ytics scale 0 (", f->row_count - 1);
  for (int i = 0; i < f->row_count; i++) {
    if (i) fputc(',', out);
    quote_gnuplot_tic(out, f->rows[i]);
    fprintf(out, " %d", i);
  }
  fprintf(out, ") noenhanced\nunset grid\nset border 1\n");
}

/* Below the figure, in lines as wide as it is. */
static void write_caption(FILE *out, const Figure *f) {
  enum { LINES = 6 };
  const char *line = f->caption, *starts[LINES + 1] = {line};
  int count = 0, room = f->width / 9;
  while (*line && count < LINES) {
    int length = (int)strlen(line), end = length;
    if (length > room)
      for (end = room; end > room / 2 && line[end] != ' ';) end--;
    line += end;
    line += strspn(line, " ");
    starts[++count] = line;
  }
  for (int i = 0; i < count; i++) {
    char text[sizeof f->caption];
    snprintf(text, sizeof text, "%.*s", (int)(starts[i + 1] - starts[i]), starts[i]);
    write_label(out, text, 0x555555);
    fprintf(out, "character 1.5,%.2f left\n", 0.9 + 1.1 * (count - 1 - i));
  }
  fprintf(out, "set bmargin %.2f\n", 3.9 + 1.1 * count);
}

static void write_line(FILE *out, const Figure *f, double at) {
  const char *dashed = "nohead linewidth 1.5 dashtype 2 linecolor rgb '#777777'";
  if (isnan(at)) return;
  if (f->rows)
    fprintf(out, "set arrow from first %.9g, graph 0 to first %.9g, graph 1 %s\n", at, at, dashed);
  else
    fprintf(out, "set arrow from graph 0, first %.9g to graph 1, first %.9g %s\n", at, at, dashed);
  if (!*f->line_label) return;
  write_label(out, f->line_label, 0x555555);
  fprintf(out, "graph 0.01, first %.9g left offset character 0,0.6\n", at);
}

static void write_frame(FILE *out, const Figure *f, FigureFormat format, const Axis *x,
                        const Axis *y) {
  fprintf(out, "set encoding utf8\nunset key\nset border 3 linecolor rgb '#444444'\n"
               "set tics nomirror\nset samples %d\n", f->width);
  if (format != FIGURE_CHARACTERS)
    fprintf(out, "set grid ytics linetype 1 linewidth 1 linecolor rgb '#e4e4e4'\n"
                 "set tics out scale 0.6\n");
  if (*f->title) write_text(out, "title", f->title);
  else fprintf(out, "set tmargin 1\n");
  write_text(out, "xlabel", f->x_label);
  write_text(out, "ylabel", f->y_label);
  if (*f->caption && format != FIGURE_CHARACTERS) write_caption(out, f);
  write_axis(out, 'x', x);
  if (f->rows) write_rows(out, f);
  else write_axis(out, 'y', y);
  write_line(out, f, f->line / (f->rows ? x : y)->unit);
}

/* gnuplot leaves out points outside the range, and clips a band wrongly that leaves it more than
   once; this cuts it off at the border instead. */
static void write_band(FILE *out, const Series *s, const Axis *x, const Axis *y) {
  enum { PIECES = 16 }; /* of a segment, so that the cut looks straight */
  for (int j = 0; j + 1 < s->n; j++)
    for (int k = 0; k <= PIECES; k++) {
      double b = (double)k / PIECES, a = 1 - b;
      double from = a * s->y[j] + b * s->y[j + 1], to = a * s->high[j] + b * s->high[j + 1];
      fprintf(out, "%.9g %.9g %.9g\n", (a * s->x[j] + b * s->x[j + 1]) / x->unit,
              fmin(fmax(from, y->low), y->high) / y->unit,
              fmin(fmax(to, y->low), y->high) / y->unit);
    }
}

/* Middle, row, and both ends of a bar or interval; of characters the points between them. */
static void write_bar(FILE *out, const Figure *f, const Series *s, const Axis *x, int characters) {
  double from = fmax(s->y[0], x->low) / x->unit, to = fmin(s->high[0], x->high) / x->unit;
  double middle = (s->y[0] + s->high[0]) / 2 / x->unit;
  for (int i = 0; i < (characters ? f->width : 1); i++)
    fprintf(out, "%.9g %.9g %.9g %.9g %.9g\n", middle, s->x[0], from, to,
            from + (to - from) * (i + 0.5) / f->width);
}

static void write_points(FILE *out, const Series *s, const Axis *x, const Axis *y) {
  for (int j = 0; j < s->n; j++) {
    double at = s->kind == SERIES_MARK ? fmin(s->y[j], y->high) : s->y[j]; /* of INFINITY too */
    if (!isfinite(s->x[j]) || !isfinite(at)) fprintf(out, "\n"); /* a gap in the line */
    else fprintf(out, "%.9g %.9g\n", s->x[j] / x->unit, at / y->unit);
  }
}

static void write_image(FILE *out, const Series *s, FigureFormat format) {
  unsigned colour = s->look.colour, drawn = colour;
  int every = s->n > 16 ? s->n / 12 : 1, grey = s->look.point == 0;
  switch (s->kind) {
    case SERIES_CURVE:
    case SERIES_LINE:
      fprintf(out, "1:2 with lines%s linewidth %g dashtype %d",
              s->kind == SERIES_CURVE && !grey ? "points" : "", grey ? 1.2 : 2.4, s->look.dash);
      if (s->kind == SERIES_CURVE && !grey)
        fprintf(out, " pointtype %d pointsize %g pointinterval %d", s->look.point,
                format == FIGURE_SVG ? 0.65 : 0.9, every); /* SVG's symbols are larger */
      break;
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
    case SERIES_BAR:
      fprintf(out, "1:2:3:4:($2-0.36):($2+0.36) with boxxyerror fillstyle solid noborder");
      break;
    case SERIES_INTERVAL:
      fprintf(out, "1:2:3:4 with xerrorbars linewidth 2.2 pointtype 7 pointsize 0.9");
      break;
  }
  fprintf(out, " linecolor rgb '#%06x' notitle", drawn);
}

/* Characters have no lines: points at each column take their place. */
static void write_letters(FILE *out, const Series *s, char letter) {
  unsigned colour = s->look.colour ? s->look.colour : 0xA0A0A0; /* black may be the background */
  fprintf(out, " with points pointtype '%c' linecolor rgb '#%06x' ", letter, colour);
}

/* The data, and the plot command with the series in grey below the others. */
static void write_series(FILE *out, const Figure *f, FigureFormat format, const Axis *x,
                         const Axis *y, const Label *labels, int n) {
  int characters = format == FIGURE_CHARACTERS;
  for (int i = 0; i < f->count; i++) {
    fprintf(out, "$s%d << EOD\n", i);
    const Series *s = &f->series[i];
    if (s->kind == SERIES_BAND) write_band(out, s, x, y);
    else if (f->rows) write_bar(out, f, s, x, characters);
    else write_points(out, s, x, y);
    fprintf(out, "EOD\n");
  }
  fprintf(out, "set clip two\nset errorbars 0.5\nplot NaN notitle");
  for (int grey = 1; grey >= 0; grey--)
    for (int i = 0; i < f->count; i++) {
      const Series *s = &f->series[i];
      if ((s->look.point == 0) != grey || (characters && s->kind == SERIES_BAND)) continue;
      fprintf(out, ", $s%d using ", i);
      if (!characters) {
        write_image(out, s, format);
        continue;
      }
      fprintf(out, f->rows ? "5:2" : s->n > 2 && s->kind != SERIES_MARK ? "1:2 smooth mcsplines"
                                                                        : "1:2");
      write_letters(out, s, letter_of(f, labels, n, s));
      fprintf(out, "notitle");
      if (s->kind == SERIES_INTERVAL)
        fprintf(out, ", $s%d using 1:2 with points pointtype 'o' notitle", i);
    }
  for (int i = 0; i < n && characters; i++) { /* the key, in order */
    fprintf(out, ", NaN");
    write_letters(out, labels[i].series, letter_of(f, labels, n, labels[i].series));
    fprintf(out, "title ");
    quote_gnuplot(out, labels[i].series->label);
  }
  fprintf(out, "\n");
}

int figure_draw(const Figure *f, FigureFormat format, char **out, size_t *size, Err *err) {
  Axis x, y;
  char *script;
  size_t length;
  FILE *text = open_memstream(&script, &length);
  Label *labels = memory_take((size_t)f->count, sizeof *labels);
  find_axes(f, &x, &y);
  int room = format == FIGURE_CHARACTERS ? f->height - 6
                                         : (f->height - PIXELS_OF_FRAME) / PIXELS_PER_LABEL;
  int n = find_labels(f, &x, &y, room, labels);
  write_terminal(text, f, format);
  write_frame(text, f, format, &x, &y);
  if (f->rows) write_row_labels(text, f, &x);
  else if (format == FIGURE_CHARACTERS) write_key(text, f);
  else write_labels(text, f, labels, n);
  write_series(text, f, format, &x, &y, labels, n);
  fclose(text);
  free(labels);
  int status = gnuplot_run(script, length, out, size, err);
  free(script);
  if (status == 0 && **out == '\f') **out = '\n'; /* the terminal of characters starts a new page */
  return status;
}

int figure_format_of(const char *path, FigureFormat *format, Err *err) {
  const char *dot = strrchr(path, '.');
  int found = dot && !strchr(dot, '/') ? word_index(IMAGES(CHOICE_WORD), dot + 1) : -1;
  if (found < 0) return fail(err, "%s: the name must end in .png, .svg or .pdf", path);
  *format = (FigureFormat)found;
  return 0;
}

/* PNG's signature; the first line of gnuplot's SVG; PDF's signature. */
size_t figure_sign(FigureFormat format) {
  static const char svg[] = "<?xml version=\"1.0\" encoding=\"utf-8\"  standalone=\"no\"?>";
  return format == FIGURE_SVG ? sizeof svg - 1 : format == FIGURE_PNG ? 8 : 5;
}
