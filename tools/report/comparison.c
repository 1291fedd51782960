#include "tools/report/comparison.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
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
  c->notes = memory_grow(c->notes, (size_t)c->note_count + 1, sizeof *c->notes);
  c->notes[c->note_count++] = memory_text(text);
}

/* ---- finding the runs ---- */

static void add_run(Comparison *c, const char *path) {
  RunLog log;
  Err err;
  if (runlog_read(&log, path, &err)) {
    note(c, "Left out: %s.", err.text);
    return;
  }
  if (!*runlog_option(&log, "optimizer")) {
    note(c, "Left out: %s: it has no config.txt, so its settings are unknown.", path);
    runlog_free(&log);
    return;
  }
  if (*log.note) note(c, "%s.", log.note);
  c->logs = memory_grow(c->logs, (size_t)c->log_count + 1, sizeof *c->logs);
  c->logs[c->log_count++] = log;
}

static void find_runs(Comparison *c, const char *path, int depth) {
  struct dirent **names;
  int count = scandir(path, &names, NULL, alphasort);
  if (runlog_exists(path)) add_run(c, path);
  for (int i = 0; i < count; i++) {
    char below[OPTION_TEXT];
    int length = snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
    if (names[i]->d_name[0] != '.' && depth > 0 && length < (int)sizeof below &&
        folder_exists(below))
      find_runs(c, below, depth - 1);
    free(names[i]);
  }
  if (count >= 0) free(names);
}

/* ---- what may be compared ---- */

/* The first option of the task in which two runs differ, or NULL. */
static const char *obstacle(const RunLog *a, const RunLog *b) {
  const RunLog *logs[] = {a, b};
  int known = *a->info.fingerprint && *b->info.fingerprint;
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < logs[k]->config.count; i++) {
      const char *name = logs[k]->config.items[i].name;
      if (config_effect(name) != EFFECT_TASK || (known && option_names_data(name))) continue;
      if (!same_option(a, b, name)) return name;
    }
  return known && strcmp(a->info.fingerprint, b->info.fingerprint) != 0 ? "data" : NULL;
}

static int check_comparable(Comparison *c, Err *err) {
  for (int i = 1, noted = 0; i < c->log_count; i++) {
    const RunLog *a = &c->logs[0], *b = &c->logs[i];
    const char *name = obstacle(a, b);
    if (!name) continue;
    if (!c->options.mix)
      return fail(err,
                  "%.300s has %s = %.60s and %.300s has %.60s: their losses cannot be compared; "
                  "use --mix on to compare them anyway",
                  a->path, name, runlog_option(a, name), b->path,
                  runlog_option(b, name));
    if (!noted++)
      note(c, "This comparison is not fair: the runs differ in %s, perhaps in more.", name);
    if (strcmp(runlog_option(a, "vocab"), runlog_option(b, "vocab")) != 0) c->per_byte = 1;
  }
  return 0;
}

/* ---- entries ---- */

/* The part of a path after FOLDER/final/ or FOLDER/tune/, or NULL. */
static const char *below(const Comparison *c, const RunLog *log, const char *stage) {
  size_t folder = strlen(c->folder), length = strlen(stage);
  const char *rest = log->path + folder;
  if (strncmp(log->path, c->folder, folder) != 0 || *rest != '/') return NULL;
  rest++;
  return strncmp(rest, stage, length) == 0 && rest[length] == '/' ? rest + length + 1 : NULL;
}

static int is_tuning(const Comparison *c, const RunLog *log) {
  return below(c, log, "tune") != NULL;
}

/* The method's name in a sweep's folder; elsewhere empty. */
static void method_of(const Comparison *c, const RunLog *log, char *out, size_t size) {
  const char *rest = below(c, log, "final");
  if (!rest) rest = below(c, log, "tune");
  snprintf(out, size, "%.*s", rest ? (int)strcspn(rest, "/") : 0, rest ? rest : "");
}

static int is_of_method(const Comparison *c, const RunLog *log, const Entry *e) {
  char method[sizeof e->method];
  method_of(c, log, method, sizeof method);
  return strcmp(method, e->method) == 0;
}

/* Those that chose the rates, or the others. */
static void group_runs(Comparison *c, int tuning) {
  for (int i = 0; i < c->log_count; i++) {
    const RunLog *log = &c->logs[i];
    int at = 0;
    if (is_tuning(c, log) != tuning) continue;
    while (at < c->count && !(is_of_method(c, log, &c->entries[at]) &&
                              same_settings(&c->logs[c->entries[at].runs[0]], log, NULL)))
      at++;
    if (at == c->count) {
      c->entries = memory_grow(c->entries, (size_t)++c->count, sizeof *c->entries);
      c->entries[at] = (Entry){0};
      method_of(c, log, c->entries[at].method, sizeof c->entries[at].method);
    }
    Entry *e = &c->entries[at];
    e->runs = memory_grow(e->runs, (size_t)e->count + 1, sizeof *e->runs);
    e->runs[e->count++] = i;
  }
}

static double mean_loss(const Comparison *c, const Entry *e) {
  double sum = 0;
  for (int j = 0; j < e->count; j++) {
    const RunLog *log = &c->logs[e->runs[j]];
    sum += log->end == RUN_FINISHED ? runlog_final_val(log) : INFINITY;
  }
  return isnan(sum) ? INFINITY : sum / e->count;
}

/* Without fresh seeds the best trial of each method is all there is. */
static void group_best_trials(Comparison *c) {
  int kept = 0;
  group_runs(c, 1);
  for (int i = 0; i < c->count; i++) {
    Entry now = c->entries[i];
    int same = 0;
    while (same < kept && strcmp(c->entries[same].method, now.method) != 0) same++;
    int better = same < kept && mean_loss(c, &now) < mean_loss(c, &c->entries[same]);
    if (same < kept) free(better ? c->entries[same].runs : now.runs);
    if (same == kept || better) c->entries[same] = now;
    kept += same == kept;
  }
  c->count = kept;
  c->only_tuning = 1;
  note(c, "No evaluation seeds yet: these are the best tuning runs of each method, so the losses "
          "are biased downward.");
}

/* "muon" where there is one, else with what sets it apart. */
static void name_entries(Comparison *c) {
  RunLog *firsts = memory_take((size_t)c->count, sizeof *firsts);
  for (int i = 0; i < c->count; i++) firsts[i] = c->logs[c->entries[i].runs[0]];
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

static double unit_of(const Comparison *c, const RunLog *log) {
  return c->per_byte ? 1 / (LN2 * log->info.val_bytes_per_token) : 1;
}

const char *comparison_unit(const Comparison *c) {
  return c->per_byte ? "bits per byte" : "nats per token";
}

static int64_t seed_of(const RunLog *log) { return strtoll(runlog_option(log, "seed"), NULL, 10); }

static int by_seed(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void list_seeds(Comparison *c) {
  c->seeds = memory_take((size_t)c->log_count, sizeof *c->seeds);
  for (int i = 0; i < c->count; i++)
    for (int j = 0; j < c->entries[i].count; j++) {
      int64_t seed = seed_of(&c->logs[c->entries[i].runs[j]]);
      int k = 0;
      while (k < c->seed_count && c->seeds[k] != seed) k++;
      if (k == c->seed_count) c->seeds[c->seed_count++] = seed;
    }
  qsort(c->seeds, (size_t)c->seed_count, sizeof *c->seeds, by_seed);
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
        e->loss[k] = runlog_final_val(log) * unit_of(c, log);
  }
  e->summary = summarize(e->loss, c->seed_count);
  e->bits_per_byte = c->per_byte ? e->summary.mean
                     : bytes > 0 ? e->summary.mean / LN2 / bytes : NAN;
}

/* ---- costs ---- */

/* Of one run. The optimizer's time is a mean, since some methods do more in some steps; the
   gradient's a median, which a busy machine disturbs less. The first step pays for memory. */
static void measure_run(const RunLog *log, double *gradient_ms, double *optimizer_ms) {
  double *gradient = memory_take((size_t)log->count, sizeof *gradient), optimizer = 0;
  int n = 0, measured = 0;
  for (int i = 0; i < log->count; i++) {
    if (log->rows[i].step < 2) continue;
    gradient[n++] = log->rows[i].forward_ms + log->rows[i].backward_ms;
    if (isfinite(log->rows[i].optimizer_ms)) optimizer += log->rows[i].optimizer_ms, measured++;
  }
  *gradient_ms = quantile(gradient, n, 0.5);
  *optimizer_ms = measured ? optimizer / measured : NAN;
  free(gradient);
}

/* Other work of the machine makes a run slower, never faster: the fastest run says most about the
   method. */
static void measure_costs(const Comparison *c, Entry *e) {
  e->state_bytes = c->logs[e->runs[0]].info.optimizer_state_bytes;
  e->clipped = 0;
  for (int j = 0; j < e->count; j++) e->clipped += runlog_clipped(&c->logs[e->runs[j]]) / e->count;
  e->gradient_ms = e->optimizer_ms = NAN;
  for (int j = 0; j < e->count; j++) {
    double gradient, optimizer;
    measure_run(&c->logs[e->runs[j]], &gradient, &optimizer);
    e->gradient_ms = fmin(e->gradient_ms, gradient); /* fmin ignores NaN */
    e->optimizer_ms = fmin(e->optimizer_ms, optimizer);
  }
}

/* All methods compute the same gradient, so one time of it is right for all of them; the seconds
   as they were logged would compare how busy the machine was. */
static void level_times(Comparison *c) {
  double *gradient = memory_take((size_t)c->count, sizeof *gradient);
  for (int i = 0; i < c->count; i++) gradient[i] = c->entries[i].gradient_ms;
  c->gradient_ms = c->options.mix ? NAN : quantile(gradient, c->count, 0.5);
  for (int i = 0; i < c->count; i++) {
    Entry *e = &c->entries[i];
    e->step_seconds =
        ((isnan(c->gradient_ms) ? e->gradient_ms : c->gradient_ms) + e->optimizer_ms) / 1000;
  }
  free(gradient);
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

/* A run that is not finished does not cut the others' curve short; one that diverged does. */
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
    double loss = row->val_loss * unit_of(c, log);
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

static double time_to(const Comparison *c, const Entry *e, int axis) {
  if (isnan(c->target)) return NAN;
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
  double loss = diverged ? INFINITY : runlog_final_val(log) * unit_of(c, log);
  while (point < e->tuning.count &&
         !same_settings(&c->logs[e->tuning.points[point].first], log, NULL))
    point++;
  tuning_add(&e->tuning, point, line, strtod(runlog_option(log, "lr"), NULL), loss, diverged, run);
}

static void find_edge(Comparison *c, Entry *e) {
  const Tuning *t = &e->tuning;
  int lower, higher, at = 0;
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
    const RunLog *log = &c->logs[i];
    int ended = log->end == RUN_FINISHED || log->end == RUN_DIVERGED;
    if (ended && is_tuning(c, log) && is_of_method(c, log, e)) add_tuning_run(c, e, i);
  }
  if (e->tuning.count > 0)
    qsort(e->tuning.points, (size_t)e->tuning.count, sizeof *e->tuning.points, by_rate);
  find_edge(c, e);
}

/* ---- the whole ---- */

static int find_baseline(const Comparison *c) {
  const char *name = c->options.baseline;
  for (int i = 0; i < c->count; i++)
    if (strcmp(c->entries[i].name, name) == 0) return i;
  for (int i = 0; i < c->count; i++) /* "adamw" also means "adamw lr 0.003" */
    if (strcmp(c->entries[i].optimizer, name) == 0) return i;
  return -1;
}

/* The lowest loss first; methods of which a run diverged after those of which none did, and those
   without any result last. */
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
  }
  if (c->baseline < 0)
    note(c, "No run has the baseline optimizer \"%s\"; --baseline chooses another.",
         c->options.baseline);
}

static void judge(Comparison *c) {
  list_seeds(c);
  for (int i = 0; i < c->count; i++) {
    measure_losses(c, &c->entries[i]);
    measure_costs(c, &c->entries[i]);
    read_tuning(c, &c->entries[i]);
  }
  level_times(c);
  qsort(c->entries, (size_t)c->count, sizeof *c->entries, better_first);
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
  }
  note_states(c);
}

int comparison_read(Comparison *c, const char *folder, const ComparisonOptions *options, Err *err) {
  enum { DEPTH = 6 };
  size_t length = strlen(folder);
  *c = (Comparison){.options = *options, .baseline = -1, .target = NAN};
  while (length > 1 && folder[length - 1] == '/') length--;
  snprintf(c->folder, sizeof c->folder, "%.*s", (int)length, folder);
  if (!folder_exists(c->folder))
    return fail(err, "%s: there is no such folder; name one with runs in it", c->folder);
  find_runs(c, c->folder, DEPTH);
  int status = 0;
  if (c->log_count == 0 && c->note_count > 0)
    status = fail(err, "%s: no run in it can be read: %.900s", c->folder, c->notes[0]);
  else if (c->log_count == 0)
    status = fail(err, "%s: there are no runs in it", c->folder);
  else status = check_comparable(c, err);
  if (status == 0) group_runs(c, 0);
  if (status == 0 && c->count == 0) group_best_trials(c);
  if (status == 0) {
    name_entries(c);
    judge(c);
  }
  if (status) comparison_free(c);
  return status;
}

void comparison_free(Comparison *c) {
  for (int i = 0; i < c->log_count; i++) runlog_free(&c->logs[i]);
  for (int i = 0; i < c->count; i++) {
    free(c->entries[i].runs);
    free(c->entries[i].loss);
    tuning_free(&c->entries[i].tuning);
  }
  for (int i = 0; i < c->note_count; i++) free(c->notes[i]);
  free(c->logs);
  free(c->seeds);
  free(c->entries);
  free(c->notes);
  *c = (Comparison){0};
}
