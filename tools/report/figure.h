/* A figure as data: series of points with looks, axes, direct labels. gnuplot draws it. */
#ifndef TOOLS_REPORT_FIGURE_H
#define TOOLS_REPORT_FIGURE_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"
#include "core/option.h"
#include "tools/report/palette.h"

#define IMAGES(X) X(FIGURE_PNG, "png") X(FIGURE_SVG, "svg")
typedef enum { IMAGES(CHOICE_NAME) FIGURE_CHARACTERS } FigureFormat;

typedef enum {
  SERIES_CURVE, /* line with symbols */
  SERIES_LINE,  /* line without */
  SERIES_FAINT, /* thin and light */
  SERIES_BAND,  /* filled between y and high */
  SERIES_MARK,  /* symbols alone: a cross, for what diverged */
  SERIES_BARS,  /* horizontal, from y to high in row x = 0, 1, ... from the top; with a label,
                   high and the label are written after the bar */
} SeriesKind;

typedef struct {
  SeriesKind kind;
  Look look;
  int n;
  double *x, *y, *high; /* (n); high only of a band or bars, NULL otherwise */
  char label[128];      /* written at its end in its colour; empty: none */
} Series;

typedef enum {
  SCALE_LINEAR,
  SCALE_LOG,
  SCALE_DOUBLINGS, /* logarithmic, with tics at powers of two */
} AxisScale;

typedef struct {
  char title[256], x_label[128], y_label[128];
  double x_min, x_max, y_min, y_max; /* NaN: as the data need */
  AxisScale x_scale, y_scale; /* x needs x_min and x_max when it is not linear */
  double line;         /* a horizontal line, such as the target; NaN: none */
  char line_label[64];
  char (*rows)[64];    /* names of the rows of bars, or NULL */
  int row_count;
  char (*columns)[64]; /* names at x = 0, 1, ... in place of numbers, or NULL */
  int column_count;
  int labels_inside;   /* curves that end before the right border have their label there */
  int width, height;   /* pixels, or characters */
  int ansi;            /* characters may be coloured */
  Series *series;
  int count;
} Figure;

/* An empty figure with nothing fixed. */
Figure figure_make(const char *title, const char *x_label, const char *y_label);
void figure_free(Figure *f);

/* Adds a series with room for n points; x, y (and high for a band) are the caller's to fill.
   The pointer holds until the next call. */
Series *figure_add(Figure *f, SeriesKind kind, Look look, int n, const char *label);

/* Shows y from low to high with these shares of the range below and above; nothing when there is no
   such range. */
void figure_show(Figure *f, double low, double high, double below, double above);

/* Whether there is anything to draw. */
int figure_has_points(const Figure *f);

/* For characters: the size of the terminal, or 100 x 30 without one. */
void figure_fit_terminal(Figure *f);

/* Draws; *out is freed by the caller, with a zero byte after its end. */
int figure_draw(const Figure *f, FigureFormat format, char **out, size_t *size, Err *err);

/* The line of gnuplot that sets the format and the size. */
void figure_write_terminal(FILE *out, const Figure *f, FigureFormat format);

/* How many bytes at the beginning of a picture are the same in all pictures of its format. */
size_t figure_sign(FigureFormat format);

#endif
