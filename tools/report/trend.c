#include "tools/report/trend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tools/report/label.h"

/* ---- what there is ---- */

static int64_t seed_of(const RunLog *log) { return strtoll(runlog_option(log, "seed"), NULL, 10); }

static int takes_part(const Trend *t, int run) {
  int tuned = 0;
  for (int i = 0; i < t->set.count; i++) tuned |= t->set.origins[i].tuning;
  return t->set.origins[run].tuning == (tuned && t->options.value == TREND_RATE);
}

static const char *name_of(const Trend *t, int run) {
  const char *method = t->set.origins[run].method;
  return *method ? method : runlog_option(&t->set.logs[run], "optimizer");
}

static double x_of(const Trend *t, int run) {
  double x;
  return option_number(runlog_option(&t->set.logs[run], t->options.over), &x) ? NAN : x;
}

/* Inserts a number into an ascending list that does not have it. */
static void add_number(double **list, int *count, double x) {
  int at = 0;
  while (at < *count && (*list)[at] < x) at++;
  if (at < *count && (*list)[at] == x) return;
  *list = memory_grow(*list, (size_t)*count + 1, sizeof **list);
  memmove(*list + at + 1, *list + at, (size_t)(*count - at) * sizeof **list);
  (*list)[at] = x;
  (*count)++;
}

static void add_row(Trend *t, int run) {
  const char *name = name_of(t, run), *optimizer = runlog_option(&t->set.logs[run], "optimizer");
  int alike = 0;
  for (int i = 0; i < t->count; i++) {
    if (strcmp(t->rows[i].name, name) == 0) return;
    alike += strncmp(t->rows[i].name, optimizer, strlen(optimizer)) == 0;
  }
  t->rows = memory_grow(t->rows, (size_t)t->count + 1, sizeof *t->rows);
  TrendRow *row = &t->rows[t->count++];
  *row = (TrendRow){.look = palette_shade(palette_look(optimizer), alike)};
  snprintf(row->name, sizeof row->name, "%s", name);
}

static int list_runs(Trend *t, Err *err) {
  double *seeds = NULL;
  for (int i = 0; i < t->set.count; i++) {
    if (!takes_part(t, i)) continue;
    if (isnan(x_of(t, i))) {
      free(seeds);
      return fail(err, "%s: --over %s is \"%s\" there, not a number", t->set.logs[i].path,
                  t->options.over, runlog_option(&t->set.logs[i], t->options.over));
    }
    add_number(&t->x, &t->x_count, x_of(t, i));
    add_number(&seeds, &t->seed_count, (double)seed_of(&t->set.logs[i]));
    add_row(t, i);
  }
  t->seeds = memory_take((size_t)t->seed_count + 1, sizeof *t->seeds);
  for (int i = 0; i < t->seed_count; i++) t->seeds[i] = (int64_t)seeds[i];
  free(seeds);
  return 0;
}

/* ---- results ---- */

static double result_of(const Trend *t, const RunLog *log) {
  double *x, *y, crossing;
  if (t->options.value == TREND_LOSS)
    return log->end == RUN_FINISHED ? runlog_final_val(log) : NAN;
  x = memory_take(2 * (size_t)log->count, sizeof *x);
  y = x + log->count;
  for (int i = 0; i < log->count; i++) {
    const LogRow *row = &log->rows[i];
    x[i] = (double)(t->options.value == TREND_STEPS ? row->step : row->tokens);
    y[i] = row->val_loss;
  }
  crossing = first_crossing(x, y, log->count, t->options.target);
  free(x);
  return crossing;
}

typedef struct {
  double rate, loss;
} Trial;

static int by_rate(const void *a, const void *b) {
  double x = ((const Trial *)a)->rate, y = ((const Trial *)b)->rate;
  return (x > y) - (x < y);
}

/* The lowest point of the parabola through the best trial and its neighbours, in the logarithm of
   the rate. */
static double best_rate(Trial *trials, int n, int *edge) {
  int best = 0;
  qsort(trials, (size_t)n, sizeof *trials, by_rate);
  for (int i = 1; i < n; i++)
    if (trials[i].loss < trials[best].loss) best = i;
  *edge = best == 0 || best == n - 1;
  if (*edge || !isfinite(trials[best - 1].loss) || !isfinite(trials[best + 1].loss))
    return trials[best].rate;
  double x = log(trials[best].rate), left = x - log(trials[best - 1].rate);
  double right = log(trials[best + 1].rate) - x;
  double up_left = (trials[best - 1].loss - trials[best].loss) / left;
  double up_right = (trials[best + 1].loss - trials[best].loss) / right;
  return exp(x + (up_left * right - up_right * left) / (2 * (up_left + up_right)));
}

static void find_rate(const Trend *t, TrendRow *row, int i, int s) {
  Trial *trials = memory_take((size_t)t->set.count + 1, sizeof *trials);
  int n = 0, edge;
  for (int k = 0; k < t->set.count; k++) {
    const RunLog *log = &t->set.logs[k];
    if (!takes_part(t, k) || x_of(t, k) != t->x[i] || seed_of(log) != t->seeds[s] ||
        strcmp(name_of(t, k), row->name) != 0)
      continue;
    double loss = log->end == RUN_FINISHED ? runlog_final_val(log) : INFINITY;
    trials[n++] = (Trial){strtod(runlog_option(log, "lr"), NULL), loss};
  }
  if (n > 0) {
    row->y[i * t->seed_count + s] = best_rate(trials, n, &edge);
    row->edge[i] += edge;
  }
  free(trials);
}

static void fill(Trend *t, int run) {
  const RunLog *log = &t->set.logs[run];
  int r = 0, i = 0, s = 0;
  while (strcmp(t->rows[r].name, name_of(t, run)) != 0) r++;
  while (t->x[i] != x_of(t, run)) i++;
  while (t->seeds[s] != seed_of(log)) s++;
  t->rows[r].y[i * t->seed_count + s] = result_of(t, log);
  t->tokens[i] = (double)log->rows[log->count - 1].tokens;
}

static void fill_all(Trend *t) {
  size_t cells = (size_t)t->x_count * (size_t)t->seed_count;
  t->tokens = memory_take((size_t)t->x_count + 1, sizeof *t->tokens);
  for (int r = 0; r < t->count; r++) {
    TrendRow *row = &t->rows[r];
    row->y = memory_take(cells, sizeof *row->y);
    row->edge = memory_take((size_t)t->x_count, sizeof *row->edge);
    for (size_t k = 0; k < cells; k++) row->y[k] = NAN;
    for (int i = 0; i < t->x_count && t->options.value == TREND_RATE; i++)
      for (int s = 0; s < t->seed_count; s++) find_rate(t, row, i, s);
  }
  for (int i = 0; i < t->set.count && t->options.value != TREND_RATE; i++)
    if (takes_part(t, i)) fill(t, i);
}

int trend_read(Trend *t, char *const *paths, int count, const TrendOptions *options, Err *err) {
  *t = (Trend){.options = *options, .baseline = -1};
  if (runset_read(&t->set, paths, count, err)) return -1;
  int status = list_runs(t, err);
  if (status == 0 && t->count == 0) status = fail(err, "no run in these paths has ended");
  if (status) {
    trend_free(t);
    return -1;
  }
  fill_all(t);
  for (int r = 0; r < t->count; r++)
    if (strcmp(t->rows[r].name, t->options.baseline) == 0) t->baseline = r;
  return 0;
}

void trend_free(Trend *t) {
  for (int r = 0; r < t->count; r++) {
    free(t->rows[r].y);
    free(t->rows[r].edge);
  }
  free(t->rows);
  free(t->x);
  free(t->tokens);
  free(t->seeds);
  runset_free(&t->set);
  *t = (Trend){0};
}

/* ---- summaries ---- */

Summary trend_cell(const Trend *t, const TrendRow *row, int i) {
  return summarize(row->y + i * t->seed_count, t->seed_count);
}

Summary trend_speedup(const Trend *t, const TrendRow *row, int i) {
  double *ratio = memory_take((size_t)t->seed_count, sizeof *ratio);
  double *x = memory_take(2 * (size_t)t->x_count, sizeof *x), *y = x + t->x_count;
  for (int s = 0; s < t->seed_count; s++) {
    double goal = t->baseline < 0 ? NAN : t->rows[t->baseline].y[i * t->seed_count + s];
    for (int k = 0; k < t->x_count; k++) {
      x[k] = log(t->tokens[k]);
      y[k] = row->y[k * t->seed_count + s];
    }
    /* A loss reached by the shortest run may be reached before its end. */
    double reached = y[0] <= goal && row != &t->rows[t->baseline] ? NAN
                     : first_crossing(x, y, t->x_count, goal);
    ratio[s] = t->tokens[i] / exp(reached);
  }
  Summary summary = summarize(ratio, t->seed_count);
  free(ratio);
  free(x);
  return summary;
}

int trend_fit(const Trend *t, const TrendRow *row, PowerLaw *law) {
  double *x = memory_take(2 * (size_t)t->x_count, sizeof *x), *y = x + t->x_count;
  int n = 0;
  for (int i = 0; i < t->x_count; i++) {
    double mean = trend_cell(t, row, i).mean;
    if (isnan(mean)) continue;
    x[n] = t->tokens[i] / 1e6;
    y[n++] = mean;
  }
  int status = n < 4 ? -1 : 0;
  if (status == 0) *law = fit_power_law(x, y, n);
  free(x);
  return status;
}
