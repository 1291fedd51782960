/* The frame of the studies of tools/spectrum. A study has options and a function that computes; its
   results go to an Output, which the main prints and writes. */
#ifndef TOOLS_SPECTRA_STUDY_H
#define TOOLS_SPECTRA_STUDY_H

#include <stdint.h>

#include "tools/report/figure.h"
#include "tools/report/table.h"

typedef struct Output {
  char folder[OPTION_TEXT];
  int format; /* of the figures, a FigureFormat */
  int overwrite;
  int64_t seed;
  /* Prints a line; prints a table. */
  void (*say)(const char *format, ...)
#ifdef __GNUC__
      __attribute__((format(printf, 1, 2)))
#endif
      ;
  void (*show)(const Table *t);
  /* Write FOLDER/name.csv, and name.png or .svg of a figure (or print it) or of a picture that
     gnuplot drew in that format; free what they write. */
  int (*csv)(const struct Output *o, const char *name, Table *t, Err *err);
  int (*figure)(const struct Output *o, const char *name, Figure *f, Err *err);
  int (*picture)(const struct Output *o, const char *name, char *picture, size_t size, Err *err);
  /* Shows the share (0..1) of the work that is done; 0 starts the clock and 1 removes the line. */
  void (*progress)(const char *what, double share);
} Output;

typedef struct {
  const char *name, *summary;
  const Option *options;
  size_t options_size;
  int (*run)(const void *options, const Output *output, Err *err);
} Study;

/* One matrix of a run: what AdamW and Muon make of its gradients. */
extern const Study study_step;

/* The gradients of a run at its checkpoints: the share of their leading directions (C. He, Z. Deng,
   Z. Lu, Low-rank Orthogonalization, arXiv 2509.11983: abstract read), and the tails of their
   noise. */
extern const Study study_gradients;

/* Singular values of random matrices against size, and what each schedule leaves of them
   (D. Selvaraj, Iterative Orthogonalization Scaling Laws, arXiv 2505.04005: abstract and
   introduction read; expected values are derived from the laws in tools/spectra/values.h). */
extern const Study study_scale;

/* The distance of Newton-Schulz iterates from the polar factor, and its bounds (G. Y. Kim, M. Oh,
   Convergence of Muon with Newton-Schulz, arXiv 2601.19156, ICLR 2026). */
extern const Study study_converge;

/* The same of the momentum of runs of several widths. */
extern const Study study_momentum;

/* The best singular values of a step by the isotropic curvature model in
   tools/spectra/curvature.h. */
extern const Study study_isotropic;

/* The growth of the curvature, which this model needs, measured. */
extern const Study study_growth;

/* Accuracy against time of every method for the polar factor. */
extern const Study study_methods;

/* ---- curves ---- */

enum { SHEET_ROWS = 48, SHEET_CURVES = 32 };

typedef struct {
  char label[64];
  int drawn;
  Look look;
  double y[SHEET_ROWS], expected[SHEET_ROWS]; /* NaN: none */
  char trend[48];                             /* cell of the table's last row */
} Curve;

/* Curves over the same x: columns of a table, and curves with thin expected ones in a figure. */
typedef struct {
  int digits, rows, curves;
  double x[SHEET_ROWS];
  char names[SHEET_ROWS][32]; /* of the rows */
  Curve curve[SHEET_CURVES];
} Sheet;

/* Adds a curve with no values yet; a NULL look: only in the table. */
Curve *sheet_curve(Sheet *s, const char *label, const Look *look);

/* "measured (expected)" in a column per curve; `head` is the first column's. */
void sheet_show(const Sheet *s, const char *head, const Output *o);

/* Adds the curves to a figure, up to the point where they fall below its y_min. */
void sheet_draw(const Sheet *s, Figure *f);

/* ---- lists in options ---- */

/* Numbers "64,128" (per = 1) or shapes "768x768,3072x768" (per = 2), each number from `least` to
   `most`, into out (room, per). Returns how many, or -1 with a sentence about --option. */
int read_list(const char *option, const char *text, int per, int64_t least, int64_t most,
              int64_t *out, int room, Err *err);

/* Words of `choices` ("one|two") as their indices. Returns their number, or -1. */
int read_words(const char *option, const char *text, const char *choices, int *out, int room,
               Err *err);

/* The name of a Newton-Schulz schedule, valid until the next call, and its own number of steps. */
const char *schedule_name(int schedule);
int schedule_steps(int schedule);

#endif
