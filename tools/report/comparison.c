#include "tools/report/comparison.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quantile.h"
#include "run/config.h"
#include "tools/report/curves.h"
#include "tools/report/differences.h"
#include "tools/report/label.h"

static void note(Comparison *c, const char *format, ...) {
  char text[OPTION_TEXT + 512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  runset_note(&c->set, text);
}

/* ---- runs that can be compared ---- */

static int check_comparable(Comparison *c, Err *err) {
  char names[256] = "";
  int status = 0;
  Differences d = differences_find(c->logs, c->log_count, EFFECT_TASK);
  for (int i = 0; i < d.count && config_effect(d.rows[i].name) == EFFECT_TASK; i++) {
    const Difference *row = &d.rows[i];
    size_t used = strlen(names);
    int other = 0;
    while (strcmp(row->values[other], row->values[0]) == 0) other++;
    if (!c->options.mix) {
      status = fail(err,
                    "%.300s has %s = %.60s and %.300s has %.60s: their losses cannot be compared; "
                    "use --mix on to compare them anyway",
                    c->logs[0].path, row->name, row->values[0], c->logs[other].path,
                    row->values[other]);
      break;
    }
    snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", row->name);
    c->per_byte |= strcmp(row->name, "vocab") == 0;
  }
  if (*names) note(c, "This comparison is not fair: the runs differ in %s.", names);
  differences_free(&d);
  return status;
}

/* ---- entries ---- */

static int64_t seed_of(const RunLog *log) { return strtoll(runlog_option(log, "seed"), NULL, 10); }

static int is_extended(const RunLog *log) { return *log->info.extended != 0; }

static int belongs(const Comparison *c, const Entry *e, int run) {
  return strcmp(e->method, c->set.origins[run].method) == 0 &&
         e->extended == is_extended(&c->logs[run]) &&
         same_settings(&c->logs[e->runs[0]], &c->logs[run], NULL);
}

/* Counts each seed once; of two runs with it, the finished one. */
static void add_to_entry(Comparison *c, Entry *e, int run) {
  for (int j = 0; j < e->count; j++) {
    int other = e->runs[j];
    if (seed_of(&c->logs[other]) != seed_of(&c->logs[run])) continue;
    int better = c->logs[run].end == RUN_FINISHED && c->logs[other].end != RUN_FINISHED;
    if (better) e->runs[j] = run;
    note(c, "%.400s is not counted: it has the settings and the seed of %.400s.",
         c->logs[better ? other : run].path, c->logs[better ? run : other].path);
    return;
  }
  e->runs = memory_grow(e->runs, (size_t)e->count + 1, sizeof *e->runs);
  e->runs[e->count++] = run;
}

static void free_entry(Entry *e) {
  free(e->runs);
  free(e->loss);
  tuning_free(&e->tuning);
}

/* The tuning runs of a sweep count only if there are no others. */
static void group_runs(Comparison *c) {
  for (int i = 0; i < c->log_count; i++) {
    const Origin *o = &c->set.origins[i];
    int at = 0;
    if (o->tuning != c->only_tuning) continue;
    while (at < c->count && !belongs(c, &c->entries[at], i)) at++;
    if (at == c->count) {
      c->entries = memory_grow(c->entries, (size_t)++c->count, sizeof *c->entries);
      c->entries[at] = (Entry){.extended = is_extended(&c->logs[i])};
      snprintf(c->entries[at].method, sizeof c->entries[at].method, "%s", o->method);
    }
    add_to_entry(c, &c->entries[at], i);
  }
}

/* The first run of each entry, one after the other. */
static RunLog *copy_firsts(const Comparison *c) {
  RunLog *firsts = memory_take((size_t)c->count, sizeof *firsts);
  for (int i = 0; i < c->count; i++) firsts[i] = c->logs[c->entries[i].runs[0]];
  return firsts;
}

/* "muon" if the method has one entry, else with the options in which its entries differ. */
static void name_entries(Comparison *c) {
  RunLog *firsts = copy_firsts(c);
  for (int i = 0; i < c->count; i++) {
    Entry *e = &c->entries[i];
    int alike = 0;
    for (int j = 0; j < c->count; j++) alike += strcmp(c->entries[j].method, e->method) == 0;
    snprintf(e->optimizer, sizeof e->optimizer, "%s", runlog_option(&firsts[i], "optimizer"));
    snprintf(e->rate, sizeof e->rate, "%s", runlog_option(&firsts[i], "lr"));
    e->look = label_look(firsts, i);
    if (*e->method && alike == 1) snprintf(e->name, sizeof e->name, "%s", e->method);
    else label_run(firsts, c->count, i, 0, e->name, sizeof e->name);
  }
  free(firsts);
}

/* ---- losses ---- */

static const double LN2 = 0.693147180559945309;

double comparison_factor(const Comparison *c, const RunLog *log) {
  return c->per_byte ? 1 / (LN2 * log->info.val_bytes_per_token) : 1;
}

const char *comparison_unit(const Comparison *c) {
  return c->per_byte ? "bits per byte" : "nats per token";
}

/* Ascending. */
static void list_seeds(Comparison *c) {
  c->seeds = memory_take((size_t)c->log_count, sizeof *c->seeds);
  for (int i = 0; i < c->count; i++)
    for (int j = 0; j < c->entries[i].count; j++) {
      int64_t seed = seed_of(&c->logs[c->entries[i].runs[j]]);
      int at = 0;
      while (at < c->seed_count && c->seeds[at] < seed) at++;
      if (at < c->seed_count && c->seeds[at] == seed) continue;
      for (int k = c->seed_count++; k > at; k--) c->seeds[k] = c->seeds[k - 1];
      c->seeds[at] = seed;
    }
}

static void measure_losses(Comparison *c, Entry *e) {
  double bytes = 0;
  e->loss = memory_take((size_t)c->seed_count, sizeof *e->loss);
  for (int k = 0; k < c->seed_count; k++) e->loss[k] = NAN;
  for (int j = 0; j < e->count; j++) {
    const RunLog *log = &c->logs[e->runs[j]];
    e->finished += log->end == RUN_FINISHED;
    e->diverged += log->end == RUN_DIVERGED;
    e->unfinished += log->end == RUN_UNFINISHED || log->end == RUN_STOPPED;
    bytes = log->info.val_bytes_per_token;
    for (int k = 0; k < c->seed_count; k++)
      if (c->seeds[k] == seed_of(log) && log->end == RUN_FINISHED)
        e->loss[k] = runlog_final_val(log) * comparison_factor(c, log);
  }
  e->summary = summarize(e->loss, c->seed_count);
  e->bits_per_byte = c->per_byte ? e->summary.mean
                     : bytes > 0 ? e->summary.mean / LN2 / bytes : NAN;
}

/* ---- costs ---- */

typedef struct {
  double gradient, optimizer; /* ms per step */
} Times;

/* The optimizer's time is a mean, since some methods do more in some steps; the gradient's a
   median, which a busy machine changes less. The first step allocates memory. */
static Times measure_run(const RunLog *log) {
  double *gradient = memory_take((size_t)log->count, sizeof *gradient), optimizer = 0;
  int n = 0, measured = 0;
  for (int i = 0; i < log->count; i++) {
    if (log->rows[i].step < 2) continue;
    gradient[n++] = log->rows[i].forward_ms + log->rows[i].backward_ms;
    if (isfinite(log->rows[i].optimizer_ms)) optimizer += log->rows[i].optimizer_ms, measured++;
  }
  Times t = {quantile(gradient, n, 0.5), measured ? optimizer / measured : NAN};
  free(gradient);
  return t;
}

/* Whether two runs compute the same gradient with the same threads and precision. */
static int same_gradient(const RunLog *a, const RunLog *b) {
  for (int i = 0; i < a->config.count; i++) {
    const char *name = a->config.items[i].name;
    if ((option_find(model_options, name) || strcmp(name, "batch") == 0 ||
         config_effect(name) == EFFECT_ROUNDING) &&
        !same_option(a, b, name))
      return 0;
  }
  return 1;
}

/* Time of a run's gradient, divided by that of the fastest run with the same gradient. */
static double slowness(const Comparison *c, const Times *times, int run) {
  double least = times[run].gradient;
  for (int i = 0; i < c->log_count; i++)
    if (c->set.origins[i].tuning == c->only_tuning && times[i].gradient < least &&
        same_gradient(&c->logs[run], &c->logs[i]))
      least = times[i].gradient;
  return times[run].gradient / least;
}

/* Other work of the machine only makes a run slower, so the fastest runs count. If all were slowed
   down, the optimizer's time is divided by the slowdown of the gradient. */
static int measure_costs(const Comparison *c, const Times *times, Entry *e) {
  static const double DISTURBED = 1.75;
  int disturbed = 0;
  e->state_bytes = c->logs[e->runs[0]].info.optimizer_state_bytes;
  e->peak_bytes = c->logs[e->runs[0]].info.peak_memory_bytes;
  e->clipped = 0;
  e->gradient_ms = e->optimizer_ms = NAN;
  for (int j = 0; j < e->count; j++) {
    const Times *t = &times[e->runs[j]];
    double slow = slowness(c, times, e->runs[j]);
    e->clipped += runlog_clipped(&c->logs[e->runs[j]]) / e->count;
    disturbed += slow > DISTURBED;
    e->gradient_ms = fmin(e->gradient_ms, t->gradient); /* fmin ignores NaN */
    e->optimizer_ms = fmin(e->optimizer_ms, slow > DISTURBED ? t->optimizer / slow : t->optimizer);
    if (e->gradient_ms == t->gradient) e->slow = slow > DISTURBED ? slow : 1;
  }
  return disturbed;
}

/* All methods compute the same gradient, so all get the same time for it. The logged seconds would
   compare how busy the machine was. */
static void level_times(Comparison *c) {
  double *gradient = memory_take((size_t)c->count, sizeof *gradient);
  for (int i = 0; i < c->count; i++)
    gradient[i] = c->entries[i].slow > 1 ? NAN : c->entries[i].gradient_ms;
  c->gradient_ms = c->options.mix ? NAN : quantile(gradient, c->count, 0.5);
  for (int i = 0; i < c->count; i++) {
    Entry *e = &c->entries[i];
    double own = e->slow > 1 ? e->gradient_ms / e->slow : e->gradient_ms;
    e->step_seconds = ((isnan(c->gradient_ms) ? own : c->gradient_ms) + e->optimizer_ms) / 1000;
  }
  free(gradient);
}

static void measure_all_costs(Comparison *c) {
  Times *times = memory_take((size_t)c->log_count, sizeof *times);
  int disturbed = 0, runs = 0;
  for (int i = 0; i < c->log_count; i++) times[i] = measure_run(&c->logs[i]);
  for (int i = 0; i < c->count; i++) {
    disturbed += measure_costs(c, times, &c->entries[i]);
    runs += c->entries[i].count;
  }
  free(times);
  level_times(c);
  if (disturbed)
    note(c, "Times: %d of %d runs were disturbed: their gradient took far longer than that of the "
            "same network in other runs. Their own times are not used.", disturbed, runs);
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    if (e->slow > 1)
      note(c, "%s: all runs were disturbed; its optimizer time is divided by %.2f, as much as its "
              "gradient was slowed down.", e->name, e->slow);
  }
}

/* ---- curves and the target ---- */

static const LogRow *row_at(const RunLog *log, int64_t step) {
  int low = 0, high = log->count - 1;
  while (low < high) {
    int middle = (low + high) / 2;
    if (log->rows[middle].step < step) low = middle + 1;
    else high = middle;
  }
  return log->rows[low].step == step ? &log->rows[low] : NULL;
}

/* An unfinished run does not shorten the mean curve; a diverged run does. */
static int takes_part(const Entry *e, const RunLog *log) {
  return log->end == RUN_FINISHED || log->end == RUN_DIVERGED || e->finished + e->diverged == 0;
}

/* Adds the point at a step; 0 when a run has no loss there. */
static int add_point(const Comparison *c, const Entry *e, int axis, int64_t step, Curve *v) {
  double x = 0, mean = 0, low = INFINITY, high = -INFINITY;
  int seeds = 0;
  for (int j = 0; j < e->count; j++) {
    const RunLog *log = &c->logs[e->runs[j]];
    if (!takes_part(e, log)) continue;
    const LogRow *row = row_at(log, step);
    if (!row || !isfinite(row->val_loss)) return 0;
    double loss = row->val_loss * comparison_factor(c, log);
    int level = axis == AXIS_SECONDS && !isnan(e->step_seconds);
    x += level ? (double)row->step * e->step_seconds : curve_axis_value(log, row, axis);
    mean += loss;
    low = fmin(low, loss);
    high = fmax(high, loss);
    seeds++;
  }
  v->x[v->n] = x / seeds;
  v->mean[v->n] = mean / seeds;
  v->low[v->n] = low;
  v->high[v->n++] = high;
  return 1;
}

Curve comparison_curve(const Comparison *c, const Entry *e, int axis) {
  int first = 0;
  while (first < e->count - 1 && !takes_part(e, &c->logs[e->runs[first]])) first++;
  const RunLog *leader = &c->logs[e->runs[first]];
  size_t room = (size_t)leader->count;
  double *memory = memory_take(4 * room, sizeof *memory);
  Curve v = {memory, memory + room, memory + 2 * room, memory + 3 * room, 0};
  for (int i = 0; i < leader->count; i++)
    if (isfinite(leader->rows[i].val_loss) && !add_point(c, e, axis, leader->rows[i].step, &v))
      break;
  return v;
}

void curve_free(Curve *curve) {
  free(curve->x);
  *curve = (Curve){0};
}

/* The rate of an extended run rose again: its curve follows no single schedule. */
static double time_to(const Comparison *c, const Entry *e, int axis) {
  if (isnan(c->target) || e->extended) return NAN;
  Curve v = comparison_curve(c, e, axis);
  double x = first_crossing(v.x, v.mean, v.n, c->target);
  curve_free(&v);
  return x;
}

static void choose_target(Comparison *c) {
  c->target = c->options.target > 0 ? c->options.target : NAN;
  if (c->options.target > 0 || c->baseline < 0 || !c->entries[c->baseline].finished) return;
  Curve v = comparison_curve(c, &c->entries[c->baseline], AXIS_STEPS);
  if (v.n > 0) c->target = v.mean[v.n - 1];
  curve_free(&v);
}

/* ---- tuning ---- */

static int by_rate(const void *a, const void *b) {
  double x = ((const Point *)a)->rate, y = ((const Point *)b)->rate;
  return (x > y) - (x < y);
}

/* Adds a tuning run of this entry's method; the runs of a point differ only in their seeds. */
static void add_tuning_run(const Comparison *c, Entry *e, int run) {
  const RunLog *log = &c->logs[run];
  int diverged = log->end == RUN_DIVERGED, point = 0;
  int line = !same_settings(log, &c->logs[e->runs[0]], "lr");
  double loss = diverged ? INFINITY : runlog_final_val(log) * comparison_factor(c, log);
  while (point < e->tuning.count &&
         !same_settings(&c->logs[e->tuning.points[point].first], log, NULL))
    point++;
  tuning_add(&e->tuning, point, line, strtod(runlog_option(log, "lr"), NULL), loss, diverged, run);
}

static void find_edge(Comparison *c, Entry *e) {
  const Tuning *t = &e->tuning;
  int lower, higher, at = 0;
  if (tuning_is_random(t)) return;
  while (at < t->count && (t->points[at].line || t->points[at].rate != strtod(e->rate, NULL))) at++;
  if (at == t->count) return;
  tuning_neighbours(t, at, &lower, &higher);
  e->edge = (lower < 0) != (higher < 0);
  if (e->edge)
    note(c, "%s: its best rate, %s, is at the edge of the rates tried: a better one may exist.",
         e->name, e->rate);
}

static void read_tuning(Comparison *c, Entry *e) {
  for (int i = 0; i < c->log_count; i++) {
    const Origin *o = &c->set.origins[i];
    int ended = c->logs[i].end == RUN_FINISHED || c->logs[i].end == RUN_DIVERGED;
    if (ended && o->tuning && strcmp(o->method, e->method) == 0 &&
        runset_same_sweep(&c->set, i, e->runs[0])) add_tuning_run(c, e, i);
  }
  if (e->tuning.count > 0)
    qsort(e->tuning.points, (size_t)e->tuning.count, sizeof *e->tuning.points, by_rate);
  find_edge(c, e);
}

/* ---- the comparison ---- */

static int find_baseline(const Comparison *c) {
  const char *name = c->options.baseline;
  for (int i = 0; i < c->count; i++)
    if (strcmp(c->entries[i].name, name) == 0) return i;
  for (int i = 0; i < c->count; i++) /* "adamw" also means "adamw lr 0.003" */
    if (strcmp(c->entries[i].optimizer, name) == 0) return i;
  return -1;
}

/* Order: by loss, lowest first; then methods with a diverged run; last, those without a result. */
static int better_first(const void *a, const void *b) {
  const Entry *x = a, *y = b;
  int rank_x = !x->finished ? 2 : x->diverged > 0, rank_y = !y->finished ? 2 : y->diverged > 0;
  if (rank_x != rank_y) return rank_x - rank_y;
  if (x->summary.mean != y->summary.mean && x->finished && y->finished)
    return x->summary.mean < y->summary.mean ? -1 : 1;
  return strcmp(x->name, y->name);
}

static void note_states(Comparison *c) {
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    if (e->unfinished)
      note(c, "%s: %d of %d runs unfinished, and not counted.", e->name, e->unfinished, e->count);
    if (e->diverged) note(c, "%s: %d of %d runs diverged.", e->name, e->diverged, e->count);
    if (e->extended)
      note(c, "%s: extended %s. Its steps to the target are left out.", e->name,
           c->logs[e->runs[0]].info.extended);
  }
  if (c->baseline < 0)
    note(c, "No run has the baseline optimizer \"%s\"; --baseline chooses another.",
         c->options.baseline);
}

/* Without evaluation seeds, only the best trial of each method stays. The entries are sorted. */
static void keep_best_trials(Comparison *c) {
  int kept = 0;
  for (int i = 0; i < c->count; i++) {
    int same = 0;
    while (same < kept && strcmp(c->entries[same].method, c->entries[i].method) != 0) same++;
    if (same == kept) c->entries[kept++] = c->entries[i];
    else free_entry(&c->entries[i]);
  }
  c->count = kept;
  name_entries(c);
  note(c, "No evaluation seeds yet: these are the best tuning runs of each method, so the losses "
          "are biased downward.");
}

static void judge(Comparison *c) {
  name_entries(c);
  list_seeds(c);
  for (int i = 0; i < c->count; i++) measure_losses(c, &c->entries[i]);
  qsort(c->entries, (size_t)c->count, sizeof *c->entries, better_first);
  if (c->only_tuning) keep_best_trials(c);
  for (int i = 0; i < c->count; i++) read_tuning(c, &c->entries[i]);
  measure_all_costs(c);
  c->baseline = find_baseline(c);
  choose_target(c);
  for (int i = 0; i < c->count; i++) {
    Entry *e = &c->entries[i];
    e->difference = (Summary){0, NAN, NAN, NAN};
    if (c->baseline >= 0 && i != c->baseline)
      e->difference = summarize_paired(e->loss, c->entries[c->baseline].loss, c->seed_count);
    e->steps_to = time_to(c, e, AXIS_STEPS);
    e->tokens_to = time_to(c, e, AXIS_TOKENS);
    e->seconds_to = time_to(c, e, AXIS_SECONDS);
    e->flops_to = time_to(c, e, AXIS_FLOPS);
    c->together += e->difference.n > 1;
  }
  if (c->options.intervals != 1 + INTERVALS_ALL) c->together = 1;
  for (int i = 0; i < c->count; i++) widen(&c->entries[i].difference, c->together);
  note_states(c);
  RunLog *firsts = copy_firsts(c);
  c->differences = differences_find(firsts, c->count, EFFECT_TASK);
  free(firsts);
}

/* The baseline and the intervals of the sweep's spec, where the user chose none. */
static int read_spec(Comparison *c, Err *err) {
  Settings spec = {0};
  char at[OPTION_TEXT + 1], *argv[] = {"", at};
  snprintf(at, sizeof at, "@%s", c->set.spec);
  int status = *c->set.spec ? settings_read(&spec, 2, argv, err) : 0;
  const char *baseline = settings_find(&spec, "baseline", NULL);
  const char *intervals = settings_find(&spec, "intervals", NULL);
  if (!*c->options.baseline)
    snprintf(c->options.baseline, sizeof c->options.baseline, "%s", baseline ? baseline : "adamw");
  if (intervals && c->options.intervals == 0)
    c->options.intervals = 1 + word_index(INTERVALS(CHOICE_WORD), intervals);
  settings_free(&spec);
  return status;
}

int comparison_read(Comparison *c, char *const *paths, int count, const ComparisonOptions *options,
                    Err *err) {
  *c = (Comparison){.options = *options, .baseline = -1, .target = NAN};
  if (runset_read(&c->set, paths, count, err)) return -1;
  c->logs = c->set.logs;
  c->log_count = c->set.count;
  int status = read_spec(c, err) || check_comparable(c, err) ? -1 : 0;
  if (status == 0) group_runs(c);
  if (status == 0 && c->count == 0) {
    c->only_tuning = 1;
    group_runs(c);
  }
  if (status == 0) judge(c);
  if (status) comparison_free(c);
  return status;
}

void comparison_free(Comparison *c) {
  for (int i = 0; i < c->count; i++) free_entry(&c->entries[i]);
  differences_free(&c->differences);
  runset_free(&c->set);
  free(c->seeds);
  free(c->entries);
  *c = (Comparison){0};
}
