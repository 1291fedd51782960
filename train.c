/* polar.c: trains a GPT-2 with an optimizer of your choice. This file is the training loop. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/quote.h"
#include "core/ranks.h"
#include "run/info.h"
#include "run/manual.h"
#include "run/names.h"
#include "run/program.h"
#include "run/run.h"
#include "run/stop.h"

/* Logs the last row of a run that diverged too. */
static int diverged(Run *run, const LogRow *row) {
  Err ignored;
  log_write(&run->log, row, 1, &ignored);
  return EXIT_DIVERGED;
}

static int validate(Run *run, LogRow *row, Err *err) {
  if (run_validate(run, row, err)) return EXIT_FAILED;
  if (run_check(run, row, err)) return diverged(run, row);
  if (!isnan(row->val_loss)) progress_val(&run->progress, row->step, row->val_loss);
  return EXIT_DONE;
}

/* The last step may have made weights infinite or NaN after the last check of a loss. */
static int save(Run *run, const LogRow *row, Err *err) {
  if (run_check(run, row, err)) return EXIT_DIVERGED;
  return run_save(run, err) ? EXIT_FAILED : EXIT_DONE;
}

static int due(int64_t t, int64_t every, int64_t last) {
  return every > 0 && (t % every == 0 || t == last);
}

static int stopped(const Run *run, Err *err) {
  const RunOptions *o = &run->config.run;
  const char *reason = stop_reason();
  char path[2 * OPTION_TEXT];
  fail(err, "%s after step %lld of %lld; %s%s", reason ? reason : "stopped by --max-seconds",
       (long long)run->step, (long long)o->steps,
       o->keep ? "continue with ./train --resume " : "no checkpoint was saved (--keep 0)",
       o->keep ? quote_path_text(path, sizeof path, o->out) : "");
  return reason ? EXIT_INTERRUPTED : EXIT_LATE;
}

static int save_and_stop(Run *run, Err *err) {
  LogRow row = log_row(run->step, 0);
  int code = save(run, &row, err);
  return code ? code : stopped(run, err);
}

/* Validates if it is due at the current step and the log has no result yet: a run may be stopped
   during a validation. */
static int validate_start(Run *run, Err *err) {
  const RunOptions *o = &run->config.run;
  LogRow row = log_row(run->step, run->step * o->batch * run->config.model.context);
  if (log_has_val(&run->log, run->step) || !due(run->step, o->val_every, o->steps))
    return EXIT_DONE;
  int code = validate(run, &row, err);
  if (code) return code;
  if (log_write_val(&run->log, &row, err)) return EXIT_FAILED;
  return run_save_due(run, &row) ? save(run, &row, err) : EXIT_DONE;
}

static int train(Run *run, Err *err) {
  const Config *c = &run->config;
  const RunOptions *o = &c->run;
  GPT2 *model = run->model;
  double weight = 1 / (double)(run->mean_rows * c->model.context); /* of a token's loss */
  int code = validate_start(run, err);
  if (code) return code;
  for (int64_t t = run->step + 1; t <= o->steps; t++) {
    spectrum_log_before(run->spectrum, t);
    LogRow row = run_row(run, t);
    for (int node = 0; node < run->nodes_here; node++)
      for (int64_t first = 0; first < run->rows; first += run->pass_rows) { /* --micro-batch */
        Batch batch;
        if (stop_reason()) return save_and_stop(run, err);
        if (run_batch(run, t, node, first, &batch, err)) return EXIT_FAILED;
        double loss = gpt2_loss_gradient(model, &batch, weight, first > 0); /* forward */
        gpt2_backward(model);
        if (run_cut_short(run)) return save_and_stop(run, err);
        row.train_loss += loss * (double)batch.B / (double)o->batch;
      }
    run_gradient_done(run, &row);
    if (run_check_gradient(run, &row, err)) return diverged(run, &row);
    run_clip(run, &row);

    double scheduled = schedule_at(&c->schedule, t, o->steps);
    row.lr = c->optimizer.lr * scheduled;
    optimizer_step(run->optimizer, t, scheduled);
    run_step_done(run, &row);
    if (spectrum_log_after(run->spectrum, t, row.lr, err)) return EXIT_FAILED;
    progress_step(&run->progress, &row);

    int validates = due(t, o->val_every, o->steps);
    if (validates && (code = validate(run, &row, err))) return code;
    if (log_write(&run->log, &row, 0, err)) return EXIT_FAILED;
    if (due(t, o->sample_every, 0) && run_sample(run, t, err)) return EXIT_FAILED;
    int whole = t == o->steps && !(validates && isnan(row.val_loss));
    int stop = stop_reason() || run_is_late(run);
    int saves = run_save_due(run, &row) || stop || due(t, o->save_every, o->steps);
    if ((saves || t == o->steps) && (code = save(run, &row, err))) return code;
    if (stop && !whole) return stopped(run, err);
  }
  return EXIT_DONE;
}

/* Handles --help, --list and --version; returns whether one was given. */
static int answers(int argc, char **argv, int *code, Err *err) {
  for (int i = 1; i < argc; i++) {
    int list = strcmp(argv[i], "--list") == 0, version = strcmp(argv[i], "--version") == 0;
    if (version) info_version(stdout);
    if (version) return 1;
    if (!list && strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
    if (list) manual_list(stdout);
    else if (manual_help(stdout, argv[i + 1], err)) *code = EXIT_USAGE;
    return 1;
  }
  return 0;
}

/* Writes how the run ended to info.txt and the terminal. */
static int end(Run *run, int code, Err *err) {
  char path[2 * OPTION_TEXT];
  Err why;
  if (rank_number() > 0) return code;
  progress_break(&run->progress);
  const char *result = code == EXIT_DONE ? "finished" : err->text;
  int status = info_write_result(&run->config, &run->log, result, &why);
  if (log_close(&run->log, &why)) status = -1;
  if (status && code == EXIT_DONE) {
    *err = why;
    return EXIT_FAILED;
  }
  if (code == EXIT_DONE)
    progress_say(&run->progress, "done: %s/" LOG_FILE "; tools/plot %s draws it",
                 run->config.run.out, quote_path_text(path, sizeof path, run->config.run.out));
  return code;
}

static int start(int argc, char **argv, Err *err) {
  Run run = {.lock = -1};
  int code = EXIT_DONE;
  if (answers(argc, argv, &code, err)) return code;
  stop_ignore_broken_output();
  if (config_read(&run.config, argc, argv, err))
    return run.config.bad_checkpoint ? EXIT_FAILED : EXIT_USAGE;
  code = run_open(&run, err) ? EXIT_FAILED : EXIT_DONE;
  if (code == EXIT_DONE) code = end(&run, train(&run, err), err);
  run_close(&run);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "train", .run = start, .computes = 1, .ranks = 1}, argc,
                      argv);
}
