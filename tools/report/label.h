/* A name and a look for each run among several, and which of them a figure highlights. */
#ifndef TOOLS_REPORT_LABEL_H
#define TOOLS_REPORT_LABEL_H

#include "run/runlog.h"
#include "tools/report/palette.h"

/* Each run's name among the others: the optimizer, with the options in which it differs from the
   others of its optimizer, or the end of its path if that would be too long; `seeds`: seeds are
   such options too. */
void label_run(const RunLog *logs, int count, int index, int seeds, char *out, size_t size);

/* The look of a run's optimizer, lighter for each run of the same optimizer before it, and dashed
   if the run is not finished. */
Look label_look(const RunLog *logs, int index);

/* What the runs have in common: "austen, nano (1.33 M weights), 300 steps of 2048 tokens, 3 seeds".
   The number of seeds is left out if it is 0. */
void label_caption(const RunLog *logs, int count, int seeds, char *out, size_t size);

/* A curve that may be highlighted. */
typedef struct {
  const char *name, *optimizer;
  double loss; /* NaN: none */
  int shown;   /* set by label_highlight: 0 if it is drawn in grey */
} Candidate;

enum { LABEL_FEW = 8 }; /* curves that are easy to tell apart */

/* Chooses the curves to highlight: those whose name or optimizer is in `words`, separated by
   spaces; if that is empty: all if they are few, else those of the user's own optimizers, of the
   baseline (an optimizer or name), and of the three best optimizers, the best one of each. Error: a
   word that matches nothing. */
int label_highlight(Candidate *curves, int count, const char *words, const char *baseline,
                    Err *err);

#endif
