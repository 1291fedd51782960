#include "tools/report/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quantile.h"
#include "tools/report/label.h"
#include "tools/report/statistics.h"

enum { POINTS_DRAWN = 500 }; /* of a training curve: more than pixels would only cost time */

const char *curve_axis_label(int axis) {
  static const char *const labels[] = {"steps", "tokens", "seconds of training",
                                       "FLOPs of training, gradient and optimizer"};
  return labels[axis];
}

double curve_axis_value(const RunLog *log, const LogRow *row, int axis) {
  switch (axis) {
    case AXIS_STEPS: return (double)row->step;
    case AXIS_TOKENS: return (double)row->tokens;
    case AXIS_SECONDS: return row->step == 0 ? 0 : row->seconds;
    default:
      return (double)row->tokens * log->info.flops_per_token +
             (double)row->step * log->info.optimizer_flops_per_step;
  }
}

static int count_val(const RunLog *log) {
  int n = 0;
  for (int i = 0; i < log->count; i++) n += isfinite(log->rows[i].val_loss);
  return n;
}

static void add_val(Figure *f, const RunLog *log, int axis, Look look, const char *label) {
  Series *s = figure_add(f, SERIES_CURVE, look, count_val(log), label);
  int n = 0;
  for (int i = 0; i < log->count; i++) {
    if (!isfinite(log->rows[i].val_loss)) continue;
    s->x[n] = curve_axis_value(log, &log->rows[i], axis);
    s->y[n++] = log->rows[i].val_loss;
  }
}

static void add_train(Figure *f, const RunLog *log, int axis, int smooth, SeriesKind kind,
                      Look look, const char *label) {
  double *raw = memory_take((size_t)log->count, sizeof *raw);
  double *mean = memory_take((size_t)log->count, sizeof *mean);
  int stride = log->count / POINTS_DRAWN + 1, n = 0;
  if (smooth <= 0) smooth = log->count / 50 + 1;
  /* At the very end the mean is over few steps: noise that would look like a trend. */
  int last = smooth < log->count ? log->count - 1 - smooth / 4 : log->count - 1;
  for (int i = 0; i < log->count; i++) raw[i] = log->rows[i].train_loss;
  smooth_centred(raw, log->count, smooth, mean);
  Series *s = figure_add(f, kind, look, last / stride + 2, label);
  for (int i = 0; i <= last; i += i == last ? 1 : i + stride > last ? last - i : stride) {
    s->x[n] = curve_axis_value(log, &log->rows[i], axis);
    s->y[n++] = mean[i];
  }
  s->n = n;
  free(raw);
  free(mean);
}

/* A cross where a run that diverged ended, at the upper border if its loss is above it. */
static void add_end(Figure *f, const RunLog *log, int axis, Look look) {
  const LogRow *end = NULL;
  for (int i = 0; i < log->count; i++)
    if (isfinite(log->rows[i].train_loss) &&
        isfinite(curve_axis_value(log, &log->rows[i], axis)))
      end = &log->rows[i];
  if (log->end != RUN_DIVERGED || !end) return;
  Series *s = figure_add(f, SERIES_MARK, look, 1, "");
  s->x[0] = curve_axis_value(log, end, axis);
  s->y[0] = fmin(end->train_loss, f->y_max);
}

/* Shows the lower nine tenths of each curve, and nothing above the initial loss; runs that diverged
   count only when there are no others. */
static void choose_range(Figure *f, const RunLog *logs, int count) {
  double low = INFINITY, high = -INFINITY, start = -INFINITY;
  int any_good = 0;
  for (int i = 0; i < count; i++) any_good |= logs[i].end != RUN_DIVERGED;
  for (int i = 0; i < count; i++) {
    const RunLog *log = &logs[i];
    double *loss = memory_take(2 * (size_t)log->count, sizeof *loss);
    int n = 0;
    for (int j = 0; j < log->count; j++) {
      if (isfinite(log->rows[j].train_loss)) loss[n++] = log->rows[j].train_loss;
      if (isfinite(log->rows[j].val_loss)) loss[n++] = log->rows[j].val_loss;
    }
    if (n > 0) {
      start = fmax(start, loss[0]);
      low = fmin(low, quantile(loss, n, 0.005));
      if (log->end != RUN_DIVERGED || !any_good) high = fmax(high, quantile(loss, n, 0.9));
    }
    free(loss);
  }
  if (low < start) high = fmin(high, start);
  figure_show(f, low, high, 0.06, 0.06);
}

static void label_of(const RunLog *logs, int count, int index, char *out, size_t size) {
  const RunLog *log = &logs[index];
  double val = runlog_final_val(log);
  label_run(logs, count, index, 1, out, size);
  size_t used = strlen(out);
  if (log->end == RUN_DIVERGED) snprintf(out + used, size - used, " (diverged)");
  else if (isfinite(val)) snprintf(out + used, size - used, val < 100 ? " %.3f" : " %.2g", val);
  used = strlen(out);
  if (log->end == RUN_UNFINISHED || log->end == RUN_STOPPED)
    snprintf(out + used, size - used, " (to step %lld)",
             (long long)log->rows[log->count - 1].step);
}

Figure curves_of_runs(const RunLog *logs, int count, int axis, int smooth, int faint) {
  int any_val = 0;
  for (int i = 0; i < count; i++) any_val |= count_val(&logs[i]) > 1;
  Figure f = figure_make("", curve_axis_label(axis), !any_val ? "training loss"
                         : faint ? "validation loss (thin: training)" : "validation loss");
  choose_range(&f, logs, count);
  for (int pass = 0; pass < 2; pass++) /* the faint curves first: others cover them */
    for (int i = 0; i < count; i++) {
      char label[128];
      int has_val = count_val(&logs[i]) > 1;
      Look look = label_look(logs, i);
      label_of(logs, count, i, label, sizeof label);
      if (pass == 0 && has_val && faint)
        add_train(&f, &logs[i], axis, smooth, SERIES_FAINT, look, "");
      if (pass == 1 && has_val) add_val(&f, &logs[i], axis, look, label);
      if (pass == 1 && !has_val) add_train(&f, &logs[i], axis, smooth, SERIES_LINE, look, label);
      if (pass == 1) add_end(&f, &logs[i], axis, look);
    }
  return f;
}
