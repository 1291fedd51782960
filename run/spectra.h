/* Reads the spectrum.csv of a run; run/spectrum_log.h describes it. */
#ifndef RUN_SPECTRA_H
#define RUN_SPECTRA_H

#include <stdint.h>

#include "run/spectrum_log.h"

typedef struct {
  int64_t step;
  int kind;     /* index of the class */
  char of[16];  /* momentum, nesterov, projected, gradient */
  double values[SPECTRUM_NUMBERS]; /* NaN where not measured */
} SpectraRow;

typedef struct {
  char path[OPTION_TEXT + 32]; /* of the file */
  SpectraRow *rows;            /* (count), by step */
  int count;
  char (*classes)[SPECTRUM_CLASS]; /* (class_count), in the order of the file */
  int class_count;
} Spectra;

/* Reads spectrum.csv, given the folder of a run or the file. Drops an incomplete last row. Errors,
   with file and line: no such file, another type of file, damaged rows. */
int spectra_read(Spectra *s, const char *path, Err *err);
void spectra_free(Spectra *s);

/* The index of a class; "" is the first. Error: no such class. */
int spectra_find_class(const Spectra *s, const char *name, Err *err);

/* The last row of a class. */
int spectra_last(const Spectra *s, int kind);

#endif
