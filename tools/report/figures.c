#include "tools/report/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quantile.h"
#include "tools/report/curves.h"

enum { FEW = 8 }; /* methods, which one figure shows without covering each other */

/* ---- loss curves ---- */

static void label_entry(const Entry *e, char *out, size_t size) {
  char loss[32];
  snprintf(loss, sizeof loss, "%.3f", e->summary.mean);
  snprintf(out, size, "%.80s %s", e->name, e->finished ? loss
                                           : e->diverged ? "(diverged)" : "(unfinished)");
}

static void add_curve(Figure *f, const Comparison *c, const Entry *e, int axis, SeriesKind kind) {
  char label[128];
  Curve v = comparison_curve(c, e, axis);
  int band = kind == SERIES_BAND;
  for (int i = 0; i < v.n; i++) /* the FLOPs of an older log are not known */
    if (!isfinite(v.x[i])) v.n = 0;
  label_entry(e, label, sizeof label);
  Series *s = figure_add(f, kind, e->look, v.n, band ? "" : label);
  for (int i = 0; i < v.n; i++) {
    s->x[i] = v.x[i];
    s->y[i] = band ? v.low[i] : v.mean[i];
    if (band) s->high[i] = v.high[i];
  }
  curve_free(&v);
}

static void add_cross(Figure *f, const Comparison *c, const Entry *e, int axis) {
  for (int j = 0; j < e->count; j++) {
    const RunLog *log = &c->logs[e->runs[j]];
    if (log->end != RUN_DIVERGED) continue;
    Series *s = figure_add(f, SERIES_MARK, e->look, 1, "");
    s->x[0] = curve_axis_value(log, &log->rows[log->count > 1 ? log->count - 2 : 0], axis);
    s->y[0] = f->y_max;
  }
}

/* The lower nine tenths of every curve that came to an end. */
static void choose_range(Figure *f) {
  double low = INFINITY, high = -INFINITY;
  for (int i = 0; i < f->count; i++) {
    const Series *s = &f->series[i];
    if (s->kind != SERIES_CURVE || s->n == 0) continue;
    low = fmin(low, quantile(s->y, s->n, 0));
    high = fmax(high, fmin(quantile(s->y, s->n, 0.9), s->y[0]));
  }
  figure_show(f, low, high, 0.05, 0.02);
}

static void mark_target(Figure *f, const Comparison *c) {
  if (isnan(c->target)) return;
  f->line = c->target;
  if (c->options.target > 0)
    snprintf(f->line_label, sizeof f->line_label, "target %.4g", c->target);
  else if (c->baseline >= 0)
    snprintf(f->line_label, sizeof f->line_label, "target: %.40s's end",
             c->entries[c->baseline].name);
}

static Figure loss_figure(const Comparison *c, int axis, int bands) {
  char y_label[64];
  snprintf(y_label, sizeof y_label, "validation loss (%s)", comparison_unit(c));
  Figure f = figure_make("", curve_axis_label(axis), y_label);
  for (int i = 0; i < c->count && bands; i++)
    if (c->entries[i].count > 1) add_curve(&f, c, &c->entries[i], axis, SERIES_BAND);
  for (int i = 0; i < c->count; i++) add_curve(&f, c, &c->entries[i], axis, SERIES_CURVE);
  choose_range(&f);
  for (int i = 0; i < c->count; i++) add_cross(&f, c, &c->entries[i], axis);
  mark_target(&f, c);
  return f;
}

/* The bands of many methods would cover each other; the last third has them in any case. */
static Figure whole_run(const Comparison *c, int axis) {
  return loss_figure(c, axis, c->count <= FEW);
}

/* The last third, as high as the better half of the methods needs. */
static Figure last_third(const Comparison *c, int axis) {
  Figure f = loss_figure(c, axis, 1);
  double end = 0, low = INFINITY, *at_start = memory_take((size_t)f.count, sizeof *at_start);
  int n = 0;
  for (int i = 0; i < f.count; i++)
    if (f.series[i].n > 0) end = fmax(end, f.series[i].x[f.series[i].n - 1]);
  for (int i = 0; i < f.count; i++) {
    const Series *s = &f.series[i];
    double first = NAN;
    for (int j = 0; j < s->n && s->kind == SERIES_CURVE; j++) {
      if (s->x[j] < end * 2 / 3) continue;
      if (isnan(first)) first = s->y[j];
      low = fmin(low, s->y[j]);
    }
    if (!isnan(first)) at_start[n++] = first;
  }
  double high = quantile(at_start, n, 0.5);
  free(at_start);
  if (!(high > low)) return f;
  f.x_min = end * 2 / 3;
  f.x_max = end;
  figure_show(&f, low, high, 0.05, 0.05);
  return f;
}

/* ---- learning rates ---- */

static double best_rate(const Entry *e) {
  const Point *best = NULL;
  for (int j = 0; j < e->tuning.count; j++) {
    const Point *p = &e->tuning.points[j];
    if (!p->line && (!best || p->loss < best->loss)) best = p;
  }
  return best ? best->rate : 1;
}

/* The part of a column that a factor of two takes where each method has its own, around its best
   rate; 0 where they are few enough to share an axis. */
static double column_octave(const Comparison *c) {
  double widest = 1;
  if (c->count <= FEW) return 0;
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    for (int j = 0; j < e->tuning.count; j++)
      widest = fmax(widest, fabs(log2(e->tuning.points[j].rate / best_rate(e))));
  }
  return 0.4 / widest;
}

static double place_of(const Comparison *c, int i, const Point *point, double octave) {
  if (octave == 0) return point->rate;
  return i + octave * log2(point->rate / best_rate(&c->entries[i]));
}

static Figure rates_axes(const Comparison *c, double octave) {
  char y_label[64];
  snprintf(y_label, sizeof y_label, "final loss (%s)", comparison_unit(c));
  if (octave == 0) {
    Figure f = figure_make("", "learning rate", y_label);
    f.x_scale = SCALE_LOG;
    return f;
  }
  Figure f = figure_make("", "learning rate: in each column from low to high, the best at the tick",
                         y_label);
  f.x_min = -0.6;
  f.x_max = c->count - 0.4;
  f.columns = memory_take((size_t)c->count, sizeof *f.columns);
  f.column_count = c->count;
  for (int i = 0; i < c->count; i++)
    snprintf(f.columns[i], sizeof f.columns[i], "%.63s", c->entries[i].name);
  return f;
}

/* Loss against rate. What is far worse is above the range; crosses at the top diverged. */
static Figure rates(const Comparison *c, int axis) {
  (void)axis;
  double low = INFINITY, high = -INFINITY, octave = column_octave(c);
  Figure f = rates_axes(c, octave);
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    Series *s = figure_add(&f, SERIES_CURVE, e->look, e->tuning.count, e->name);
    double *loss = memory_take((size_t)e->tuning.count, sizeof *loss);
    s->n = 0;
    for (int j = 0; j < e->tuning.count; j++) {
      const Point *point = &e->tuning.points[j];
      if (point->line) continue;
      s->x[s->n] = place_of(c, i, point, octave);
      if (f.x_scale == SCALE_LOG) { /* fmin and fmax ignore NaN */
        f.x_min = fmin(f.x_min, point->rate / 1.3);
        f.x_max = fmax(f.x_max, point->rate * 1.3);
      }
      loss[s->n] = s->y[s->n] = isfinite(point->loss) ? point->loss : NAN;
      s->n++;
    }
    low = fmin(low, quantile(loss, s->n, 0));
    high = fmax(high, quantile(loss, s->n, 0.7));
    free(loss);
  }
  figure_show(&f, low, high, 0.06, 0.06);
  for (int i = 0; i < c->count; i++)
    for (int j = 0; j < c->entries[i].tuning.count; j++) {
      if (!c->entries[i].tuning.points[j].diverged || isnan(f.y_max)) continue;
      Series *s = figure_add(&f, SERIES_MARK, c->entries[i].look, 1, "");
      s->x[0] = place_of(c, i, &c->entries[i].tuning.points[j], octave);
      s->y[0] = f.y_max;
    }
  return f;
}

/* ---- bars ---- */

static Figure bars(const Comparison *c, const char *x_label) {
  Figure f = figure_make("", x_label, "");
  f.rows = memory_take((size_t)c->count, sizeof *f.rows);
  f.row_count = c->count;
  f.height = 110 + 34 * c->count;
  for (int i = 0; i < c->count; i++)
    snprintf(f.rows[i], sizeof f.rows[i], "%.63s", c->entries[i].name);
  return f;
}

static void add_bar(Figure *f, Look look, int row, double from, double to, const char *label) {
  Series *s = figure_add(f, SERIES_BARS, look, 1, label);
  s->x[0] = row;
  s->y[0] = from;
  s->high[0] = to;
}

static Figure step_time(const Comparison *c, int axis) {
  (void)axis;
  const Look grey = {0xC8C8C8, 1, 7};
  Figure f = bars(c, "milliseconds per step: gradient (grey) and optimizer (colour)");
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    double gradient = isnan(c->gradient_ms) ? e->gradient_ms : c->gradient_ms;
    add_bar(&f, grey, i, 0, gradient, "");
    add_bar(&f, e->look, i, gradient, gradient + e->optimizer_ms, " ms");
  }
  return f;
}

static Figure memory(const Comparison *c, int axis) {
  (void)axis;
  Figure f = bars(c, "optimizer state in MB");
  for (int i = 0; i < c->count; i++)
    add_bar(&f, c->entries[i].look, i, 0, c->entries[i].state_bytes / 1e6, " MB");
  return f;
}

const FigureKind figure_kinds[] = {
    {"loss-steps", "Validation loss against steps, mean over the seeds. A cross marks a run that "
                   "diverged.", whole_run, AXIS_STEPS},
    {"loss-end", "Validation loss in the last third of the schedule: mean over the seeds, and a "
                 "band that contains all of them.", last_third, AXIS_STEPS},
    {"loss-tokens", "Validation loss against training tokens.", whole_run, AXIS_TOKENS},
    {"loss-seconds", "Validation loss against seconds of training.", whole_run, AXIS_SECONDS},
    {"loss-flops", "Validation loss against floating-point operations of gradient and optimizer.",
     whole_run, AXIS_FLOPS},
    {"rates", "Loss at the end of the tuning runs against the learning rate. A cross at the top "
              "marks a rate that diverged.", rates, 0},
    {"time", "Time of a training step: gradient, then optimizer.", step_time, 0},
    {"memory", "Memory of the optimizer state.", memory, 0},
    {0},
};
