#include "tools/trials/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/memory.h"
#include "run/runlog.h"
#include "tools/trials/tuning.h"

enum { FIRST_FINAL_SEED = 101 };

#define TELL_LENGTH 512
static void tell(const Plan *plan, const char *format, ...) {
  char sentence[TELL_LENGTH];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  if (plan->tell) plan->tell(sentence);
}

/* ---- one trial ---- */

static const Method *method_of(const Plan *plan, const Trial *t) {
  return &plan->spec->methods[t->method];
}

static void name_point(const Plan *plan, const Trial *t, const char *between, const char *after,
                       char *out, size_t size) {
  const Method *m = method_of(plan, t);
  size_t used = 0;
  out[0] = 0;
  for (int i = 0; i < m->dimensions && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s%s%s%s", i ? between : "",
                             m->grid[i].name, after, t->values[i]);
}

void plan_trial_name(const Plan *plan, const Trial *t, char *out, size_t size) {
  char point[300];
  name_point(plan, t, " ", " ", point, sizeof point);
  snprintf(out, size, "%s %s, seed %lld%s", method_of(plan, t)->name, point, (long long)t->seed,
           t->stage == STAGE_FINAL ? " (final)" : "");
}

/* OUT/tune/muon/lr-0.02/seed-1, OUT/final/muon/lr-0.02/seed-101 */
static void name_folder(const Plan *plan, Trial *t) {
  char point[300];
  name_point(plan, t, ",", "-", point, sizeof point);
  snprintf(t->folder, sizeof t->folder, "%s/%s/%s/%s/seed-%lld", plan->out,
           t->stage == STAGE_TUNE ? "tune" : "final", method_of(plan, t)->name, point,
           (long long)t->seed);
}

static char **arguments_of(const Plan *plan, const Trial *t) {
  const char *values[SPEC_DIMENSIONS];
  for (int i = 0; i < SPEC_DIMENSIONS; i++) values[i] = t->values[i];
  return spec_arguments(method_of(plan, t), values, t->seed, plan->program);
}

char **plan_command(const Plan *plan, const Trial *t) {
  char **list = arguments_of(plan, t), threads[32];
  int n = 0;
  while (list[n]) n++;
  snprintf(threads, sizeof threads, "%lld", (long long)plan->threads);
  const char *more[] = {"--threads", threads, "--out", t->folder, "--overwrite", "on",
                        "--keep", "0"};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) list[n++] = memory_text(more[i]);
  return list;
}

/* Whether the run in the folder has the settings that the spec has now. Names that only one of
   them knows had no effect, or come from another version of the program. */
static int check_settings(const Plan *plan, const Trial *t, const RunLog *log, Err *err) {
  char **arguments = arguments_of(plan, t);
  Config config;
  int status = arguments_config(arguments, &config, err);
  arguments_free(arguments);
  if (status) return -1;
  for (const OptionSet *set = config.sets; set->rows && status == 0; set++)
    for (const Option *row = set->rows; row->name && status == 0; row++) {
      char wanted[OPTION_TEXT];
      const char *there = settings_find(&log->config, row->name, NULL);
      option_show(row, set->values, wanted, sizeof wanted);
      if (!there || row->effect >= EFFECT_ROUNDING) continue;
      if (strcmp(option_new_word(row, there), wanted) != 0)
        status = fail(err, "%s: holds a run with %s = %s, and the spec says %.100s: choose another "
                           "--out, or remove that folder", t->folder, row->name, there, wanted);
    }
  config_free(&config);
  return status;
}

int plan_inspect(Plan *plan, Trial *t, Err *err) {
  RunLog log;
  Err unreadable;
  int status = 0;
  if (runlog_read(&log, t->folder, &unreadable)) { /* not begun, or to be done again */
    snprintf(t->message, sizeof t->message, "%.*s", (int)sizeof t->message - 1, unreadable.text);
    return 0;
  }
  const LogRow *last = &log.rows[log.count - 1];
  t->step = last->step;
  if (log.end == RUN_FINISHED || log.end == RUN_DIVERGED) {
    double loss = runlog_final_val(&log);
    status = check_settings(plan, t, &log, err);
    t->state = log.end == RUN_FINISHED ? TRIAL_FINISHED : TRIAL_DIVERGED;
    t->loss = log.end == RUN_FINISHED && isfinite(last->val_loss) ? loss : INFINITY;
    if (t->seconds == 0 && isfinite(last->seconds)) t->seconds = last->seconds;
  }
  runlog_free(&log);
  return status;
}

static int add_trial(Plan *plan, const Trial *like, Stage stage, int64_t seed, Err *err) {
  if (plan->count == plan->room) {
    plan->room = plan->room ? 2 * plan->room : 256;
    plan->trials = memory_grow(plan->trials, (size_t)plan->room, sizeof *plan->trials);
  }
  Trial *t = &plan->trials[plan->count++];
  *t = *like;
  t->stage = stage;
  t->seed = seed;
  t->state = TRIAL_WAITING;
  t->loss = INFINITY;
  t->step = 0;
  t->seconds = 0;
  t->message[0] = 0;
  t->process = 0;
  name_folder(plan, t);
  return plan_inspect(plan, t, err);
}

static int add_point(Plan *plan, const Trial *point, Err *err) {
  Trial like = *point; /* `point` may move with the list */
  for (int64_t seed = 1; seed <= plan->spec->options.tune_seeds; seed++)
    if (add_trial(plan, &like, STAGE_TUNE, seed, err)) return -1;
  return 0;
}

static int64_t steps_of(const Plan *plan, const Trial *t) {
  char **arguments = arguments_of(plan, t);
  Config config;
  Err ignored;
  int64_t steps = 0;
  if (arguments_config(arguments, &config, &ignored) == 0) {
    steps = config.run.steps;
    config_free(&config);
  }
  arguments_free(arguments);
  return steps;
}

static int add_grid(Plan *plan, int method, Err *err) {
  const Method *m = &plan->spec->methods[method];
  for (int point = 0; point < spec_points(m); point++) {
    const char *values[SPEC_DIMENSIONS];
    Trial t = {.method = method};
    spec_point(m, point, values);
    for (int i = 0; i < m->dimensions; i++)
      snprintf(t.values[i], sizeof t.values[i], "%s", values[i]);
    t.steps = steps_of(plan, &t);
    if (add_point(plan, &t, err)) return -1;
  }
  return 0;
}

/* ---- what the trials of a method say ---- */

static double rate_of(const Trial *t) { return strtod(t->values[0], NULL); }

/* Equal in all but the learning rate. */
static int same_line(const Plan *plan, const Trial *a, const Trial *b) {
  for (int i = 1; i < method_of(plan, a)->dimensions; i++)
    if (strcmp(a->values[i], b->values[i]) != 0) return 0;
  return a->method == b->method && a->stage == b->stage;
}

static int same_point(const Plan *plan, const Trial *a, const Trial *b) {
  return same_line(plan, a, b) && strcmp(a->values[0], b->values[0]) == 0;
}

static int is_tuning(const Plan *plan, int i, int method) {
  return plan->trials[i].method == method && plan->trials[i].stage == STAGE_TUNE;
}

/* Whether all tuning trials have ended, and ended with a result. */
static int tuning_done(const Plan *plan, int method) {
  for (int i = 0; i < plan->count; i++)
    if (is_tuning(plan, i, method) && plan->trials[i].state != TRIAL_FINISHED &&
        plan->trials[i].state != TRIAL_DIVERGED)
      return 0;
  return 1;
}

/* A method of which a trial failed is left out: the others continue without it. */
static int tuning_failed(const Plan *plan, int method) {
  for (int i = 0; i < plan->count; i++)
    if (is_tuning(plan, i, method) && plan->trials[i].state == TRIAL_FAILED) return 1;
  return 0;
}

/* The points of a method's tuning; their runs are numbers of trials. */
static Tuning tuning_of(const Plan *plan, int method) {
  Tuning t = {0};
  for (int i = 0; i < plan->count; i++) {
    const Trial *trial = &plan->trials[i];
    int point = 0, line = 0;
    if (!is_tuning(plan, i, method)) continue;
    while (point < t.count && !same_point(plan, trial, &plan->trials[t.points[point].first]))
      point++;
    while (line < t.count && !same_line(plan, trial, &plan->trials[t.points[line].first])) line++;
    tuning_add(&t, point, line < t.count ? t.points[line].line : line, rate_of(trial), trial->loss,
               trial->state == TRIAL_DIVERGED, i);
  }
  return t;
}

static int points_tried(const Plan *plan, int method) {
  Tuning t = tuning_of(plan, method);
  int count = t.count;
  tuning_free(&t);
  return count;
}

static int add_rate(Plan *plan, const Trial *near, double rate, Err *err) {
  Trial t = *near;
  snprintf(t.values[0], sizeof t.values[0], "%.6g", rate);
  for (int i = 0; i < plan->count; i++)
    if (t.stage == plan->trials[i].stage && same_point(plan, &plan->trials[i], &t)) return 0;
  return add_point(plan, &t, err);
}

/* ---- what is due next ---- */

/* Adds the rate beyond the best one when that is at the edge. Returns 1 when it added a trial, 0
   when the best rate has neighbours on both sides or no further extension is allowed. */
static int extend(Plan *plan, int method, const Tuning *t, int best, Err *err) {
  Progression *p = &plan->methods[method];
  const char *name = plan->spec->methods[method].name;
  const Trial point = plan->trials[t->points[best].first];
  int below, above, before = plan->count;
  tuning_neighbours(t, best, &below, &above);
  if ((below < 0) == (above < 0)) return 0;
  double rate = t->points[best].rate, beside = t->points[below < 0 ? above : below].rate;
  double next = rate * rate / beside;
  if (p->extensions >= plan->spec->options.extend) {
    if (p->extensions++ == plan->spec->options.extend)
      tell(plan, "%s: the best rate, %s, is still at the edge of the grid after %lld extensions",
           name, point.values[0], (long long)plan->spec->options.extend);
    return 0;
  }
  p->extensions++;
  tell(plan, "%s: the best rate, %s, is at the edge of the grid: trying %.6g too", name,
       point.values[0], next);
  if (add_rate(plan, &point, next, err)) return -1;
  return plan->count > before;
}

/* One more trial, halfway from the best rate to its better neighbour. */
static int refine(Plan *plan, int method, const Tuning *t, int best, Err *err) {
  const Trial point = plan->trials[t->points[best].first];
  int below, above, before = plan->count;
  tuning_neighbours(t, best, &below, &above);
  int to = above < 0 ? below : below < 0 ? above
           : t->points[below].loss <= t->points[above].loss ? below : above;
  if (to < 0) return 0;
  char middle[32];
  snprintf(middle, sizeof middle, "%.4g", sqrt(t->points[best].rate * t->points[to].rate));
  tell(plan, "%s: as many trials as the others: trying %s too", plan->spec->methods[method].name,
       middle);
  if (add_rate(plan, &point, strtod(middle, NULL), err)) return -1;
  return plan->count > before;
}

/* Does one of the two around the best point of a method, which becomes the chosen one. */
static int improve(Plan *plan, int method,
                   int (*how)(Plan *, int, const Tuning *, int, Err *), Err *err) {
  Tuning t = tuning_of(plan, method);
  int best = tuning_best(&t);
  plan->methods[method].chosen = t.points[best].first;
  int changed = how(plan, method, &t, best, err);
  tuning_free(&t);
  return changed;
}

static int add_finals(Plan *plan, int method, Err *err) {
  Progression *p = &plan->methods[method];
  Trial chosen = plan->trials[p->chosen];
  p->finals_added = 1;
  for (int64_t i = 0; i < plan->spec->options.seeds; i++)
    if (add_trial(plan, &chosen, STAGE_FINAL, FIRST_FINAL_SEED + i, err)) return -1;
  return 0;
}

/* Settles a method whose tuning is done, or extends its grid. Returns 1 when something changed. */
static int advance_method(Plan *plan, int method, Err *err) {
  Progression *p = &plan->methods[method];
  if (p->finals_added || p->settled || !tuning_done(plan, method)) return 0;
  int extended = improve(plan, method, extend, err);
  if (extended == 0) p->settled = 1;
  return extended < 0 ? -1 : 1;
}

/* When all methods are settled: the same number of trials for all, then the final seeds. */
static int advance_all(Plan *plan, Err *err) {
  int most = 0, changed = 0;
  for (int i = 0; i < plan->spec->count; i++) {
    if (!plan->methods[i].settled && !tuning_failed(plan, i)) return 0;
    if (points_tried(plan, i) > most) most = points_tried(plan, i);
  }
  for (int i = 0; i < plan->spec->count; i++) {
    Progression *p = &plan->methods[i];
    if (p->finals_added || !p->settled) continue;
    int short_of = points_tried(plan, i) < most && !plan->spec->options.unequal;
    int refined = short_of ? improve(plan, i, refine, err) : 0;
    if (refined < 0 || (refined == 0 && add_finals(plan, i, err))) return -1;
    if (refined) p->settled = 0;
    changed = 1;
  }
  return changed;
}

int plan_advance(Plan *plan, Err *err) {
  if (plan->count == 0)
    for (int i = 0; i < plan->spec->count; i++)
      if (add_grid(plan, i, err)) return -1;
  for (int changed = 1; changed > 0;) {
    changed = 0;
    for (int i = 0; i < plan->spec->count; i++) {
      int result = advance_method(plan, i, err);
      if (result < 0) return -1;
      changed |= result;
    }
    int result = advance_all(plan, err);
    if (result < 0) return -1;
    changed |= result;
  }
  return 0;
}

int plan_expected(const Plan *plan) {
  int more = 0;
  for (int i = 0; i < plan->spec->count; i++)
    if (!plan->methods[i].finals_added) more += (int)plan->spec->options.seeds;
  return plan->count + more;
}

int plan_count(const Plan *plan, State state) {
  int n = 0;
  for (int i = 0; i < plan->count; i++) n += plan->trials[i].state == state;
  return n;
}

void plan_free(Plan *plan) {
  free(plan->trials);
  plan->trials = NULL;
  plan->count = plan->room = 0;
}
