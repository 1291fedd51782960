/* sweep: runs what a spec names, as many runs at a time as the machine has processors. One that
   was stopped continues. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/lock.h"
#include "run/program.h"
#include "run/stop.h"
#include "tools/trials/pool.h"
#include "tools/trials/screen.h"

typedef struct {
  int64_t jobs, threads;
  char out[OPTION_TEXT], train[OPTION_TEXT];
} SweepOptions;

#define FIELD(member) offsetof(SweepOptions, member)
static const Option options[] = {
    {.name = "jobs", .help = "Runs at a time (0: one per core)",
     .type = OPTION_INT, .at = FIELD(jobs), .fallback = "0", .max = 4096},
    {.name = "threads", .help = "Threads per run (0: the cores divided by --jobs)",
     .type = OPTION_INT, .at = FIELD(threads), .fallback = "0", .max = 4096},
    {.name = "out", .help = "Folder of the results (empty: runs/NAME-OF-THE-SPEC)",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "train", .help = "Program to run (empty: ./train)",
     .type = OPTION_WORD, .at = FIELD(train), .fallback = ""},
    {0},
};

static volatile sig_atomic_t stop_requested;
static Screen screen;

static void request_stop(int signal_number) {
  (void)signal_number;
  stop_requested = 1;
}

static void say(const char *sentence) { screen_say(&screen, sentence); }
static void say_comment(const char *sentence) {
  fputs("# ", stderr);
  quote_terminal(stderr, sentence);
  fputc('\n', stderr);
}

static void help(FILE *out) {
  OptionSet own = {.title = "options", .rows = options};
  OptionSet spec = {.title = "lines of a spec", .rows = spec_options};
  fprintf(out,
          "Trains with several optimizers, rates and seeds, for tools/compare.\n\n"
          "  tools/sweep tools/specs/compare-quick.spec\n"
          "  tools/sweep SPEC --steps 100 --seeds 1   override settings of the spec\n"
          "  tools/sweep SPEC --print                 print the commands that are due, one\n"
          "                                           per line, for another scheduler; run\n"
          "                                           sweep again when they have finished\n\n"
          "A spec is a file of lines name = value. Names that are not listed below are\n"
          "options of ./train; METHOD.NAME is for one method; several values are a grid:\n\n"
          "  optimizers = adamw muon muon:exact\n  model = nano\n  steps = 300\n"
          "  muon:exact.orthogonalize = svd\n\n"
          "The tuning seeds choose the rate, by the loss at the end of the full schedule.\n"
          "If the best rate is the smallest or largest, more are tried, and the other\n"
          "methods get as many trials. Then the evaluation seeds run at the chosen rate.\n\n");
  options_help(out, &own);
  fputc('\n', out);
  options_help(out, &spec);
}

/* ---- options and spec ---- */

/* Reads argv: the spec's path, `--print`, and settings. */
static int read_command(int argc, char **argv, SweepOptions *o, Spec *spec, int *print, Err *err) {
  char at[OPTION_TEXT + 1] = "", **rest = memory_take((size_t)argc + 2, sizeof *rest);
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

static void print_commands(const Plan *plan) {
  for (int i = 0; i < plan->count; i++) {
    if (plan->trials[i].state != TRIAL_WAITING) continue;
    char **arguments = plan_command(plan, &plan->trials[i]);
    for (char **a = arguments; *a; a++) {
      if (a != arguments) putchar(' ');
      quote_shell(stdout, *a);
    }
    putchar('\n');
    arguments_free(arguments);
  }
  int waiting = plan_count(plan, TRIAL_WAITING);
  if (waiting > 0) {
    fprintf(stderr, "# %d runs; run this again when they have finished: it may add runs\n",
            waiting);
    return;
  }
  fprintf(stderr, "# all runs have finished: tools/compare ");
  quote_path(stderr, plan->out);
  fputc('\n', stderr);
}

/* ---- running ---- */

static const char spec_sign[] = "# made from ";

/* Writes the spec, with what the command line changed, to the folder of the results. */
static int keep_spec(const Plan *plan, Err *err) {
  char path[OPTION_TEXT + 16], *text;
  size_t size;
  void *values = (void *)&plan->spec->options;
  OptionSet sets[] = {{.title = "spec", .rows = spec_options, .values = values}, {0}};
  FILE *out = open_memstream(&text, &size);
  fputs(spec_sign, out);
  quote_terminal(out, plan->spec->path);
  fputc('\n', out);
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
  snprintf(path, sizeof path, "%s/" SPEC_FILE, plan->out);
  int status = program_replace(path, text, size, sizeof spec_sign - 1, 0, err);
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
  State *before = memory_take((size_t)plan->count, sizeof *before);
  int count = plan->count;
  for (int i = 0; i < count; i++) before[i] = plan->trials[i].state;
  int ended = pool_watch(plan, err);
  for (int i = 0; i < count && ended > 0; i++)
    if (plan->trials[i].state != before[i]) screen_ended(&screen, plan, &plan->trials[i]);
  free(before);
  return ended < 0 || (ended > 0 && plan_advance(plan, err)) ? -1 : 0;
}

static int run_trials(Plan *plan, int64_t jobs, Err *err) {
  const struct timespec tick = {0, 100 * 1000 * 1000};
  screen_start(&screen, jobs);
  if (access(plan->program, X_OK) != 0)
    return fail(err, "%s: not a program: `make train` builds it, --train names another",
                plan->program);
  if (folder_make(plan->out, err) || lock_take(plan->out, err) < 0 || plan_advance(plan, err) ||
      keep_spec(plan, err))
    return -1; /* the lock ends with the program */
  for (;;) {
    if (stop_requested || start_due(plan, jobs, err) || plan_count(plan, TRIAL_RUNNING) == 0) break;
    screen_draw(&screen, plan, 0);
    nanosleep(&tick, NULL);
    if (watch(plan, err)) break;
  }
  int unfinished = plan_count(plan, TRIAL_RUNNING) + plan_count(plan, TRIAL_WAITING);
  screen_draw(&screen, plan, 1);
  pool_stop(plan);
  return unfinished > 0 && !stop_requested ? -1 : 0;
}

static int report(const Plan *plan) {
  int failed = plan_count(plan, TRIAL_FAILED);
  for (int i = 0; i < plan->count; i++) {
    const Trial *t = &plan->trials[i];
    char sentence[sizeof t->folder + sizeof t->message + 16];
    if (t->state != TRIAL_FAILED) continue;
    snprintf(sentence, sizeof sentence, "%s: failed: %s", t->folder, t->message);
    program_error("sweep", sentence);
  }
  if (stop_requested) {
    program_error("sweep", "stopped; run the same command to continue");
  } else if (!failed) {
    printf("done: %d runs, %d of them diverged; tools/compare ", plan->count,
           plan_count(plan, TRIAL_DIVERGED));
    quote_path(stdout, plan->out);
    printf(" shows the result\n");
  }
  return stop_requested ? EXIT_INTERRUPTED : failed ? EXIT_FAILED : EXIT_DONE;
}

static void catch_signals(void) {
  stop_ignore_broken_output();
  signal(SIGINT, request_stop);
  signal(SIGTERM, request_stop);
  if (signal(SIGHUP, request_stop) == SIG_IGN) signal(SIGHUP, SIG_IGN); /* under nohup */
}

static int run(int argc, char **argv, Err *err) {
  SweepOptions o;
  Spec *spec = memory_take(1, sizeof *spec);
  int print = 0, code = EXIT_USAGE;
  if (read_command(argc, argv, &o, spec, &print, err) == 0) {
    complete_options(&o, spec, argv[0]);
    Plan plan = {.spec = spec, .out = o.out, .program = o.train, .threads = o.threads,
                 .tell = print ? say_comment : say};
    catch_signals();
    int status = print ? plan_advance(&plan, err) : run_trials(&plan, o.jobs, err);
    if (status == 0 && print) print_commands(&plan);
    code = status ? EXIT_FAILED : print ? EXIT_DONE : report(&plan);
    if (!status) *err->text = 0; /* report has printed it */
    plan_free(&plan);
    spec_free(spec);
  }
  free(spec);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "sweep", .help = help, .run = run}, argc, argv);
}
