/* plot: loss curves or spectra of runs, as a picture or as characters in the terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/program.h"
#include "tools/report/curves.h"
#include "tools/report/spectrum_figure.h"

typedef struct {
  int x, spectrum, overwrite;
  char out[OPTION_TEXT], title[OPTION_TEXT], kind[OPTION_TEXT];
  int64_t smooth, width, height;
  double y_min, y_max;
} PlotOptions;

#define FIELD(member) offsetof(PlotOptions, member)
static const Option options[] = {
    {.name = "x", .help = "Quantity on the x axis",
     .type = OPTION_CHOICE, .at = FIELD(x), .fallback = "steps", .choices = CURVE_AXES},
    {.name = "spectrum",
     .help = "Plot this view of spectrum.csv instead (needs runs with --log-spectrum)",
     .type = OPTION_CHOICE, .at = FIELD(spectrum), .fallback = "off", .choices = SPECTRA_VIEWS},
    {.name = "class", .help = "Class of matrices to plot, such as mlp.c_fc (empty: all)",
     .type = OPTION_WORD, .at = FIELD(kind), .fallback = ""},
    {.name = "out", .help = "Image to write, NAME.png or NAME.svg (empty: plot in the terminal)",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "title", .help = "Title of the figure",
     .type = OPTION_WORD, .at = FIELD(title), .fallback = ""},
    {.name = "smooth", .help = "Steps over which the training loss is averaged (0: 2 % of the run)",
     .type = OPTION_INT, .at = FIELD(smooth), .fallback = "0", .max = 1e9},
    {.name = "ymin", .help = "Lower end of the y axis (0: chosen from the runs)",
     .type = OPTION_REAL, .at = FIELD(y_min), .fallback = "0", .max = 1e9},
    {.name = "ymax",
     .help = "Upper end of the y axis (0: chosen from the runs, without the initial fall)",
     .type = OPTION_REAL, .at = FIELD(y_max), .fallback = "0", .max = 1e9},
    {.name = "width",
     .help = "Width in pixels or characters (0: 1100 pixels, or the terminal's width)",
     .type = OPTION_INT, .at = FIELD(width), .fallback = "0", .max = 10000},
    {.name = "height",
     .help = "Height in pixels or characters (0: 660 pixels, or the terminal's height)",
     .type = OPTION_INT, .at = FIELD(height), .fallback = "0", .max = 10000},
    {.name = "overwrite", .help = "Replace a file that is not an image of this format",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
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
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(f);
  if (o->width > 0) f->width = (int)o->width;
  if (o->height > 0) f->height = (int)o->height;
}

static int make_spectra(const PlotOptions *o, const RunLog *logs, int count, Figure *f, Err *err) {
  Spectra *spectra = memory_take((size_t)count, sizeof *spectra);
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
  if (o->y_min > 0) f.y_min = o->y_min;
  if (o->y_max > 0) f.y_max = o->y_max;
  int status = figure_draw(&f, format, &picture, &size, err);
  figure_free(&f);
  if (status) return -1;
  if (format == FIGURE_CHARACTERS) fwrite(picture, 1, size, stdout);
  else
    status = program_replace(o->out, picture, size, figure_sign(format), o->overwrite, err);
  free(picture);
  return status;
}

/* Of several paths, as of runs/ with a star, those that are not runs are skipped with a remark. */
static int read_runs(RunLog *logs, int *read, char **paths, int count, Err *err) {
  for (int i = 0; i < count; i++) {
    char remark[OPTION_TEXT];
    if (count > 1 && file_exists(paths[i]) && !runlog_exists(paths[i])) {
      snprintf(remark, sizeof remark, "%.900s: not a run, skipped", paths[i]);
      program_error("plot", remark);
      continue;
    }
    if (runlog_read(&logs[*read], paths[i], err)) return -1;
    if (*logs[*read].note) program_error("plot", logs[*read].note);
    ++*read;
  }
  return *read > 0 ? 0 : fail(err, "no run among these %d paths", count);
}

static int plot(const PlotOptions *o, char **paths, int count, Err *err) {
  RunLog *logs = memory_take((size_t)count, sizeof *logs);
  int read = 0;
  int status = read_runs(logs, &read, paths, count, err) || draw(o, logs, read, err) ? -1 : 0;
  if (status == 0 && *o->out && strcmp(o->out, "-") != 0) {
    quote_terminal(stdout, o->out);
    putchar('\n');
  }
  for (int i = 0; i < read; i++) runlog_free(&logs[i]);
  free(logs);
  return status;
}

static int run(int argc, char **argv, Err *err) {
  PlotOptions o;
  const OptionSet sets[] = {{.title = "plot", .rows = options, .values = &o}, {0}};
  char **paths = memory_take((size_t)argc, sizeof *paths);
  int count = program_words(&argc, argv, paths), code;
  if (count == 0) {
    fail(err, "name the runs to draw: tools/plot runs/adamw-nano runs/muon-nano; --help for more");
    code = EXIT_USAGE;
  } else if (program_options(sets, argc, argv, err)) {
    code = EXIT_USAGE;
  } else {
    code = plot(&o, paths, count, err) ? EXIT_FAILED : EXIT_DONE;
  }
  free(paths);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "plot", .help = help, .run = run}, argc, argv);
}
