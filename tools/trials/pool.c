#include "tools/trials/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "core/clock.h"
#include "core/file.h"
#include "run/exit.h"
#include "run/lock.h"
#include "run/log.h"
#include "run/names.h"

enum { NO_PROGRAM = 127 };
static const double LOOK_SECONDS = 1; /* between checks of a trial elsewhere */

/* ---- claims ---- */

/* Locks the trial for this sweep. *elsewhere: another sweep has it, or its ./train still runs. */
static int claim(Trial *t, int *elsewhere, Err *err) {
  int train_lock;
  t->claim = lock_name(t->folder, ".sweep", elsewhere, err);
  if (t->claim < 0) return *elsewhere ? 0 : -1;
  train_lock = lock_name(t->folder, ".lock", elsewhere, err);
  lock_release(train_lock);
  if (train_lock >= 0) return 0;
  lock_release(t->claim);
  t->claim = -1;
  return *elsewhere ? 0 : -1;
}

static void give_back(Trial *t) {
  lock_release(t->claim);
  t->claim = -1;
}

/* ---- starting ---- */

static void file_of(const Trial *t, const char *name, char out[OPTION_TEXT + 32]) {
  snprintf(out, OPTION_TEXT + 32, "%s/%s", t->folder, name);
}

/* In the child. It gets its own process group, so that Ctrl-C reaches only the sweep, which passes
   it on once: a second one would stop ./train without saving. */
static void become_trial(char **arguments, int output) {
  setpgid(0, 0);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* a killed sweep ends its trials */
#endif
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(1);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  execv(arguments[0], arguments);
  _exit(NO_PROGRAM);
}

/* Removes the files of a run that is repeated: an old log would look like progress. */
static int clear_folder(const Trial *t, Err *err) {
  static const char *const names[] = {LOG_FILE, INFO_FILE, CONFIG_FILE};
  char path[OPTION_TEXT + 32];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    file_of(t, names[i], path);
    if (unlink(path) != 0 && errno != ENOENT)
      return fail(err, "%s: cannot be removed: %s", path, strerror(errno));
  }
  return 0;
}

static int start(Plan *plan, Trial *t, Err *err) {
  char path[OPTION_TEXT + 32];
  file_of(t, "output.txt", path);
  int output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (output < 0) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  char **arguments = plan_command(plan, t);
  fflush(NULL);
  t->process = fork();
  if (t->process == 0) become_trial(arguments, output);
  arguments_free(arguments);
  close(output);
  if (t->process < 0) return fail(err, "no further process can be started: %s", strerror(errno));
  t->state = TRIAL_RUNNING;
  t->step = 0;
  return 0;
}

int pool_start(Plan *plan, Trial *t, Err *err) {
  int elsewhere = 0;
  if (folder_make(t->folder, err) || claim(t, &elsewhere, err)) return -1;
  t->since = clock_seconds();
  if (elsewhere) t->state = TRIAL_ELSEWHERE;
  if (elsewhere) return 0;
  int status = plan_inspect(plan, t, err); /* another sweep may have finished it */
  if (status == 0 && t->state == TRIAL_WAITING)
    status = clear_folder(t, err) || start(plan, t, err) ? -1 : 0;
  if (t->state != TRIAL_RUNNING) give_back(t);
  return status;
}

/* ---- watching ---- */

/* The last line that a failed trial printed. */
static void read_message(Trial *t) {
  char path[OPTION_TEXT + 32], *text, *line;
  size_t size;
  Err ignored;
  file_of(t, "output.txt", path);
  if (file_read(path, &text, &size, &ignored)) return;
  while (size > 0 && text[size - 1] == '\n') text[--size] = 0;
  line = strrchr(text, '\n');
  snprintf(t->message, sizeof t->message, "%s", line ? line + 1 : text);
  free(text);
}

static int trial_ended(Plan *plan, Trial *t, int status, Err *err) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1, done = 0;
  t->seconds = clock_seconds() - t->since;
  t->process = 0;
  t->state = TRIAL_FAILED;
  if (code == EXIT_DONE || code == EXIT_DIVERGED) done = plan_inspect(plan, t, err);
  else if (code == NO_PROGRAM)
    snprintf(t->message, sizeof t->message, "%.200s: cannot be started", plan->program);
  else if (WIFSIGNALED(status))
    snprintf(t->message, sizeof t->message, "killed by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
  else read_message(t);
  give_back(t);
  return done;
}

/* A trial that another sweep no longer has is finished or is to be done here. */
static int look_elsewhere(Plan *plan, Trial *t, Err *err) {
  int elsewhere = 0;
  if (clock_seconds() - t->since < LOOK_SECONDS) return 0;
  t->since = clock_seconds();
  if (claim(t, &elsewhere, err)) return -1;
  if (elsewhere) return 0;
  t->state = TRIAL_WAITING;
  int status = plan_inspect(plan, t, err);
  give_back(t);
  return status;
}

int pool_watch(Plan *plan, Err *err) {
  int before = plan_ended(plan);
  for (int i = 0; i < plan->count; i++) {
    Trial *t = &plan->trials[i];
    int status;
    if (t->state == TRIAL_ELSEWHERE && look_elsewhere(plan, t, err)) return -1;
    if (t->state == TRIAL_RUNNING && waitpid(t->process, &status, WNOHANG) == t->process) {
      if (trial_ended(plan, t, status, err)) return -1;
    } else if (t->state == TRIAL_RUNNING || t->state == TRIAL_ELSEWHERE) {
      char log[OPTION_TEXT + 32];
      file_of(t, LOG_FILE, log);
      t->step = log_last_step(log);
    }
  }
  return plan_ended(plan) - before;
}

void pool_stop(Plan *plan) {
  for (int i = 0; i < plan->count; i++)
    if (plan->trials[i].state == TRIAL_RUNNING) kill(plan->trials[i].process, SIGTERM);
  for (int i = 0; i < plan->count; i++) {
    Trial *t = &plan->trials[i];
    if (t->state != TRIAL_RUNNING) continue;
    while (waitpid(t->process, NULL, 0) < 0 && errno == EINTR) {}
    t->state = TRIAL_WAITING;
    give_back(t);
  }
}
