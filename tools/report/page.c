#include "tools/report/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/quote.h"
#include "run/config.h"
#include "run/names.h"
#include "run/program.h"
#include "tools/report/figures.h"
#include "tools/report/outcome.h"
#include "tools/trials/spec.h"

static const char first_line[] = "<!DOCTYPE html><!-- written by tools/compare -->";
static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.6em}h2{font-size:1.25em;margin-top:2em}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9em}\n"
    "th,td{padding:.3em .7em;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}\n"
    "th{border-bottom:2px solid #888;white-space:normal;vertical-align:bottom}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    "figure{margin:1.5em 0}figure svg{width:100%;height:auto;display:block}\n"
    "figcaption{color:#555;font-size:.9em}\n"
    "pre{background:#f5f5f5;padding:.8em;overflow-x:auto;font-size:.85em}\n"
    ".explain{color:#555;font-size:.9em}\n";

/* ---- figures ---- */

/* Gives the names in the tags of a picture a prefix: those of several pictures on one page would
   clash. */
static void write_inline(FILE *out, const char *svg, int number) {
  static const char *const before[] = {"id=\"", "id='", "href=\"#", "href='#", "url(#", NULL};
  const char *at = strstr(svg, "<svg");
  for (int in_tag = 0; at && *at;) {
    size_t length = 0;
    if (*at == '<') in_tag = 1;
    if (*at == '>') in_tag = 0;
    for (int i = 0; before[i] && in_tag; i++)
      if (strncmp(at, before[i], strlen(before[i])) == 0) length = strlen(before[i]);
    if (length == 0) {
      fputc(*at++, out);
      continue;
    }
    fprintf(out, "%.*sf%d-", (int)length, at, number);
    at += length;
  }
}

static int write_figure(FILE *out, const Comparison *c, int number, Err *err) {
  const FigureKind *kind = &figure_kinds[number];
  Figure f = kind->make(c, kind->axis);
  char *svg;
  size_t size;
  int status = 0;
  if (figure_has_points(&f)) {
    status = figure_draw(&f, FIGURE_SVG, &svg, &size, err);
    if (status == 0) {
      fprintf(out, "<figure id=\"%s\">\n", kind->name);
      write_inline(out, svg, number);
      fprintf(out, "\n<figcaption>%s</figcaption>\n</figure>\n", kind->caption);
      free(svg);
    }
  }
  figure_free(&f);
  return status;
}

/* ---- the other parts ---- */

static void write_table(FILE *out, Table t) {
  fputs("<div class=\"wide\">\n", out);
  table_write(&t, TABLE_HTML, out);
  fputs("</div>\n", out);
  table_free(&t);
}

/* The value of an option of the run, with words before it. */
static void write_option(FILE *out, const char *before, const RunLog *log, const char *name) {
  fputs(before, out);
  quote_html(out, runlog_option(log, name));
}

/* "8 steps of warm-up (adamw 60)": the warm-up is tuned, so methods may differ in it. */
static void write_warmup(FILE *out, const Comparison *c) {
  const RunLog *first = &c->logs[c->entries[0].runs[0]];
  const char *common = runlog_option(first, "warmup");
  int others = 0;
  write_option(out, ", ", first, "warmup");
  fputs(" steps of warm-up", out);
  for (int i = 1; i < c->count; i++) {
    const RunLog *log = &c->logs[c->entries[i].runs[0]];
    if (strcmp(runlog_option(log, "warmup"), common) == 0) continue;
    fputs(others++ ? ", " : " (", out);
    quote_html(out, c->entries[i].name);
    write_option(out, " ", log, "warmup");
  }
  if (others) fputc(')', out);
}

/* The options of the task, which the runs have in common, in a sentence. */
static void write_subject(FILE *out, const Comparison *c) {
  const RunLog *log = &c->logs[c->entries[0].runs[0]];
  int listed = 0;
  fprintf(out, "<p>%d methods train the same network", c->count);
  if (log->info.weights > 0) fprintf(out, " (%.2f M weights)", log->info.weights / 1e6);
  fputs(" on the same data: ", out);
  for (int i = 0; i < log->config.count; i++) {
    const Setting *s = &log->config.items[i];
    char name[80];
    if (config_effect(s->name) != EFFECT_TASK || !*s->value) continue;
    snprintf(name, sizeof name, "%s%.64s ", listed++ ? ", " : "", s->name);
    write_option(out, name, log, s->name);
  }
  write_option(out, ". Schedule: ", log, "schedule");
  write_warmup(out, c);
  fputs(". Seeds:", out);
  for (int i = 0; i < c->seed_count; i++)
    fprintf(out, "%s %lld", i ? "," : "", (long long)c->seeds[i]);
  fputs(".</p>\n", out);
}

static void write_item(FILE *out, const char *text) {
  fputs("<li>", out);
  quote_html(out, text);
  fputs("</li>\n", out);
}

static void write_notes(FILE *out, const Comparison *c) {
  char *explanation = outcome_explain(c), *rest = explanation;
  fputs("<ul class=\"explain\">\n", out);
  for (char *line; (line = strsep(&rest, "\n"));)
    if (*line) write_item(out, line);
  fputs("</ul>\n", out);
  free(explanation);
  if (c->note_count > 0) fputs("<h2>Notes</h2>\n<ul>\n", out);
  for (int i = 0; i < c->note_count; i++) write_item(out, c->notes[i]);
  if (c->note_count > 0) fputs("</ul>\n", out);
}

/* A text file of the results, folded away; nothing when it is not there. */
static void write_file(FILE *out, const char *path, const char *title) {
  char *text;
  size_t size;
  Err ignored;
  if (!file_exists(path) || file_read(path, &text, &size, &ignored)) return;
  fputs("<details><summary>", out);
  quote_html(out, title);
  fputs("</summary><pre>", out);
  quote_html(out, text);
  fputs("</pre></details>\n", out);
  free(text);
}

/* A command line with a path in it: quoted for the shell, then for the page. */
static void write_command(FILE *out, const char *before, const char *path, const char *after) {
  char word[9 * OPTION_TEXT];
  fputs(before, out);
  quote_html(out, quote_path_text(word, sizeof word, path));
  fputs(after, out);
}

static void write_settings(FILE *out, const Comparison *c, const char *command) {
  char path[2 * OPTION_TEXT];
  snprintf(path, sizeof path, "%s/" SPEC_FILE, c->folder);
  fputs("<h2>Settings, and commands that repeat the comparison</h2>\n<pre>", out);
  if (file_exists(path)) write_command(out, "tools/sweep ", path, " --out runs/again\n");
  quote_html(out, command);
  fputs("</pre>\n<p>One run of each method, with its settings:</p>\n<pre>", out);
  for (int i = 0; i < c->count; i++) {
    char file[OPTION_TEXT + 16], after[64];
    snprintf(file, sizeof file, "%s/" CONFIG_FILE, c->logs[c->entries[i].runs[0]].path);
    snprintf(after, sizeof after, " --out runs/again-%d\n", i + 1);
    write_command(out, "./train @", file, after);
  }
  fputs("</pre>\n", out);
  write_file(out, path, "Spec of the sweep");
  for (int i = 0; i < c->count; i++) {
    char title[256];
    const char *folder = c->logs[c->entries[i].runs[0]].path;
    snprintf(title, sizeof title, "%s: all settings", c->entries[i].name);
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, folder);
    write_file(out, path, title);
  }
  snprintf(path, sizeof path, "%s/" INFO_FILE, c->logs[c->entries[0].runs[0]].path);
  write_file(out, path, "Program and machine");
}

static int write_figures(FILE *out, const Comparison *c, Err *err) {
  fputs("<h2>Figures</h2>\n", out);
  for (int i = 0; figure_kinds[i].name; i++)
    if (write_figure(out, c, i, err)) return -1;
  return 0;
}

int page_write(const Comparison *c, const char *path, const char *command, int overwrite,
               Err *err) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  fprintf(out, "%s\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width\">\n"
               "<title>Optimizers compared</title>\n<style>\n%s</style>\n</head>\n<body>\n"
               "<h1>Optimizers compared</h1>\n", first_line, style);
  write_subject(out, c);
  fputs("<h2>Final loss</h2>\n", out);
  write_table(out, outcome_losses(c));
  fputs("<h2>Cost</h2>\n", out);
  write_table(out, outcome_costs(c));
  write_notes(out, c);
  int status = write_figures(out, c, err);
  write_settings(out, c, command);
  fputs("</body>\n</html>\n", out);
  fclose(out);
  if (status == 0)
    status = program_replace(path, text, size, sizeof first_line - 1, overwrite, err);
  free(text);
  return status;
}
