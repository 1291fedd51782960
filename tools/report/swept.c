#include "tools/report/swept.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quantile.h"
#include "run/config.h"

/* The trials of a method that have ended: shallow copies of their logs. */
typedef struct {
  RunLog *logs;
  int count;
  Differences options;
} Trials;

static Trials trials_of(const Comparison *c, const Entry *e) {
  Trials t = {.logs = memory_take((size_t)c->log_count + 1, sizeof *t.logs)};
  for (int i = 0; i < c->log_count; i++) {
    const Origin *o = &c->set.origins[i];
    int ended = c->logs[i].end == RUN_FINISHED || c->logs[i].end == RUN_DIVERGED;
    if (ended && o->tuning && *e->method && strcmp(o->method, e->method) == 0)
      t.logs[t.count++] = c->logs[i];
  }
  t.options = differences_find(t.logs, t.count, EFFECT_TASK);
  return t;
}

static void trials_free(Trials *t) {
  differences_free(&t->options);
  free(t->logs);
}

static int add_name(const char **names, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return count;
  if (count < SWEPT_MAX) names[count++] = name;
  return count;
}

int swept_options(const Comparison *c, const char **names) {
  int count = 0;
  names[count++] = "lr";
  for (int i = 0; i < c->count; i++) {
    Trials t = trials_of(c, &c->entries[i]);
    for (int k = 0; k < t.options.count; k++)
      count = add_name(names, count, t.options.rows[k].name);
    trials_free(&t);
  }
  return count > 1 ? count : 0;
}

void swept_text(const Comparison *c, const Entry *e, char *out, size_t size) {
  Trials t = trials_of(c, e);
  size_t used = 0;
  *out = 0;
  for (int k = 0; k < t.options.count && used < size; k++) {
    const char *name = t.options.rows[k].name;
    const char *value = settings_find(&c->logs[e->runs[0]].config, name, NULL);
    if (value && strcmp(name, "lr") != 0)
      used += (size_t)snprintf(out + used, size - used, "%s%s %s", used ? ", " : "", name, value);
  }
  trials_free(&t);
}

/* The final loss in the comparison's unit; infinite if the run diverged. */
static double loss_of(const Comparison *c, const RunLog *log) {
  double loss = log->end == RUN_DIVERGED ? INFINITY : runlog_final_val(log);
  return isnan(loss) ? INFINITY : loss * comparison_factor(c, log);
}

/* ---- the table ---- */

static void add_row(Table *t, const Comparison *c, const Entry *e, const RunLog *log,
                    const char *const *names, int count) {
  double loss = loss_of(c, log);
  table_row(t);
  table_set(t, 0, "%s", e->name);
  for (int k = 0; k < count; k++) {
    const char *value = settings_find(&log->config, names[k], NULL);
    if (value) table_set(t, 1 + k, "%s", value);
  }
  if (isfinite(loss)) table_set(t, 1 + count, "%.6g", loss);
  else table_set(t, 1 + count, "diverged");
  table_set(t, 2 + count, "%s", runlog_option(log, "seed"));
}

typedef struct {
  const RunLog *log;
  double loss;
} Ranked;

static int by_loss(const void *a, const void *b) {
  double x = ((const Ranked *)a)->loss, y = ((const Ranked *)b)->loss;
  return (x > y) - (x < y);
}

Table swept_trials(const Comparison *c) {
  const char *names[SWEPT_MAX] = {"lr"};
  int count = swept_options(c, names);
  char head[SWEPT_MAX * 66 + 64];
  size_t used = (size_t)snprintf(head, sizeof head, "optimizer");
  if (count == 0) count = 1;
  for (int k = 0; k < count; k++)
    used += (size_t)snprintf(head + used, sizeof head - used, "|%.64s", names[k]);
  snprintf(head + used, sizeof head - used, "|val loss|seed");
  Table table = table_make(head);
  for (int i = 0; i < c->count; i++) {
    Trials t = trials_of(c, &c->entries[i]);
    Ranked *ranked = memory_take((size_t)t.count + 1, sizeof *ranked);
    for (int j = 0; j < t.count; j++) ranked[j] = (Ranked){&t.logs[j], loss_of(c, &t.logs[j])};
    qsort(ranked, (size_t)t.count, sizeof *ranked, by_loss);
    for (int j = 0; j < t.count; j++)
      add_row(&table, c, &c->entries[i], ranked[j].log, names, count);
    free(ranked);
    trials_free(&t);
  }
  return table;
}

/* ---- the figure ---- */

/* Where a value is on the axis: the number, or the place of a word among the choices. */
static double place_of(const Option *row, const char *value) {
  if (row && row->type == OPTION_CHOICE) return word_index(row->choices, value);
  double x;
  return option_number(value, &x) ? NAN : x;
}

typedef struct {
  double x, loss;
  double mean; /* over the seeds of its settings */
} Spot;

static int by_place(const void *a, const void *b) {
  const Spot *p = a, *q = b;
  if (p->x != q->x) return p->x < q->x ? -1 : 1;
  return (p->mean > q->mean) - (p->mean < q->mean);
}

static double mean_of(const Comparison *c, const Trials *t, int trial) {
  double sum = 0;
  int seeds = 0;
  for (int i = 0; i < t->count; i++)
    if (same_settings(&t->logs[trial], &t->logs[i], NULL))
      sum += loss_of(c, &t->logs[i]), seeds++;
  return sum / seeds;
}

/* A point per trial, and a line through the lowest mean of each value, with the label, if values
   repeat; else the label is at the last point. */
static void draw_method(Figure *f, const Entry *e, Look look, Spot *spots, int count) {
  int distinct = 0;
  qsort(spots, (size_t)count, sizeof *spots, by_place);
  for (int i = 0; i < count; i++) distinct += i == 0 || spots[i].x != spots[i - 1].x;
  int line = distinct > 1 && 2 * distinct <= count;
  for (int i = 0; i < count; i++) {
    Look point = {palette_lighter(look.colour, line ? 0.5 : 0), look.dash, look.point};
    Series *s = figure_add(f, SERIES_CURVE, point, 1, !line && i == count - 1 ? e->name : "");
    s->x[0] = spots[i].x;
    s->y[0] = spots[i].loss;
  }
  if (!line) return;
  Series *s = figure_add(f, SERIES_CURVE, look, distinct, e->name);
  for (int i = 0, n = 0; i < count; i++) {
    if (i > 0 && spots[i].x == spots[i - 1].x) continue;
    s->x[n] = spots[i].x;
    s->y[n++] = spots[i].mean;
  }
}

/* A method that does not have the option, from low to high: at its lowest mean. */
static void draw_level(Figure *f, const Comparison *c, int entry, Look look, double low,
                       double high) {
  Trials t = trials_of(c, &c->entries[entry]);
  double best = INFINITY;
  for (int i = 0; i < t.count; i++) best = fmin(best, mean_of(c, &t, i));
  trials_free(&t);
  if (!isfinite(best) || !(high > low)) return;
  Series *s = figure_add(f, SERIES_LINE, look, 2, c->entries[entry].name);
  s->x[0] = low, s->x[1] = high;
  s->y[0] = s->y[1] = best;
}

/* The name of the option; of a choice, the words with their places. */
static void label_axis(Figure *f, const Option *row, const char *name) {
  size_t used = (size_t)snprintf(f->x_label, sizeof f->x_label, "%s", name);
  for (int i = 0; row && row->type == OPTION_CHOICE && i < word_count(row->choices); i++) {
    char word[64];
    word_at(row->choices, i, word, sizeof word);
    if (used < sizeof f->x_label)
      used += (size_t)snprintf(f->x_label + used, sizeof f->x_label - used, "%s %d %s",
                               i ? "," : ":", i, word);
  }
}

/* The spots of a method's trials that have the option; their number, 0 if they do not differ in it.
   *has: whether they have it. */
static int find_spots(const Comparison *c, const Entry *e, const Option *row, const char *name,
                      Spot *spots, int *has) {
  Trials t = trials_of(c, e);
  int count = 0, swept = 0;
  *has = 0;
  for (int k = 0; k < t.options.count; k++) swept |= strcmp(t.options.rows[k].name, name) == 0;
  for (int j = 0; j < t.count; j++) {
    const char *value = settings_find(&t.logs[j].config, name, NULL);
    Spot s = {value ? place_of(row, value) : NAN, loss_of(c, &t.logs[j]), mean_of(c, &t, j)};
    *has |= value != NULL;
    if (swept && !isnan(s.x) && isfinite(s.loss)) spots[count++] = s;
  }
  trials_free(&t);
  return count;
}

void swept_draw(Figure *f, const Comparison *c, const Look *looks, int n) {
  const char *names[SWEPT_MAX];
  double low = INFINITY, high = -INFINITY, *losses = memory_take((size_t)c->log_count + 1, 8);
  Spot *spots = memory_take((size_t)c->log_count + 1, sizeof *spots);
  int all = 0, *has = memory_take((size_t)c->count + 1, sizeof *has);
  int entries = n < swept_options(c, names) ? c->count : 0;
  const Option *row = entries ? config_option(names[n]) : NULL;
  if (entries) label_axis(f, row, names[n]);
  for (int i = 0; i < entries; i++) {
    int count = find_spots(c, &c->entries[i], row, names[n], spots, &has[i]);
    for (int j = 0; j < count; j++) {
      losses[all++] = spots[j].loss;
      low = fmin(low, spots[j].x), high = fmax(high, spots[j].x);
    }
    draw_method(f, &c->entries[i], looks[i], spots, count);
  }
  for (int i = 0; i < entries; i++)
    if (!has[i]) draw_level(f, c, i, looks[i], low, high);
  if (low > 0 && high / low > 5 && row && row->type != OPTION_CHOICE) f->x_scale = SCALE_LOG;
  figure_show(f, quantile(losses, all, 0), quantile(losses, all, 0.8), 0.05, 0.05);
  free(losses), free(spots), free(has);
}
