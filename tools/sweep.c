/* sweep: runs what a spec names, as many at a time as the machine has processors, and goes on
   where it was stopped. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "tools/trials/pool.h"
#include "tools/trials/screen.h"

enum { DONE = 0, FAILED = 1, USAGE = 2, INTERRUPTED = 130 };

typedef struct {
  int64_t jobs, threads;
  char out[OPTION_TEXT], train[OPTION_TEXT];
} SweepOptions;

#define FIELD(member) offsetof(SweepOptions, member)
static const Option options[] = {
    {.name = "jobs", .help = "runs at a time; 0: one per processor",
     .type = OPTION_INT, .at = FIELD(jobs), .fallback = "0", .max = 4096},
    {.name = "threads", .help = "of each run; 0: the processors divided by --jobs",
     .type = OPTION_INT, .at = FIELD(threads), .fallback = "0", .max = 4096},
    {.name = "out", .help = "folder of the results; empty: runs/NAME-OF-THE-SPEC",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "train", .help = "the program; empty: ./train",
     .type = OPTION_WORD, .at = FIELD(train), .fallback = ""},
    {0},
};

static volatile sig_atomic_t stop_asked;
static Screen screen;

static void ask_to_stop(int signal_number) {
  (void)signal_number;
  stop_asked = 1;
}

static void say(const char *sentence) { screen_say(&screen, sentence); }
static void say_aside(const char *sentence) { fprintf(stderr, "# %s\n", sentence); }

static void help(FILE *out) {
  OptionSet own = {.title = "options", .rows = options};
  OptionSet spec = {.title = "lines of a spec", .rows = spec_options};
  fprintf(out,
          "Trains with several optimizers, rates and seeds, for tools/compare to judge.\n\n"
          "  tools/sweep tools/specs/compare-quick.spec\n"
          "  tools/sweep SPEC --steps 100 --seeds 1    settings given here win over the spec's\n"
          "  tools/sweep SPEC --print                  only the commands that are due now, one\n"
          "                                            a line, for another engine; ask again\n"
          "                                            when they are done: more may be due\n\n"
          "A spec is a file of lines name = value. Every name that is not listed below is an\n"
          "option of ./train; METHOD.NAME is for one method, several values are a grid:\n\n"
          "  optimizers = adamw muon muon:exact\n  model = nano\n  steps = 300\n"
          "  muon:exact.orthogonalize = svd\n\n"
          "The rate is chosen on the tuning seeds, by the loss at the end of the full schedule;\n"
          "where the best one lies at the edge, more are tried, and the other methods get as many\n"
          "trials; then fresh seeds run at the chosen rate.\n\n");
  options_help(out, &own);
  fputc('\n', out);
  options_help(out, &spec);
}

/* ---- options and spec ---- */

/* Reads argv: the spec's path, `--print`, and settings. */
static int read_command(int argc, char **argv, SweepOptions *o, Spec *spec, int *print, Err *err) {
  char at[OPTION_TEXT + 1] = "", **rest = calloc((size_t)argc + 2, sizeof *rest);
  int kept = 2, many = 0;
  rest[0] = argv[0];
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--print") == 0) {
      *print = 1;
    } else if (strncmp(argv[i], "--", 2) == 0) {
      rest[kept++] = argv[i];
      if (!strchr(argv[i], '=') && i + 1 < argc) rest[kept++] = argv[++i];
    } else {
      many += *at != 0;
      snprintf(at, sizeof at, "@%.*s", OPTION_TEXT - 1, argv[i]);
    }
  }
  Settings settings = {0};
  OptionSet set = {.title = "sweep", .rows = options, .values = o};
  int status = 0;
  rest[1] = at;
  if (!*at || many) status = fail(err, "name one spec, such as tools/specs/compare-quick.spec");
  if (status == 0) status = settings_read(&settings, kept, rest, err);
  options_default(&set);
  for (const Option *row = options; row->name && status == 0; row++) {
    const char *value = settings_find(&settings, row->name, NULL);
    if (value) status = option_set(row, o, value, at + 1, err);
  }
  if (status == 0) status = spec_make(spec, at + 1, &settings, options, err);
  settings_free(&settings);
  free(rest);
  return status;
}

/* ./train, or the one in the folder above this program's. */
static void find_train(SweepOptions *o, const char *program) {
  const char *slash = strrchr(program, '/');
  snprintf(o->train, sizeof o->train, "./train");
  if (access(o->train, X_OK) != 0 && slash)
    snprintf(o->train, sizeof o->train, "%.*s/../train", (int)(slash - program), program);
}

static void complete_options(SweepOptions *o, const Spec *spec, const char *program) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (processors < 1) processors = 1;
  if (o->jobs == 0) o->jobs = o->threads > 0 && processors > o->threads ? processors / o->threads
                            : o->threads > 0 ? 1 : processors;
  if (o->threads == 0) o->threads = processors > o->jobs ? processors / o->jobs : 1;
  if (!*o->out) snprintf(o->out, sizeof o->out, "runs/%s", spec->name);
  if (!*o->train) find_train(o, program);
}

/* ---- --print ---- */

static void print_quoted(const char *word) {
  int plain = *word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789-_./:,=+@%")] == 0;
  if (!plain) putchar('\'');
  for (; *word; word++) {
    if (*word == '\'') fputs("'\\''", stdout);
    else putchar(*word);
  }
  if (!plain) putchar('\'');
}

static void print_commands(const Plan *plan) {
  for (int i = 0; i < plan->count; i++) {
    if (plan->trials[i].state != TRIAL_WAITING) continue;
    char **arguments = plan_command(plan, &plan->trials[i]);
    for (char **a = arguments; *a; a++) {
      if (a != arguments) putchar(' ');
      print_quoted(*a);
    }
    putchar('\n');
    arguments_free(arguments);
  }
  int waiting = plan_count(plan, TRIAL_WAITING);
  if (waiting == 0) fprintf(stderr, "# nothing left to run: tools/compare %s\n", plan->out);
  else fprintf(stderr, "# %d runs; when they are done, ask again: more may have become due\n",
               waiting);
}

/* ---- running ---- */

/* One sweep at a time in a folder; the lock goes when the program does. */
static int lock_folder(const char *out, Err *err) {
  char path[OPTION_TEXT + 16];
  if (folder_make(out, err)) return -1;
  snprintf(path, sizeof path, "%s/.lock", out);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  if (flock(file, LOCK_EX | LOCK_NB) != 0)
    return fail(err, "%s: another sweep is at work in this folder", out);
  return 0;
}

/* The spec as it is in force stands beside the results. */
static int keep_spec(const Plan *plan, Err *err) {
  char path[OPTION_TEXT + 16], *text;
  size_t size;
  void *values = (void *)&plan->spec->options;
  OptionSet sets[] = {{.title = "spec", .rows = spec_options, .values = values}, {0}};
  FILE *out = open_memstream(&text, &size);
  fprintf(out, "# made from %s\n", plan->spec->path);
  options_write(out, sets);
  for (int i = 0; i < plan->spec->count; i++) {
    const Method *m = &plan->spec->methods[i];
    for (int j = 0; j < m->fixed; j++) {
      char name[sizeof m->name + sizeof *m->fixed_names];
      snprintf(name, sizeof name, "%s.%s", m->name, m->fixed_names[j]);
      option_write(out, name, m->fixed_values[j]);
    }
    for (int d = 0; d < m->dimensions; d++) {
      fprintf(out, "%s.%s =", m->name, m->grid[d].name);
      for (int j = 0; j < m->grid[d].count; j++) fprintf(out, " %s", m->grid[d].values[j]);
      fputc('\n', out);
    }
  }
  fclose(out);
  snprintf(path, sizeof path, "%s/sweep.spec", plan->out);
  int status = file_write(path, text, size, err);
  free(text);
  return status;
}

static int start_due(Plan *plan, int64_t jobs, Err *err) {
  int running = plan_count(plan, TRIAL_RUNNING);
  for (int i = 0; i < plan->count && running < jobs; i++) {
    if (plan->trials[i].state != TRIAL_WAITING) continue;
    if (pool_start(plan, &plan->trials[i], err)) return -1;
    running++;
  }
  return 0;
}

static int watch(Plan *plan, Err *err) {
  State *before = malloc((size_t)plan->count * sizeof *before);
  int count = plan->count;
  for (int i = 0; i < count; i++) before[i] = plan->trials[i].state;
  int ended = pool_watch(plan, err);
  for (int i = 0; i < count && ended > 0; i++)
    if (plan->trials[i].state != before[i]) screen_ended(&screen, plan, &plan->trials[i]);
  free(before);
  return ended < 0 || (ended > 0 && plan_advance(plan, err)) ? -1 : 0;
}

static int run(Plan *plan, int64_t jobs, Err *err) {
  const struct timespec tick = {0, 100 * 1000 * 1000};
  screen_start(&screen, jobs);
  if (access(plan->program, X_OK) != 0)
    return fail(err, "%s: not a program: `make train` builds it, --train names another",
                plan->program);
  if (lock_folder(plan->out, err) || plan_advance(plan, err) || keep_spec(plan, err)) return -1;
  for (;;) {
    if (stop_asked || start_due(plan, jobs, err) || plan_count(plan, TRIAL_RUNNING) == 0) break;
    screen_draw(&screen, plan, 0);
    nanosleep(&tick, NULL);
    if (watch(plan, err)) break;
  }
  int unfinished = plan_count(plan, TRIAL_RUNNING) + plan_count(plan, TRIAL_WAITING);
  screen_draw(&screen, plan, 1);
  pool_stop(plan);
  return unfinished > 0 && !stop_asked ? -1 : 0;
}

static int report(const Plan *plan) {
  int failed = plan_count(plan, TRIAL_FAILED);
  for (int i = 0; i < plan->count; i++)
    if (plan->trials[i].state == TRIAL_FAILED)
      fprintf(stderr, "sweep: %s: failed: %s\n", plan->trials[i].folder, plan->trials[i].message);
  if (stop_asked) fprintf(stderr, "sweep: stopped; the same command goes on from here\n");
  else if (!failed)
    printf("done: %d runs, %d of them diverged; tools/compare %s shows the result\n", plan->count,
           plan_count(plan, TRIAL_DIVERGED), plan->out);
  return stop_asked ? INTERRUPTED : failed ? FAILED : DONE;
}

int main(int argc, char **argv) {
  SweepOptions o;
  Spec *spec = calloc(1, sizeof *spec);
  Err err;
  int print = 0, code;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      help(stdout);
      free(spec);
      return DONE;
    }
  if (read_command(argc, argv, &o, spec, &print, &err)) {
    fprintf(stderr, "sweep: %s\n", err.text);
    free(spec);
    return USAGE;
  }
  complete_options(&o, spec, argv[0]);
  Plan plan = {.spec = spec, .out = o.out, .program = o.train, .threads = o.threads,
               .tell = print ? say_aside : say};
  signal(SIGINT, ask_to_stop);
  signal(SIGTERM, ask_to_stop);
  if (signal(SIGHUP, ask_to_stop) == SIG_IGN) signal(SIGHUP, SIG_IGN); /* under nohup */
  int status = print ? plan_advance(&plan, &err) : run(&plan, o.jobs, &err);
  if (status) fprintf(stderr, "sweep: %s\n", err.text);
  else if (print) print_commands(&plan);
  code = status ? FAILED : print ? DONE : report(&plan);
  plan_free(&plan);
  spec_free(spec);
  free(spec);
  return code;
}
