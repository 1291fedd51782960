/* polar.c: trains a GPT-2 with an optimizer of your choice. This page is the whole of it. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/startup.h"
#include "run/folder.h"
#include "run/run.h"

enum { DONE = 0, FAILED = 1, USAGE = 2, DIVERGED = 3, INTERRUPTED = 130 };

static volatile sig_atomic_t stop_asked;

/* Asked twice: do not wait for the step. But a terminal that closes may hang up more than once,
   itself and by its shell, and nobody means "at once" by that. */
static void ask_to_stop(int signal_number) {
  static volatile sig_atomic_t asked;
  if (signal_number != SIGHUP && asked) _Exit(INTERRUPTED);
  if (signal_number != SIGHUP) asked = 1;
  stop_asked = 1;
}

static void catch_signals(void) {
  signal(SIGINT, ask_to_stop);
  signal(SIGTERM, ask_to_stop);
  if (signal(SIGHUP, ask_to_stop) == SIG_IGN) signal(SIGHUP, SIG_IGN); /* under nohup */
}

/* The last row of a run that diverged is logged too. */
static int diverged(Run *run, const LogRow *row) {
  Err ignored;
  log_write(&run->log, row, 1, &ignored);
  return DIVERGED;
}

static int validate(Run *run, LogRow *row, Err *err) {
  if (run_validate(run, &row->val_loss, err)) return FAILED;
  if (run_check(run, row, err)) return diverged(run, row);
  progress_val(&run->progress, row->step, row->val_loss);
  return DONE;
}

/* A step may have spoilt the weights behind the last loss that was looked at. */
static int save(Run *run, const LogRow *row, Err *err) {
  if (run_check(run, row, err)) return DIVERGED;
  return run_save(run, err) ? FAILED : DONE;
}

static int due(int64_t t, int64_t every, int64_t last) {
  return every > 0 && (t % every == 0 || t == last);
}

static int interrupted(const Run *run, Err *err) {
  const RunOptions *o = &run->config.run;
  fail(err, "%s after step %lld of %lld; %s%s",
       stop_asked ? "interrupted" : "stopped by --max-seconds", (long long)run->step,
       (long long)o->steps, o->keep ? "go on with ./train --resume " : "nothing is saved: --keep 0",
       o->keep ? o->out : "");
  return INTERRUPTED;
}

static int train(Run *run, Err *err) {
  const RunOptions *o = &run->config.run;
  int64_t tokens_per_step = o->batch * run->config.model.context;
  LogRow start = log_row(0, 0);
  int code;
  if (run->step == 0 && o->val_every > 0) {
    if ((code = validate(run, &start, err))) return code;
    if (log_write(&run->log, &start, 0, err)) return FAILED;
  }
  for (int64_t t = run->step + 1; t <= o->steps; t++) {
    LogRow row = log_row(t, t * tokens_per_step);
    if (run_gradient(run, t, &row, err)) return FAILED;
    if (run_clip(run, &row, err)) return diverged(run, &row);
    spectrum_log_before(run->spectrum, t);
    run_update(run, &row);
    if (spectrum_log_after(run->spectrum, t, row.lr, err)) return FAILED;
    progress_step(&run->progress, t, row.train_loss, tokens_per_step,
                  (row.forward_ms + row.backward_ms + row.optimizer_ms) / 1e3);
    if (due(t, o->val_every, o->steps) && (code = validate(run, &row, err))) return code;
    if (log_write(&run->log, &row, 0, err)) return FAILED;
    if (due(t, o->sample_every, 0) && run_sample(run, t, err)) return FAILED;
    int stop = stop_asked || run_is_late(run), last = stop || t == o->steps;
    if ((last || due(t, o->save_every, 0)) && (code = save(run, &row, err))) return code;
    if (stop && t < o->steps) return interrupted(run, err);
  }
  return DONE;
}

static int help_asked(int argc, char **argv, int *code) {
  Err err;
  for (int i = 1; i < argc; i++) {
    int list = strcmp(argv[i], "--list") == 0;
    if (!list && strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
    const char *about = i + 1 < argc && argv[i + 1][0] != '-' ? argv[i + 1] : NULL;
    if (list) config_list(stdout);
    else if (config_help(stdout, about, &err)) {
      fprintf(stderr, "train: %s\n", err.text);
      *code = USAGE;
    }
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  Run run = {0};
  Err err;
  int code = DONE;
  if (help_asked(argc, argv, &code)) return code;
  if (startup(argv, &err)) {
    fprintf(stderr, "train: %s\n", err.text);
    return FAILED;
  }
  if (config_read(&run.config, argc, argv, &err)) {
    fprintf(stderr, "train: %s\n", err.text);
    return run.config.bad_checkpoint ? FAILED : USAGE;
  }
  catch_signals();
  int opened = run_open(&run, &err) == 0;
  code = opened ? train(&run, &err) : FAILED;
  if (opened) {
    Err ignored;
    progress_break(&run.progress);
    folder_write_result(&run.config, code == DONE ? "finished" : err.text, &ignored);
    if (log_close(&run.log, &err)) code = FAILED;
  }
  if (code != DONE) fprintf(stderr, "train: %s\n", err.text);
  else printf("done: %s/log.csv; tools/plot %s draws it\n", run.config.run.out, run.config.run.out);
  run_close(&run);
  return code;
}
