/* compare: the runs in a folder, compared in tables, figures and a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/program.h"
#include "tools/report/figures.h"
#include "tools/report/outcome.h"
#include "tools/report/page.h"
#include "tools/trials/spec.h"

typedef struct {
  ComparisonOptions comparison;
  int format, image, draw, overwrite;
  char html[OPTION_TEXT], figures[OPTION_TEXT];
} CompareOptions;

#define FIELD(member) offsetof(CompareOptions, member)
#define DRAW_NOTHING "none"
enum { NO_FIGURE }; /* DRAW_NOTHING is the first word of --draw */
static const Option options[] = {
    {.name = "baseline", .help = "Method that the others are compared with",
     .type = OPTION_WORD, .at = FIELD(comparison.baseline), .fallback = "adamw"},
    {.name = "target", .help = "Loss to reach (0: the final loss of the baseline)",
     .type = OPTION_REAL, .at = FIELD(comparison.target), .fallback = "0", .max = 1e9},
    {.name = "mix",
     .help = "Also compare runs of different tasks: models, data, batch sizes or lengths",
     .type = OPTION_CHOICE, .at = FIELD(comparison.mix), .fallback = "off", .choices = ON_OFF},
    {.name = "highlight",
     .help = "Methods to draw in colour, separated by spaces; the others are grey (empty: all, or of "
             "more than eight the best three, the baseline and your own methods)",
     .type = OPTION_WORD, .at = FIELD(comparison.highlight), .fallback = ""},
    {.name = "format", .help = "Format of the tables",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "text", .choices = TABLE_FORMATS},
    {.name = "html", .help = "File to write everything to as one HTML page",
     .type = OPTION_WORD, .at = FIELD(html), .fallback = ""},
    {.name = "figures", .help = "Folder to write the figures to",
     .type = OPTION_WORD, .at = FIELD(figures), .fallback = ""},
    {.name = "image", .help = "Format of the figures",
     .type = OPTION_CHOICE, .at = FIELD(image), .fallback = "svg", .choices = IMAGES(CHOICE_WORD)},
    {.name = "draw", .help = "Figure to draw in the terminal",
     .type = OPTION_CHOICE, .at = FIELD(draw), .fallback = DRAW_NOTHING,
     .choices = DRAW_NOTHING "|" FIGURE_NAMES},
    {.name = "overwrite", .help = "Replace files that this program did not write",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {0},
};

static void help(FILE *out) {
  OptionSet set = {.title = "options", .rows = options};
  fprintf(out, "Compares the runs in a folder: final losses with their spread, time and memory.\n\n"
               "  tools/compare runs/compare-quick\n"
               "  tools/compare runs/compare-quick --html report/index.html\n"
               "  tools/compare runs/compare-quick --draw rates\n"
               "  tools/compare results/nano --format markdown --figures docs --image png\n\n");
  options_help(out, &set);
}

/* A sweep's folder says what its baseline is. */
static int add_spec(Settings *s, const char *folder, Err *err) {
  Settings spec = {0};
  char at[OPTION_TEXT + 32], text[OPTION_TEXT + 32], *argv[] = {"", at};
  snprintf(at, sizeof at, "@%s/" SPEC_FILE, folder);
  if (!file_exists(at + 1)) return 0;
  int status = settings_read(&spec, 2, argv, err);
  const char *baseline = status ? NULL : settings_find(&spec, "baseline", NULL);
  if (baseline) {
    snprintf(text, sizeof text, "baseline=%s", baseline);
    status = settings_preset(s, FROM_PRESET, "the spec", text, err);
  }
  settings_free(&spec);
  return status;
}

static int read_options(CompareOptions *o, const char *folder, int argc, char **argv, Err *err) {
  Settings settings = {0};
  OptionSet sets[] = {{.title = "compare", .rows = options, .values = o}, {0}};
  int status = settings_read(&settings, argc, argv, err) || add_spec(&settings, folder, err) ||
               options_apply(sets, NULL, &settings, err) ? -1 : 0;
  settings_free(&settings);
  return status;
}

static int write_figures(const CompareOptions *o, const Comparison *c, Err *err) {
  FigureFormat format = (FigureFormat)o->image;
  if (folder_make(o->figures, err)) return -1;
  for (const FigureKind *kind = figure_kinds; kind->name; kind++) {
    char path[OPTION_TEXT + 64], ending[8], *picture;
    size_t size;
    Figure f = kind->make(c, kind->axis);
    int status = 0, drawn = figure_has_points(&f);
    word_at(IMAGES(CHOICE_WORD), o->image, ending, sizeof ending);
    snprintf(path, sizeof path, "%s/%s.%s", o->figures, kind->name, ending);
    if (drawn) status = figure_draw(&f, format, &picture, &size, err);
    figure_free(&f);
    if (status) return -1;
    if (!drawn) continue;
    status = program_replace(path, picture, size, figure_sign(format), o->overwrite, err);
    free(picture);
    if (status) return -1;
  }
  return 0;
}

static int draw(const char *name, const Comparison *c, Err *err) {
  const FigureKind *kind = figure_kinds;
  char *picture;
  size_t size;
  while (strcmp(kind->name, name) != 0) kind++;
  Figure f = kind->make(c, kind->axis);
  figure_fit_terminal(&f);
  int status = figure_draw(&f, FIGURE_CHARACTERS, &picture, &size, err);
  figure_free(&f);
  if (status) return -1;
  printf("\n%s\n", kind->caption);
  fwrite(picture, 1, size, stdout);
  free(picture);
  return 0;
}

/* Prints each line of a text as an item of a list. */
static void print_list(char *text) {
  for (char *line; (line = strsep(&text, "\n"));) {
    if (!*line) continue;
    fputs("* ", stdout);
    quote_terminal(stdout, line);
    putchar('\n');
  }
}

static void print_tables(const CompareOptions *o, const Comparison *c) {
  Table tables[] = {outcome_losses(c), outcome_costs(c), outcome_numbers(c)};
  if (o->format == TABLE_CSV) {
    table_write(&tables[2], TABLE_CSV, stdout);
  } else {
    table_write(&tables[0], (TableFormat)o->format, stdout);
    putchar('\n');
    table_write(&tables[1], (TableFormat)o->format, stdout);
    putchar('\n');
    char *explanation = outcome_explain(c);
    print_list(explanation);
    free(explanation);
    if (c->note_count > 0) printf("\nNotes:\n");
    for (int i = 0; i < c->note_count; i++) print_list(c->notes[i]);
  }
  for (int i = 0; i < 3; i++) table_free(&tables[i]);
}

static int write_page(const CompareOptions *o, const char *folder, const Comparison *c, Err *err) {
  char command[9 * OPTION_TEXT], from[4 * OPTION_TEXT], to[4 * OPTION_TEXT], parent[OPTION_TEXT];
  const char *slash = strrchr(o->html, '/');
  snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - o->html) : 0, o->html);
  if (*parent && folder_make(parent, err)) return -1;
  snprintf(command, sizeof command, "tools/compare %s --html %s",
           quote_path_text(from, sizeof from, folder), quote_path_text(to, sizeof to, o->html));
  if (page_write(c, o->html, command, o->overwrite, err)) return -1;
  quote_terminal(stderr, o->html);
  fputc('\n', stderr);
  return 0;
}

static int show(const CompareOptions *o, const char *folder, const Comparison *c, Err *err) {
  char name[64];
  print_tables(o, c);
  word_at(DRAW_NOTHING "|" FIGURE_NAMES, o->draw, name, sizeof name);
  if (o->draw != NO_FIGURE && draw(name, c, err)) return -1;
  if (*o->figures && write_figures(o, c, err)) return -1;
  return *o->html ? write_page(o, folder, c, err) : 0;
}

static int run(int argc, char **argv, Err *err) {
  CompareOptions o;
  Comparison c;
  char **words = memory_take((size_t)argc, sizeof *words);
  int count = program_words(&argc, argv, words);
  const char *folder = words[0];
  if (count == 0) fail(err, "name the folder of the runs: tools/compare runs/compare-quick");
  if (count > 1) fail(err, "give one folder, not both %s and %s", words[0], words[1]);
  free(words);
  if (count != 1 || read_options(&o, folder, argc, argv, err)) return EXIT_USAGE;
  if (comparison_read(&c, folder, &o.comparison, err)) return EXIT_FAILED;
  int status = figures_check(&c, err) || show(&o, folder, &c, err);
  comparison_free(&c);
  return status ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "compare", .help = help, .run = run}, argc, argv);
}
