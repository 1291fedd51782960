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
#include "run/log.h"
#include "run/names.h"

enum { NO_PROGRAM = 127 };

static void output_path(const Trial *t, char *out, size_t size) {
  snprintf(out, size, "%s/output.txt", t->folder);
}

/* In the child. A group of its own, so that Ctrl-C in the terminal reaches only the sweep, which
   passes it on once: ./train takes a second one as "at once". */
static void become_trial(char **arguments, int output) {
  setpgid(0, 0);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* a sweep that is killed takes its trials along */
#endif
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(1);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  execv(arguments[0], arguments);
  fprintf(stderr, "%s: cannot be started: %s\n", arguments[0], strerror(errno));
  _exit(NO_PROGRAM);
}

/* A run that is done again leaves nothing of the old one: a log of yesterday would look like
   progress. */
static int clear_folder(const Trial *t, Err *err) {
  static const char *const names[] = {LOG_FILE, INFO_FILE, CONFIG_FILE};
  char path[OPTION_TEXT + 32];
  if (folder_make(t->folder, err)) return -1;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", t->folder, names[i]);
    if (unlink(path) != 0 && errno != ENOENT)
      return fail(err, "%s: cannot be removed: %s", path, strerror(errno));
  }
  return 0;
}

int pool_start(Plan *plan, Trial *t, Err *err) {
  char path[OPTION_TEXT + 32];
  if (clear_folder(t, err)) return -1;
  output_path(t, path, sizeof path);
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
  t->started = clock_seconds();
  t->step = 0;
  return 0;
}

/* The last line that a failed trial printed. */
static void read_message(Trial *t) {
  char path[OPTION_TEXT + 32], *text, *line;
  size_t size;
  Err ignored;
  output_path(t, path, sizeof path);
  if (file_read(path, &text, &size, &ignored)) return;
  while (size > 0 && text[size - 1] == '\n') text[--size] = 0;
  line = strrchr(text, '\n');
  snprintf(t->message, sizeof t->message, "%s", line ? line + 1 : text);
  free(text);
}

static int trial_ended(Plan *plan, Trial *t, int status, Err *err) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  t->seconds = clock_seconds() - t->started;
  t->process = 0;
  t->state = TRIAL_FAILED;
  if (code == EXIT_DONE || code == EXIT_DIVERGED) return plan_inspect(plan, t, err);
  read_message(t);
  if (WIFSIGNALED(status))
    snprintf(t->message, sizeof t->message, "killed by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
  return 0;
}

int pool_watch(Plan *plan, Err *err) {
  int ended = 0;
  for (int i = 0; i < plan->count; i++) {
    Trial *t = &plan->trials[i];
    int status;
    if (t->state != TRIAL_RUNNING) continue;
    if (waitpid(t->process, &status, WNOHANG) == t->process) {
      if (trial_ended(plan, t, status, err)) return -1;
      ended++;
    } else {
      char log[OPTION_TEXT + 32];
      snprintf(log, sizeof log, "%s/" LOG_FILE, t->folder);
      t->step = log_last_step(log);
    }
  }
  return ended;
}

void pool_stop(Plan *plan) {
  for (int i = 0; i < plan->count; i++)
    if (plan->trials[i].state == TRIAL_RUNNING) kill(plan->trials[i].process, SIGTERM);
  for (int i = 0; i < plan->count; i++) {
    Trial *t = &plan->trials[i];
    if (t->state != TRIAL_RUNNING) continue;
    while (waitpid(t->process, NULL, 0) < 0 && errno == EINTR) {}
    t->state = TRIAL_WAITING;
  }
}
