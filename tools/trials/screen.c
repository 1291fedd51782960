#include "tools/trials/screen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/quote.h"
#include "core/terminal.h"

static const double REDRAW_SECONDS = 0.5;

void screen_start(Screen *s, int64_t jobs) {
  *s = (Screen){.terminal = isatty(STDOUT_FILENO), .jobs = jobs};
}

static void erase(Screen *s) {
  if (s->lines > 0) printf("\033[%dA\r\033[J", s->lines);
  s->lines = 0;
}

void screen_say(Screen *s, const char *sentence) {
  erase(s);
  quote_terminal(stdout, sentence);
  putchar('\n');
  fflush(stdout);
}

void screen_ended(Screen *s, const Plan *plan, const Trial *t) {
  char name[400], sentence[800];
  plan_trial_name(plan, t, name, sizeof name);
  int ended = plan->count - plan_count(plan, TRIAL_WAITING) - plan_count(plan, TRIAL_RUNNING);
  int used = snprintf(sentence, sizeof sentence, "%d/%d  %s: ", ended, plan_expected(plan), name);
  char *rest = sentence + used;
  size_t room = sizeof sentence - (size_t)used;
  if (t->state == TRIAL_FINISHED)
    snprintf(rest, room, "val loss %.4f in %.0f s", t->loss, t->seconds);
  else if (t->state == TRIAL_DIVERGED)
    snprintf(rest, room, "diverged at step %lld", (long long)t->step);
  else snprintf(rest, room, "FAILED: %s", t->message);
  screen_say(s, sentence);
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
      seconds = (clock_seconds() - t->started) * (double)t->steps / (double)t->step;
    else if (t->state != TRIAL_FINISHED) continue;
    for (int own = 0; own <= (t->method == method); own++) {
      sum[own] += seconds;
      n[own]++;
    }
  }
  return n[1] > 0 ? sum[1] / n[1] : sum[0] / n[0];
}

static double seconds_left(const Screen *s, const Plan *plan) {
  double sum = 0, longest = 0;
  for (int m = 0; m < plan->spec->count; m++) {
    double whole = mean_seconds(plan, m);
    if (!plan->methods[m].finals_added) sum += whole * (double)plan->spec->options.seeds;
    for (int i = 0; i < plan->count; i++) {
      const Trial *t = &plan->trials[i];
      double left = whole;
      if (t->method != m || (t->state != TRIAL_WAITING && t->state != TRIAL_RUNNING)) continue;
      if (t->state == TRIAL_RUNNING && t->steps > 0)
        left *= 1 - (double)t->step / (double)t->steps;
      sum += left;
      longest = fmax(longest, left);
    }
  }
  return fmax(sum / (double)s->jobs, longest);
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
    y.progress += t->state >= TRIAL_FINISHED ? 1
                  : t->steps > 0 && t->state == TRIAL_RUNNING ? (double)t->step / (double)t->steps
                                                              : 0;
    if (t->state == TRIAL_FINISHED && t->loss < y.best) {
      y.best = t->loss;
      y.best_trial = t;
    }
  }
  if (!plan->methods[method].finals_added) y.count += (int)plan->spec->options.seeds;
  return y;
}

/* A line of the table, not longer than the terminal is wide. */
static void print_cut(Screen *s, char *line, int width) {
  if (strlen(line) > (size_t)width) line[width] = 0;
  quote_terminal(stdout, line);
  putchar('\n');
  s->lines++;
}

static void print_method(Screen *s, const Plan *plan, int method, int width) {
  enum { CELLS = 20 };
  Tally y = tally(plan, method);
  char bar[CELLS + 1], best[80] = "", line[256];
  int full = y.count ? (int)(CELLS * y.progress / y.count) : CELLS;
  memset(bar, '.', CELLS);
  memset(bar, '#', (size_t)full);
  bar[CELLS] = 0;
  if (y.best_trial) snprintf(best, sizeof best, "%.4f at lr %s", y.best, y.best_trial->values[0]);
  snprintf(line, sizeof line, "%-18s %s %4d %7d %7d %8d %6d  %s", plan->spec->methods[method].name,
           bar, y.states[TRIAL_FINISHED], y.states[TRIAL_RUNNING],
           y.count - y.states[TRIAL_FINISHED] - y.states[TRIAL_RUNNING] -
               y.states[TRIAL_DIVERGED] - y.states[TRIAL_FAILED],
           y.states[TRIAL_DIVERGED], y.states[TRIAL_FAILED], best);
  print_cut(s, line, width);
}

static void print_running(Screen *s, const Plan *plan, int width, int most) {
  for (int i = 0; i < plan->count && most > 0; i++) {
    const Trial *t = &plan->trials[i];
    char name[400], line[512];
    if (t->state != TRIAL_RUNNING) continue;
    plan_trial_name(plan, t, name, sizeof name);
    snprintf(line, sizeof line, "  %-44s step %lld of %lld", name, (long long)t->step,
             (long long)t->steps);
    print_cut(s, line, width);
    most--;
  }
}

void screen_draw(Screen *s, const Plan *plan, int now) {
  char left[32], line[160];
  if (!s->terminal || (!now && clock_seconds() - s->drawn < REDRAW_SECONDS)) return;
  s->drawn = clock_seconds();
  int width = 80, height = 24;
  terminal_size(STDOUT_FILENO, &width, &height);
  width--;
  erase(s);
  printf("%.*s\n", width, "method                                   done running waiting diverged "
                          "failed  best");
  s->lines++;
  for (int i = 0; i < plan->spec->count && s->lines < height - 3; i++)
    print_method(s, plan, i, width);
  print_running(s, plan, width, height - 2 - s->lines);
  terminal_duration(seconds_left(s, plan), left, sizeof left);
  int ended = plan->count - plan_count(plan, TRIAL_WAITING) - plan_count(plan, TRIAL_RUNNING);
  snprintf(line, sizeof line,
           "%d of %d runs, %lld at a time, about %s left; Ctrl-C stops, the same command continues",
           ended, plan_expected(plan), (long long)s->jobs, left);
  printf("%.*s\n", width, line);
  s->lines++;
  fflush(stdout);
}
