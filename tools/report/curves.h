/* Loss curves of single runs as a figure. */
#ifndef TOOLS_REPORT_CURVES_H
#define TOOLS_REPORT_CURVES_H

#include "tools/report/figure.h"
#include "run/runlog.h"

#define CURVE_AXES "steps|tokens|seconds|flops"
enum { AXIS_STEPS, AXIS_TOKENS, AXIS_SECONDS, AXIS_FLOPS };

/* The label of an axis, and a row's place on it; NaN where the log does not say. */
const char *curve_axis_label(int axis);
double curve_axis_value(const RunLog *log, const LogRow *row, int axis);

/* Validation loss as curves, training loss (mean over `smooth` steps around each; 0: 2 % of the
   run) below them. The range of y leaves out the fall from the initial loss where that would
   flatten the rest. Unless `faint`, training loss is drawn only where validation is missing. */
Figure curves_of_runs(const RunLog *logs, int count, int axis, int smooth, int faint);

#endif
