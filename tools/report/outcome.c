#include "tools/report/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tools/report/swept.h"

/* ---- numbers ---- */

#define NUMBERS(X) \
  X(val_loss_mean) X(val_loss_sd) X(n) X(diverged) X(unfinished) X(difference_mean) \
  X(difference_low) X(difference_high) X(bits_per_byte) X(trials) X(edge) X(target) \
  X(steps_to_target) X(tokens_to_target) X(seconds_to_target) X(flops_to_target) \
  X(gradient_ms) X(optimizer_ms) X(state_bytes) X(peak_bytes) X(clipped_share)

typedef struct {
#define MEMBER(name) double name;
  NUMBERS(MEMBER)
} Numbers;

static Numbers numbers_of(const Comparison *c, const Entry *e) {
  const Summary *s = &e->summary, *d = &e->difference;
  return (Numbers){.val_loss_mean = s->mean, .val_loss_sd = s->sd, .n = s->n,
                   .diverged = e->diverged, .unfinished = e->unfinished,
                   .difference_mean = d->mean, .difference_low = d->mean - d->half,
                   .difference_high = d->mean + d->half, .bits_per_byte = e->bits_per_byte,
                   .trials = e->tuning.count, .edge = e->edge, .target = c->target,
                   .steps_to_target = e->steps_to, .tokens_to_target = e->tokens_to,
                   .seconds_to_target = e->seconds_to, .flops_to_target = e->flops_to,
                   .gradient_ms = e->gradient_ms,
                   .optimizer_ms = e->optimizer_ms, .state_bytes = e->state_bytes,
                   .peak_bytes = e->peak_bytes, .clipped_share = e->clipped};
}

static void set_swept(Table *t, int column, const Comparison *c, const Entry *e) {
  char text[256];
  swept_text(c, e, text, sizeof text);
  table_set(t, column, "%s", text);
}

Table outcome_numbers(const Comparison *c) {
#define HEAD(name) "|" #name
  Table t = table_make("optimizer|lr" NUMBERS(HEAD) "|swept");
  for (int i = 0; i < c->count; i++) {
    Numbers numbers = numbers_of(c, &c->entries[i]);
    int column = 2;
    table_row(&t);
    table_set(&t, 0, "%s", c->entries[i].name);
    table_set(&t, 1, "%s", c->entries[i].rate);
#define CELL(name) \
  if (isfinite(numbers.name)) table_set(&t, column, "%.9g", numbers.name); \
  column++;
    NUMBERS(CELL)
    set_swept(&t, column, c, &c->entries[i]);
  }
  return t;
}

/* ---- final losses ---- */

enum { L_NAME, L_RATE, L_SWEPT, L_LOSS, L_SD, L_SEEDS, L_DIFFERENCE, L_INTERVAL, L_BITS, L_CLIPPED,
       L_TRIALS, L_STATE };

/* How far the unfinished runs are. */
static void set_state(Table *t, const Comparison *c, const Entry *e) {
  char text[256] = "", last[80];
  const RunLog *longest = NULL;
  size_t used = 0;
  if (e->diverged) used = (size_t)snprintf(text, sizeof text, "%d diverged, ", e->diverged);
  for (int j = 0; j < e->count; j++) {
    const RunLog *log = &c->logs[e->runs[j]];
    if ((log->end == RUN_UNFINISHED || log->end == RUN_STOPPED) &&
        (!longest || log->count > longest->count))
      longest = log;
  }
  if (longest) {
    run_last_value(longest, last, sizeof last);
    if (e->count > 1)
      used += (size_t)snprintf(text + used, sizeof text - used, "%d unfinished: ", e->unfinished);
    used += (size_t)snprintf(text + used, sizeof text - used, "%s, ", last);
  }
  if (e->extended) used += (size_t)snprintf(text + used, sizeof text - used, "extended, ");
  table_set(t, L_STATE, "%.*s", used ? (int)used - 2 : 0, text);
}

static void set_losses(Table *t, const Comparison *c, const Entry *e) {
  const Summary *s = &e->summary, *d = &e->difference;
  table_set(t, L_NAME, "%s", e->name);
  table_set(t, L_RATE, "%s", e->rate);
  set_swept(t, L_SWEPT, c, e);
  if (s->n > 0) table_set(t, L_LOSS, "%.4f", s->mean);
  if (s->n > 1) table_set(t, L_SD, "%.4f", s->sd);
  table_set(t, L_SEEDS, "%d", s->n);
  if (c->baseline >= 0 && e == &c->entries[c->baseline]) table_set(t, L_DIFFERENCE, "baseline");
  else if (d->n > 0) table_set(t, L_DIFFERENCE, "%+.4f", d->mean);
  if (d->n > 1) table_set(t, L_INTERVAL, "%+.4f to %+.4f", d->mean - d->half, d->mean + d->half);
  if (isfinite(e->bits_per_byte)) table_set(t, L_BITS, "%.4f", e->bits_per_byte);
  if (isfinite(e->clipped)) table_set(t, L_CLIPPED, "%.0f %%", 100 * e->clipped);
  if (e->tuning.count > 0)
    table_set(t, L_TRIALS, "%d%s", e->tuning.count, e->edge ? " (edge)" : "");
  set_state(t, c, e);
}

Table outcome_losses(const Comparison *c) {
  const char *baseline = c->baseline < 0 ? "baseline" : c->entries[c->baseline].name;
  int tuned = 0;
  Table t = table_make("optimizer|lr|swept|val loss|sd|seeds|vs|95 % interval|bits/byte|clipped|"
                       "trials|runs");
  t.name = "losses";
  for (int i = 0; i < c->count; i++) tuned |= c->entries[i].tuning.count > 0;
  table_set(&t, L_DIFFERENCE, "vs %s", baseline);
  table_note(&t, L_SWEPT, "other options that were swept, as chosen by tuning");
  table_note(&t, L_LOSS, "validation loss at the end of the run in %s, mean over the seeds%s",
             comparison_unit(c),
             tuned && !c->only_tuning ? ", which were not used for tuning" : "");
  table_note(&t, L_SD, "standard deviation over the seeds");
  table_note(&t, L_DIFFERENCE,
             "mean difference to the run of %s with the same seed, which has the same initial "
             "weights and order of data; negative is better", baseline);
  table_note(&t, L_INTERVAL, "of this difference, by Student's t over the seeds; if it contains 0, "
                             "the difference may be chance%s",
             c->together > 1 ? "; all intervals hold together (Bonferroni)" : "");
  table_note(&t, L_CLIPPED, "share of the steps whose gradient norm was above --clip");
  table_note(&t, L_TRIALS, "settings tried in tuning; (edge): the best rate is "
                           "the smallest or largest tried, and a better one may exist");
  for (int i = 0; i < c->count; i++) {
    table_row(&t);
    set_losses(&t, c, &c->entries[i]);
  }
  return t;
}

/* ---- costs ---- */

enum { C_NAME, C_STEPS, C_TOKENS, C_SECONDS, C_FLOPS, C_LESS_TOKENS, C_LESS_SECONDS, C_GRADIENT,
       C_OPTIMIZER, C_STATE, C_PEAK };

static void set_count(Table *t, int column, double count) {
  if (count >= 1e6) table_set(t, column, "%.2f M", count / 1e6);
  else if (count >= 1e4) table_set(t, column, "%.0f k", count / 1e3);
  else table_set(t, column, "%.0f", count);
}

static void set_costs(Table *t, const Comparison *c, const Entry *e) {
  const Entry *b = c->baseline < 0 ? NULL : &c->entries[c->baseline];
  table_set(t, C_NAME, "%s", e->name);
  if (!isnan(e->steps_to)) {
    table_set(t, C_STEPS, "%.0f", e->steps_to);
    set_count(t, C_TOKENS, e->tokens_to);
    table_set(t, C_SECONDS, "%.1f", e->seconds_to);
    if (isfinite(e->flops_to)) table_set(t, C_FLOPS, "%.2f", e->flops_to / 1e12);
  } else if (!isnan(c->target) && e->finished && !e->extended) {
    table_set(t, C_STEPS, "not reached");
  }
  if (b && b->tokens_to / e->tokens_to > 0)
    table_set(t, C_LESS_TOKENS, "%.2fx", b->tokens_to / e->tokens_to);
  if (b && b->seconds_to / e->seconds_to > 0)
    table_set(t, C_LESS_SECONDS, "%.2fx", b->seconds_to / e->seconds_to);
  if (isfinite(e->gradient_ms)) table_set(t, C_GRADIENT, "%.1f", e->gradient_ms);
  if (isfinite(e->optimizer_ms))
    table_set(t, C_OPTIMIZER, "%s%.1f", e->slow > 1 ? "about " : "", e->optimizer_ms);
  if (isfinite(e->state_bytes)) table_set(t, C_STATE, "%.1f", e->state_bytes / 1e6);
  if (isfinite(e->peak_bytes)) table_set(t, C_PEAK, "%.0f", e->peak_bytes / 1e6);
}

Table outcome_costs(const Comparison *c) {
  Table t = table_make("optimizer|steps|tokens|seconds|TFLOP|speed-up, tokens|"
                       "speed-up, seconds|gradient ms|optimizer ms|state MB|peak MB");
  t.name = "costs";
  int slow = 0;
  for (int i = 0; i < c->count; i++) slow |= c->entries[i].slow > 1;
  if (!isnan(c->target)) {
    table_set(&t, C_STEPS, "steps to %.4f", c->target);
    table_note(&t, C_STEPS, "where the mean curve first reaches %s; there the schedule of a faster "
                            "method is not at its end, which is a disadvantage for it",
               c->options.target > 0 ? "the given target" : "the baseline's final loss");
  }
  if (!isnan(c->gradient_ms))
    table_note(&t, C_SECONDS, "steps times %.1f ms for the gradient, the same for all methods, and "
                              "the method's own optimizer time, without validation",
               c->gradient_ms);
  table_note(&t, C_FLOPS, "operations of the network and the optimizer up to there, as declared");
  table_note(&t, C_PEAK, "largest memory of the process");
  table_note(&t, C_GRADIENT,
             "forward and backward pass of a step, median of the method's fastest run");
  table_note(&t, C_OPTIMIZER, "the method's part of a step, mean of its fastest run%s",
             slow ? "; about: all its runs were disturbed, see the notes" : "");
  for (int i = 0; i < c->count; i++) {
    table_row(&t);
    set_costs(&t, c, &c->entries[i]);
  }
  return t;
}

/* ---- sensitivity ---- */

Table outcome_sensitivity(const Comparison *c) {
  enum { S_BEST = 2, S_DIVERGED = 6, LEAST = 8 };
  Table t = table_make("optimizer|trials|best trial|2nd|4th|8th|diverged");
  t.name = "sensitivity";
  table_note(&t, S_BEST, "validation loss at the end of the trial with the lowest; the next "
                         "columns show how much the other trials lose, so how far a rough search "
                         "gets");
  for (int i = 0; i < c->count; i++) {
    const Tuning *tuning = &c->entries[i].tuning;
    int diverged = 0;
    if (tuning->count < LEAST) continue;
    double *losses = memory_take((size_t)tuning->count, sizeof *losses);
    for (int j = 0; j < tuning->count; j++) diverged += tuning->points[j].diverged > 0;
    tuning_losses(tuning, losses);
    table_row(&t);
    table_set(&t, 0, "%s", c->entries[i].name);
    table_set(&t, 1, "%d", tuning->count);
    for (int k = 0; k < 4; k++)
      if (isfinite(losses[(1 << k) - 1])) table_set(&t, S_BEST + k, "%.4f", losses[(1 << k) - 1]);
    if (diverged) table_set(&t, S_DIVERGED, "%d", diverged);
    free(losses);
  }
  return t;
}

/* ---- settings ---- */

/* Without the optimizer and the learning rate, which are in the table of losses. */
Table outcome_settings(const Comparison *c) {
  const char **names = memory_take((size_t)c->count, sizeof *names);
  Table t = table_make("setting|values");
  t.is_text = 1;
  for (int i = 0; i < c->count; i++) names[i] = c->entries[i].name;
  for (int i = 0; i < c->differences.count; i++) {
    const Difference *row = &c->differences.rows[i];
    if (strcmp(row->name, "optimizer") == 0 || strcmp(row->name, "lr") == 0) continue;
    char *text = differences_text(row, c->count, names);
    table_row(&t);
    table_set(&t, 0, "%s", row->name);
    table_set(&t, 1, "%s", text);
    free(text);
  }
  free(names);
  return t;
}
