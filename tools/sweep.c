/* sweep: runs what a spec names, as many runs at a time as the machine has processors. One that
   was stopped continues; several can share a folder. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "core/terminal.h"
#include "core/text.h"
#include "run/lock.h"
#include "run/program.h"
#include "run/runlog.h"
#include "run/stop.h"
#include "tools/report/differences.h"
#include "tools/trials/pool.h"
#include "tools/trials/screen.h"

typedef struct {
  int64_t jobs, threads, limit;
  char out[OPTION_TEXT], train[OPTION_TEXT];
} SweepOptions;

#define FIELD(member) offsetof(SweepOptions, member)
static const Option options[] = {
    {.name = "jobs", .help = "Runs at a time (0: one per core)",
     .type = OPTION_INT, .at = FIELD(jobs), .fallback = "0", .max = 4096},
    {.name = "threads", .help = "Threads per run (0: the cores divided by --jobs)",
     .type = OPTION_INT, .at = FIELD(threads), .fallback = "0", .max = 4096},
    {.name = "limit", .help = "End after this number of finished runs (0: when all have finished)",
     .type = OPTION_INT, .at = FIELD(limit), .fallback = "0", .max = 1000000},
    {.name = "out", .help = "Folder of the results (empty: runs/NAME-OF-THE-SPEC, or runs/sweep)",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "train", .help = "Program to run (empty: ./train)",
     .type = OPTION_WORD, .at = FIELD(train), .fallback = ""},
    {0},
};

static void help(FILE *out) {
  OptionSet own = {.title = "options", .rows = options};
  OptionSet spec = {.title = "lines of a spec", .rows = spec_options};
  fprintf(out,
          "Trains with several optimizers, settings and seeds; tools/compare compares them.\n\n"
          "  tools/sweep tools/specs/compare-quick.spec\n"
          "  tools/sweep SPEC --steps 100 --seeds 1   override settings of the spec\n"
          "  tools/sweep --optimizers \"adamw muon\" --weight-decay \"0 0.1\"   without a spec\n"
          "  tools/sweep --optimizers \"adamw muon\" --lr 1e-4..1e-1 --random 16\n"
          "  tools/sweep runs/NAME                    continue the sweep in a folder\n"
          "  tools/sweep SPEC --dry-run               list the runs\n"
          "  tools/sweep SPEC --print                 print the commands that are due, one\n"
          "                                           per line, for another scheduler; run\n"
          "                                           sweep again when they have finished\n"
          "  tools/sweep SPEC --slurm                 write a job array for Slurm and print\n"
          "                                           the sbatch command that submits it\n"
          "  tools/sweep --init my.spec               write a spec to begin with\n\n"
          "A spec is a file of lines name = value. Names that are not listed below are\n"
          "options of ./train; METHOD.NAME is for one method; several values are a grid:\n\n"
          "  optimizers = adamw muon muon:exact\n  model = nano\n  steps = 300\n"
          "  muon:exact.orthogonalize = svd\n  weight-decay = 0 0.1\n\n"
          "With --random N, each method gets N random trials instead, from lists of values\n"
          "and ranges such as lr = 1e-4..1e-1 (log-uniform; log-uniform in 1 - x if both\n"
          "ends are from 0.5 to below 1; uniform if it starts at 0 or below).\n\n"
          "The tuning seeds choose the settings, by the loss at the end of the full\n"
          "schedule. If the best rate of a grid is the smallest or largest, more are tried,\n"
          "and the other methods get as many trials. Then the evaluation seeds run at the\n"
          "chosen settings. Several sweeps of one spec may run at once in one folder.\n\n");
  options_help(out, &own);
  fputc('\n', out);
  options_help(out, &spec);
}

/* ---- options and spec ---- */

typedef enum { DO_RUN, DO_PRINT, DO_SLURM, DO_LIST, DO_TEMPLATE } Task;

typedef struct {
  Task task;
  char spec[OPTION_TEXT]; /* path, or "" */
  char template[OPTION_TEXT];
} Command;

/* Takes the task from argv. `--init X.spec` writes a template; other values of --init are
   initial weights. */
static void take_task(Command *c, int *argc, char **argv) {
  int kept = 1;
  for (int i = 1; i < *argc; i++) {
    int has_template = i + 1 < *argc && text_ends(argv[i + 1], ".spec");
    if (strcmp(argv[i], "--print") == 0) c->task = DO_PRINT;
    else if (strcmp(argv[i], "--slurm") == 0) c->task = DO_SLURM;
    else if (strcmp(argv[i], "--dry-run") == 0) c->task = DO_LIST;
    else if (strcmp(argv[i], "--init") == 0 && has_template) {
      c->task = DO_TEMPLATE;
      snprintf(c->template, sizeof c->template, "%s", argv[++i]);
    } else argv[kept++] = argv[i];
  }
  *argc = kept;
}

/* The spec's path, of a file or of a sweep's folder, which is then that of the results too. */
static int name_spec(Command *c, SweepOptions *o, const char *const *words, int count, Err *err) {
  static const char example[] = "such as tools/specs/compare-quick.spec";
  if (count > 1)
    return fail(err, "%.200s, %.200s: name one spec, %s; several values are written in quotes",
                words[0], words[1], example);
  if (count == 0) return 0;
  if (access(words[0], F_OK) != 0)
    return fail(err, "%.200s: cannot be opened: there is no such spec; several values are written "
                     "in quotes", words[0]);
  snprintf(c->spec, sizeof c->spec, "%s", words[0]);
  if (!folder_exists(words[0])) return 0;
  size_t length = strlen(words[0]);
  while (length > 1 && words[0][length - 1] == '/') length--;
  snprintf(o->out, sizeof o->out, "%.*s", (int)length, words[0]);
  snprintf(c->spec, sizeof c->spec, "%.*s/" SPEC_FILE, OPTION_TEXT - 16, o->out);
  if (!file_exists(c->spec))
    return fail(err, "%s: not the folder of a sweep: it has no " SPEC_FILE, o->out);
  return 0;
}

/* Moves words such as lr=1e-3..1e-1 to the options. Returns how many words stay. */
static int move_settings(const char **words, int count, char **options_out, int *n) {
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (!strchr(words[i], '=') || access(words[i], F_OK) == 0) {
      words[kept++] = words[i];
      continue;
    }
    char *option = memory_take(strlen(words[i]) + 3, 1);
    sprintf(option, "--%s", words[i]); /* lives as long as the program, as argv does */
    options_out[(*n)++] = option;
  }
  return kept;
}

static int read_settings(Command *c, SweepOptions *o, Settings *s, int argc, char **argv,
                         Err *err) {
  char at[OPTION_TEXT + 1], **rest = memory_take((size_t)argc + 3, sizeof *rest);
  const char **words = memory_take((size_t)argc + 1, sizeof *words);
  OptionSet set = {.title = "sweep", .rows = options, .values = o};
  int n = 2, count = program_words(&argc, argv, (char **)words);
  options_default(&set);
  count = move_settings(words, count, rest, &n);
  int status = name_spec(c, o, words, count, err);
  rest[0] = argv[0];
  rest[1] = at;
  snprintf(at, sizeof at, "@%s", c->spec);
  for (int i = 1; i < argc; i++) rest[n++] = argv[i];
  if (status == 0) /* without a spec, rest + 1 begins with a word that is skipped too */
    status = settings_read(s, *c->spec ? n : n - 1, *c->spec ? rest : rest + 1, err);
  for (const Option *row = options; row->name && status == 0; row++) {
    const char *value = settings_find(s, row->name, NULL);
    if (value) status = option_set(row, o, value, "sweep", err);
  }
  if (status == 0 && !*c->spec && c->task != DO_TEMPLATE && !settings_find(s, "optimizers", NULL))
    status = fail(err, "name one spec, such as tools/specs/compare-quick.spec, or the "
                       "--optimizers to compare");
  free(words);
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

/* The machine that makes a job array is not the one that runs it: --jobs and --threads stay. */
static void complete_options(SweepOptions *o, Task task, const Spec *spec, const char *program) {
  if (!*o->out) snprintf(o->out, sizeof o->out, "runs/%s", spec->name);
  if (!*o->train) find_train(o, program);
  if (task == DO_SLURM) return;
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (processors < 1) processors = 1;
  if (o->jobs == 0) o->jobs = o->threads > 0 && processors > o->threads ? processors / o->threads
                            : o->threads > 0 ? 1 : processors;
  if (o->threads == 0) o->threads = processors > o->jobs ? processors / o->jobs : 1;
}

/* ---- without running ---- */

static int write_template(const Command *c, const Settings *s, Err *err) {
  char *text;
  size_t size;
  Spec spec = {.path = "the template"};
  OptionSet set = {.title = "spec", .rows = spec_options, .values = &spec.options};
  int status = 0;
  options_default(&set);
  for (const Option *row = spec_options; row->name && status == 0; row++) {
    const char *value = settings_find(s, row->name, NULL);
    if (value) status = option_set(row, &spec.options, value, "the command line", err);
  }
  FILE *out = open_memstream(&text, &size);
  spec_template(out, &spec.options);
  fclose(out);
  if (status == 0) status = program_replace(c->template, text, size, 0, 0, err);
  free(text);
  if (status) return status;
  printf("edit it, then: tools/sweep ");
  quote_path(stdout, c->template);
  putchar('\n');
  return 0;
}

static void say_finished(const Plan *plan) {
  fprintf(stderr, "# all runs have finished: tools/compare ");
  quote_path(stderr, plan->out);
  fputc('\n', stderr);
}

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
  say_finished(plan);
}

static void list_trials(const Plan *plan) {
  for (int i = 0; i < plan->count; i++) {
    const Trial *t = &plan->trials[i];
    char name[400];
    plan_trial_name(plan, t, name, sizeof name);
    quote_terminal(stdout, name);
    if (t->state == TRIAL_FINISHED) printf(": val loss %.4f", t->loss);
    else if (t->state == TRIAL_DIVERGED) printf(": diverged");
    else printf(", %lld steps", (long long)t->steps);
    putchar('\n');
  }
  printf("%d runs, %d of them done; then %d or more, which depend on their results; folder ",
         plan->count, plan_ended(plan), plan_expected(plan) - plan->count);
  quote_path(stdout, plan->out);
  putchar('\n');
}

/* ---- output and the spec in the folder ---- */

static const double REDRAW_SECONDS = 0.5;
static volatile sig_atomic_t stop_requested;
static int table_lines; /* of the table on the terminal now */

static void request_stop(int signal_number) {
  (void)signal_number;
  stop_requested = 1;
}

static void erase_table(void) {
  if (table_lines > 0) printf("\033[%dA\r\033[J", table_lines);
  table_lines = 0;
}

static void draw_table(const Plan *plan, int64_t jobs, int now) {
  static double drawn;
  int width = 80, height = 24;
  if (!isatty(STDOUT_FILENO) || (!now && clock_seconds() - drawn < REDRAW_SECONDS)) return;
  drawn = clock_seconds();
  terminal_size(STDOUT_FILENO, &width, &height);
  erase_table();
  table_lines = screen_table(stdout, plan, jobs, width - 1, height - 1);
  fflush(stdout);
}

static void say(const char *sentence) {
  erase_table();
  quote_terminal(stdout, sentence);
  putchar('\n');
  fflush(stdout);
}

static void say_comment(const char *sentence) {
  fputs("# ", stderr);
  quote_terminal(stderr, sentence);
  fputc('\n', stderr);
}

static const char spec_sign[] = "# made from ";

/* Writes the spec, with what the command line changed, to the folder of the results, unless another
   sweep is doing so now. */
static int keep_spec(const Plan *plan, Err *err) {
  char path[OPTION_TEXT + 16], *text;
  size_t size;
  if (runlog_exists(plan->out))
    return fail(err, "--out %s: is the folder of a run, not of a sweep; choose another", plan->out);
  int held, lock = lock_name(plan->out, ".lock", &held, err);
  if (lock < 0) return held ? 0 : -1;
  FILE *out = open_memstream(&text, &size);
  fputs(spec_sign, out);
  quote_terminal(out, plan->spec->path);
  fputc('\n', out);
  spec_write(out, plan->spec);
  fclose(out);
  snprintf(path, sizeof path, "%s/" SPEC_FILE, plan->out);
  int status = program_replace(path, text, size, sizeof spec_sign - 1, 0, err);
  lock_release(lock);
  free(text);
  return status;
}

/* ---- a job array ---- */

enum { ARRAY_TASKS = 1000 }; /* Slurm's default limit */
static const char array_sign[] = "#!/bin/sh\n#SBATCH --";

/* Each task is a sweep in the folder of the results. There are as many tasks as runs, so that the
   later ones continue when earlier ones reach their time limit. */
static void write_array(FILE *out, const Plan *plan, const SweepOptions *o, const char *program) {
  int tasks = plan_expected(plan) - plan_ended(plan);
  char log[2 * OPTION_TEXT + 32], *end = log;
  for (const char *c = plan->out; *c; c++) {
    if (*c == '%') *end++ = '%'; /* Slurm's patterns begin with it */
    *end++ = *c;
  }
  strcpy(end, "/slurm-%A-%a.txt");
  fprintf(out, "%sarray=1-%d", array_sign, tasks < ARRAY_TASKS ? tasks : ARRAY_TASKS);
  if (o->jobs > 0) fprintf(out, "%%%lld", (long long)o->jobs);
  fprintf(out, "\n#SBATCH --cpus-per-task=%lld\n#SBATCH --job-name=",
          (long long)(o->threads > 0 ? o->threads : 1));
  quote_shell(out, plan->spec->name);
  fputs("\n#SBATCH --output=", out);
  quote_shell(out, log);
  fputs("\nexec ", out);
  quote_path(out, program);
  fputc(' ', out);
  quote_path(out, plan->out);
  fputs(" --train ", out);
  quote_path(out, plan->program);
  fputs(" --jobs 1 --threads \"$SLURM_CPUS_PER_TASK\"", out);
  if (o->limit > 0) fprintf(out, " --limit %lld", (long long)o->limit);
  fputc('\n', out);
}

/* Writes OUT/sweep.sbatch and prints the command that submits it. */
static int make_array(const Plan *plan, const SweepOptions *o, const char *program, Err *err) {
  char path[OPTION_TEXT + 16], *text;
  size_t size;
  if (plan_expected(plan) == plan_ended(plan)) {
    say_finished(plan);
    return 0;
  }
  if (folder_make(plan->out, err) || keep_spec(plan, err)) return -1;
  FILE *out = open_memstream(&text, &size);
  write_array(out, plan, o, program);
  fclose(out);
  snprintf(path, sizeof path, "%s/sweep.sbatch", plan->out);
  int status = program_replace(path, text, size, sizeof array_sign - 1, 0, err);
  free(text);
  if (status) return -1;
  printf("sbatch ");
  quote_path(stdout, path);
  putchar('\n');
  return 0;
}

/* ---- running ---- */

static void tell_end(const Plan *plan, const Trial *t) {
  char sentence[800];
  screen_ended(plan, t, sentence, sizeof sentence);
  say(sentence);
}

static int start_due(Plan *plan, int64_t jobs, Err *err) {
  int running = plan_count(plan, TRIAL_RUNNING), ended = 0;
  for (int i = 0; i < plan->count && running < jobs; i++) {
    Trial *t = &plan->trials[i];
    if (t->state != TRIAL_WAITING) continue;
    if (pool_start(plan, t, err)) return -1;
    running += t->state == TRIAL_RUNNING;
    ended += t->state >= TRIAL_FINISHED;
    if (t->state >= TRIAL_FINISHED) tell_end(plan, t);
  }
  return ended > 0 ? plan_advance(plan, err) || start_due(plan, jobs, err) ? -1 : 0 : 0;
}

/* *completed counts the runs that ended here with a result. */
static int watch(Plan *plan, int64_t *completed, Err *err) {
  State *before = memory_take((size_t)plan->count, sizeof *before);
  int count = plan->count;
  for (int i = 0; i < count; i++) before[i] = plan->trials[i].state;
  int ended = pool_watch(plan, err);
  for (int i = 0; i < count && ended > 0; i++) {
    const Trial *t = &plan->trials[i];
    if (t->state < TRIAL_FINISHED || before[i] >= TRIAL_FINISHED) continue;
    tell_end(plan, t);
    *completed += before[i] == TRIAL_RUNNING && t->state != TRIAL_FAILED;
  }
  free(before);
  return ended < 0 || (ended > 0 && plan_advance(plan, err)) ? -1 : 0;
}

/* How many runs may be active. */
static int64_t room(const SweepOptions *o, int64_t completed) {
  int64_t left = o->limit - completed;
  return o->limit == 0 || left > o->jobs ? o->jobs : left;
}

static int run_trials(Plan *plan, const SweepOptions *o, Err *err) {
  const struct timespec tick = {0, 100 * 1000 * 1000};
  int status = 0;
  int64_t completed = 0;
  if (access(plan->program, X_OK) != 0)
    return fail(err, "%s: not a program: `make train` builds it, --train names another",
                plan->program);
  if (folder_make(plan->out, err) || plan_advance(plan, err) || keep_spec(plan, err)) return -1;
  while (!stop_requested && room(o, completed) > 0 &&
         (status = start_due(plan, room(o, completed), err)) == 0 &&
         plan_count(plan, TRIAL_RUNNING) + plan_count(plan, TRIAL_ELSEWHERE) > 0) {
    draw_table(plan, o->jobs, 0);
    nanosleep(&tick, NULL);
    if ((status = watch(plan, &completed, err))) break;
  }
  draw_table(plan, o->jobs, 1);
  pool_stop(plan);
  return stop_requested ? 0 : status;
}

/* The settings in which the results of the methods differ. */
static void print_differences(const Plan *plan) {
  RunLog *logs = memory_take(SPEC_METHODS, sizeof *logs);
  const char *names[SPEC_METHODS];
  int runs = 0;
  Err ignored;
  for (int m = 0; m < plan->spec->count; m++) {
    int at = plan->methods[m].chosen;
    for (int i = 0; i < plan->count; i++)
      if (plan->trials[i].method == m && plan->trials[i].stage == STAGE_FINAL) at = i;
    if (runlog_read(&logs[runs], plan->trials[at].folder, &ignored) == 0)
      names[runs++] = plan->spec->methods[m].name;
  }
  Differences d = differences_find(logs, runs, EFFECT_TASK);
  if (d.count > 0) printf("settings that differ:\n");
  differences_write(stdout, &d, names);
  differences_free(&d);
  for (int i = 0; i < runs; i++) runlog_free(&logs[i]);
  free(logs);
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
  } else if (!failed && plan_ended(plan) < plan->count) {
    printf("%d of %d runs have ended; run the same command to continue\n", plan_ended(plan),
           plan_expected(plan));
  } else if (!failed) {
    print_differences(plan);
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

static int do_task(const Command *c, const SweepOptions *o, const Spec *spec, const char *program,
                   Err *err) {
  Plan plan = {.spec = spec, .out = o->out, .program = o->train, .threads = o->threads,
               .tell = c->task == DO_RUN ? say : say_comment};
  catch_signals();
  int status = c->task == DO_RUN ? run_trials(&plan, o, err) : plan_advance(&plan, err);
  int code = status ? EXIT_FAILED : EXIT_DONE;
  if (status == 0 && c->task == DO_PRINT) print_commands(&plan);
  if (status == 0 && c->task == DO_SLURM && make_array(&plan, o, program, err)) code = EXIT_FAILED;
  if (status == 0 && c->task == DO_LIST) list_trials(&plan);
  if (status == 0 && c->task == DO_RUN) {
    code = report(&plan);
    *err->text = 0; /* report has printed it */
  }
  plan_free(&plan);
  return code;
}

static int run(int argc, char **argv, Err *err) {
  SweepOptions o;
  Command c = {0};
  Settings settings = {0};
  Spec *spec = memory_take(1, sizeof *spec);
  int code = EXIT_USAGE;
  take_task(&c, &argc, argv);
  int status = read_settings(&c, &o, &settings, argc, argv, err);
  if (status == 0 && c.task == DO_TEMPLATE) {
    code = write_template(&c, &settings, err) ? EXIT_FAILED : EXIT_DONE;
  } else if (status == 0 &&
             spec_make(spec, *c.spec ? c.spec : "sweep", &settings, options, err) == 0) {
    complete_options(&o, c.task, spec, argv[0]);
    code = do_task(&c, &o, spec, argv[0], err);
    spec_free(spec);
  }
  settings_free(&settings);
  free(spec);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "sweep", .help = help, .run = run}, argc, argv);
}
