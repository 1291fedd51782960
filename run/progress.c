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

void progress_flush(void) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return;
  if (errno != EPIPE)
    fprintf(stderr, "train: standard output cannot be written: %s; training continues without it\n",
            strerror(errno));
  int nothing = open("/dev/null", O_WRONLY);
  if (nothing < 0) return;
  dup2(nothing, STDOUT_FILENO);
  close(nothing);
  fflush(stdout);
  clearerr(stdout);
}

void progress_start(Progress *p, int64_t first, int64_t steps, double flops_per_token) {
  *p = (Progress){.steps = steps, .first = first, .flops_per_token = flops_per_token,
                  .terminal = isatty(STDOUT_FILENO), .started = clock_seconds(),
                  .train_loss = NAN, .val_loss = NAN};
}

static void show_val(const Progress *p, char *out, size_t size) {
  if (isnan(p->val_loss)) out[0] = 0;
  else snprintf(out, size, "  val %.4f", p->val_loss);
}

static void draw(Progress *p, int64_t step) {
  char left[32], val[32], bar[64], line[256];
  int width = 80;
  terminal_size(STDOUT_FILENO, &width, NULL);
  int cells = width >= 100 ? 20 : width >= 84 ? 8 : 0;
  int full = (int)(cells * step / p->steps);
  double elapsed = clock_seconds() - p->started;
  terminal_duration(elapsed / (double)(step - p->first) * (double)(p->steps - step), left,
                    sizeof left);
  show_val(p, val, sizeof val);
  for (int i = 0; i < cells; i++) bar[i] = i < full ? '#' : '.';
  bar[cells] = 0;
  snprintf(line, sizeof line, "%s%sstep %lld/%lld  loss %.4f%s  %.0f tok/s  %.0f GFLOP/s  %s left",
           bar, cells ? " " : "", (long long)step, (long long)p->steps, p->train_loss, val,
           p->tokens_per_s, p->tokens_per_s * p->flops_per_token / 1e9, left);
  printf("\r%.*s\033[K", width - 1, line);
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
  if (p->terminal) {
    if (now - p->shown < REDRAW_SECONDS && step != p->steps) return;
    p->shown = now;
    draw(p, step);
  } else if (plain_line_due(p, step)) {
    printf("step %lld/%lld  loss %.4f  %.0f tok/s  %.0f GFLOP/s\n", (long long)step,
           (long long)p->steps, loss, p->tokens_per_s,
           p->tokens_per_s * p->flops_per_token / 1e9);
    progress_flush();
  }
}

void progress_val(Progress *p, int64_t step, double val_loss) {
  p->val_loss = val_loss;
  if (p->terminal) {
    if (step > p->first) draw(p, step);
  } else {
    printf("step %lld/%lld  val loss %.4f\n", (long long)step, (long long)p->steps, val_loss);
    progress_flush();
  }
}

void progress_break(Progress *p) {
  if (p->terminal && p->shown > 0) printf("\n");
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
