/* A figure as data: series of points with looks, axes, direct labels. gnuplot draws it. */
#ifndef TOOLS_REPORT_FIGURE_H
#define TOOLS_REPORT_FIGURE_H

#include <stddef.h>

#include "core/error.h"
#include "core/option.h"
#include "tools/report/palette.h"

#define IMAGES(X) X(FIGURE_PNG, "png") X(FIGURE_SVG, "svg")
typedef enum { IMAGES(CHOICE_NAME) FIGURE_CHARACTERS } FigureFormat;

typedef enum {
  SERIES_CURVE, /* line with symbols */
  SERIES_LINE,  /* line without */
  SERIES_FAINT, /* thin and light, behind the others */
  SERIES_BAND,  /* filled between y and high */
  SERIES_MARK,  /* symbols alone: a cross, for what diverged */
  SERIES_BARS,  /* horizontal, from y to high in row x = 0, 1, ... from the top; with a label,
                   high is written behind the bar, and the label behind that */
} SeriesKind;

typedef struct {
  SeriesKind kind;
  Look look;
  int n;
  double *x, *y, *high; /* (n); high only of a band or bars, NULL otherwise */
  char label[128];      /* written at its end; empty: none */
} Series;

typedef struct {
  char title[256], x_label[128], y_label[128];
  double x_min, x_max, y_min, y_max; /* NaN: as the data need */
  int x_log;
  int x_doublings;     /* with x_log: tics at powers of two */
  int y_decades;       /* y is log10 of what is drawn: 1e-3 stands at -3 */
  double line;         /* a horizontal line, such as the target; NaN: none */
  char line_label[64];
  char (*rows)[64];    /* names of the rows of bars, or NULL */
  int row_count;
  char (*columns)[64]; /* names at x = 0, 1, ... in place of numbers, or NULL */
  int column_count;
  int labels_inside;   /* curves that end before the right border have their label left of it */
  int width, height;   /* pixels, or characters */
  int ansi;            /* characters may be coloured */
  Series *series;
  int count, room;
} Figure;

/* An empty figure with nothing fixed. */
Figure figure_make(const char *title, const char *x_label, const char *y_label);
void figure_free(Figure *f);

/* Adds a series with room for n points; x, y (and high for a band) are the caller's to fill.
   The pointer holds until the next call. */
Series *figure_add(Figure *f, SeriesKind kind, Look look, int n, const char *label);

/* Draws; *out is freed by the caller, with a zero byte behind its end. */
int figure_draw(const Figure *f, FigureFormat format, char **out, size_t *size, Err *err);

/* How many bytes at the beginning of a picture are the same in all pictures of its format. */
size_t figure_sign(FigureFormat format);

#endif
