#include "tools/report/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/quote.h"
#include "run/names.h"
#include "run/program.h"
#include "tools/report/figures.h"
#include "tools/report/label.h"
#include "tools/report/outcome.h"
#include "tools/report/swept.h"

static const char first_line[] = "<!DOCTYPE html><!-- written by tools/compare -->";
/* In the dark, figures have their lightness inverted and keep their hues. */
static const char style[] =
    ":root{color-scheme:light dark;--text:#222;--soft:#555;--paper:#fff;--line:#ddd;"
    "--box:#f5f5f5}\n"
    "@media(prefers-color-scheme:dark){\n"
    ":root{--text:#ddd;--soft:#aaa;--paper:#141414;--line:#3a3a3a;--box:#222}\n"
    "figure svg{filter:invert(.92) hue-rotate(180deg)}a{color:#8ab4f8}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:1400px;margin:1.5em auto;padding:0 1em;"
    "color:var(--text);background:var(--paper)}\n"
    "h1{font-size:1.6em;margin-bottom:.2em}h2{font-size:1.25em;margin-top:2em}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9em}\n"
    "th,td{padding:.25em .7em;text-align:right;border-bottom:1px solid var(--line);"
    "white-space:nowrap}\n"
    "th{border-bottom:2px solid var(--soft);white-space:normal;vertical-align:bottom}\n"
    ".sorts th{cursor:pointer}th[aria-sort=ascending]::after{content:\" \\2191\"}\n"
    "th[aria-sort=descending]::after{content:\" \\2193\"}\n"
    "th:first-child,td:first-child{position:sticky;left:0;"
    "background:var(--paper);background-clip:padding-box}\n"
    "th:first-child,td:first-child,.text th,.text td{text-align:left}\n"
    ".text td+td{white-space:normal}sup a{text-decoration:none}\n"
    ".notes,figcaption,.soft{color:var(--soft);font-size:.85em}:target{background:var(--line)}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));"
    "gap:1.5em}\n"
    "figcaption{position:sticky;left:0}figure{margin:1em 0;min-width:0;overflow-x:auto}\n"
    "figure svg{width:100%;min-width:560px;height:auto;display:block}#forest{max-width:1000px}\n"
    "pre{background:var(--box);padding:.8em;overflow-x:auto;font-size:.85em}\n";
/* A click on the head of a column sorts by it; numbers may have a k or M after them. */
static const char script[] =
    "const key = text => {\n"
    "  const m = text.match(/^([-+]?[0-9.]+) ?([kM]?)/);\n"
    "  return m ? m[1] * ({k: 1e3, M: 1e6}[m[2]] || 1) : text;\n"
    "};\n"
    "const order = (a, b) => typeof a === typeof b\n"
    "  ? (typeof a === 'number' ? a - b : a.localeCompare(b)) : typeof a === 'number' ? -1 : 1;\n"
    "for (const table of document.querySelectorAll('table')) {\n"
    "  table.classList.add('sorts');\n"
    "  table.tHead.addEventListener('click', event => {\n"
    "    const head = event.target.closest('th');\n"
    "    if (!head || event.target.closest('a')) return;\n"
    "    const sign = head.ariaSort === 'ascending' ? -1 : 1, i = head.cellIndex;\n"
    "    const at = row => key(row.cells[i].textContent);\n"
    "    const rows = [...table.tBodies[0].rows].sort((a, b) => sign * order(at(a), at(b)));\n"
    "    for (const other of head.parentNode.cells) other.ariaSort = null;\n"
    "    head.ariaSort = sign === 1 ? 'ascending' : 'descending';\n"
    "    table.tBodies[0].append(...rows);\n"
    "  });\n"
    "}\n";

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
  char *svg, name[32];
  size_t size;
  if (figures_draw(c, number, FIGURE_SVG, number > 0, &svg, &size, err)) return -1;
  if (!svg) return 0;
  word_at(FIGURE_NAMES, number, name, sizeof name);
  fprintf(out, "<figure id=\"%s\">\n", name);
  write_inline(out, svg, number);
  fprintf(out, "\n<figcaption>%s</figcaption>\n</figure>\n", figure_kinds[number].caption);
  free(svg);
  return 0;
}

static int write_figures(FILE *out, const Comparison *c, Err *err) {
  fputs("<h2>Figures</h2>\n<div class=\"figures\">\n", out);
  for (int i = 1; i < word_count(FIGURE_NAMES); i++)
    if (write_figure(out, c, i, err)) return -1;
  fputs("</div>\n", out);
  return 0;
}

/* ---- the other parts ---- */

static void write_head(FILE *out, const Comparison *c, int refresh) {
  char caption[256];
  label_caption(c->logs, c->log_count, c->seed_count, caption, sizeof caption);
  fprintf(out, "%s\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width\">\n", first_line);
  if (refresh) fprintf(out, "<meta http-equiv=\"refresh\" content=\"%d\">\n", refresh);
  fprintf(out, "<title>%d methods compared</title>\n<style>\n%s</style>\n</head>\n<body>\n"
               "<h1>%d methods compared</h1>\n<p class=\"soft\">", c->count, style, c->count);
  quote_html(out, caption);
  fputs("</p>\n", out);
}

static void write_table(FILE *out, const char *title, Table t) {
  if (t.rows > 0) {
    fprintf(out, "<h2>%s</h2>\n", title);
    table_write(&t, TABLE_HTML, out);
  }
  table_free(&t);
}

static void write_notes(FILE *out, const Comparison *c) {
  if (c->set.note_count > 0) fputs("<h2>Notes</h2>\n<ul>\n", out);
  for (int i = 0; i < c->set.note_count; i++) {
    fputs("<li>", out);
    quote_html(out, c->set.notes[i]);
    fputs("</li>\n", out);
  }
  if (c->set.note_count > 0) fputs("</ul>\n", out);
}

static void write_details(FILE *out, const char *title, const char *text) {
  fputs("<details><summary>", out);
  quote_html(out, title);
  fputs("</summary><pre>", out);
  quote_html(out, text);
  fputs("</pre></details>\n", out);
}

static void write_config(FILE *out, const Entry *e, const RunLog *log) {
  char *text, title[256];
  size_t size;
  FILE *lines = open_memstream(&text, &size);
  for (int i = 0; i < log->config.count; i++)
    option_write(lines, log->config.items[i].name, log->config.items[i].value);
  fclose(lines);
  snprintf(title, sizeof title, "%s: all settings", e->name);
  write_details(out, title, text);
  free(text);
}

/* Commands for a shell, one a line. */
static void write_commands(FILE *out, const Comparison *c, const char *command) {
  char *text, path[OPTION_TEXT + 16];
  size_t size;
  FILE *lines = open_memstream(&text, &size);
  fputs(c->set.archives, lines);
  if (*c->set.spec) {
    fputs("tools/sweep ", lines);
    quote_path(lines, c->set.spec);
    fputs(" --out runs/again\n", lines);
  }
  fprintf(lines, "%s\n\n# one run of each method, with its settings\n", command);
  for (int i = 0; i < c->count; i++) {
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, c->logs[c->entries[i].runs[0]].path);
    fputs("./train @", lines);
    quote_path(lines, path);
    fprintf(lines, " --out runs/again-%d\n", i + 1);
  }
  fclose(lines);
  fputs("<pre>", out);
  quote_html(out, text);
  fputs("</pre>\n", out);
  free(text);
}

static void write_settings(FILE *out, const Comparison *c, const char *command) {
  char *spec;
  size_t size;
  Err ignored;
  fputs("<h2>Commands that repeat the comparison, and all settings</h2>\n", out);
  write_commands(out, c, command);
  if (*c->set.spec && file_read(c->set.spec, &spec, &size, &ignored) == 0) {
    write_details(out, "Spec of the sweep", spec);
    free(spec);
  }
  for (int i = 0; i < c->count; i++)
    write_config(out, &c->entries[i], &c->logs[c->entries[i].runs[0]]);
  write_details(out, "Program and machine", c->set.origins[c->entries[0].runs[0]].info);
}

/* The trials of a sweep of more than the learning rate. */
static void write_trials(FILE *out, const Comparison *c) {
  const char *names[SWEPT_MAX];
  if (swept_options(c, names) == 0) return;
  fputs("<details><summary>Trials</summary>\n", out);
  write_table(out, "Tuning trials", swept_trials(c));
  fputs("</details>\n", out);
}

int page_write(const Comparison *c, const char *path, const char *command, int refresh,
               int overwrite, Err *err) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  write_head(out, c, refresh);
  int status = write_figure(out, c, 0, err);
  write_table(out, "Final loss", outcome_losses(c));
  write_table(out, "Cost", outcome_costs(c));
  write_table(out, "Sensitivity to the settings", outcome_sensitivity(c));
  write_table(out, "Settings that differ", outcome_settings(c));
  write_notes(out, c);
  status = status || write_figures(out, c, err) ? -1 : 0;
  write_trials(out, c);
  write_settings(out, c, command);
  fprintf(out, "<script>\n%s</script>\n</body>\n</html>\n", script);
  fclose(out);
  if (status == 0)
    status = program_replace(path, text, size, sizeof first_line - 1, overwrite, err);
  free(text);
  return status;
}
