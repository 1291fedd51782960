#include "tools/spectra/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/quote.h"
#include "run/program.h"

#define FIELD(member) offsetof(Output, member)
const Option output_options[] = {
    {.name = "out", .help = "Folder for tables (CSV) and figures",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = "report/spectrum"},
    {.name = "format", .help = "Format of the figures (characters: print them)",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "png",
     .choices = IMAGES(CHOICE_WORD) "|characters"},
    {.name = "overwrite", .help = "Replace files that this program did not write",
     .type = OPTION_CHOICE, .at = offsetof(Output, overwrite), .fallback = "off",
     .choices = ON_OFF},
    {.name = "seed", .help = "Seed for the random matrices",
     .type = OPTION_INT, .at = FIELD(seed), .fallback = "1", .max = 9e15},
    {0},
};

static int path_of(const Output *o, const char *name, const char *ending, char *path, size_t size,
                   Err *err) {
  if (folder_make(o->out, err)) return -1;
  snprintf(path, size, "%s/%s.%s", o->out, name, ending);
  return 0;
}

static int print_path(const char *path) {
  quote_terminal(stdout, path);
  putchar('\n');
  return 0;
}

int output_csv(const Output *o, const char *name, const Table *t, Err *err) {
  char path[OPTION_TEXT + 128], *text = NULL;
  size_t size = 0;
  if (path_of(o, name, "csv", path, sizeof path, err)) return -1;
  FILE *memory = open_memstream(&text, &size);
  if (!memory) return fail(err, "%s: no memory for it", path);
  table_write(t, TABLE_CSV, memory);
  fclose(memory);
  int status = program_replace(path, text, size, strcspn(text, "\n") + 1, o->overwrite, err);
  free(text);
  return status ? -1 : print_path(path);
}

int output_figure(const Output *o, const char *name, Figure *f, Err *err) {
  char path[OPTION_TEXT + 128], *picture;
  size_t size;
  FigureFormat format = (FigureFormat)o->format;
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(f);
  int status = figure_draw(f, format, &picture, &size, err);
  figure_free(f);
  if (status) return -1;
  if (format == FIGURE_CHARACTERS) {
    fwrite(picture, 1, size, stdout);
  } else {
    status = path_of(o, name, format == FIGURE_PNG ? "png" : format == FIGURE_PDF ? "pdf" : "svg", path, sizeof path, err) ||
             program_replace(path, picture, size, figure_sign(format), o->overwrite, err);
    if (status == 0) print_path(path);
  }
  free(picture);
  return status ? -1 : 0;
}

void output_progress(const char *what, double part, double started) {
  static double shown;
  double now = clock_seconds(), spent = now - started;
  int terminal = isatty(STDERR_FILENO);
  if (now - shown < (terminal ? 0.2 : 10)) return;
  shown = now;
  fprintf(stderr, "%s%3.0f %%  %s", terminal ? "\r" : "", 100 * part, what);
  if (part > 0.02) fprintf(stderr, ", %.0f s left", spent * (1 - part) / part);
  fputs(terminal ? "\033[K" : "\n", stderr);
  fflush(stderr);
}

void output_progress_end(void) {
  if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
}

int read_numbers(const char *text, const char *option, int64_t least, int64_t most,
                 int64_t *numbers, int room, Err *err) {
  int count = 0;
  for (const char *at = text; *at; count++) {
    char *end;
    long long n = strtoll(at, &end, 10);
    if (end == at || (*end && *end != ','))
      return fail(err, "--%s %s: whole numbers with commas between are needed, as 64,128,256",
                  option, text);
    if (n < least || n > most)
      return fail(err, "--%s: %lld is out of range: %lld to %lld is allowed", option, n,
                  (long long)least, (long long)most);
    if (count == room) return fail(err, "--%s: at most %d numbers", option, room);
    numbers[count] = n;
    at = *end ? end + 1 : end;
  }
  return count > 0 ? count : fail(err, "--%s: at least one number is needed", option);
}
