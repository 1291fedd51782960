#include "tools/report/outcome.h"

#include <math.h>

/* ---- what was reached ---- */

enum { L_NAME, L_RATE, L_LOSS, L_SD, L_N, L_DIFFERENCE, L_INTERVAL, L_BITS, L_CLIPPED,
       L_TRIALS, L_STATE };

static void set_losses(Table *t, const Comparison *c, const Entry *e) {
  const Summary *s = &e->summary, *d = &e->difference;
  table_set(t, L_NAME, "%s", e->name);
  table_set(t, L_RATE, "%s", e->rate);
  if (s->n > 0) table_set(t, L_LOSS, "%.4f", s->mean);
  if (s->n > 1) table_set(t, L_SD, "%.4f", s->sd);
  table_set(t, L_N, "%d", s->n);
  if (e == &c->entries[c->baseline < 0 ? 0 : c->baseline] && c->baseline >= 0)
    table_set(t, L_DIFFERENCE, "baseline");
  else if (d->n > 0) table_set(t, L_DIFFERENCE, "%+.4f", d->mean);
  if (d->n > 1) table_set(t, L_INTERVAL, "%+.4f to %+.4f", d->mean - d->half, d->mean + d->half);
  if (isfinite(e->bits_per_byte)) table_set(t, L_BITS, "%.4f", e->bits_per_byte);
  if (isfinite(e->clipped)) table_set(t, L_CLIPPED, "%.0f %%", 100 * e->clipped);
  if (e->tuning.count > 0)
    table_set(t, L_TRIALS, "%d%s", e->tuning.count, e->edge ? " (edge)" : "");
  if (e->diverged && e->unfinished)
    table_set(t, L_STATE, "%d diverged, %d unfinished", e->diverged, e->unfinished);
  else if (e->diverged) table_set(t, L_STATE, "%d diverged", e->diverged);
  else if (e->unfinished) table_set(t, L_STATE, "%d unfinished", e->unfinished);
}

Table outcome_losses(const Comparison *c) {
  Table t = table_make("optimizer|lr|val loss|sd|n|vs|95 % interval|bits/byte|clipped|trials|runs");
  table_set(&t, L_DIFFERENCE, "vs %s",
            c->baseline < 0 ? "baseline" : c->entries[c->baseline].name);
  for (int i = 0; i < c->count; i++) {
    table_row(&t);
    set_losses(&t, c, &c->entries[i]);
  }
  return t;
}

/* ---- what it took ---- */

enum { C_NAME, C_STEPS, C_TOKENS, C_SECONDS, C_LESS_TOKENS, C_LESS_SECONDS, C_GRADIENT,
       C_OPTIMIZER, C_STATE };

static void set_count(Table *t, int column, double count) {
  if (count >= 1e6) table_set(t, column, "%.2f M", count / 1e6);
  else if (count >= 1e4) table_set(t, column, "%.0f k", count / 1e3);
  else table_set(t, column, "%.0f", count);
}

static void set_costs(Table *t, const Comparison *c, const Entry *e) {
  const Entry *b = c->baseline < 0 ? NULL : &c->entries[c->baseline];
  table_set(t, C_NAME, "%s", e->name);
  if (isnan(e->steps_to)) {
    if (!isnan(c->target)) table_set(t, C_STEPS, "not reached");
  } else {
    table_set(t, C_STEPS, "%.0f", e->steps_to);
    set_count(t, C_TOKENS, e->tokens_to);
    table_set(t, C_SECONDS, "%.1f", e->seconds_to);
  }
  if (b && b->tokens_to / e->tokens_to > 0)
    table_set(t, C_LESS_TOKENS, "%.2fx", b->tokens_to / e->tokens_to);
  if (b && b->seconds_to / e->seconds_to > 0)
    table_set(t, C_LESS_SECONDS, "%.2fx", b->seconds_to / e->seconds_to);
  if (isfinite(e->gradient_ms)) table_set(t, C_GRADIENT, "%.1f", e->gradient_ms);
  if (isfinite(e->optimizer_ms)) table_set(t, C_OPTIMIZER, "%.1f", e->optimizer_ms);
  if (isfinite(e->state_bytes)) table_set(t, C_STATE, "%.1f", e->state_bytes / 1e6);
}

Table outcome_costs(const Comparison *c) {
  char head[512];
  snprintf(head, sizeof head,
           "optimizer|steps to %.4f|tokens|seconds|speed-up in tokens|in seconds|"
           "ms/step: gradient|optimizer|state MB", isnan(c->target) ? 0 : c->target);
  Table t = table_make(isnan(c->target) ? "optimizer|||||| ms/step: gradient|optimizer|state MB"
                                        : head);
  for (int i = 0; i < c->count; i++) {
    table_row(&t);
    set_costs(&t, c, &c->entries[i]);
  }
  return t;
}

/* ---- for other programs ---- */

static void set_number(Table *t, int column, double value) {
  if (isfinite(value)) table_set(t, column, "%.9g", value);
}

Table outcome_numbers(const Comparison *c) {
  Table t = table_make(
      "optimizer|lr|val_loss_mean|val_loss_sd|n|diverged|unfinished|difference_mean|"
      "difference_low|difference_high|bits_per_byte|trials|edge|target|steps_to_target|"
      "tokens_to_target|seconds_to_target|gradient_ms|optimizer_ms|state_bytes|clipped_share");
  for (int i = 0; i < c->count; i++) {
    const Entry *e = &c->entries[i];
    const double numbers[] = {
        e->summary.mean,    e->summary.sd,  e->summary.n,  e->diverged,
        e->unfinished,      e->difference.mean, e->difference.mean - e->difference.half,
        e->difference.mean + e->difference.half, e->bits_per_byte, e->tuning.count, e->edge,
        c->target,          e->steps_to,    e->tokens_to,  e->seconds_to,
        e->gradient_ms,     e->optimizer_ms, e->state_bytes, e->clipped};
    table_row(&t);
    table_set(&t, 0, "%s", e->name);
    table_set(&t, 1, "%s", e->rate);
    for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++)
      set_number(&t, (int)j + 2, numbers[j]);
  }
  return t;
}

char *outcome_explain(const Comparison *c) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  int tuned = 0;
  for (int i = 0; i < c->count; i++) tuned |= c->entries[i].tuning.count > 0;
  fprintf(out, "val loss: validation loss at the end of the run in %s, mean and standard deviation "
               "over n seeds%s\n", comparison_unit(c),
          !tuned || c->only_tuning ? "" : " that were not used for tuning");
  if (c->baseline >= 0)
    fprintf(out, "vs %s: mean difference of runs with the same seed, which have the same initial "
                 "weights and order of data, with its interval by Student's t\n",
            c->entries[c->baseline].name);
  fprintf(out, "clipped: share of the steps whose gradient norm was above --clip\n");
  if (tuned) fprintf(out, "trials: settings that were tried to choose the learning rate\n");
  if (!isnan(c->target))
    fprintf(out, "steps, tokens and seconds to %.4f, %s: where the mean curve first reaches it; "
                 "there the schedule of a faster method is not at its end, which is a disadvantage "
                 "for it\n",
            c->target, c->options.target > 0 ? "the given target" : "the baseline's final loss");
  if (!isnan(c->gradient_ms))
    fprintf(out, "seconds: steps times %.1f ms for the gradient, the same for all methods, and the "
                 "method's own optimizer time, without validation\n", c->gradient_ms);
  fprintf(out, "ms/step: of each method's fastest run, median of the gradient and mean of the "
               "optimizer\n");
  fclose(out);
  return text;
}
