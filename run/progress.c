#include "run/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/quote.h"
#include "core/terminal.h"

static const double REDRAW_SECONDS = 0.1;

static void discard_output(void) {
  int nothing = open("/dev/null", O_WRONLY);
  if (nothing < 0) return;
  dup2(nothing, STDOUT_FILENO);
  close(nothing);
}

void progress_flush(void) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return;
  if (errno != EPIPE)
    fprintf(stderr, "train: standard output cannot be written: %s; training continues without it\n",
            strerror(errno));
  discard_output();
  fflush(stdout);
  clearerr(stdout);
}

void progress_open(Progress *p, ProgressMode mode) {
  *p = (Progress){.bar = mode == PROGRESS_AUTO ? isatty(STDOUT_FILENO) : mode == PROGRESS_BAR};
  if (mode == PROGRESS_QUIET) discard_output();
}

void progress_start(Progress *p, int64_t first, int64_t steps, double flops_per_token) {
  *p = (Progress){.steps = steps, .first = first, .flops_per_token = flops_per_token, .bar = p->bar,
                  .started = clock_seconds(), .train_loss = NAN};
}

/* "step 20/300  loss 5.1234  8000 tok/s  60 GFLOP/s  2m10s left" */
static void describe(const Progress *p, int64_t step, double loss, char *out, size_t size) {
  char left[32] = "";
  double elapsed = clock_seconds() - p->started;
  if (step < p->steps)
    terminal_duration(elapsed / (double)(step - p->first) * (double)(p->steps - step), left,
                      sizeof left);
  snprintf(out, size, "step %lld/%lld  loss %.4f  %.0f tok/s  %.0f GFLOP/s%s%s%s", (long long)step,
           (long long)p->steps, loss, p->tokens_per_s,
           p->tokens_per_s * p->flops_per_token / 1e9, *left ? "  " : "", left,
           *left ? " left" : "");
}

static void draw(Progress *p, int64_t step) {
  char bar[64], line[256];
  int width = 80;
  terminal_size(STDOUT_FILENO, &width, NULL);
  int cells = width >= 90 ? 20 : width >= 78 ? 8 : 0;
  int full = (int)(cells * step / p->steps);
  describe(p, step, p->train_loss, line, sizeof line);
  for (int i = 0; i < cells; i++) bar[i] = i < full ? '#' : '.';
  bar[cells] = 0;
  printf("\r%.*s\033[K", width - 1, bar);
  if (cells) printf(" ");
  printf("%.*s", width - 1 - cells - (cells > 0), line);
  progress_flush();
}

/* In a pipe, prints about twenty lines per run, and one per validation. */
static int plain_line_due(const Progress *p, int64_t step) {
  int64_t every = p->steps / 20 > 0 ? p->steps / 20 : 1;
  return step % every == 0 || step == p->first + 1 || step == p->steps;
}

void progress_step(Progress *p, const LogRow *row) {
  double now = clock_seconds(), speed = row->tokens_per_s, loss = row->train_loss;
  int64_t step = row->step;
  p->train_loss = isnan(p->train_loss) ? loss : 0.9 * p->train_loss + 0.1 * loss;
  /* The first step is slow because of page faults, so the speed of the second replaces it. */
  p->tokens_per_s = p->steps_seen++ < 2 ? speed : 0.9 * p->tokens_per_s + 0.1 * speed;
  if (p->bar) {
    if (now - p->shown < REDRAW_SECONDS && step != p->steps) return;
    p->shown = now;
    draw(p, step);
  } else if (plain_line_due(p, step)) {
    char line[256];
    describe(p, step, loss, line, sizeof line);
    puts(line);
    progress_flush();
  }
}

void progress_val(Progress *p, int64_t step, double val_loss) {
  if (step == p->first) p->started = clock_seconds(); /* the steps begin now */
  if (p->bar) printf("\r\033[K"); /* the live line is drawn again below */
  printf("step %lld/%lld  val loss %.4f\n", (long long)step, (long long)p->steps, val_loss);
  if (p->bar && p->shown > 0) draw(p, step);
  progress_flush();
}

void progress_break(Progress *p) {
  if (p->bar && p->shown > 0) printf("\n");
  p->shown = 0;
}

FILE *progress_text(Progress *p) {
  progress_break(p);
  return stdout;
}

void progress_say(Progress *p, const char *format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  progress_break(p);
  quote_terminal(stdout, line);
  putchar('\n');
  progress_flush();
}
