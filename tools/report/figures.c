#include "tools/report/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quantile.h"
#include "tools/report/curves.h"
#include "tools/report/label.h"
#include "tools/report/swept.h"

/* ---- shared ---- */

static Figure figure_of(const Comparison *c, const char *x_label, const char *quantity,
                        int seeds) {
  char y_label[96];
  snprintf(y_label, sizeof y_label, "%s (%s)", quantity, comparison_unit(c));
  Figure f = figure_make("", x_label, *quantity ? y_label : "");
  label_caption(c->logs, c->log_count, seeds, f.caption, sizeof f.caption);
  return f;
}

/* The looks of the entries: those that are not highlighted are in grey. */
static Look *choose_looks(const Comparison *c, Err *err) {
  Look *looks = memory_take((size_t)c->count, sizeof *looks);
  Candidate *curves = memory_take((size_t)c->count, sizeof *curves);
  for (int i = 0; i < c->count; i++)
    curves[i] = (Candidate){.name = c->entries[i].name, .optimizer = c->entries[i].optimizer,
                            .loss = c->entries[i].summary.mean};
  const char *baseline = c->baseline < 0 ? "" : c->entries[c->baseline].name;
  int status = label_highlight(curves, c->count, c->options.highlight, baseline, err);
  for (int i = 0; i < c->count; i++)
    looks[i] = curves[i].shown ? c->entries[i].look : palette_background();
  free(curves);
  if (status == 0) return looks;
  free(looks);
  return NULL;
}

int figures_check(const Comparison *c, Err *err) {
  Look *looks = choose_looks(c, err);
  free(looks);
  return looks ? 0 : -1;
}

static Look *looks_of(const Comparison *c) {
  Err ignored; /* figures_check has reported it */
  return choose_looks(c, &ignored);
}

/* ---- loss curves ---- */

static void label_entry(const Comparison *c, const Entry *e, char *out, size_t size) {
  char last[84];
  const RunLog *log = &c->logs[e->runs[0]];
  if (e->finished) snprintf(last, sizeof last, " %.3f", e->summary.mean);
  else if (e->diverged) snprintf(last, sizeof last, ": diverged");
  else snprintf(last, sizeof last, ": "), run_last_value(log, last + 2, sizeof last - 2);
  snprintf(out, size, "%.40s%s", e->name, last);
}

static void add_curve(Figure *f, const Comparison *c, int entry, Look look, int axis,
                      SeriesKind kind) {
  char label[128] = "";
  const Entry *e = &c->entries[entry];
  Curve v = comparison_curve(c, e, axis);
  int band = kind == SERIES_BAND;
  for (int i = 0; i < v.n; i++) /* the FLOPs of an older log are not known */
    if (!isfinite(v.x[i])) v.n = 0;
  if (!band) label_entry(c, e, label, sizeof label);
  Series *s = figure_add(f, kind, look, v.n, label);
  for (int i = 0; i < v.n; i++) {
    s->x[i] = v.x[i];
    s->y[i] = band ? v.low[i] : v.mean[i];
    if (band) s->high[i] = v.high[i];
  }
  s->aside = band || !e->finished;
  curve_free(&v);
}

static void add_crosses(Figure *f, const Comparison *c, const Entry *e, Look look, int axis) {
  for (int j = 0; j < e->count; j++) {
    const RunLog *log = &c->logs[e->runs[j]];
    if (log->end == RUN_DIVERGED)
      figure_mark(f, look,
                  curve_axis_value(log, &log->rows[log->count > 1 ? log->count - 2 : 0], axis),
                  INFINITY);
  }
}

static void mark_target(Figure *f, const Comparison *c) {
  if (isnan(c->target)) return;
  f->line = c->target;
  if (c->options.target > 0)
    snprintf(f->line_label, sizeof f->line_label, "target %.4g", c->target);
  else if (c->baseline >= 0)
    snprintf(f->line_label, sizeof f->line_label, "final loss of %.40s",
             c->entries[c->baseline].name);
}

/* The whole run, without the initial fall, and with bands for highlighted methods. */
static Figure whole_run(const Comparison *c, int axis) {
  Figure f = figure_of(c, curve_axis_label(axis), "validation loss", c->seed_count);
  Look *looks = looks_of(c);
  f.shown = 0.85;
  for (int band = 1; band >= 0; band--)
    for (int i = 0; i < c->count; i++)
      if (!band || (c->entries[i].count > 1 && looks[i].point != 0))
        add_curve(&f, c, i, looks[i], axis, band ? SERIES_BAND : SERIES_CURVE);
  for (int i = 0; i < c->count; i++) add_crosses(&f, c, &c->entries[i], looks[i], axis);
  mark_target(&f, c);
  free(looks);
  return f;
}

/* The last third, as high as the better half of the methods needs. */
static Figure last_third(const Comparison *c, int axis) {
  Figure f = whole_run(c, axis);
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
  f.x_min = end * 2 / 3;
  f.x_max = end;
  figure_show(&f, low, quantile(at_start, n, 0.5), 0.05, 0.05);
  free(at_start);
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

/* Loss against rate: of many methods, relative to the best one, since their rates differ by orders
   of magnitude. A cross at the top is a run that diverged. */
static Figure rates(const Comparison *c, int axis) {
  int many = c->count > LABEL_FEW;
  Figure f = figure_of(c, many ? "learning rate / best learning rate" : "learning rate",
                       "final loss", 0);
  Look *looks = looks_of(c);
  (void)axis;
  f.x_scale = many ? SCALE_DOUBLINGS : SCALE_LOG;
  f.shown = 0.8;
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    double unit = many ? best_rate(e) : 1;
    figure_add(&f, SERIES_CURVE, looks[i], e->tuning.count, e->name)->n = 0;
    for (int j = 0; j < e->tuning.count; j++) {
      Series *s = &f.series[f.count - 1];
      const Point *point = &e->tuning.points[j];
      if (point->line || tuning_is_random(&e->tuning)) continue;
      s->x[s->n] = point->rate / unit;
      s->y[s->n++] = isfinite(point->loss) ? point->loss : NAN;
    }
  }
  for (int i = 0; i < c->count; i++)
    for (int j = 0; j < c->entries[i].tuning.count; j++) {
      const Point *point = &c->entries[i].tuning.points[j];
      if (point->diverged && !point->line)
        figure_mark(&f, looks[i], point->rate / (many ? best_rate(&c->entries[i]) : 1), INFINITY);
    }
  free(looks);
  return f;
}

static Figure option_loss(const Comparison *c, int option) {
  Figure f = figure_of(c, "", "final loss", 0);
  Look *looks = looks_of(c);
  swept_draw(&f, c, looks, option);
  free(looks);
  return f;
}

/* The trials of each method, best first. */
static Figure sensitivity(const Comparison *c, int axis) {
  Figure f = figure_of(c, "trials of a method, the best first", "loss at the end", 0);
  Look *looks = looks_of(c);
  double least = INFINITY, best = -INFINITY;
  (void)axis;
  for (int i = 0; i < c->count; i++) {
    const Tuning *t = &c->entries[i].tuning;
    if (!tuning_is_random(t)) continue;
    Series *s = figure_add(&f, SERIES_CURVE, looks[i], t->count, c->entries[i].name);
    tuning_losses(t, s->y);
    for (int j = 0; j < t->count; j++) {
      s->x[j] = j + 1;
      if (!isfinite(s->y[j])) s->y[j] = NAN;
    }
    least = fmin(least, s->y[0]);
    best = fmax(best, s->y[0]); /* NaN is ignored */
  }
  figure_show(&f, least, best, 0.05, 1);
  free(looks);
  return f;
}

/* ---- rows ---- */

static Figure bars_of(const Comparison *c, const char *x_label) {
  Figure f = figure_of(c, x_label, "", 0);
  f.x_min = 0;
  return f;
}

/* In a new row if it has a name; `format` is of its label, the number where it ends. */
static void add_bar(Figure *f, const char *name, Look look, double from, double to,
                    const char *format) {
  char label[64];
  snprintf(label, sizeof label, format, to);
  if (name) figure_row(f, name);
  figure_bar(f, SERIES_BAR, look, from, to, label);
}

/* Colours of intervals: below zero, above zero, and neither or unknown. */
static Look look_of(const Summary *s) {
  unsigned colour = s->mean + s->half < 0 ? 0x0072B2 : s->mean - s->half > 0 ? 0xD55E00 : 0x8C8C8C;
  return (Look){colour, 1, 7};
}

static void add_difference(Figure *f, const Comparison *c, const Entry *e) {
  char text[80];
  Summary d = e->difference;
  if (e == &c->entries[c->baseline]) d = (Summary){0};
  if (!isfinite(d.mean) || e->summary.n == 0) return;
  if (d.n == 0) snprintf(text, sizeof text, "baseline: %.3f", e->summary.mean);
  else if (d.n == 1) snprintf(text, sizeof text, "%+.3f (one seed)", d.mean);
  else
    snprintf(text, sizeof text, "%+.3f (%+.3f to %+.3f)", d.mean, d.mean - d.half, d.mean + d.half);
  figure_row(f, e->name);
  Look look = look_of(&d);
  if (isnan(d.half)) d.half = 0;
  figure_bar(f, SERIES_INTERVAL, look, d.mean - d.half, d.mean + d.half, text);
}

/* Shows all differences, and of intervals at most the spread of the differences beyond them. */
static void choose_range(Figure *f) {
  double low = 0, high = 0, least = 0, greatest = 0;
  for (int i = 0; i < f->count; i++) {
    double from = f->series[i].y[0], to = f->series[i].high[0];
    low = fmin(low, (from + to) / 2);
    high = fmax(high, (from + to) / 2);
    least = fmin(least, from);
    greatest = fmax(greatest, to);
  }
  double apart = high > low ? high - low : 1;
  f->x_min = fmax(least, low - apart) - 0.03 * apart;
  f->x_max = fmin(greatest, high + apart) + 0.03 * apart;
}

/* The difference of each method to the baseline; the methods are in the order of their losses. */
static Figure forest(const Comparison *c, int axis) {
  char label[128];
  (void)axis;
  if (c->baseline < 0 || c->count < 2) return figure_make("", "", "");
  snprintf(label, sizeof label, "difference of the final loss to %.40s (%s)%s",
           c->entries[c->baseline].name, comparison_unit(c),
           c->seed_count > 1 ? ", 95 % interval" : "");
  Figure f = figure_of(c, label, "", c->seed_count);
  for (int i = 0; i < c->count; i++) add_difference(&f, c, &c->entries[i]);
  choose_range(&f);
  f.line = 0;
  return f;
}

static Figure step_time(const Comparison *c, int axis) {
  (void)axis;
  const Look grey = {0xC8C8C8, 1, 7};
  Figure f = bars_of(c, "milliseconds per step: gradient (grey) and optimizer (colour)");
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    double gradient = isnan(c->gradient_ms) ? e->gradient_ms : c->gradient_ms;
    add_bar(&f, e->name, grey, 0, gradient, "");
    add_bar(&f, NULL, e->look, gradient, gradient + e->optimizer_ms, "%.3g ms");
  }
  return f;
}

static Figure memory(const Comparison *c, int axis) {
  (void)axis;
  Figure f = bars_of(c, "optimizer state in MB");
  for (int i = 0; i < c->count; i++)
    add_bar(&f, c->entries[i].name, c->entries[i].look, 0, c->entries[i].state_bytes / 1e6,
            "%.3g MB");
  return f;
}

/* ---- all of them ---- */

const FigureKind figure_kinds[] = {
    {"forest", "Final validation loss compared with the baseline: mean difference of runs with the "
               "same seed, with its 95 % interval. Blue: lower, orange: higher, grey: the "
               "difference may be chance.", forest, 0},
    {"loss-steps", "Validation loss against steps, mean over the seeds. A cross marks a run that "
                   "diverged.", whole_run, AXIS_STEPS},
    {"loss-end", "Validation loss in the last third of the schedule: mean over the seeds, and a "
                 "band that contains all of them.", last_third, AXIS_STEPS},
    {"loss-tokens", "Validation loss against training tokens.", whole_run, AXIS_TOKENS},
    {"loss-seconds", "Validation loss against seconds of training.", whole_run, AXIS_SECONDS},
    {"loss-flops", "Validation loss against floating-point operations of gradient and optimizer.",
     whole_run, AXIS_FLOPS},
    {"rates", "Loss at the end of the tuning runs against the learning rate; of more than eight "
              "methods, against its ratio to each method's best. A cross at the top marks a rate "
              "that diverged.", rates, 0},
#define OPTION_FIGURE(n)                                                                           \
    {"option-" #n, "Loss at the end of the tuning runs against an option that was swept. Each "    \
                   "point is a trial; a line goes through the best trial of each value.",          \
     option_loss, n - 1}
    OPTION_FIGURE(1), OPTION_FIGURE(2), OPTION_FIGURE(3), OPTION_FIGURE(4), OPTION_FIGURE(5),
    OPTION_FIGURE(6), OPTION_FIGURE(7), OPTION_FIGURE(8),
    {"sensitivity", "Loss at the end of the random trials of each method, the best first: a flat "
                    "curve belongs to a method that is easy to tune.", sensitivity, 0},
    {"time", "Time of a training step: gradient, then optimizer.", step_time, 0},
    {"memory", "Memory of the optimizer state.", memory, 0},
    {0},
};

int figures_draw(const Comparison *c, int index, FigureFormat format, int small, char **out,
                 size_t *size, Err *err) {
  Figure f = figure_kinds[index].make(c, figure_kinds[index].axis);
  int status = 0;
  *out = NULL;
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(&f);
  else if (small) f.width = 820, f.height = f.rows ? f.height : 560;
  if (figure_has_points(&f)) status = figure_draw(&f, format, out, size, err);
  figure_free(&f);
  return status;
}
