/* The forest plot of a comparison: each method's difference to the baseline with its interval. */
#ifndef TOOLS_REPORT_FOREST_H
#define TOOLS_REPORT_FOREST_H

#include "tools/report/comparison.h"
#include "tools/report/figure.h"

/* Draws the mean differences of runs with the same seed, the lowest first, with 95 % intervals, as
   figure_draw does. *out is NULL if there is no baseline or nothing to compare with it. */
int forest_draw(const Comparison *c, FigureFormat format, char **out, size_t *size, Err *err);

#endif
