#include "tools/report/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/quote.h"
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
  for (int i = 0; i < f->count; i++) {
    free(f->series[i].x);
    free(f->series[i].y);
    free(f->series[i].high);
  }
  free(f->series);
  free(f->rows);
  free(f->columns);
  f->series = NULL;
  f->rows = NULL;
  f->columns = NULL;
  f->count = f->room = 0;
}

Series *figure_add(Figure *f, SeriesKind kind, Look look, int n, const char *label) {
  if (f->count == f->room) {
    f->room = f->room ? 2 * f->room : 16;
    f->series = realloc(f->series, (size_t)f->room * sizeof *f->series);
  }
  Series *s = &f->series[f->count++];
  *s = (Series){.kind = kind, .look = look, .n = n};
  size_t bytes = (size_t)(n + 1) * sizeof(double);
  s->x = calloc(1, bytes);
  s->y = calloc(1, bytes);
  if (kind == SERIES_BAND || kind == SERIES_BARS) s->high = calloc(1, bytes);
  snprintf(s->label, sizeof s->label, "%s", label);
  return s;
}

/* ---- the range of y, which the places of labels need ---- */

static void find_range(const Figure *f, double *low, double *high) {
  *low = INFINITY;
  *high = -INFINITY;
  for (int i = 0; i < f->count; i++)
    for (int j = 0; j < f->series[i].n; j++) {
      double y = f->series[i].y[j];
      if (!isfinite(y)) continue;
      *low = fmin(*low, y);
      *high = fmax(*high, f->series[i].high ? f->series[i].high[j] : y);
    }
  if (*low > *high) *low = 0, *high = 1;
  double margin = *high > *low ? 0.04 * (*high - *low) : 0.5;
  *low -= margin;
  *high += margin;
  if (!isnan(f->y_min)) *low = f->y_min;
  if (!isnan(f->y_max)) *high = f->y_max;
  if (!(*high > *low)) *high = *low + 1;
}

static double clamp(double y, double low, double high) { return fmin(fmax(y, low), high); }

/* ---- labels at the ends of curves ---- */

typedef struct {
  const Series *series;
  double y;
} Label;

static int higher_first(const void *a, const void *b) {
  double x = ((const Label *)a)->y, y = ((const Label *)b)->y;
  return (x < y) - (x > y);
}

static double end_of(const Series *s) {
  for (int j = s->n - 1; j >= 0; j--)
    if (isfinite(s->y[j])) return s->high ? (s->y[j] + s->high[j]) / 2 : s->y[j];
  return NAN;
}

/* Whether any point lies in the figure: a label for nothing would only confuse. */
static int in_sight(const Figure *f, const Series *s, double low, double high) {
  if (s->kind == SERIES_BARS) return 0; /* they carry numbers instead */
  for (int j = 0; j < s->n; j++)
    if (s->y[j] >= low && s->y[j] <= high && !(s->x[j] < f->x_min) && !(s->x[j] > f->x_max))
      return 1;
  return 0;
}

/* Moves labels apart until none covers another: neighbours that overlap become one block around
   the mean of the places they want. */
static void spread(Label *labels, int n, double apart, double low, double high) {
  double *wanted = malloc((size_t)(n + 1) * sizeof *wanted);
  int *first = malloc((size_t)(n + 1) * sizeof *first), blocks = 0;
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

static void write_labels_inside(FILE *out, const Figure *f, FigureFormat format) {
  for (int i = 0; i < f->count; i++) {
    const Series *s = &f->series[i];
    if (!*s->label || !ends_inside(f, s, format)) continue;
    fprintf(out, "set label ");
    quote_gnuplot(out, s->label);
    fprintf(out, " noenhanced at first %.9g, first %.9g right offset character -1,0",
            s->x[s->n - 1], s->y[s->n - 1]);
    fprintf(out, " textcolor rgb '#%06x' front\n", colour_of(s, format));
  }
}

/* Returns the width of the widest label in characters. */
static int write_labels(FILE *out, const Figure *f, FigureFormat format, double low, double high) {
  Label *labels = malloc((size_t)(f->count + 1) * sizeof *labels);
  int n = 0, widest = 0;
  for (int i = 0; i < f->count; i++) {
    if (f->columns && format != FIGURE_CHARACTERS) break; /* the names stand below */
    if (!*f->series[i].label || !in_sight(f, &f->series[i], low, high)) continue;
    if (ends_inside(f, &f->series[i], format)) continue;
    labels[n++] = (Label){&f->series[i], end_of(&f->series[i])};
    int width = (int)strlen(f->series[i].label);
    if (width > widest) widest = width;
  }
  qsort(labels, (size_t)n, sizeof *labels, higher_first);
  for (int i = 0; i < n; i++) labels[i].y = clamp(labels[i].y, low, high);
  double apart = format == FIGURE_CHARACTERS
                     ? (high - low) / (f->height - CHARACTERS_OF_FRAME)
                     : (high - low) * PIXELS_PER_LABEL / (f->height - PIXELS_OF_FRAME);
  spread(labels, n, apart, low, high);
  for (int i = 0; i < n; i++) {
    const Series *s = labels[i].series;
    char text[160];
    int letter = format == FIGURE_CHARACTERS;
    snprintf(text, sizeof text, "%c %s", letter_of(f, s), s->label);
    fprintf(out, "set label %d ", i + 1);
    quote_gnuplot(out, letter ? text : s->label);
    fprintf(out, " noenhanced at graph 1, first %.9g left offset character 1,0", labels[i].y);
    fprintf(out, " textcolor rgb '#%06x' front\n", colour_of(s, format));
  }
  free(labels);
  write_labels_inside(out, f, format);
  return widest;
}

/* The numbers behind the bars. */
static void write_bar_labels(FILE *out, const Figure *f) {
  for (int i = 0; i < f->count; i++)
    for (int j = 0; j < f->series[i].n && f->series[i].kind == SERIES_BARS; j++) {
      const Series *s = &f->series[i];
      char text[160];
      if (!*s->label || !isfinite(s->high[j])) continue;
      snprintf(text, sizeof text, "%.3g%s", s->high[j], s->label);
      fprintf(out, "set label ");
      quote_gnuplot(out, text);
      fprintf(out, " noenhanced at first %.9g, first %.9g left offset character 0.7,0 front\n",
              s->high[j], s->x[j]);
    }
}

/* ---- the script ---- */

static void write_terminal(FILE *out, const Figure *f, FigureFormat format) {
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

static void write_axes(FILE *out, const Figure *f, FigureFormat format, int widest) {
  double wide = format == FIGURE_CHARACTERS ? widest + 5 : 0.93 * widest + 4;
  if (f->rows) wide = 12; /* for the number behind the longest bar */
  fprintf(out, "set encoding utf8\nunset key\nset rmargin %.9g\n", wide);
  fprintf(out, "set border 3 linecolor rgb '#444444'\nset tics nomirror\n");
  fprintf(out, "set xtics autofreq\nset format '%%g'\n");
  if (format != FIGURE_CHARACTERS)
    fprintf(out, "set grid ytics linetype 1 linewidth 1 linecolor rgb '#e4e4e4'\n"
                 "set tics out scale 0.6\nset lmargin %d\n", f->rows ? 20 : 10);
  if (*f->title) {
    fprintf(out, "set title ");
    quote_gnuplot(out, f->title);
    fprintf(out, " noenhanced\n");
  } else {
    fprintf(out, "set tmargin 1\n");
  }
  fprintf(out, "set xlabel ");
  quote_gnuplot(out, f->x_label);
  fprintf(out, " noenhanced\nset ylabel ");
  quote_gnuplot(out, f->y_label);
  fprintf(out, " noenhanced\n");
  if (f->x_log) fprintf(out, "set logscale x\n");
}

static void write_bound(FILE *out, double bound) {
  if (isnan(bound)) fputc('*', out);
  else fprintf(out, "%.9g", bound);
}

/* 1, 2 and 5 of each decade, or the decades alone when there are many. */
static void write_log_tics(FILE *out, const Figure *f) {
  if (!f->x_log || !(f->x_min > 0) || !(f->x_max > f->x_min)) return;
  int wide = f->x_max / f->x_min > 2000, count = 0;
  if (f->x_doublings) {
    fprintf(out, "set xtics (");
    for (double x = exp2(ceil(log2(f->x_min))); x <= f->x_max; x *= 2)
      fprintf(out, "%s%.9g", count++ ? "," : "", x);
    fprintf(out, ")\n");
    return;
  }
  fprintf(out, "set xtics (");
  for (int decade = (int)floor(log10(f->x_min)); decade <= (int)ceil(log10(f->x_max)); decade++)
    for (int digit = 1; digit <= (wide ? 1 : 5); digit += digit < 2 ? 1 : 3)
      fprintf(out, "%s%de%d", count++ ? "," : "", digit, decade);
  fprintf(out, ")\n");
}

/* Whole decades; where that would be less than two, 1, 1.5, 2, 3, 5, 7 of each. */
static void write_decades(FILE *out, double low, double high) {
  static const double parts[] = {1, 1.5, 2, 3, 5, 7};
  int count = 0;
  if (high - low > 1.5) {
    int every = high - low > 14 ? 3 : high - low > 7 ? 2 : 1;
    fprintf(out, "set format y '1e%%g'\nset ytics %d\n", every);
    return;
  }
  fprintf(out, "set ytics (");
  for (int decade = (int)floor(low); decade <= (int)ceil(high); decade++)
    for (int i = 0; i < 6; i++) {
      double y = decade + log10(parts[i]);
      if (y >= low && y <= high)
        fprintf(out, "%s'%.3g' %.9g", count++ ? "," : "", pow(10, y), y);
    }
  fprintf(out, ")\n");
}

/* In characters the letters of the curves, whose names stand at the right. */
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
  fprintf(out, "set xrange [");
  write_bound(out, f->x_min);
  fputc(':', out);
  write_bound(out, f->x_max);
  fprintf(out, "]\n");
  write_log_tics(out, f);
  if (f->columns) write_columns(out, f, format);
  if (!f->rows) {
    fprintf(out, "set yrange [%.9g:%.9g]\n", low, high);
    if (f->y_decades) write_decades(out, low, high);
    return;
  }
  fprintf(out, "set yrange [%d.6:-0.6]\nset ytics scale 0 (", f->row_count - 1);
  for (int i = 0; i < f->row_count; i++) {
    if (i) fputc(',', out);
    quote_gnuplot_tic(out, f->rows[i]);
    fprintf(out, " %d", i);
  }
  fprintf(out, ") noenhanced\nunset grid\nset border 1\nset xrange [0:*]\n");
}

/* Characters have no lines: points in between stand for them. */
static void write_between(FILE *out, const Figure *f, const Series *s, int j) {
  double span = s->x[s->n - 1] - s->x[0];
  if (j == 0 || !isfinite(s->x[j - 1]) || !isfinite(s->y[j - 1]) || !(span > 0)) return;
  int steps = (int)ceil((s->x[j] - s->x[j - 1]) / span * f->width);
  for (int k = 1; k < steps; k++) {
    double part = (double)k / steps;
    fprintf(out, "%.9g %.9g\n", s->x[j - 1] + part * (s->x[j] - s->x[j - 1]),
            s->y[j - 1] + part * (s->y[j] - s->y[j - 1]));
  }
}

/* gnuplot leaves out points outside the range, and a band would lose its shape with them: here it
   is cut off at the border instead. */
static void write_band(FILE *out, const Series *s, double low, double high) {
  enum { PIECES = 16 }; /* of a segment, so that the cut looks straight */
  for (int j = 0; j + 1 < s->n; j++)
    for (int k = 0; k <= PIECES; k++) {
      double b = (double)k / PIECES, a = 1 - b;
      fprintf(out, "%.9g %.9g %.9g\n", a * s->x[j] + b * s->x[j + 1],
              clamp(a * s->y[j] + b * s->y[j + 1], low, high),
              clamp(a * s->high[j] + b * s->high[j + 1], low, high));
    }
}

static void write_points(FILE *out, const Figure *f, FigureFormat format, const Series *s) {
  for (int j = 0; j < s->n; j++) {
    if (format == FIGURE_CHARACTERS && s->kind != SERIES_BARS && isfinite(s->y[j]))
      write_between(out, f, s, j);
    if (!isfinite(s->x[j]) || !isfinite(s->y[j])) fprintf(out, "\n"); /* a gap in the line */
    else if (s->high) fprintf(out, "%.9g %.9g %.9g\n", s->x[j], s->y[j], s->high[j]);
    else fprintf(out, "%.9g %.9g\n", s->x[j], s->y[j]);
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
    if (f->series[i].kind == SERIES_BAND) write_band(out, &f->series[i], low, high);
    else write_points(out, f, format, &f->series[i]);
    fprintf(out, "EOD\n");
  }
  fprintf(out, "set clip two\nplot ");
  if (!isnan(f->line))
    fprintf(out, "%.9g with lines linewidth 1.5 dashtype 2 linecolor rgb '#777777', ", f->line);
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
  write_terminal(text, f, format);
  write_axes(text, f, format, write_labels(text, f, format, low, high));
  write_ranges(text, f, format, low, high);
  write_bar_labels(text, f);
  if (!isnan(f->line) && *f->line_label) {
    fprintf(text, "set label 1000 ");
    quote_gnuplot(text, f->line_label);
    fprintf(text, " noenhanced at graph 0.01, first %.9g left offset character 0,0.6 "
                  "textcolor rgb '#555555' front\n", f->line);
  }
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
