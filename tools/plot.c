/* plot: curves or spectra of runs, as a picture or as characters in the terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/program.h"
#include "tools/report/curves.h"
#include "tools/report/differences.h"
#include "tools/report/label.h"
#include "tools/report/runset.h"
#include "tools/report/spectrum_figure.h"

typedef struct {
  int x, y, log, spectrum, overwrite;
  char out[OPTION_TEXT], title[OPTION_TEXT], caption[OPTION_TEXT], kind[OPTION_TEXT];
  char highlight[OPTION_TEXT];
  int64_t smooth, width, height;
  double y_min, y_max;
} PlotOptions;

#define LOG_AXES(X) X(LOG_NONE, "off") X(LOG_X, "x") X(LOG_Y, "y") X(LOG_BOTH, "xy")
enum { LOG_AXES(CHOICE_NAME) };

#define FIELD(member) offsetof(PlotOptions, member)
static const Option options[] = {
    {.name = "x", .help = "Quantity on the x axis",
     .type = OPTION_CHOICE, .at = FIELD(x), .fallback = "steps", .choices = CURVE_AXES},
    {.name = "y", .help = "Quantity on the y axis; loss: validation and training",
     .type = OPTION_CHOICE, .at = FIELD(y), .fallback = "loss",
     .choices = CURVE_QUANTITIES(CHOICE_WORD), .needs = "spectrum=off"},
    {.name = "log", .help = "Axes with a logarithmic scale",
     .type = OPTION_CHOICE, .at = FIELD(log), .fallback = "off",
     .choices = LOG_AXES(CHOICE_WORD)},
    {.name = "spectrum",
     .help = "Plot this view of spectrum.csv instead (needs runs with --log-spectrum)",
     .type = OPTION_CHOICE, .at = FIELD(spectrum), .fallback = "off", .choices = SPECTRA_VIEWS},
    {.name = "class", .help = "Class of matrices to plot, such as mlp.c_fc (empty: all)",
     .type = OPTION_WORD, .at = FIELD(kind), .fallback = "", .needs = "spectrum!=off"},
    {.name = "highlight",
     .help = "Optimizers or names of folders to draw in colour, separated by spaces; the rest is "
             "grey (empty: all, or of more than eight runs the best of the three best "
             "optimizers, of adamw and of your own methods)",
     .type = OPTION_WORD, .at = FIELD(highlight), .fallback = "", .needs = "spectrum=off"},
    {.name = "out",
     .help = "Image to write: NAME.png, NAME.svg or NAME.pdf (empty: plot in the terminal)",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "title", .help = "Title of the figure",
     .type = OPTION_WORD, .at = FIELD(title), .fallback = ""},
    {.name = "caption",
     .help = "Line below an image (empty: data, model and steps, where the runs have them in "
             "common)",
     .type = OPTION_WORD, .at = FIELD(caption), .fallback = ""},
    {.name = "smooth",
     .help = "Steps over which training loss, norms and times are averaged (0: 2 % of the run; "
             "1: none)",
     .type = OPTION_INT, .at = FIELD(smooth), .fallback = "0", .max = 1e9},
    {.name = "ymin", .help = "Lower end of the y axis (0: chosen from the runs)",
     .type = OPTION_REAL, .at = FIELD(y_min), .fallback = "0", .max = 1e12},
    {.name = "ymax",
     .help = "Upper end of the y axis (0: chosen from the runs, without the initial fall)",
     .type = OPTION_REAL, .at = FIELD(y_max), .fallback = "0", .max = 1e12},
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
  fprintf(out, "Draws validation loss (symbols) and training loss (thin) of runs, or another\n"
               "quantity of their logs, and lists the settings in which the runs differ.\n\n"
               "  tools/plot                                     # the newest run in runs/\n"
               "  tools/plot runs/adamw-nano runs/muon-nano\n"
               "  tools/plot runs/* --x seconds --out loss.png\n"
               "  tools/plot runs/muon-nano --y grad_norm --log y\n"
               "  tools/plot results/nano/runs.tar.gz --highlight \"muon soap\"\n"
               "  tools/plot runs/muon-nano --spectrum quantiles --out values.png\n\n"
               "RUN is the folder of a run, a log.csv, or a folder or archive of runs. The\n"
               "tuning runs of a sweep are left out if it has others."
               "\n\n");
  options_help(out, &set);
}

/* ---- reading runs ---- */

typedef struct {
  RunLog *logs;
  int count;
} Runs;

static void add_log(Runs *runs, RunLog log) {
  runs->logs = memory_grow(runs->logs, (size_t)runs->count + 1, sizeof *runs->logs);
  runs->logs[runs->count++] = log;
}

static int add_run(Runs *runs, const char *path, Err *err) {
  RunLog log;
  if (runlog_read(&log, path, err)) return -1;
  if (*log.note) program_error("plot", log.note);
  add_log(runs, log);
  return 0;
}

/* The tuning runs of a sweep are drawn only if it has no others. */
static int add_folder(Runs *runs, char *path, Err *err) {
  RunSet set;
  int judged = 0;
  if (runset_read(&set, &path, 1, err)) return -1;
  for (int i = 0; i < set.note_count; i++) program_error("plot", set.notes[i]);
  for (int i = 0; i < set.count; i++) judged |= !set.origins[i].tuning;
  for (int i = 0; i < set.count; i++) {
    if (judged && set.origins[i].tuning) continue;
    add_log(runs, set.logs[i]);
    set.logs[i] = (RunLog){0};
  }
  runset_free(&set);
  return 0;
}

/* Among several paths, as from a pattern, those that are not runs are skipped with a message. */
static int add_paths(Runs *runs, char **paths, int count, Err *err) {
  char remark[sizeof err->text + 16];
  for (int i = 0; i < count; i++) {
    int is_run = runlog_exists(paths[i]) || !file_exists(paths[i]);
    if (is_run && add_run(runs, paths[i], err)) return -1;
    if (is_run || add_folder(runs, paths[i], err) == 0) continue;
    if (count == 1) return -1;
    snprintf(remark, sizeof remark, "%s; skipped", err->text);
    program_error("plot", remark);
  }
  return runs->count > 0 ? 0 : fail(err, "no run among these %d paths", count);
}

static int add_newest(Runs *runs, Err *err) {
  RunSet set;
  char folder[] = "runs", *path = folder;
  int newest = 0;
  if (!folder_exists(folder) || runset_read(&set, &path, 1, err))
    return fail(err, "there are no runs in runs/; name the runs to draw: tools/plot FOLDER...");
  for (int i = 0; i < set.count; i++)
    if (runlog_written(set.logs[i].path) > runlog_written(set.logs[newest].path)) newest = i;
  add_log(runs, set.logs[newest]);
  set.logs[newest] = (RunLog){0};
  runset_free(&set);
  return 0;
}

/* ---- drawing ---- */

static int make_spectra(const PlotOptions *o, const Runs *runs, Figure *f, Err *err) {
  Spectra *spectra = memory_take((size_t)runs->count, sizeof *spectra);
  int status = 0;
  for (int i = 0; i < runs->count && status == 0; i++)
    status = spectra_read(&spectra[i], runs->logs[i].path, err);
  if (status == 0)
    status = spectra_figure(f, spectra, runs->logs, runs->count, o->spectrum, o->kind, err);
  for (int i = 0; i < runs->count; i++) spectra_free(&spectra[i]);
  free(spectra);
  return status;
}

static void set_text(char *text, size_t size, const char *given) {
  if (*given) snprintf(text, size, "%.*s", (int)size - 1, given);
}

static void adjust(Figure *f, const PlotOptions *o, FigureFormat format) {
  set_text(f->title, sizeof f->title, o->title);
  set_text(f->caption, sizeof f->caption, o->caption);
  if (o->log == LOG_X || o->log == LOG_BOTH) f->x_scale = SCALE_LOG;
  if (o->log == LOG_Y || o->log == LOG_BOTH) f->y_scale = SCALE_LOG;
  if (o->y_min > 0) f->y_min = o->y_min;
  if (o->y_max > 0) f->y_max = o->y_max;
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(f);
  if (o->width > 0) f->width = (int)o->width;
  if (o->height > 0) f->height = (int)o->height;
}

static int draw(const PlotOptions *o, FigureFormat format, const Runs *runs, Err *err) {
  const CurveOptions curves = {.axis = o->x, .quantity = o->y, .smooth = (int)o->smooth,
                               .faint = format != FIGURE_CHARACTERS, .highlight = o->highlight};
  char *picture;
  size_t size;
  Figure f;
  if (o->spectrum != SPECTRA_OFF ? make_spectra(o, runs, &f, err)
                                 : curves_of_runs(&f, runs->logs, runs->count, &curves, err))
    return -1;
  adjust(&f, o, format);
  int status = figure_draw(&f, format, &picture, &size, err);
  if (status == 0 && format == FIGURE_CHARACTERS) {
    fwrite(picture, 1, size, stdout);
    if (*f.caption) help_text(stdout, f.caption, 0, 0);
  }
  figure_free(&f);
  if (status) return -1;
  if (format != FIGURE_CHARACTERS) {
    status = program_replace(o->out, picture, size, figure_sign(format), o->overwrite, err);
    if (status == 0) quote_terminal(stdout, o->out), putchar('\n');
  }
  free(picture);
  return status;
}

/* The settings in which the runs differ, except for the seeds. */
static void print_differences(const Runs *runs) {
  RunLog *logs = memory_take((size_t)runs->count, sizeof *logs);
  int count = 0;
  for (int i = 0; i < runs->count; i++) {
    int known = 0;
    for (int j = 0; j < count; j++) known |= same_settings(&logs[j], &runs->logs[i], NULL);
    if (!known) logs[count++] = runs->logs[i]; /* not freed here */
  }
  char(*labels)[128] = memory_take((size_t)count, sizeof *labels);
  const char **names = memory_take((size_t)count, sizeof *names);
  for (int i = 0; i < count; i++) {
    label_run(logs, count, i, 0, labels[i], sizeof labels[i]);
    names[i] = labels[i];
  }
  Differences d = differences_find(logs, count, EFFECT_TASK);
  if (d.count > 0) {
    printf("\nSettings in which the runs differ:\n");
    differences_write(stdout, &d, names);
  }
  differences_free(&d);
  free(names);
  free(labels);
  free(logs);
}

static int plot(const PlotOptions *o, char **paths, int count, Err *err) {
  FigureFormat format = FIGURE_CHARACTERS;
  Runs runs = {0};
  if (*o->out && strcmp(o->out, "-") != 0 && figure_format_of(o->out, &format, err)) return -1;
  int status = count == 0 ? add_newest(&runs, err) : add_paths(&runs, paths, count, err);
  if (status == 0) status = draw(o, format, &runs, err);
  if (status == 0) print_differences(&runs);
  for (int i = 0; i < runs.count; i++) runlog_free(&runs.logs[i]);
  free(runs.logs);
  return status;
}

static int run(int argc, char **argv, Err *err) {
  PlotOptions o;
  const OptionSet sets[] = {{.title = "plot", .rows = options, .values = &o}, {0}};
  char **paths = memory_take((size_t)argc, sizeof *paths);
  int count = program_words(&argc, argv, paths), code = EXIT_USAGE;
  if (program_options(sets, argc, argv, err) == 0)
    code = plot(&o, paths, count, err) ? EXIT_FAILED : EXIT_DONE;
  free(paths);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "plot", .help = help, .run = run}, argc, argv);
}
