/* The folder of a run as the reports read it, and their output: page, tables, gnuplot scripts. No
   text from a file may be executed there. The input is config.txt, log.csv and info.txt, with a
   zero byte between. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "tests/fuzz/input.h"
#include "tools/report/curves.h"
#include "tools/report/gnuplot.h"
#include "tools/report/outcome.h"
#include "tools/report/page.h"

static void refuse(const char *what, const char *where) {
  fprintf(stderr, "%s: %.400s\n", what, where);
  abort();
}

static void check_controls(const char *text) {
  for (const char *c = text; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7F) refuse("control", c);
    if (byte == 0xC2 && (unsigned char)c[1] < 0xA0) refuse("control", c);
  }
}

/* Replaces gnuplot. Outside of its strings, a script may only contain what this program writes. */
int gnuplot_run(const char *script, size_t size, char **out, size_t *out_size, Err *err) {
  int in_string = 0;
  if (strlen(script) != size) refuse("a zero byte", script);
  check_controls(script);
  for (const char *c = script; *c; c++) {
    if (*c == '\'') in_string = !in_string; /* a doubled one closes and opens */
    else if (*c == '\n' && in_string) refuse("a string without an end", c);
    else if (!in_string && !isalnum((unsigned char)*c) &&
             !strchr(" \n.,:;()[]{}<>$#*+-/=_?", *c))
      refuse("outside of a string", c);
  }
  (void)err;
  *out = strdup("<?xml?><svg id=\"a\"><text>a</text></svg>");
  *out_size = strlen(*out);
  return 0;
}

/* Every tag is one of ours, and its quotes are closed. */
static void check_page(const char *page) {
  static const char ours[] = " !DOCTYPE !-- html head meta title style body h1 h2 p div table thead"
                             " tbody tr th td figure figcaption svg text ul ol li "
                              "details summary pre sup a script ";
  check_controls(page);
  for (const char *tag = strchr(page, '<'); tag; tag = strchr(tag + 1, '<')) {
    char name[24];
    const char *word = tag + 1 + (tag[1] == '/'), *end = strchr(tag, '>');
    int quotes = 0;
    snprintf(name, sizeof name, " %.*s ", (int)strcspn(word, " >\n"), word);
    if (!end || !strstr(ours, name)) refuse("a tag", tag);
    for (const char *c = tag; c < end; c++) quotes += *c == '"';
    if (quotes % 2) refuse("quotes", tag);
  }
}

static void write_page(const Comparison *c) {
  char *page;
  size_t size;
  Err err;
  if (page_write(c, input_file("page.html", NULL, 0), "tools/compare", 0, 1, &err)) return;
  if (file_read("page.html", &page, &size, &err)) abort();
  check_page(page);
  free(page);
}

static void write_tables(const Comparison *c) {
  Table tables[] = {outcome_losses(c), outcome_costs(c), outcome_settings(c), outcome_numbers(c)};
  for (int i = 0; i < 16; i++) {
    char *text;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    table_write(&tables[i % 4], (TableFormat)(i / 4), memory);
    fclose(memory);
    check_controls(text);
    free(text);
  }
  for (int i = 0; i < 4; i++) table_free(&tables[i]);
}

static void plot(const RunLog *log) {
  char *picture;
  size_t size;
  Err err;
  Figure f;
  for (FigureFormat format = FIGURE_PNG; format <= FIGURE_CHARACTERS; format++) {
    const CurveOptions options = {.faint = format != FIGURE_CHARACTERS, .highlight = ""};
    if (curves_of_runs(&f, log, 1, &options, &err)) return;
    snprintf(f.title, sizeof f.title, "%s", runlog_option(log, "schedule"));
    if (figure_draw(&f, format, &picture, &size, &err) == 0) free(picture);
    figure_free(&f);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const files[] = {"config.txt", "log.csv", "info.txt"};
  static uint8_t copy[1 << 14];
  static const ComparisonOptions options = {.baseline = "adamw"};
  static char here[] = ".", *const paths[] = {here};
  Comparison c;
  Err err;
  if (size > sizeof copy) return 0;
  for (size_t i = 0; i < size; i++) copy[i] = data[i] == '/' ? '_' : data[i]; /* no other files */
  const uint8_t *at = copy, *end = copy + size;
  for (int i = 0; i < 3; i++) {
    const uint8_t *stop = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
    if (!stop) stop = end;
    input_file(files[i], at, (size_t)(stop - at));
    at = stop < end ? stop + 1 : end;
  }
  if (comparison_read(&c, paths, 1, &options, &err)) return 0;
  write_page(&c);
  write_tables(&c);
  plot(&c.logs[0]);
  comparison_free(&c);
  return 0;
}
