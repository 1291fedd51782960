/* compare: compares runs in tables, figures and a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/program.h"
#include "tools/report/figures.h"
#include "tools/report/outcome.h"
#include "tools/report/page.h"
#include "tools/report/swept.h"

typedef struct {
  ComparisonOptions comparison;
  int format, image, draw, trials, overwrite;
  char html[OPTION_TEXT], figures[OPTION_TEXT], watch[OPTION_TEXT];
  int64_t every;
} CompareOptions;

#define FIELD(member) offsetof(CompareOptions, member)
#define DRAW_NOTHING "none"
enum { NO_FIGURE }; /* DRAW_NOTHING is the first word of --draw */
static const Option options[] = {
    {.name = "baseline",
     .help = "Method that the others are compared with (empty: the one of the sweep, or adamw)",
     .type = OPTION_WORD, .at = FIELD(comparison.baseline), .fallback = ""},
    {.name = "intervals",
     .help = "95 % intervals of each difference, or of all together (Bonferroni; sweep: what its "
             "spec says, or each)",
     .type = OPTION_CHOICE, .at = FIELD(comparison.intervals), .fallback = "sweep",
     .choices = "sweep" INTERVALS(CHOICE_WORD)},
    {.name = "target", .help = "Loss to reach (0: the final loss of the baseline)",
     .type = OPTION_REAL, .at = FIELD(comparison.target), .fallback = "0", .max = 1e9},
    {.name = "mix",
     .help = "Also compare runs of different tasks: models, data, batch sizes or lengths",
     .type = OPTION_CHOICE, .at = FIELD(comparison.mix), .fallback = "off", .choices = ON_OFF},
    {.name = "highlight",
     .help = "Methods to draw in colour, separated by spaces; the others are grey (empty: all, or "
             "of more than eight the best three, the baseline and your own methods)",
     .type = OPTION_WORD, .at = FIELD(comparison.highlight), .fallback = ""},
    {.name = "format", .help = "Format of the tables",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "text", .choices = TABLE_FORMATS,
     .needs = "watch="},
    {.name = "html", .help = "File to write everything to as one HTML page",
     .type = OPTION_WORD, .at = FIELD(html), .fallback = ""},
    {.name = "figures", .help = "Folder to write the figures to",
     .type = OPTION_WORD, .at = FIELD(figures), .fallback = "", .needs = "watch="},
    {.name = "image", .help = "Format of the figures",
     .type = OPTION_CHOICE, .at = FIELD(image), .fallback = "svg", .choices = IMAGES(CHOICE_WORD),
     .needs = "figures!="},
    {.name = "draw", .help = "Figure to draw in the terminal",
     .type = OPTION_CHOICE, .at = FIELD(draw), .fallback = DRAW_NOTHING,
     .choices = DRAW_NOTHING "|" FIGURE_NAMES, .needs = "watch="},
    {.name = "trials",
     .help = "Also show every tuning trial of a sweep (as CSV: only these)",
     .type = OPTION_CHOICE, .at = FIELD(trials), .fallback = "off", .choices = ON_OFF,
     .needs = "watch="},
    {.name = "watch",
     .help = "Path to compare repeatedly while its runs train; --html is the page, "
             "report/index.html by default",
     .type = OPTION_WORD, .at = FIELD(watch), .fallback = ""},
    {.name = "every", .help = "Seconds between updates of the page",
     .type = OPTION_INT, .at = FIELD(every), .fallback = "15", .min = 1, .max = 86400,
     .needs = "watch!="},
    {.name = "overwrite", .help = "Replace files that this program did not write",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {0},
};

static void help(FILE *out) {
  OptionSet set = {.title = "options", .rows = options};
  fputs("Compares runs: final losses with their spread, time and memory. A PATH is a\n"
        "run, a folder with runs at any depth, or an archive of such a folder.\n\n"
        "  tools/compare PATH...\n"
        "  tools/compare runs/adamw-nano runs/muon-nano\n"
        "  tools/compare runs/compare-quick --html report/index.html\n"
        "  tools/compare --watch runs/compare-quick\n"
        "  tools/compare runs/compare-quick --draw forest\n"
        "  tools/compare results/nano/runs.tar.gz --figures docs --image png\n\n",
        out);
  options_help(out, &set);
}

static int write_figures(const CompareOptions *o, const Comparison *c, Err *err) {
  FigureFormat format = (FigureFormat)o->image;
  char name[32], ending[16];
  word_at(IMAGES(CHOICE_WORD), o->image, ending, sizeof ending);
  if (folder_make(o->figures, err)) return -1;
  for (int i = 0; i < word_count(FIGURE_NAMES); i++) {
    char path[OPTION_TEXT + 64], *picture;
    size_t size;
    word_at(FIGURE_NAMES, i, name, sizeof name);
    snprintf(path, sizeof path, "%s/%s.%s", o->figures, name, ending);
    if (figures_draw(c, i, format, 0, &picture, &size, err)) return -1;
    if (!picture) continue;
    int status = program_replace(path, picture, size, figure_sign(format), o->overwrite, err);
    free(picture);
    if (status) return -1;
  }
  return 0;
}

static int draw(int index, const Comparison *c, Err *err) {
  char *picture;
  size_t size;
  if (figures_draw(c, index, FIGURE_CHARACTERS, 0, &picture, &size, err)) return -1;
  printf("\n%s\n", figure_kinds[index].caption);
  if (picture) fwrite(picture, 1, size, stdout);
  else printf("There is nothing to draw.\n");
  free(picture);
  return 0;
}

/* In the terminal, settings are lines, which it can wrap. */
static void print_tables(const CompareOptions *o, const Comparison *c) {
  TableFormat format = (TableFormat)o->format;
  Table tables[] = {outcome_losses(c), outcome_costs(c), outcome_sensitivity(c),
                    outcome_settings(c), swept_trials(c), outcome_numbers(c)};
  enum { TRIALS = 4, NUMBERS, COUNT };
  if (format == TABLE_CSV) {
    table_write(&tables[o->trials ? TRIALS : NUMBERS], format, stdout);
  } else {
    for (int i = 0; i < TRIALS + o->trials; i++) {
      if (tables[i].rows == 0) continue;
      if (i) putchar('\n');
      table_write(&tables[i], format, stdout);
    }
    if (c->set.note_count > 0) printf("\nNotes:\n");
    for (int i = 0; i < c->set.note_count; i++) {
      fputs("* ", stdout);
      quote_terminal(stdout, c->set.notes[i]);
      putchar('\n');
    }
  }
  for (int i = 0; i < COUNT; i++) table_free(&tables[i]);
}

static int write_page(const CompareOptions *o, char *const *paths, int count, const Comparison *c,
                      Err *err) {
  char *command, parent[OPTION_TEXT];
  size_t size;
  const char *slash = strrchr(o->html, '/');
  snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - o->html) : 0, o->html);
  if (*parent && folder_make(parent, err)) return -1;
  FILE *line = open_memstream(&command, &size);
  fputs("tools/compare ", line);
  for (int i = 0; i < count; i++) {
    quote_path(line, paths[i]);
    fputc(' ', line);
  }
  fputs("--html ", line);
  quote_path(line, o->html);
  fclose(line);
  int refresh = *o->watch ? (int)o->every : 0;
  int status = page_write(c, o->html, command, refresh, o->overwrite, err);
  free(command);
  return status;
}

static void print_path(const char *path, const char *after) {
  quote_terminal(stderr, path);
  fputs(after, stderr);
}

static int show(const CompareOptions *o, char *const *paths, int count, const Comparison *c,
                Err *err) {
  print_tables(o, c);
  if (o->draw != NO_FIGURE && draw(o->draw - 1, c, err)) return -1;
  if (*o->figures && write_figures(o, c, err)) return -1;
  if (!*o->html) return 0;
  if (write_page(o, paths, count, c, err)) return -1;
  print_path(o->html, "\n");
  return 0;
}

/* Updates the page until the program is stopped, even before the first run. */
static int watch(const CompareOptions *o, char *const *paths, int count, Err *err) {
  for (int written = 0, waits = 0;; sleep((unsigned)o->every)) {
    Comparison c;
    if (comparison_read(&c, paths, count, &o->comparison, err)) {
      if (!waits++) print_path(err->text, "; waiting for runs\n");
      continue;
    }
    int status = write_page(o, paths, count, &c, err);
    comparison_free(&c);
    if (status) return -1;
    if (!written++) print_path(o->html, ": kept up to date; Ctrl-C stops this\n");
  }
}

static int compare(CompareOptions *o, char *const *paths, int count, Err *err) {
  Comparison c;
  if (*o->watch) {
    if (!*o->html) snprintf(o->html, sizeof o->html, "report/index.html");
    return watch(o, paths, count, err);
  }
  if (comparison_read(&c, paths, count, &o->comparison, err)) return -1;
  int status = figures_check(&c, err) || show(o, paths, count, &c, err) ? -1 : 0;
  comparison_free(&c);
  return status;
}

static int run(int argc, char **argv, Err *err) {
  CompareOptions o;
  const OptionSet sets[] = {{.title = "compare", .rows = options, .values = &o}, {0}};
  char **paths = memory_take((size_t)argc, sizeof *paths);
  int count = program_words(&argc, argv, paths), code = EXIT_USAGE;
  int status = program_options(sets, argc, argv, err);
  if (status == 0 && *o.watch) paths[count++] = o.watch;
  if (status == 0 && count == 0)
    fail(err, "name runs or folders of runs: tools/compare runs/adamw-nano runs/muon-nano");
  else if (status == 0) code = compare(&o, paths, count, err) ? EXIT_FAILED : EXIT_DONE;
  free(paths);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "compare", .help = help, .run = run}, argc, argv);
}
