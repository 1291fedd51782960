#include "tools/spectra/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/blas.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/program.h"

static const StudyProgram *program;

#define FIELD(member) offsetof(Output, member)
static const Option output_options[] = {
    {.name = "out", .help = "Folder for tables (CSV) and figures (empty: report/PROGRAM)",
     .type = OPTION_WORD, .at = FIELD(folder), .fallback = ""},
    {.name = "format", .help = "Format of the figures (characters: print them)",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "png",
     .choices = IMAGES(CHOICE_WORD) "|characters"},
    {.name = "overwrite", .help = "Replace files that this program did not write",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {.name = "seed", .help = "Seed for random numbers",
     .type = OPTION_INT, .at = FIELD(seed), .fallback = "1", .max = 9e15},
    {0},
};

static void help(FILE *out) {
  const Study *const *studies = program->studies;
  fprintf(out, "%s\n\n", program->summary);
  for (int i = 0; studies[i]; i++)
    fprintf(out, "  tools/%s %-9s %s\n", program->name, studies[i]->name, studies[i]->summary);
  fprintf(out, "\n%s\n\n", program->about);
  for (int i = 0; studies[i]; i++) {
    OptionSet set = {.title = studies[i]->name, .rows = studies[i]->options};
    options_help(out, &set);
    fputc('\n', out);
  }
  options_help(out, &(OptionSet){.title = "all studies", .rows = output_options});
}

/* ---- what the studies call ---- */

static void say(const char *format, ...) {
  char text[2 * OPTION_TEXT];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *line = text, *rest; line; line = rest) {
    if ((rest = strchr(line, '\n'))) *rest++ = 0;
    quote_terminal(stdout, line);
    putchar('\n');
  }
  fflush(stdout);
}

static void show(const Table *t) { table_write(t, TABLE_TEXT, stdout); }

/* Writes FOLDER/name.ending and prints its path. */
static int put(const Output *o, const char *name, const char *ending, const char *data, size_t size,
               size_t sign, Err *err) {
  char path[OPTION_TEXT + 128];
  snprintf(path, sizeof path, "%s/%s.%s", o->folder, name, ending);
  if (folder_make(o->folder, err) || program_replace(path, data, size, sign, o->overwrite, err))
    return -1;
  say("%s", path);
  return 0;
}

static int csv(const Output *o, const char *name, Table *t, Err *err) {
  char *text = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&text, &size);
  if (memory) table_write(t, TABLE_CSV, memory);
  table_free(t);
  int status = memory && fclose(memory) == 0 ? 0 : fail(err, "no memory for %s.csv", name);
  if (status == 0) status = put(o, name, "csv", text, size, strcspn(text, "\n") + 1, err);
  free(text);
  return status;
}

static int picture(const Output *o, const char *name, char *data, size_t size, Err *err) {
  char ending[16];
  word_at(IMAGES(CHOICE_WORD), o->format, ending, sizeof ending);
  int status = put(o, name, ending, data, size, figure_sign((FigureFormat)o->format), err);
  free(data);
  return status;
}

static int figure(const Output *o, const char *name, Figure *f, Err *err) {
  char *data, caption[sizeof f->caption];
  size_t size;
  FigureFormat format = (FigureFormat)o->format;
  snprintf(caption, sizeof caption, "%s", f->caption);
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(f);
  int status = figure_draw(f, format, &data, &size, err);
  figure_free(f);
  if (status) return -1;
  if (format != FIGURE_CHARACTERS) return picture(o, name, data, size, err);
  fwrite(data, 1, size, stdout);
  say("%s", caption);
  free(data);
  return 0;
}

/* One line on a terminal, or a line every ten seconds. */
static void progress(const char *what, double share) {
  static double started, shown;
  double now = clock_seconds(), spent = now - started;
  int terminal = isatty(STDERR_FILENO);
  if (share <= 0) started = shown = now;
  if (share >= 1 && terminal) fputs("\r\033[K", stderr);
  if (share <= 0 || share >= 1 || now - shown < (terminal ? 0.2 : 10)) return;
  shown = now;
  fprintf(stderr, "%s%3.0f %%  %s, %.0f s left%s", terminal ? "\r" : "", 100 * share, what,
          spent * (1 - share) / share, terminal ? "\033[K" : "\n");
  fflush(stderr);
}

/* ---- the program ---- */

static const Study *find(const char *name, Err *err) {
  char names[256] = "";
  for (int i = 0; program->studies[i]; i++) {
    const Study *const *s = &program->studies[i];
    size_t used = strlen(names);
    if (strcmp((*s)->name, name) == 0) return *s;
    snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : s[1] ? ", " : " or ",
             (*s)->name);
  }
  fail(err, "unknown study \"%s\": use %s; --help explains them", name, names);
  return NULL;
}

static int run(int argc, char **argv, Err *err) {
  const Study *s = find(argc > 1 ? argv[1] : "", err);
  Output o = {.say = say, .show = show, .csv = csv, .figure = figure, .picture = picture,
              .progress = progress};
  if (!s) return EXIT_USAGE;
  void *options = memory_take(1, s->options_size);
  const OptionSet sets[] = {{.title = s->name, .rows = s->options, .values = options},
                            {.title = "output", .rows = output_options, .values = &o},
                            {0}};
  int code = program_options(sets, argc - 1, argv + 1, err) ? EXIT_USAGE : EXIT_DONE;
  if (code == EXIT_DONE) {
    threads_start(0);
    if (!*o.folder) snprintf(o.folder, sizeof o.folder, "report/%s", program->name);
    if (s->run(options, &o, err)) code = EXIT_FAILED;
  }
  free(options);
  return code;
}

int studies_main(const StudyProgram *studies, int argc, char **argv) {
  const Program p = {.name = studies->name, .help = help, .run = run, .computes = 1};
  program = studies;
  return program_main(&p, argc, argv);
}
