/* A figure as data: series of points with looks, axes, labels. gnuplot draws it. */
#ifndef TOOLS_REPORT_FIGURE_H
#define TOOLS_REPORT_FIGURE_H

#include <stddef.h>

#include "core/error.h"
#include "core/option.h"
#include "tools/report/palette.h"

#define IMAGES(X) X(FIGURE_PNG, "png") X(FIGURE_SVG, "svg") X(FIGURE_PDF, "pdf")
typedef enum { IMAGES(CHOICE_NAME) FIGURE_CHARACTERS } FigureFormat;

typedef enum {
  SERIES_CURVE, /* line with symbols */
  SERIES_LINE,  /* line without */
  SERIES_FAINT, /* thin and light */
  SERIES_BAND,  /* filled between y and high */
  SERIES_MARK,  /* a cross, for what diverged; at the upper border if it is above that */
  SERIES_BAR,      /* horizontal, from y to high in row x; the label is written after it */
  SERIES_INTERVAL, /* the same with a symbol in the middle and the label at the right border */
} SeriesKind;

typedef struct {
  SeriesKind kind;
  Look look;
  int n;
  double *x, *y, *high; /* (n); high only of bands, bars and intervals, NULL otherwise */
  char label[128];      /* written at its end in its colour; empty: none */
  int aside;            /* the range of y is chosen without it, if there are others */
} Series;

typedef enum {
  SCALE_LINEAR,
  SCALE_LOG,
  SCALE_DOUBLINGS, /* logarithmic, with tics at powers of two */
} AxisScale;

typedef struct {
  char title[256], x_label[128], y_label[128];
  char caption[512];   /* below an image; the caller prints it below characters */
  double x_min, x_max, y_min, y_max; /* NaN: chosen from the data */
  double shown;        /* quantile of each curve that the range of y shows: 0.9 leaves out the
                          initial fall of a loss */
  AxisScale x_scale, y_scale;
  double line;         /* a line at this y, such as the target, or x of rows; NaN: none */
  char line_label[64];
  char (*rows)[64];    /* names of the rows of bars, from the top, or NULL */
  int row_count;
  int width, height;   /* pixels, or characters */
  int ansi;            /* characters may be coloured */
  Series *series;
  int count;
} Figure;

/* An empty figure, with all settings left to the data. */
Figure figure_make(const char *title, const char *x_label, const char *y_label);
void figure_free(Figure *f);

/* Adds a series with room for n points; the caller fills x, y, and high if there is one. The
   pointer is valid until the next call. */
Series *figure_add(Figure *f, SeriesKind kind, Look look, int n, const char *label);

/* Adds a SERIES_MARK of one point. */
void figure_mark(Figure *f, Look look, double x, double y);

/* Adds a row, and a bar or interval of the last row. */
void figure_row(Figure *f, const char *name);
void figure_bar(Figure *f, SeriesKind kind, Look look, double from, double to, const char *label);

/* Shows y from low to high with these shares of the range below and above; nothing when there is no
   such range. */
void figure_show(Figure *f, double low, double high, double below, double above);

/* Whether there is anything to draw. */
int figure_has_points(const Figure *f);

/* For characters: the size of the terminal, or 80 x 30 without one; as high as its rows of bars. */
void figure_fit_terminal(Figure *f);

/* The format of a file by the end of its name. Error: it is not that of an image. */
int figure_format_of(const char *path, FigureFormat *format, Err *err);

/* Draws; *out is freed by the caller, with a zero byte after its end. */
int figure_draw(const Figure *f, FigureFormat format, char **out, size_t *size, Err *err);

/* The length of the signature with which all pictures of a format begin. */
size_t figure_sign(FigureFormat format);

#endif
