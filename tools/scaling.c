/* scaling: how losses, speed-ups and rates depend on the length, the batch or the width. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quote.h"
#include "run/program.h"
#include "tools/report/figure.h"
#include "tools/report/table.h"
#include "tools/report/trend.h"

typedef struct {
  TrendOptions trend;
  int draw, format, overwrite;
  char out[OPTION_TEXT], title[OPTION_TEXT], caption[OPTION_TEXT];
} ScalingOptions;

#define DRAWN(X) X(DRAW_VALUE, "value") X(DRAW_SPEEDUP, "speed-up")
enum { DRAWN(CHOICE_NAME) };

#define FIELD(member) offsetof(ScalingOptions, member)
static const Option options[] = {
    {.name = "over", .help = "Option of ./train on which the result depends",
     .type = OPTION_WORD, .at = FIELD(trend.over), .fallback = "steps"},
    {.name = "value",
     .help = "Result of a run: the final loss, tokens or steps to the target, or the best rate of "
             "the tuning runs",
     .type = OPTION_CHOICE, .at = FIELD(trend.value), .fallback = "loss",
     .choices = TREND_VALUES(CHOICE_WORD)},
    {.name = "target", .help = "Loss to reach, for --value tokens and steps",
     .type = OPTION_REAL, .at = FIELD(trend.target), .fallback = "0", .max = 1e9},
    {.name = "baseline", .help = "Method that the speed-ups are relative to",
     .type = OPTION_WORD, .at = FIELD(trend.baseline), .fallback = "adamw"},
    {.name = "draw", .help = "What the figure shows",
     .type = OPTION_CHOICE, .at = FIELD(draw), .fallback = "value", .choices = DRAWN(CHOICE_WORD)},
    {.name = "format", .help = "Format of the tables",
     .type = OPTION_CHOICE, .at = FIELD(format), .fallback = "text", .choices = TABLE_FORMATS},
    {.name = "out",
     .help = "Image to write: NAME.png, NAME.svg or NAME.pdf (empty: draw in the terminal)",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = ""},
    {.name = "title", .help = "Title of the figure",
     .type = OPTION_WORD, .at = FIELD(title), .fallback = ""},
    {.name = "caption", .help = "Line below an image",
     .type = OPTION_WORD, .at = FIELD(caption), .fallback = ""},
    {.name = "overwrite", .help = "Replace a file that is not an image of this format",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF},
    {0},
};

static void help(FILE *out) {
  OptionSet set = {.title = "options", .rows = options};
  fputs("Shows how the results of methods depend on one option: the number of steps,\n"
        "the batch, the width. A PATH is a folder or archive of runs, such as sweeps\n"
        "of different lengths.\n\n"
        "  tools/scaling runs/horizons                        loss against steps\n"
        "  tools/scaling runs/horizons --draw speed-up --out speed-up.svg\n"
        "  tools/scaling runs/batch --over batch --value tokens --target 2.2\n"
        "  tools/scaling runs/width --over channels --value rate\n\n"
        "Losses at several lengths also give the speed-up over the baseline: the\n"
        "tokens that the baseline trains on, divided by those with which the method\n"
        "reaches the same final loss, and a fit L = a D^-b + c.\n\n",
        out);
  options_help(out, &set);
}

/* ---- tables ---- */

static void put_cell(Table *table, int column, Summary s, int digits) {
  if (s.n == 0) return;
  if (s.n == 1) table_set(table, column, "%.*g", digits, s.mean);
  else table_set(table, column, "%.*g +- %.2g", digits, s.mean, s.half);
}

static Table make_table(const Trend *t, const char *more) {
  char head[2048];
  size_t used = (size_t)snprintf(head, sizeof head, "method");
  for (int i = 0; i < t->x_count && used < sizeof head - 64; i++)
    used += (size_t)snprintf(head + used, sizeof head - used, "|%.6g", t->x[i]);
  snprintf(head + used, sizeof head - used, "%s", more);
  return table_make(head);
}

static const char *const value_texts[] = {
    "validation loss at the end", "tokens to the target", "steps to the target",
    "best learning rate of the tuning runs, between the rates tried by a parabola"};

static void describe(Table *table, const Trend *t, const char *what) {
  table_note(table, 1, "%s, by %s: mean over the seeds%s", what, t->options.over,
             t->seed_count > 1 ? " +- half of its 95 % interval" : "");
}

static int has_speedups(const Trend *t) {
  return t->options.value == TREND_LOSS && t->baseline >= 0 && t->count > 1 && t->x_count > 1 &&
         t->tokens[0] < t->tokens[t->x_count - 1];
}

static Table value_table(const Trend *t) {
  Table table = make_table(t, "|a|b|c|rms");
  int fitted = t->options.value == TREND_LOSS && has_speedups(t), column = t->x_count + 1;
  describe(&table, t, value_texts[t->options.value]);
  if (fitted)
    table_note(&table, column, "fit L = a D^-b + c of the means, D in millions of tokens, with the "
                               "root mean square of what remains");
  if (t->options.value == TREND_RATE)
    table_note(&table, 2, "(edge): for some seed the smallest or largest rate tried was best");
  for (int r = 0; r < t->count; r++) {
    const TrendRow *row = &t->rows[r];
    PowerLaw law;
    table_row(&table);
    table_set(&table, 0, "%s", row->name);
    for (int i = 0; i < t->x_count; i++) {
      char text[80] = "";
      Summary s = trend_cell(t, row, i);
      if (s.n > 0 && row->edge[i]) snprintf(text, sizeof text, "%.3g (edge)", s.mean);
      if (*text) table_set(&table, 1 + i, "%s", text);
      else put_cell(&table, 1 + i, s, t->options.value == TREND_LOSS ? 5 : 3);
    }
    if (!fitted || trend_fit(t, row, &law)) continue;
    table_set(&table, column, "%.3f", law.a);
    table_set(&table, column + 1, "%.3f", law.b);
    table_set(&table, column + 2, "%.3f", law.c);
    table_set(&table, column + 3, "%.4f", law.rms);
  }
  return table;
}

static Table speedup_table(const Trend *t) {
  Table table = make_table(t, "");
  char what[160];
  snprintf(what, sizeof what,
           "tokens of %.60s divided by those with which the method reaches its final loss",
           t->rows[t->baseline].name);
  describe(&table, t, what);
  for (int r = 0; r < t->count; r++) {
    table_row(&table);
    table_set(&table, 0, "%s", t->rows[r].name);
    for (int i = 0; i < t->x_count; i++)
      put_cell(&table, 1 + i, trend_speedup(t, &t->rows[r], i), 3);
  }
  return table;
}

/* ---- the figure ---- */

static Summary drawn(const Trend *t, const ScalingOptions *o, const TrendRow *row, int i) {
  return o->draw == DRAW_SPEEDUP ? trend_speedup(t, row, i) : trend_cell(t, row, i);
}

/* A line for each method, and a band over its intervals. */
static void add_curves(Figure *f, const Trend *t, const ScalingOptions *o, SeriesKind kind) {
  for (int r = 0; r < t->count; r++) {
    const TrendRow *row = &t->rows[r];
    Series *s = figure_add(f, kind, row->look, t->x_count, kind == SERIES_CURVE ? row->name : "");
    s->n = 0;
    for (int i = 0; i < t->x_count; i++) {
      Summary cell = drawn(t, o, row, i);
      if (cell.n == 0 || (kind == SERIES_BAND && isnan(cell.half))) continue;
      s->x[s->n] = t->x[i];
      s->y[s->n] = cell.mean;
      if (kind == SERIES_BAND) {
        s->y[s->n] = cell.mean - cell.half;
        s->high[s->n] = cell.mean + cell.half;
      }
      s->n++;
    }
  }
}

static Figure make_figure(const Trend *t, const ScalingOptions *o) {
  char label[128];
  snprintf(label, sizeof label, "speed-up over %.60s", o->trend.baseline);
  Figure f = figure_make(o->title, t->options.over,
                         o->draw == DRAW_SPEEDUP ? label : value_texts[t->options.value]);
  snprintf(f.caption, sizeof f.caption, "%.500s", o->caption);
  f.x_scale = t->x[0] > 0 ? SCALE_DOUBLINGS : SCALE_LINEAR;
  if (t->options.value != TREND_LOSS) f.y_scale = SCALE_LOG;
  f.shown = 1;
  add_curves(&f, t, o, SERIES_BAND);
  add_curves(&f, t, o, SERIES_CURVE);
  return f;
}

static int draw(const Trend *t, const ScalingOptions *o, FigureFormat format, Err *err) {
  char *picture;
  size_t size;
  Figure f = make_figure(t, o);
  if (format == FIGURE_CHARACTERS) figure_fit_terminal(&f);
  int status = figure_has_points(&f) ? figure_draw(&f, format, &picture, &size, err)
                                     : fail(err, "there is nothing to draw");
  figure_free(&f);
  if (status) return -1;
  if (format == FIGURE_CHARACTERS) fwrite(picture, 1, size, stdout);
  else status = program_replace(o->out, picture, size, figure_sign(format), o->overwrite, err);
  if (status == 0 && format != FIGURE_CHARACTERS) quote_terminal(stdout, o->out), putchar('\n');
  free(picture);
  return status;
}

/* ---- the program ---- */

static void print_table(Table table, TableFormat format) {
  table_write(&table, format, stdout);
  putchar('\n');
  table_free(&table);
}

static int show(const ScalingOptions *o, char *const *paths, int count, Err *err) {
  FigureFormat format = FIGURE_CHARACTERS;
  Trend t;
  int crosses = o->trend.value == TREND_TOKENS || o->trend.value == TREND_STEPS;
  if (crosses && o->trend.target <= 0)
    return fail(err, "--value tokens and steps need the loss to reach: --target 2.2");
  if (*o->out && figure_format_of(o->out, &format, err)) return -1;
  if (trend_read(&t, paths, count, &o->trend, err)) return -1;
  int status = o->draw == DRAW_SPEEDUP && !has_speedups(&t)
                   ? fail(err, "speed-ups need losses of %s and of other methods at several "
                               "lengths", o->trend.baseline) : 0;
  if (status == 0) print_table(value_table(&t), (TableFormat)o->format);
  if (status == 0 && has_speedups(&t)) print_table(speedup_table(&t), (TableFormat)o->format);
  if (status == 0 && (*o->out || o->format == TABLE_TEXT)) status = draw(&t, o, format, err);
  trend_free(&t);
  return status;
}

static int run(int argc, char **argv, Err *err) {
  ScalingOptions o;
  const OptionSet sets[] = {{.title = "scaling", .rows = options, .values = &o}, {0}};
  char **paths = memory_take((size_t)argc, sizeof *paths);
  int count = program_words(&argc, argv, paths), code = EXIT_USAGE;
  int status = program_options(sets, argc, argv, err);
  if (status == 0 && count == 0)
    fail(err, "name folders of runs: tools/scaling runs/horizons");
  else if (status == 0) code = show(&o, paths, count, err) ? EXIT_FAILED : EXIT_DONE;
  free(paths);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "scaling", .help = help, .run = run}, argc, argv);
}
