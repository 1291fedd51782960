#include "tools/trials/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "run/runlog.h"
#include "tools/trials/tuning.h"

enum { FIRST_FINAL_SEED = 101 };

static void tell(const Plan *plan, const char *format, ...) {
  char sentence[512];
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

/* The text of a point with other characters for '=' and ' '. */
static void name_point(const Trial *t, char equals, char space, char out[SPEC_POINT]) {
  snprintf(out, SPEC_POINT, "%s", t->point);
  for (char *c = out; *c; c++) *c = *c == '=' ? equals : *c == ' ' ? space : *c;
}

void plan_trial_name(const Plan *plan, const Trial *t, char *out, size_t size) {
  char point[SPEC_POINT];
  name_point(t, ' ', ' ', point);
  snprintf(out, size, "%s %s, seed %lld%s", method_of(plan, t)->name, point, (long long)t->seed,
           t->stage == STAGE_FINAL ? " (final)" : "");
}

/* OUT/tune/muon/lr-0.02/seed-1, OUT/final/muon/lr-0.02,momentum-0.9/seed-101 */
static void name_folder(const Plan *plan, Trial *t) {
  char point[SPEC_POINT];
  name_point(t, '-', ',', point);
  snprintf(t->folder, sizeof t->folder, "%s/%s/%s/%s/seed-%lld", plan->out,
           t->stage == STAGE_TUNE ? "tune" : "final", method_of(plan, t)->name, point,
           (long long)t->seed);
}

static void add_argument(char **list, int *count, const char *name, const char *value) {
  char option[80];
  snprintf(option, sizeof option, "--%s", name);
  list[(*count)++] = memory_text(option);
  list[(*count)++] = memory_text(value);
}

char **plan_command(const Plan *plan, const Trial *t) {
  Settings used;
  Config config;
  Err impossible = {""}; /* spec_make has checked the settings */
  char threads[32], **list;
  int n = 0;
  if (spec_config(method_of(plan, t), t->point, t->seed, &config, &used, &impossible)) return NULL;
  config_free(&config);
  list = memory_take((size_t)(2 * used.count + 10), sizeof *list);
  list[n++] = memory_text(plan->program);
  for (int i = 0; i < used.count; i++)
    if (used.items[i].source == FROM_COMMAND_LINE)
      add_argument(list, &n, used.items[i].name, used.items[i].value);
  snprintf(threads, sizeof threads, "%lld", (long long)plan->threads);
  add_argument(list, &n, "threads", threads);
  add_argument(list, &n, "out", t->folder);
  add_argument(list, &n, "overwrite", "on");
  add_argument(list, &n, "keep", "0");
  settings_free(&used);
  return list;
}

void arguments_free(char **arguments) {
  for (char **a = arguments; *a; a++) free(*a);
  free(arguments);
}

/* Whether the run in the folder has the settings that the spec has now. Names that only one of
   them knows had no effect, or come from another version of the program. */
static int check_settings(const Plan *plan, const Trial *t, const RunLog *log, Err *err) {
  Config config;
  Settings used;
  int status = 0;
  if (spec_config(method_of(plan, t), t->point, t->seed, &config, &used, err)) return -1;
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
  settings_free(&used);
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

static int add_trial(Plan *plan, int method, const char *point, int64_t steps, Stage stage,
                     int64_t seed, Err *err) {
  if (plan->count == plan->room) {
    plan->room = plan->room ? 2 * plan->room : 256;
    plan->trials = memory_grow(plan->trials, (size_t)plan->room, sizeof *plan->trials);
  }
  Trial *t = &plan->trials[plan->count++];
  *t = (Trial){.method = method, .stage = stage, .seed = seed, .steps = steps, .loss = INFINITY,
               .claim = -1};
  snprintf(t->point, sizeof t->point, "%s", point);
  name_folder(plan, t);
  return plan_inspect(plan, t, err);
}

static int add_point(Plan *plan, int method, const char *point, int64_t steps, Err *err) {
  for (int64_t seed = 1; seed <= plan->spec->options.tune_seeds; seed++)
    if (add_trial(plan, method, point, steps, STAGE_TUNE, seed, err)) return -1;
  return 0;
}

/* ---- the results of a method ---- */

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
#define POINT(k) plan->trials[t.points[k].first].point
    while (point < t.count && strcmp(trial->point, POINT(point)) != 0) point++;
    while (line < t.count && strcmp(spec_rest(trial->point), spec_rest(POINT(line))) != 0) line++;
#undef POINT
    tuning_add(&t, point, line < t.count ? t.points[line].line : line, spec_rate(trial->point),
               trial->loss, trial->state == TRIAL_DIVERGED, i);
  }
  return t;
}

static int points_tried(const Plan *plan, int method) {
  Tuning t = tuning_of(plan, method);
  int count = t.count;
  tuning_free(&t);
  return count;
}

/* Adds a trial of another rate. Returns 1, 0 if there is one already, -1 on errors. */
static int add_rate(Plan *plan, const Trial *near, double rate, Err *err) {
  char point[SPEC_POINT];
  spec_with_rate(near->point, rate, point);
  for (int i = 0; i < plan->count; i++)
    if (is_tuning(plan, i, near->method) && strcmp(plan->trials[i].point, point) == 0) return 0;
  return add_point(plan, near->method, point, near->steps, err) ? -1 : 1;
}

/* ---- what is due next ---- */

/* The rate to try next, or 0: beyond the best one if that is at the edge; to fill up, halfway
   between the best one and its better neighbour. */
static double next_rate(const Tuning *t, int best, int fill) {
  const Point *p = t->points;
  int below, above;
  tuning_neighbours(t, best, &below, &above);
  int beside = above < 0 ? below : below < 0 ? above
               : p[below].loss <= p[above].loss ? below : above;
  if (beside < 0 || (!fill && below >= 0 && above >= 0)) return 0;
  if (!fill) return p[best].rate * p[best].rate / p[beside].rate;
  char middle[32];
  snprintf(middle, sizeof middle, "%.4g", sqrt(p[best].rate * p[beside].rate));
  return strtod(middle, NULL);
}

/* Chooses the best point of a method, and adds a trial of another rate beside it if that is due.
   Returns 1 when it did, 0 when it did not, -1 on errors. */
static int improve(Plan *plan, int method, int fill, Err *err) {
  Progression *p = &plan->methods[method];
  const SpecOptions *o = &plan->spec->options;
  const char *name = plan->spec->methods[method].name;
  Tuning t = tuning_of(plan, method);
  int best = tuning_best(&t);
  double next = next_rate(&t, best, fill), rate = t.points[best].rate;
  p->chosen = t.points[best].first;
  tuning_free(&t);
  Trial chosen = plan->trials[p->chosen]; /* a copy: the list may move */
  if (next == 0 || (!fill && o->random)) return 0;
  if (fill) {
    tell(plan, "%s: as many trials as the others: trying %.6g too", name, next);
  } else if (p->extensions++ < o->extend) {
    tell(plan, "%s: the best rate, %.6g, is at the edge of the grid: trying %.6g too", name, rate,
         next);
  } else {
    tell(plan, "%s: the best rate, %.6g, is still at the edge of the grid after %lld extensions",
         name, rate, (long long)o->extend);
    return 0;
  }
  return add_rate(plan, &chosen, next, err);
}

static int add_finals(Plan *plan, int method, Err *err) {
  Progression *p = &plan->methods[method];
  Trial chosen = plan->trials[p->chosen];
  p->finals_added = 1;
  for (int64_t i = 0; i < plan->spec->options.seeds; i++)
    if (add_trial(plan, method, chosen.point, chosen.steps, STAGE_FINAL, FIRST_FINAL_SEED + i, err))
      return -1;
  return 0;
}

/* Settles a method whose tuning is done, or extends its grid. Returns 1 when something changed. */
static int advance_method(Plan *plan, int method, Err *err) {
  Progression *p = &plan->methods[method];
  if (p->finals_added || p->settled || !tuning_done(plan, method)) return 0;
  int extended = improve(plan, method, 0, err);
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
    int refined = short_of ? improve(plan, i, 1, err) : 0;
    if (refined < 0 || (refined == 0 && add_finals(plan, i, err))) return -1;
    if (refined) p->settled = 0;
    changed = 1;
  }
  return changed;
}

int plan_advance(Plan *plan, Err *err) {
  for (int i = 0, first = plan->count == 0; i < plan->spec->count && first; i++)
    for (const SpecPoint *p = plan->spec->methods[i].points,
                         *end = p + plan->spec->methods[i].count; p < end; p++)
      if (add_point(plan, i, p->text, p->steps, err)) return -1;
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

int plan_ended(const Plan *plan) {
  int n = 0;
  for (int i = 0; i < plan->count; i++) n += plan->trials[i].state >= TRIAL_FINISHED;
  return n;
}

void plan_free(Plan *plan) {
  free(plan->trials);
  plan->trials = NULL;
  plan->count = plan->room = 0;
}
