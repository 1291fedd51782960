/* The figures of a comparison. */
#ifndef TOOLS_REPORT_FIGURES_H
#define TOOLS_REPORT_FIGURES_H

#include "tools/report/comparison.h"
#include "tools/report/figure.h"

typedef struct {
  const char *name;    /* loss-steps: of the file */
  const char *caption;
  Figure (*make)(const Comparison *c, int axis);
  int axis; /* of losses: AXIS_STEPS, ...; of options: which one */
} FigureKind;

extern const FigureKind figure_kinds[]; /* in the order of FIGURE_NAMES */
#define FIGURE_NAMES                                                                               \
  "forest|loss-steps|loss-end|loss-tokens|loss-seconds|loss-flops|rates|option-1|option-2|"        \
  "option-3|option-4|option-5|option-6|option-7|option-8|sensitivity|time|memory"

/* Error: a name to highlight is not that of a method. */
int figures_check(const Comparison *c, Err *err);

/* Draws a figure, given by its index, as figure_draw does; on a smaller area, and so with larger
   text, if `small`. *out is NULL if it shows nothing. */
int figures_draw(const Comparison *c, int index, FigureFormat format, int small, char **out,
                 size_t *size, Err *err);

#endif
