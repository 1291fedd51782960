#include "tools/report/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tools/report/label.h"
#include "tools/report/statistics.h"

static const double LN2 = 0.693147180559945309;
enum { POINTS_DRAWN = 500 }; /* of a training curve: more than pixels would only cost time */

const char *curve_axis_label(int axis) {
  static const char *const labels[] = {"steps", "tokens", "seconds of training",
                                       "floating-point operations (gradient and optimizer)"};
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

/* ---- quantities ---- */

typedef struct {
  const char *label;
  int noisy;    /* smoothed */
  double shown; /* see Figure.shown */
} Quantity;

static const Quantity quantities[] = {
    [CURVE_LOSS] = {"validation loss (thin: training)", 0, 0.9},
    [CURVE_VAL] = {"validation loss", 0, 0.9},
    [CURVE_TRAIN] = {"training loss", 1, 0.9},
    [CURVE_BITS] = {"validation loss, bits per byte", 0, 0.9},
    [CURVE_PERPLEXITY] = {"perplexity of the validation text", 0, 0.8},
    [CURVE_LR] = {"learning rate", 0, 1},
    [CURVE_GRAD_NORM] = {"norm of the gradient, before clipping", 1, 0.99},
    [CURVE_TOKENS_PER_S] = {"training tokens per second", 1, 1},
    [CURVE_FORWARD_MS] = {"forward pass, ms per step", 1, 0.99},
    [CURVE_BACKWARD_MS] = {"backward pass, ms per step", 1, 0.99},
    [CURVE_OPTIMIZER_MS] = {"optimizer, ms per step", 1, 0.99},
    [CURVE_CONSENSUS_ERROR] = {"consensus error", 1, 1},
};

static double value_of(const RunLog *log, const LogRow *row, int quantity) {
  switch (quantity) {
    case CURVE_TRAIN: return row->train_loss;
    case CURVE_BITS: return row->val_loss / LN2 / log->info.val_bytes_per_token;
    case CURVE_PERPLEXITY: return exp(row->val_loss);
    case CURVE_LR: return row->lr;
    case CURVE_GRAD_NORM: return row->grad_norm;
    case CURVE_TOKENS_PER_S: return row->tokens_per_s;
    case CURVE_FORWARD_MS: return row->forward_ms;
    case CURVE_BACKWARD_MS: return row->backward_ms;
    case CURVE_OPTIMIZER_MS: return row->optimizer_ms;
    case CURVE_CONSENSUS_ERROR: return row->consensus_error;
    default: return row->val_loss;
  }
}

/* How many values of a quantity a run has; *last: the row of the last one, or NULL. */
static int count_values(const RunLog *log, int quantity, const LogRow **last) {
  int n = 0;
  *last = NULL;
  for (int i = 0; i < log->count; i++)
    if (isfinite(value_of(log, &log->rows[i], quantity))) n++, *last = &log->rows[i];
  return n;
}

/* Without validation after step 0, the training loss is drawn. */
static int quantity_of(const RunLog *log, int quantity) {
  const LogRow *last;
  return quantity == CURVE_LOSS && count_values(log, CURVE_VAL, &last) < 2 ? CURVE_TRAIN : quantity;
}

/* ---- one run ---- */

/* Adds the values of a quantity, smoothed and thinned if there is one at each step. */
static Series *add_values(Figure *f, const RunLog *log, const CurveOptions *o, int quantity,
                          SeriesKind kind, Look look, const char *label) {
  double *memory = memory_take(3 * (size_t)log->count, sizeof *memory);
  double *x = memory, *y = memory + log->count, *mean = y + log->count;
  int count = 0, n = 0, window = 1;
  for (int i = 0; i < log->count; i++) {
    y[count] = value_of(log, &log->rows[i], quantity);
    x[count] = curve_axis_value(log, &log->rows[i], o->axis);
    if (isfinite(x[count]) && isfinite(y[count])) count++;
  }
  if (quantities[quantity].noisy) window = o->smooth > 0 ? o->smooth : count / 50 + 1;
  smooth_centred(y, count, window, mean);
  /* The last means are over few steps; their noise would look like a trend. */
  int last = window < count ? count - 1 - window / 4 : count - 1;
  int stride = count / POINTS_DRAWN + 1;
  Series *s = figure_add(f, kind, look, last / stride + 2, label);
  for (int i = 0; i <= last; i += i == last ? 1 : i + stride > last ? last - i : stride) {
    s->x[n] = x[i];
    s->y[n++] = mean[i];
  }
  s->n = n;
  free(memory);
  return s;
}

static void format_value(double value, char *out, size_t size) {
  int digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;
  snprintf(out, size, value < 0.1 ? "%.*g" : "%.*f", digits, value);
}

/* Adds the last value to a curve's label: of noisy ones except the loss, the mean that is drawn. An
   unfinished run also gets its step. */
static void label_end(const RunLog *log, int quantity, Series *s) {
  const LogRow *last;
  char value[32] = "", *label = s->label;
  size_t used = strlen(label), size = sizeof s->label;
  int mean = quantities[quantity].noisy && quantity != CURVE_TRAIN && s->n > 0;
  if (count_values(log, quantity, &last))
    format_value(mean ? s->y[s->n - 1] : value_of(log, last, quantity), value, sizeof value);
  int64_t step = log->rows[log->count - 1].step;
  if (log->end == RUN_FINISHED || !last) snprintf(label + used, size - used, " %s", value);
  else if (log->end == RUN_DIVERGED)
    snprintf(label + used, size - used, ": diverged at step %lld", (long long)step);
  else if (*runlog_option(log, "steps"))
    snprintf(label + used, size - used, ": %s at step %lld of %.20s", value, (long long)last->step,
             runlog_option(log, "steps"));
  else snprintf(label + used, size - used, ": %s at step %lld", value, (long long)last->step);
}

/* A cross where a run that diverged ended. */
static void add_end(Figure *f, const RunLog *log, int axis, Look look) {
  const LogRow *last;
  if (log->end == RUN_DIVERGED && count_values(log, CURVE_TRAIN, &last))
    figure_mark(f, look, curve_axis_value(log, last, axis), last->train_loss);
}

static void add_run(Figure *f, const RunLog *log, const CurveOptions *o, Look look,
                    const char *name) {
  int quantity = quantity_of(log, o->quantity);
  const LogRow *last;
  int points = quantity == CURVE_LOSS || count_values(log, quantity, &last) <= log->count / 2;
  if (quantity == CURVE_LOSS && o->faint && look.point != 0)
    add_values(f, log, o, CURVE_TRAIN, SERIES_FAINT, look, "");
  Series *s =
      add_values(f, log, o, quantity, points ? SERIES_CURVE : SERIES_LINE, look, name);
  label_end(log, quantity, s);
  s->aside = log->end == RUN_DIVERGED;
  if (quantity <= CURVE_TRAIN) add_end(f, log, o->axis, look);
}

/* ---- all runs ---- */

static Look *choose_looks(const RunLog *logs, int count, const CurveOptions *o, char (*names)[128],
                          Err *err) {
  Candidate *curves = memory_take((size_t)count, sizeof *curves);
  Look *looks = memory_take((size_t)count, sizeof *looks);
  for (int i = 0; i < count; i++) {
    label_run(logs, count, i, 1, names[i], sizeof names[i]);
    const char *slash = strrchr(logs[i].path, '/');
    curves[i] = (Candidate){.name = slash ? slash + 1 : logs[i].path,
                            .optimizer = runlog_option(&logs[i], "optimizer"),
                            .loss = runlog_final_val(&logs[i])};
  }
  int status = label_highlight(curves, count, o->highlight, "adamw", err);
  RunLog *shown = memory_take((size_t)count, sizeof *shown);
  for (int i = 0, n = 0; i < count; i++) {
    shown[n] = logs[i]; /* not freed here */
    looks[i] = curves[i].shown ? label_look(shown, n++) : palette_background();
  }
  free(shown);
  free(curves);
  if (status == 0) return looks;
  free(looks);
  return NULL;
}

int curves_of_runs(Figure *f, const RunLog *logs, int count, const CurveOptions *o, Err *err) {
  char(*names)[128] = memory_take((size_t)count, sizeof *names);
  Look *looks = choose_looks(logs, count, o, names, err);
  int quantity = CURVE_TRAIN, grey = 0;
  for (int i = 0; i < count; i++)
    if (quantity_of(&logs[i], o->quantity) != CURVE_TRAIN) quantity = o->quantity;
  if (quantity == CURVE_LOSS && !o->faint) quantity = CURVE_VAL;
  *f = figure_make("", curve_axis_label(o->axis), quantities[quantity].label);
  f->shown = quantities[quantity].shown;
  label_caption(logs, count, 0, f->caption, sizeof f->caption);
  for (int i = 0; i < count && looks; i++) {
    add_run(f, &logs[i], o, looks[i], names[i]);
    grey += looks[i].point == 0;
  }
  size_t used = strlen(f->caption);
  if (grey > 0)
    snprintf(f->caption + used, sizeof f->caption - used, "%s%d other runs in grey",
             used ? "; " : "", grey);
  free(names);
  if (looks && !figure_has_points(f)) {
    char y[32], x[32];
    word_at(CURVE_QUANTITIES(CHOICE_WORD), o->quantity, y, sizeof y);
    word_at(CURVE_AXES, o->axis, x, sizeof x);
    fail(err, "--y %s --x %s: no log of these runs has both", y, x);
  } else if (looks) {
    free(looks);
    return 0;
  }
  free(looks);
  figure_free(f);
  return -1;
}
