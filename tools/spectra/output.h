/* Where the results of a study go: tables to the terminal and to CSV files, figures to files. */
#ifndef TOOLS_SPECTRA_OUTPUT_H
#define TOOLS_SPECTRA_OUTPUT_H

#include <stdint.h>

#include "core/option.h"
#include "tools/report/figure.h"
#include "tools/report/table.h"

typedef struct {
  char out[OPTION_TEXT]; /* folder */
  int format;            /* of the figures, a FigureFormat */
  int overwrite;
  int64_t seed;
} Output;

extern const Option output_options[];

/* Writes FOLDER/name.csv. */
int output_csv(const Output *o, const char *name, const Table *t, Err *err);

/* Draws FOLDER/name.png or .svg, or characters on the terminal; frees the figure in any case. */
int output_figure(const Output *o, const char *name, Figure *f, Err *err);

/* A line about long work, on stderr: rewritten in place on a terminal, every ten seconds in a pipe.
   `part` of the work (0..1) is done since `started` (clock seconds). */
void output_progress(const char *what, double part, double started);
void output_progress_end(void);

/* Whole numbers "64,128,..." from `least` to `most`, ascending not needed; returns how many, or -1
   with a sentence that names --option. numbers: (room). */
int read_numbers(const char *text, const char *option, int64_t least, int64_t most,
                 int64_t *numbers, int room, Err *err);

#endif
