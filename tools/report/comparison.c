#include "tools/report/comparison.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/quantile.h"
#include "run/config.h"
#include "tools/report/curves.h"
#include "tools/report/label.h"

static void note(Comparison *c, const char *format, ...) {
  char text[OPTION_TEXT + 512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  c->notes = realloc(c->notes, (size_t)(c->note_count + 1) * sizeof *c->notes);
  c->notes[c->note_count++] = strdup(text);
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
    note(c, "Left out: %s: there is no config.txt that says what it is.", path);
    runlog_free(&log);
    return;
  }
  if (*log.note) note(c, "%s.", log.note);
  c->logs = realloc(c->logs, (size_t)(c->log_count + 1) * sizeof *c->logs);
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

/* --data and --val: the fingerprint, where it is known, says whether the files are the same. */
static int names_data(const char *name) {
  const Option *row = option_find(data_options, name);
  return row && row->type == OPTION_WORD;
}

/* The first option of the task in which two runs differ, or NULL. */
static const char *obstacle(const RunLog *a, const RunLog *b) {
  const RunLog *logs[] = {a, b};
  int known = *a->info.fingerprint && *b->info.fingerprint;
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < logs[k]->config.count; i++) {
      const char *name = logs[k]->config.items[i].name;
      if (config_effect(name) != EFFECT_TASK || (known && names_data(name))) continue;
      if (!same_option(a, b, name)) return name;
    }
  return known && strcmp(a->info.fingerprint, b->info.fingerprint) != 0 ? "data" : NULL;
}

static int check_comparable(Comparison *c, Err *err) {
  for (int i = 1, told = 0; i < c->log_count; i++) {
    const RunLog *a = &c->logs[0], *b = &c->logs[i];
    const char *name = obstacle(a, b);
    if (!name) continue;
    if (!c->options.mix)
      return fail(err,
                  "%.300s has %s = %.60s and %.300s has %.60s: their losses cannot be compared; "
                  "use --mix on to compare them anyway",
                  a->path, name, runlog_option(a, name), b->path,
                  runlog_option(b, name));
    if (!told++)
      note(c, "These runs cannot be compared fairly: they differ in %s and perhaps more.", name);
    if (strcmp(runlog_option(a, "vocab"), runlog_option(b, "vocab")) != 0) c->per_byte = 1;
  }
  return 0;
}

/* ---- entries ---- */

/* The part of a path behind FOLDER/final/ or FOLDER/tune/, or NULL. */
static const char *below(const Comparison *c, const RunLog *log, const char *stage) {
  size_t folder = strlen(c->folder), length = strlen(stage);
  const char *rest = log->path + folder;
  if (strncmp(log->path, c->folder, folder) != 0 || *rest != '/') return NULL;
  rest++;
  return strncmp(rest, stage, length) == 0 && rest[length] == '/' ? rest + length + 1 : NULL;
}

/* The method's name in a sweep's folder; elsewhere empty. */
static void method_of(const Comparison *c, const RunLog *log, char *out, size_t size) {
  const char *rest = below(c, log, "final");
  if (!rest) rest = below(c, log, "tune");
  snprintf(out, size, "%.*s", rest ? (int)strcspn(rest, "/") : 0, rest ? rest : "");
}

static int same_entry(const Comparison *c, const RunLog *a, const RunLog *b) {
  char method_a[128], method_b[128];
  method_of(c, a, method_a, sizeof method_a);
  method_of(c, b, method_b, sizeof method_b);
  return strcmp(method_a, method_b) == 0 && same_settings(a, b, NULL);
}

static void add_to_entry(Entry *e, int run) {
  e->runs = realloc(e->runs, (size_t)(e->count + 1) * sizeof *e->runs);
  e->runs[e->count++] = run;
}

/* Those that chose the rates, or the others. */
static void group_runs(Comparison *c, int tuning) {
  for (int i = 0; i < c->log_count; i++) {
    if ((below(c, &c->logs[i], "tune") != NULL) != tuning) continue;
    int found = 0;
    while (found < c->count &&
           !same_entry(c, &c->logs[c->entries[found].runs[0]], &c->logs[i]))
      found++;
    if (found == c->count) {
      c->entries = realloc(c->entries, (size_t)(c->count + 1) * sizeof *c->entries);
      c->entries[c->count++] = (Entry){0};
    }
    add_to_entry(&c->entries[found], i);
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

/* Leaves the best entry of each method. */
static void keep_best(Comparison *c) {
  int kept = 0;
  for (int i = 0; i < c->count; i++) {
    char method[128], other[128];
    int same = 0;
    method_of(c, &c->logs[c->entries[i].runs[0]], method, sizeof method);
    for (; same < kept; same++) {
      method_of(c, &c->logs[c->entries[same].runs[0]], other, sizeof other);
      if (strcmp(method, other) == 0) break;
    }
    Entry now = c->entries[i];
    if (same == kept) {
      c->entries[kept++] = now;
    } else if (mean_loss(c, &now) < mean_loss(c, &c->entries[same])) {
      free(c->entries[same].runs);
      c->entries[same] = now;
    } else {
      free(now.runs);
    }
  }
  c->count = kept;
}

/* Without fresh seeds the best trial of each method is all there is. */
static void group_best_trials(Comparison *c) {
  group_runs(c, 1);
  keep_best(c);
  c->only_tuning = 1;
  note(c, "No run of a fresh seed so far: these are the best of each method's tuning runs, and "
          "chance favours what was chosen.");
}

/* "muon" where there is one, else with what sets it apart. */
static void name_entries(Comparison *c) {
  RunLog *firsts = malloc((size_t)(c->count + 1) * sizeof *firsts);
  for (int i = 0; i < c->count; i++) firsts[i] = c->logs[c->entries[i].runs[0]];
  for (int i = 0; i < c->count; i++) {
    Entry *e = &c->entries[i];
    char method[128];
    int alike = 0, nth = 0;
    method_of(c, &firsts[i], method, sizeof method);
    snprintf(e->optimizer, sizeof e->optimizer, "%s", runlog_option(&firsts[i], "optimizer"));
    snprintf(e->rate, sizeof e->rate, "%s", runlog_option(&firsts[i], "lr"));
    for (int j = 0; j < c->count; j++) {
      char other[128];
      method_of(c, &firsts[j], other, sizeof other);
      alike += strcmp(other, method) == 0;
      nth += j < i && strcmp(runlog_option(&firsts[j], "optimizer"), e->optimizer) == 0;
    }
    e->look = palette_shade(palette_look(e->optimizer), nth);
    if (*method && alike == 1) snprintf(e->name, sizeof e->name, "%s", method);
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
  c->seeds = malloc((size_t)(c->log_count + 1) * sizeof *c->seeds);
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
  e->loss = malloc((size_t)c->seed_count * sizeof *e->loss);
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
  double *gradient = malloc((size_t)log->count * sizeof *gradient), optimizer = 0;
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

/* What else the machine does makes a run slower, never faster: the least of the runs tells most
   about the method. */
static void measure_costs(const Comparison *c, Entry *e) {
  e->state_bytes = c->logs[e->runs[0]].info.optimizer_state_bytes;
  e->clipped = 0;
  for (int j = 0; j < e->count; j++) e->clipped += runlog_clipped(&c->logs[e->runs[j]]) / e->count;
  e->gradient_ms = e->optimizer_ms = NAN;
  for (int j = 0; j < e->count; j++) {
    double gradient, optimizer;
    measure_run(&c->logs[e->runs[j]], &gradient, &optimizer);
    e->gradient_ms = fmin(e->gradient_ms, gradient); /* fmin steps over NaN */
    e->optimizer_ms = fmin(e->optimizer_ms, optimizer);
  }
}

/* All methods compute the same gradient, so one time of it is right for all of them; the seconds
   as they were logged would compare how busy the machine was. */
static void level_times(Comparison *c) {
  double *gradient = malloc((size_t)c->count * sizeof *gradient);
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

int comparison_curve_room(const Comparison *c, const Entry *e) {
  return e->count ? c->logs[e->runs[0]].count : 0;
}

static const LogRow *row_at(const RunLog *log, int64_t step) {
  int low = 0, high = log->count - 1;
  while (low < high) {
    int middle = (low + high) / 2;
    if (log->rows[middle].step < step) low = middle + 1;
    else high = middle;
  }
  return log->rows[low].step == step ? &log->rows[low] : NULL;
}

/* A run that still goes on does not cut the others' curve short; one that diverged does. */
static int takes_part(const Entry *e, const RunLog *log) {
  return log->end == RUN_FINISHED || log->end == RUN_DIVERGED || e->finished + e->diverged == 0;
}

int comparison_curve(const Comparison *c, const Entry *e, int axis, double *x, double *mean,
                     double *low, double *high) {
  int n = 0, first = 0;
  while (first < e->count - 1 && !takes_part(e, &c->logs[e->runs[first]])) first++;
  const RunLog *leader = e->count ? &c->logs[e->runs[first]] : NULL;
  for (int i = 0; leader && i < leader->count; i++) {
    if (!isfinite(leader->rows[i].val_loss)) continue;
    int seeds = 0, all = 1;
    x[n] = mean[n] = 0;
    low[n] = INFINITY;
    high[n] = -INFINITY;
    for (int j = 0; j < e->count; j++) {
      const RunLog *log = &c->logs[e->runs[j]];
      const LogRow *row = row_at(log, leader->rows[i].step);
      if (!takes_part(e, log)) continue;
      if (!row || !isfinite(row->val_loss)) {
        all = 0;
        break;
      }
      double loss = row->val_loss * unit_of(c, log);
      seeds++;
      x[n] += axis == AXIS_SECONDS && !isnan(e->step_seconds)
                  ? (double)row->step * e->step_seconds
                  : curve_axis_value(log, row, axis);
      mean[n] += loss;
      low[n] = fmin(low[n], loss);
      high[n] = fmax(high[n], loss);
    }
    if (!all) break;
    x[n] /= seeds;
    mean[n++] /= seeds;
  }
  return n;
}

typedef struct {
  double *x, *mean, *low, *high;
  int n;
} Curve;

static Curve curve_make(const Comparison *c, const Entry *e, int axis) {
  size_t room = (size_t)comparison_curve_room(c, e) + 1;
  for (int j = 0; j < e->count; j++)
    if ((size_t)c->logs[e->runs[j]].count >= room) room = (size_t)c->logs[e->runs[j]].count + 1;
  double *memory = malloc(4 * room * sizeof *memory);
  Curve v = {memory, memory + room, memory + 2 * room, memory + 3 * room, 0};
  v.n = comparison_curve(c, e, axis, v.x, v.mean, v.low, v.high);
  return v;
}

static double time_to(const Comparison *c, const Entry *e, int axis) {
  Curve v = curve_make(c, e, axis);
  double x = isnan(c->target) ? NAN : first_crossing(v.x, v.mean, v.n, c->target);
  free(v.x);
  return x;
}

static void choose_target(Comparison *c) {
  c->target = c->options.target > 0 ? c->options.target : NAN;
  if (c->options.target > 0 || c->baseline < 0 || !c->entries[c->baseline].finished) return;
  Curve v = curve_make(c, &c->entries[c->baseline], AXIS_STEPS);
  if (v.n > 0) c->target = v.mean[v.n - 1];
  free(v.x);
}

/* ---- tuning ---- */

static int by_rate(const void *a, const void *b) {
  double x = ((const Point *)a)->rate, y = ((const Point *)b)->rate;
  return (x > y) - (x < y);
}

/* Adds a tuning run of this entry's method; the runs of a point differ only in their seeds. */
static void add_tuning_run(const Comparison *c, Entry *e, const RunLog *log) {
  double loss = log->end == RUN_FINISHED ? runlog_final_val(log) * unit_of(c, log) : INFINITY;
  int i = 0;
  while (i < e->trials && !same_settings(e->points[i].first, log, NULL)) i++;
  if (i == e->trials) {
    e->points = realloc(e->points, (size_t)++e->trials * sizeof *e->points);
    e->points[i] = (Point){.rate = strtod(runlog_option(log, "lr"), NULL), .first = log,
                           .on_line = same_settings(log, &c->logs[e->runs[0]], "lr")};
  }
  Point *p = &e->points[i];
  p->loss = (p->loss * p->runs + (isnan(loss) ? INFINITY : loss)) / (p->runs + 1);
  p->diverged += log->end == RUN_DIVERGED;
  p->runs++;
}

static void find_edge(Comparison *c, Entry *e) {
  double rate = strtod(e->rate, NULL);
  int lower = 0, higher = 0, on_line = 0;
  for (int i = 0; i < e->trials; i++) {
    on_line += e->points[i].on_line;
    lower |= e->points[i].on_line && e->points[i].rate < rate;
    higher |= e->points[i].on_line && e->points[i].rate > rate;
  }
  e->edge = on_line > 1 && (!lower || !higher);
  if (e->edge)
    note(c, "%s: its best rate, %s, lies at the edge of what was tried: a better one may exist.",
         e->name, e->rate);
}

static void read_tuning(Comparison *c, Entry *e) {
  char method[128], other[128];
  method_of(c, &c->logs[e->runs[0]], method, sizeof method);
  for (int i = 0; i < c->log_count && *method; i++) {
    const RunLog *log = &c->logs[i];
    method_of(c, log, other, sizeof other);
    if (!below(c, log, "tune") || strcmp(method, other) != 0) continue;
    if (log->end == RUN_FINISHED || log->end == RUN_DIVERGED) add_tuning_run(c, e, log);
  }
  if (e->trials > 0) qsort(e->points, (size_t)e->trials, sizeof *e->points, by_rate);
  find_edge(c, e);
}

/* ---- the whole ---- */

static int find_baseline(const Comparison *c) {
  const char *name = c->options.baseline;
  for (int i = 0; i < c->count; i++)
    if (strcmp(c->entries[i].name, name) == 0) return i;
  for (int i = 0; i < c->count; i++) /* "adamw" also stands for "adamw lr 0.003" */
    if (strcmp(c->entries[i].optimizer, name) == 0) return i;
  return -1;
}

/* The lowest loss first; a method of which a run diverged stands behind those of which none did,
   and one without any result last. */
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
    note(c, "There is no baseline: no run here is of \"%s\" (--baseline names another).",
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
    free(c->entries[i].points);
  }
  for (int i = 0; i < c->note_count; i++) free(c->notes[i]);
  free(c->logs);
  free(c->seeds);
  free(c->entries);
  free(c->notes);
  *c = (Comparison){0};
}
