#include "tools/trials/screen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/quote.h"
#include "core/terminal.h"

void screen_ended(const Plan *plan, const Trial *t, char *out, size_t size) {
  char name[400], result[300];
  plan_trial_name(plan, t, name, sizeof name);
  if (t->state == TRIAL_FINISHED)
    snprintf(result, sizeof result, "val loss %.4f in %.0f s", t->loss, t->seconds);
  else if (t->state == TRIAL_DIVERGED)
    snprintf(result, sizeof result, "diverged at step %lld", (long long)t->step);
  else snprintf(result, sizeof result, "FAILED: %s", t->message);
  snprintf(out, size, "%d/%d  %s: %s", plan_ended(plan), plan_expected(plan), name, result);
}

/* ---- time left ---- */

/* Mean seconds of a whole trial of the method, or of all methods when none of it has ended; NaN
   when nothing has. */
static double mean_seconds(const Plan *plan, int method) {
  double sum[2] = {0, 0}, n[2] = {0, 0};
  for (int i = 0; i < plan->count; i++) {
    const Trial *t = &plan->trials[i];
    double seconds = t->seconds;
    if (t->state == TRIAL_RUNNING && t->step > 0)
      seconds = (clock_seconds() - t->since) * (double)t->steps / (double)t->step;
    else if (t->state != TRIAL_FINISHED) continue;
    for (int own = 0; own <= (t->method == method); own++) {
      sum[own] += seconds;
      n[own]++;
    }
  }
  return n[1] > 0 ? sum[1] / n[1] : sum[0] / n[0];
}

static double seconds_left(const Plan *plan, int64_t jobs) {
  double sum = 0, longest = 0;
  for (int m = 0; m < plan->spec->count; m++) {
    double whole = mean_seconds(plan, m);
    if (!plan->methods[m].finals_added) sum += whole * (double)plan->spec->options.seeds;
    for (int i = 0; i < plan->count; i++) {
      const Trial *t = &plan->trials[i];
      double left = whole;
      if (t->method != m || t->state >= TRIAL_FINISHED) continue;
      if (t->state != TRIAL_WAITING && t->steps > 0)
        left *= 1 - (double)t->step / (double)t->steps;
      sum += left;
      longest = fmax(longest, left);
    }
  }
  return fmax(sum / (double)jobs, longest);
}

/* ---- the table ---- */

typedef struct {
  int states[TRIAL_FAILED + 1], count;
  double best, progress; /* best tuning loss; share of the work that is done */
  const Trial *best_trial;
} Tally;

static Tally tally(const Plan *plan, int method) {
  Tally y = {.best = INFINITY};
  for (int i = 0; i < plan->count; i++) {
    const Trial *t = &plan->trials[i];
    if (t->method != method) continue;
    y.states[t->state]++;
    y.count++;
    if (t->state >= TRIAL_FINISHED) y.progress++;
    else if (t->state != TRIAL_WAITING && t->steps > 0)
      y.progress += (double)t->step / (double)t->steps;
    if (t->state == TRIAL_FINISHED && t->loss < y.best) {
      y.best = t->loss;
      y.best_trial = t;
    }
  }
  if (!plan->methods[method].finals_added) y.count += (int)plan->spec->options.seeds;
  return y;
}

static void write_cut(FILE *out, char *line, int width) {
  if (strlen(line) > (size_t)width) line[width] = 0;
  quote_terminal(out, line);
  fputc('\n', out);
}

static void write_method(FILE *out, const Plan *plan, int method, int width) {
  enum { CELLS = 20 };
  Tally y = tally(plan, method);
  char bar[CELLS + 1], best[SPEC_POINT + 40] = "", line[SPEC_POINT + 160];
  int full = y.count ? (int)(CELLS * y.progress / y.count) : CELLS;
  int running = y.states[TRIAL_RUNNING] + y.states[TRIAL_ELSEWHERE];
  memset(bar, '.', CELLS);
  memset(bar, '#', (size_t)full);
  bar[CELLS] = 0;
  if (y.best_trial) snprintf(best, sizeof best, "%.4f at %s", y.best, y.best_trial->point);
  snprintf(line, sizeof line, "%-18s %s %4d %7d %7d %8d %6d  %s", plan->spec->methods[method].name,
           bar, y.states[TRIAL_FINISHED], running,
           y.count - running - y.states[TRIAL_FINISHED] - y.states[TRIAL_DIVERGED] -
               y.states[TRIAL_FAILED],
           y.states[TRIAL_DIVERGED], y.states[TRIAL_FAILED], best);
  write_cut(out, line, width);
}

static void write_running(FILE *out, const Plan *plan, const Trial *t, int width) {
  char name[400], line[512];
  plan_trial_name(plan, t, name, sizeof name);
  snprintf(line, sizeof line, "  %-44s step %lld of %lld%s", name, (long long)t->step,
           (long long)t->steps, t->state == TRIAL_ELSEWHERE ? " (in another sweep)" : "");
  write_cut(out, line, width);
}

int screen_table(FILE *out, const Plan *plan, int64_t jobs, int width, int height) {
  char left[32], line[160];
  int lines = 2; /* the first and the last */
  fprintf(out, "%.*s\n", width, "method                                   done running waiting "
                                "diverged failed  best");
  for (int i = 0; i < plan->spec->count && lines < height - 2; i++, lines++)
    write_method(out, plan, i, width);
  for (int i = 0; i < plan->count && lines < height - 1; i++) {
    const Trial *t = &plan->trials[i];
    if (t->state != TRIAL_RUNNING && t->state != TRIAL_ELSEWHERE) continue;
    write_running(out, plan, t, width);
    lines++;
  }
  terminal_duration(seconds_left(plan, jobs), left, sizeof left);
  snprintf(line, sizeof line,
           "%d of %d runs, %lld at a time, about %s left; Ctrl-C stops, the same command continues",
           plan_ended(plan), plan_expected(plan), (long long)jobs, left);
  write_cut(out, line, width);
  return lines;
}
