/* spectrum.csv of a run, read back and drawn. */
#ifndef TOOLS_REPORT_SPECTRA_H
#define TOOLS_REPORT_SPECTRA_H

#include <stdint.h>

#include "run/spectrum_log.h"
#include "tools/report/figure.h"
#include "tools/report/runlog.h"

typedef struct {
  int64_t step;
  int kind;     /* number of the class */
  char of[16];  /* momentum, nesterov, projected, gradient */
  double values[SPECTRUM_NUMBERS]; /* NaN where the file is silent */
} SpectraRow;

typedef struct {
  char path[OPTION_TEXT + 32]; /* of the file */
  SpectraRow *rows;            /* (count), by step */
  int count;
  char (*classes)[64];         /* (class_count), in the order of the file */
  int class_count;
} Spectra;

/* Reads spectrum.csv in the folder of a run, or the file itself. A last row without its end of line
   is left out. Errors, with file and line: no such file, another kind of file, damaged rows. */
int spectra_read(Spectra *s, const char *path, Err *err);
void spectra_free(Spectra *s);

/* The last row of a class, or -1 when there is none; and "one, two, three", all classes. */
int spectra_last(const Spectra *s, const char *name);
const char *spectra_class_list(const Spectra *s); /* lives until the next call */

/* What a figure shows against steps. */
#define SPECTRA_VIEWS "off|quantiles|stable-rank|condition|polar|update|gradient"
enum { SPECTRA_OFF, SPECTRA_QUANTILES, SPECTRA_STABLE_RANK, SPECTRA_CONDITION, SPECTRA_POLAR,
       SPECTRA_UPDATE, SPECTRA_GRADIENT };

/* One run: a curve per class of matrices (quantiles: a curve each, of the class `kind` or, when
   that is empty, as means over the classes); several: a curve per run, of `kind` or means over
   classes. logs are the runs, for their names. Error: no such class, quantiles of several runs. */
int spectra_figure(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                   const char *kind, Err *err);

#endif
