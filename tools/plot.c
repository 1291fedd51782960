/* plot: loss curves or spectra of runs, as a picture or as characters in the terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/file.h"
#include "tools/report/curves.h"
#include "tools/report/spectra.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

typedef struct {
  int x, spectrum;
  char out[OPTION_TEXT], title[OPTION_TEXT], kind[OPTION_TEXT];
  int64_t smooth, width, height;
  double y_min, y_max;
} PlotOptions;

#define FIELD(member) offsetof(PlotOptions, member)
static const Option options[] = {
    {.name = "x", .help = "what runs to the right",
     .type = OPTION_CHOICE, .at = FIELD(x), .fallback = "steps", .choices = CURVE_AXES},
    {.name = "spectrum", .help = "draw spectrum.csv of runs with --log-spectrum instead",
     .type = OPTION_CHOICE, .at = FIELD(spectrum), .fallback = "off", .choices = SPECTRA_VIEWS},
    {.name = "class", .help = "of the matrices in it, as mlp.c_fc; empty: all",
     .type = OPTION_WORD, .at = FIELD(kind), .fallback = ""},
    {.name = "out", .help = "NAME.png or NAME.svg; empty: characters in the terminal",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "title", .help = "above the figure",
     .type = OPTION_WORD, .at = FIELD(title), .fallback = ""},
    {.name = "smooth", .help = "steps that the training loss is averaged over; 0: 2 % of the run",
     .type = OPTION_INT, .at = FIELD(smooth), .fallback = "0", .max = 1e9},
    {.name = "ymin", .help = "lowest value shown; 0: as the runs need",
     .type = OPTION_REAL, .at = FIELD(y_min), .fallback = "0", .max = 1e9},
    {.name = "ymax", .help = "highest value shown; 0: without the fall from the start",
     .type = OPTION_REAL, .at = FIELD(y_max), .fallback = "0", .max = 1e9},
    {.name = "width", .help = "pixels or characters; 0: 1100, or the terminal's",
     .type = OPTION_INT, .at = FIELD(width), .fallback = "0", .max = 10000},
    {.name = "height", .help = "the same; 0: 660, or the terminal's",
     .type = OPTION_INT, .at = FIELD(height), .fallback = "0", .max = 10000},
    {0},
};

static void help(FILE *out) {
  OptionSet set = {.title = "options", .rows = options};
  fprintf(out, "Draws validation loss (symbols) and training loss (thin) of runs.\n\n"
               "  tools/plot runs/adamw-nano runs/muon-nano\n"
               "  tools/plot runs/* --x seconds --out loss.png\n"
               "  tools/plot runs/muon-nano --spectrum quantiles --out values.png\n\n"
               "RUN is the folder of a run, or a log.csv.\n\n");
  options_help(out, &set);
}

/* Paths stand before, between and behind the options. argv keeps the program and the options. */
static int take_paths(int *argc, char **argv, char **paths) {
  int count = 0, kept = 1;
  for (int i = 1; i < *argc; i++) {
    if (argv[i][0] != '-' && argv[i][0] != '@') {
      paths[count++] = argv[i];
      continue;
    }
    int value_follows = strncmp(argv[i], "--", 2) == 0 && !strchr(argv[i], '=');
    argv[kept++] = argv[i];
    if (value_follows && i + 1 < *argc) argv[kept++] = argv[++i];
  }
  *argc = kept;
  return count;
}

static int read_options(PlotOptions *o, int argc, char **argv, Err *err) {
  Settings settings = {0};
  OptionSet sets[] = {{.title = "plot", .rows = options, .values = o}, {0}};
  int status = settings_read(&settings, argc, argv, err) ||
               options_apply(sets, NULL, &settings, err) ? -1 : 0;
  settings_free(&settings);
  return status;
}

static int choose_format(const PlotOptions *o, FigureFormat *format, Err *err) {
  const char *dot = strrchr(o->out, '.');
  *format = FIGURE_CHARACTERS;
  if (!*o->out || strcmp(o->out, "-") == 0) return 0;
  if (dot && strcmp(dot, ".png") == 0) *format = FIGURE_PNG;
  else if (dot && strcmp(dot, ".svg") == 0) *format = FIGURE_SVG;
  else return fail(err, "--out %s: the name has to end in .png or .svg", o->out);
  return 0;
}

static void choose_size(const PlotOptions *o, FigureFormat format, Figure *f) {
  struct winsize window;
  if (format == FIGURE_CHARACTERS) {
    int known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    f->width = known ? window.ws_col - 1 : 100;
    f->height = known && window.ws_row < 34 ? window.ws_row - 2 : 30;
    f->ansi = known && !getenv("NO_COLOR");
  }
  if (o->width > 0) f->width = (int)o->width;
  if (o->height > 0) f->height = (int)o->height;
}

static int make_spectra(const PlotOptions *o, const RunLog *logs, int count, Figure *f, Err *err) {
  Spectra *spectra = calloc((size_t)count, sizeof *spectra);
  int status = 0;
  for (int i = 0; i < count && status == 0; i++)
    status = spectra_read(&spectra[i], logs[i].path, err);
  if (status == 0) status = spectra_figure(f, spectra, logs, count, o->spectrum, o->kind, err);
  for (int i = 0; i < count; i++) spectra_free(&spectra[i]);
  free(spectra);
  return status;
}

static int draw(const PlotOptions *o, const RunLog *logs, int count, Err *err) {
  FigureFormat format;
  char *picture;
  size_t size;
  Figure f;
  if (choose_format(o, &format, err)) return -1;
  if (o->spectrum == SPECTRA_OFF)
    f = curves_of_runs(logs, count, o->x, (int)o->smooth, format != FIGURE_CHARACTERS);
  else if (make_spectra(o, logs, count, &f, err)) return -1;
  choose_size(o, format, &f);
  snprintf(f.title, sizeof f.title, "%.*s", (int)sizeof f.title - 1, o->title);
  if (o->y_min > 0) f.y_min = f.y_decades ? log10(o->y_min) : o->y_min;
  if (o->y_max > 0) f.y_max = f.y_decades ? log10(o->y_max) : o->y_max;
  int status = figure_draw(&f, format, &picture, &size, err);
  figure_free(&f);
  if (status) return -1;
  if (format == FIGURE_CHARACTERS) fwrite(picture, 1, size, stdout);
  else status = file_write(o->out, picture, size, err);
  free(picture);
  return status;
}

static int read_runs(RunLog *logs, int *read, char **paths, int count, Err *err) {
  for (; *read < count; ++*read) {
    if (runlog_read(&logs[*read], paths[*read], err)) return -1;
    if (*logs[*read].note) fprintf(stderr, "plot: %s\n", logs[*read].note);
  }
  return 0;
}

int main(int argc, char **argv) {
  PlotOptions o;
  Err err;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      help(stdout);
      return DONE;
    }
  char **paths = calloc((size_t)argc, sizeof *paths);
  int count = take_paths(&argc, argv, paths), read = 0, code = DONE;
  RunLog *logs = calloc((size_t)count + 1, sizeof *logs);
  if (count == 0) {
    fail(&err, "name the runs to draw: tools/plot runs/adamw-nano runs/muon-nano; --help for more");
    code = USAGE;
  } else if (read_options(&o, argc, argv, &err)) {
    code = USAGE;
  } else if (read_runs(logs, &read, paths, count, &err) || draw(&o, logs, count, &err)) {
    code = FAILED;
  }
  if (code != DONE) fprintf(stderr, "plot: %s\n", err.text);
  else if (*o.out && strcmp(o.out, "-") != 0) printf("%s\n", o.out);
  for (int i = 0; i < read; i++) runlog_free(&logs[i]);
  free(logs);
  free(paths);
  return code;
}
