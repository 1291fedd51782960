/* Figures of spectrum.csv, which --log-spectrum writes. */
#ifndef TOOLS_REPORT_SPECTRUM_FIGURE_H
#define TOOLS_REPORT_SPECTRUM_FIGURE_H

#include "run/runlog.h"
#include "run/spectra.h"
#include "tools/report/figure.h"

/* What the figure shows against steps. */
#define SPECTRA_VIEWS "off|quantiles|stable-rank|condition|polar|update|gradient"
enum { SPECTRA_OFF, SPECTRA_QUANTILES, SPECTRA_STABLE_RANK, SPECTRA_CONDITION, SPECTRA_POLAR,
       SPECTRA_UPDATE, SPECTRA_GRADIENT };

/* One run: a curve per class of matrices (quantiles: a curve each, of the class `kind` or, when
   that is empty, as means over the classes); several: a curve per run, of `kind` or means over
   classes. logs are the runs, for their names. Error: no such class, quantiles of several runs. */
int spectra_figure(Figure *f, const Spectra *spectra, const RunLog *logs, int count, int view,
                   const char *kind, Err *err);

#endif
