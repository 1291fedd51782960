/* Curves of single runs as a figure. */
#ifndef TOOLS_REPORT_CURVES_H
#define TOOLS_REPORT_CURVES_H

#include "run/runlog.h"
#include "tools/report/figure.h"

#define CURVE_AXES "steps|tokens|seconds|flops"
enum { AXIS_STEPS, AXIS_TOKENS, AXIS_SECONDS, AXIS_FLOPS };

/* What is drawn: validation loss with training loss below it, or one quantity of the log. */
#define CURVE_QUANTITIES(X)                                                                     \
  X(CURVE_LOSS, "loss") X(CURVE_VAL, "val") X(CURVE_TRAIN, "train") X(CURVE_BITS, "bits")       \
  X(CURVE_PERPLEXITY, "perplexity") X(CURVE_LR, "lr") X(CURVE_GRAD_NORM, "grad_norm")           \
  X(CURVE_TOKENS_PER_S, "tokens_per_s") X(CURVE_FORWARD_MS, "forward_ms")                       \
  X(CURVE_BACKWARD_MS, "backward_ms") X(CURVE_OPTIMIZER_MS, "optimizer_ms")                     \
  X(CURVE_CONSENSUS_ERROR, "consensus_error")
enum { CURVE_QUANTITIES(CHOICE_NAME) };

typedef struct {
  int axis, quantity;
  int smooth;            /* steps over which noisy quantities are averaged; 0: 2 % of the run */
  int faint;             /* draw the training loss below the validation loss too */
  const char *highlight; /* optimizers and folders to highlight; empty: chosen if there are many */
} CurveOptions;

/* The label of an axis, and a row's place on it; NaN where the log does not have it. */
const char *curve_axis_label(int axis);
double curve_axis_value(const RunLog *log, const LogRow *row, int axis);

/* A curve for each run, with the last value as label; of loss, the training loss if there was no
   validation. Errors: no run has the quantity; --highlight names no run. */
int curves_of_runs(Figure *f, const RunLog *logs, int count, const CurveOptions *o, Err *err);

#endif
