/* runs: the runs in folders, with their state. */
#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/csv.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/quantile.h"
#include "core/quote.h"
#include "core/terminal.h"
#include "run/lock.h"
#include "run/program.h"
#include "tools/report/differences.h"
#include "tools/report/runset.h"

#define SORTS(X)                                                                                \
  X(SORT_NAME, "name") X(SORT_METHOD, "method") X(SORT_STATE, "state") X(SORT_STEP, "step")     \
  X(SORT_VAL, "val") X(SORT_SPEED, "speed") X(SORT_SIZE, "size") X(SORT_TIME, "time")
enum { SORTS(CHOICE_NAME) };
#define FORMATS(X) X(FORMAT_TEXT, "text") X(FORMAT_CSV, "csv") X(FORMAT_JSON, "json")
enum { FORMATS(CHOICE_NAME) };

typedef struct {
  int sort, format;
  int64_t watch;
} RunsOptions;

#define FIELD(member) offsetof(RunsOptions, member)
static const Option options[] = {
    {.name = "sort",
     .help = "Sort order: best val or speed, largest size, or latest time first",
     .type = OPTION_CHOICE, .at = FIELD(sort), .fallback = "name", .choices = SORTS(CHOICE_WORD)},
    {.name = "format", .help = "Format of the table",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "text",
     .choices = FORMATS(CHOICE_WORD)},
    {.name = "watch",
     .help = "Seconds between updates of the table, until Ctrl-C (0: show it once; without a "
             "number: 2)",
     .type = OPTION_INT, .at = FIELD(watch), .fallback = "0", .max = 86400,
     .needs = "format=text"},
    {0},
};

static void help(FILE *out) {
  OptionSet set = {.title = "options", .rows = options};
  fprintf(out, "Lists runs: method, the settings in which they differ, state, steps done, last\n"
               "validation loss, speed and size on disk.\n\n"
               "  tools/runs                              # all runs in runs/\n"
               "  tools/runs runs/nano --sort val\n"
               "  tools/runs --watch\n"
               "  tools/runs --format json\n\n"
               "A run is running (a process writes to it), finished, diverged, stopped (info.txt\n"
               "has the reason), or unfinished (it was killed).\n\n");
  options_help(out, &set);
}

/* ---- one run ---- */

/* The columns; CSV and JSON have the names in `exact`. */
enum { RUN, METHOD, SETTINGS, STATE, STEP, STEPS, VAL, SPEED, SIZE, COLUMNS };
static const struct {
  const char *head, *exact;
  int number;
} columns[COLUMNS] = {
    [RUN] = {"run", "run", 0},
    [METHOD] = {"method", "method", 0},
    [SETTINGS] = {"settings that differ", "settings", 0},
    [STATE] = {"state", "state", 0},
    [STEP] = {"step", "step", 1},
    [STEPS] = {"of", "steps", 1},
    [VAL] = {"val loss", "val_loss", 1},
    [SPEED] = {"tokens/s", "tokens_per_s", 1},
    [SIZE] = {"size", "bytes", 1},
};

typedef struct {
  char *text[COLUMNS], *exact[COLUMNS]; /* for a person, for a program */
  double val, speed, bytes, written, step;
} Row;

static char *format_text(const char *format, ...) {
  char text[OPTION_TEXT];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return memory_text(text);
}

static char *format_number(const char *format, double number) {
  return isfinite(number) ? format_text(format, number) : memory_text("");
}

static const char *state_of(const RunLog *log) {
  static const char *const names[] = {[RUN_UNFINISHED] = "unfinished", [RUN_FINISHED] = "finished",
                                      [RUN_DIVERGED] = "diverged", [RUN_STOPPED] = "stopped"};
  return lock_is_held(log->path) ? "running" : names[log->end];
}

static double median_speed(const RunLog *log) {
  double *speed = memory_take((size_t)log->count, sizeof *speed);
  for (int i = 0; i < log->count; i++) speed[i] = log->rows[i].tokens_per_s;
  double median = quantile(speed, log->count, 0.5);
  free(speed);
  return median;
}

static double folder_bytes;

static int add_bytes(const char *path, const struct stat *file, int kind, struct FTW *walk) {
  (void)path, (void)kind, (void)walk;
  folder_bytes += 512.0 * (double)file->st_blocks;
  return 0;
}

static double size_of(const char *path) {
  folder_bytes = 0;
  return nftw(path, add_bytes, 16, FTW_PHYS) ? NAN : folder_bytes;
}

/* Whether runs of the same optimizer differ in the setting. */
static int differs_within(const Difference *row, const RunLog *logs, int count, int run) {
  const char *optimizer = runlog_option(&logs[run], "optimizer");
  for (int i = 0; i < count; i++)
    if (strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0 &&
        strcmp(row->values[i], row->values[run]) != 0)
      return 1;
  return 0;
}

/* "lr 0.02, seed 3": what differs from runs of the same optimizer first. --data-seed follows --seed
   unless it is given. */
static char *settings_of(const Differences *d, const RunLog *logs, int run) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  for (int within = 1; within >= 0; within--)
    for (int i = 0; i < d->count; i++) {
      const char *name = d->rows[i].name, *value = d->rows[i].values[run];
      if (!*value || strcmp(name, "optimizer") == 0 ||
          differs_within(&d->rows[i], logs, d->runs, run) != within ||
          (strcmp(name, "data-seed") == 0 &&
           strcmp(value, runlog_option(&logs[run], "seed")) == 0))
        continue;
      fprintf(out, "%s%s %s", ftell(out) > 0 ? ", " : "", name, value);
    }
  fclose(out);
  return text;
}

static Row make_row(const RunLog *logs, const Differences *d, int run) {
  const RunLog *log = &logs[run];
  Row r = {.val = runlog_final_val(log), .speed = median_speed(log), .bytes = size_of(log->path),
           .written = runlog_written(log->path), .step = (double)log->rows[log->count - 1].step};
  r.text[RUN] = memory_text(log->path);
  r.text[METHOD] = memory_text(runlog_option(log, "optimizer"));
  r.text[SETTINGS] = settings_of(d, logs, run);
  r.text[STATE] = memory_text(state_of(log));
  r.text[STEP] = format_number("%.0f", r.step);
  r.text[STEPS] = memory_text(runlog_option(log, "steps"));
  r.text[VAL] = format_number("%.4f", r.val);
  r.text[SPEED] = format_number("%.0f", r.speed);
  r.text[SIZE] = r.bytes < 1e6 ? format_number("%.0f kB", r.bytes / 1e3)
                 : r.bytes < 1e9 ? format_number("%.1f MB", r.bytes / 1e6)
                                 : format_number("%.1f GB", r.bytes / 1e9);
  for (int c = 0; c < COLUMNS; c++) r.exact[c] = memory_text(r.text[c]);
  free(r.exact[VAL]), r.exact[VAL] = format_number("%.9g", r.val);
  free(r.exact[SPEED]), r.exact[SPEED] = format_number("%.9g", r.speed);
  free(r.exact[SIZE]), r.exact[SIZE] = format_number("%.0f", r.bytes);
  return r;
}

static void free_row(Row *r) {
  for (int c = 0; c < COLUMNS; c++) free(r->text[c]), free(r->exact[c]);
}

/* ---- order ---- */

static int sort_by; /* of qsort's comparison */

/* Small first; NaN last. */
static int ascending_nan_last(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

static int in_order(const void *a, const void *b) {
  const Row *x = a, *y = b;
  int order = 0;
  switch (sort_by) {
    case SORT_METHOD: order = strcmp(x->text[METHOD], y->text[METHOD]); break;
    case SORT_STATE: order = strcmp(x->text[STATE], y->text[STATE]); break;
    case SORT_STEP: order = ascending_nan_last(-x->step, -y->step); break;
    case SORT_VAL: order = ascending_nan_last(x->val, y->val); break;
    case SORT_SPEED: order = ascending_nan_last(-x->speed, -y->speed); break;
    case SORT_SIZE: order = ascending_nan_last(-x->bytes, -y->bytes); break;
    case SORT_TIME: order = ascending_nan_last(-x->written, -y->written); break;
    default: break;
  }
  return order ? order : strcmp(x->text[RUN], y->text[RUN]);
}

/* ---- output ---- */

/* Makes columns narrower, then leaves them out (width 0), until the row has room. */
static void fit(int *width, int room) {
  static const struct {
    int column, least;
  } steps[] = {{SETTINGS, 20}, {SIZE, 0}, {SPEED, 0}, {RUN, 28}, {SETTINGS, 0}, {STEPS, 0},
               {RUN, 16}, {STEP, 0}, {METHOD, 0}, {RUN, 8}};
  int over = -2 - room;
  for (int c = 0; c < COLUMNS; c++) over += width[c] + 2;
  for (size_t i = 0; i < sizeof steps / sizeof *steps && over > 0; i++) {
    int *w = &width[steps[i].column], least = steps[i].least;
    if (*w <= least) continue;
    int to = least == 0 ? 0 : *w - over < least ? least : *w - over;
    over -= *w - to + (to == 0 ? 2 : 0);
    *w = to;
  }
}

/* Cuts a cell to its width: paths keep their end, other texts their beginning. */
static void put_cell(const char *text, int column, const int *width) {
  int room = width[column], length = (int)strlen(text), cut = length > room;
  char part[OPTION_TEXT];
  if (room == 0) return;
  if (column > 0) fputs("  ", stdout);
  if (columns[column].number) printf("%*s", room - length, "");
  if (cut && column == RUN) snprintf(part, sizeof part, "..%s", text + length - room + 2);
  else if (cut) snprintf(part, sizeof part, "%.*s..", room - 2, text);
  else snprintf(part, sizeof part, "%s", text);
  quote_terminal(stdout, part);
  if (!columns[column].number && column + 1 < COLUMNS) printf("%*s", cut ? 0 : room - length, "");
}

static void print_text(const Row *rows, int count, int wide, int most) {
  int width[COLUMNS], shown = count > most ? most : count;
  for (int c = 0; c < COLUMNS; c++) {
    width[c] = 0;
    for (int i = 0; i < count; i++)
      if ((int)strlen(rows[i].text[c]) > width[c]) width[c] = (int)strlen(rows[i].text[c]);
    if (width[c] > 0 && width[c] < (int)strlen(columns[c].head))
      width[c] = (int)strlen(columns[c].head);
  }
  fit(width, wide);
  for (int i = -1; i < shown; i++) {
    for (int c = 0; c < COLUMNS; c++) put_cell(i < 0 ? columns[c].head : rows[i].text[c], c, width);
    putchar('\n');
  }
  if (shown < count) printf("and %d more\n", count - shown);
}

static void print_csv(const Row *rows, int count) {
  for (int c = 0; c < COLUMNS; c++) printf("%s%s", c ? "," : "", columns[c].exact);
  putchar('\n');
  for (int i = 0; i < count; i++)
    for (int c = 0; c < COLUMNS; c++) {
      csv_put_word(stdout, rows[i].exact[c]);
      putchar(c + 1 < COLUMNS ? ',' : '\n');
    }
}

static void put_json(const char *text) {
  char *safe; /* without control characters and bytes that are not UTF-8 */
  size_t size;
  FILE *out = open_memstream(&safe, &size);
  quote_terminal(out, text);
  fclose(out);
  putchar('"');
  for (const char *c = safe; *c; c++) printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
  putchar('"');
  free(safe);
}

static void print_json(const Row *rows, int count) {
  for (int i = 0; i < count; i++)
    for (int c = 0; c < COLUMNS; c++) {
      const char *text = rows[i].exact[c];
      char *end;
      printf("%s\"%s\": ", c ? ", " : i ? ",\n {" : "[{", columns[c].exact);
      if (!columns[c].number) put_json(text);
      else printf("%s", *text && (strtod(text, &end), !*end) ? text : "null");
      if (c + 1 == COLUMNS) putchar('}');
    }
  puts("]");
}

static int show(const RunsOptions *o, char **paths, int count, Err *err) {
  RunSet set;
  int wide = 10000, high = 10000;
  if (runset_read(&set, paths, count, err)) return -1;
  for (int i = 0; i < set.note_count && o->watch == 0; i++) program_error("runs", set.notes[i]);
  Differences d = differences_find(set.logs, set.count, EFFECT_SEED);
  Row *rows = memory_take((size_t)set.count, sizeof *rows);
  for (int i = 0; i < set.count; i++) rows[i] = make_row(set.logs, &d, i);
  sort_by = o->sort;
  qsort(rows, (size_t)set.count, sizeof *rows, in_order);
  terminal_size(STDOUT_FILENO, &wide, &high);
  if (o->watch > 0) fputs("\033[H\033[2J", stdout);
  if (o->format == FORMAT_CSV) print_csv(rows, set.count);
  else if (o->format == FORMAT_JSON) print_json(rows, set.count);
  else print_text(rows, set.count, wide, o->watch > 0 ? high - 3 : set.count);
  for (int i = 0; i < set.count; i++) free_row(&rows[i]);
  free(rows);
  differences_free(&d);
  runset_free(&set);
  return 0;
}

/* Repeats the table until the program is stopped, even before the first run. */
static int watch(const RunsOptions *o, char **paths, int count, Err *err) {
  if (!isatty(STDOUT_FILENO))
    return fail(err, "--watch needs a terminal; leave it out to print the table once");
  for (;; sleep((unsigned)o->watch)) {
    if (show(o, paths, count, err)) printf("\033[H\033[2J%s\n", err->text);
    if (fflush(stdout)) return fail(err, "the table cannot be written");
  }
}

/* `--watch` without a number. */
static void complete_watch(int argc, char **argv) {
  static char two_seconds[] = "--watch=2";
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--watch") == 0 && (i + 1 == argc || !strchr("0123456789", *argv[i + 1])))
      argv[i] = two_seconds;
}

static int list(const RunsOptions *o, char **paths, int count, Err *err) {
  char folder[] = "runs", *here[] = {folder};
  if (count == 0 && !folder_exists(folder))
    return fail(err, "there is no folder runs/ here; name others: tools/runs FOLDER...");
  if (count == 0) paths = here, count = 1;
  return o->watch > 0 ? watch(o, paths, count, err) : show(o, paths, count, err);
}

static int run(int argc, char **argv, Err *err) {
  RunsOptions o;
  const OptionSet sets[] = {{.title = "runs", .rows = options, .values = &o}, {0}};
  char **paths = memory_take((size_t)argc, sizeof *paths);
  complete_watch(argc, argv);
  int count = program_words(&argc, argv, paths), code = EXIT_USAGE;
  if (program_options(sets, argc, argv, err) == 0)
    code = list(&o, paths, count, err) ? EXIT_FAILED : EXIT_DONE;
  free(paths);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "runs", .help = help, .run = run}, argc, argv);
}
