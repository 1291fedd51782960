#include "run/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/ranks.h"

static atomic_flag interrupted = ATOMIC_FLAG_INIT; /* several threads may handle signals */
static volatile sig_atomic_t asked; /* the first signal */
static volatile sig_atomic_t save;  /* SIGUSR1 came */
static int terminal;                /* end the live line of progress first */

static void say(const char *text) {
  ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
  (void)ignored;
}

static void ask(int number) {
  int saved = errno;
  /* Only a second SIGINT or SIGTERM stops at once: a closing terminal may send SIGHUP twice, and
     the limit on CPU time sends SIGXCPU every second. */
  if ((number == SIGINT || number == SIGTERM) && atomic_flag_test_and_set(&interrupted)) {
    signal(number, SIG_DFL);
    raise(number);
  }
  if (!asked) {
    if (terminal) say("\n");
    if (rank_number() == 0)
      say("train: stopping within this step and saving; a second signal stops now, without "
          "saving\n");
    asked = number;
  }
  errno = saved;
}

static void ask_save(int number) {
  save = number;
}

static void catch_one(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

/* The system kills the process at the hard limit, and `ulimit -t` sets both limits to the same
   value. */
static void leave_cpu_time(void) {
  const rlim_t most = 30; /* seconds left for saving */
  struct rlimit limit;
  if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return;
  rlim_t reserve = 1 + limit.rlim_max / 10 < most ? 1 + limit.rlim_max / 10 : most;
  if (limit.rlim_max <= reserve || limit.rlim_cur <= limit.rlim_max - reserve) return;
  limit.rlim_cur = limit.rlim_max - reserve;
  setrlimit(RLIMIT_CPU, &limit);
}

void stop_ignore_broken_output(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

void stop_catch(void) {
  struct sigaction hangup;
  terminal = isatty(STDERR_FILENO);
  catch_one(SIGINT, ask);
  catch_one(SIGTERM, ask);
  catch_one(SIGXCPU, ask);
  catch_one(SIGUSR1, ask_save);
  if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) catch_one(SIGHUP, ask);
  leave_cpu_time();
}

int stop_pending(void) { return asked != 0; }

const char *stop_reason(void) {
  int number = ranks_most(asked);
  if (!number) return NULL;
  return number == SIGXCPU ? "stopped by the CPU time limit" : "interrupted";
}

int stop_save_requested(void) {
  int requested = save != 0;
  save = 0;
  return requested;
}
