/* The figures of a comparison. */
#ifndef TOOLS_REPORT_FIGURES_H
#define TOOLS_REPORT_FIGURES_H

#include "tools/report/comparison.h"
#include "tools/report/figure.h"

typedef struct {
  const char *name;    /* loss-steps: of the file */
  const char *caption;
  Figure (*make)(const Comparison *c, int axis);
  int axis; /* of losses: AXIS_STEPS, ... */
} FigureKind;

/* Ends with {0}. A figure without series has nothing to show. */
extern const FigureKind figure_kinds[];

/* Error: a name to highlight is not that of a method. */
int figures_check(const Comparison *c, Err *err);

#define FIGURE_NAMES \
  "loss-steps|loss-end|loss-tokens|loss-seconds|loss-flops|rates|option-1|option-2|option-3|"  \
  "option-4|option-5|option-6|option-7|option-8|time|memory"

#endif
