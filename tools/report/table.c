#include "tools/report/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "core/memory.h"
#include "core/option.h"
#include "core/quote.h"

Table table_make(const char *head) {
  Table t = {.columns = 1};
  for (const char *c = head; *c; c++) t.columns += *c == '|';
  t.rows = -1;
  table_row(&t);
  for (int i = 0; i < t.columns; i++) {
    char word[256];
    word_at(head, i, word, sizeof word);
    table_set(&t, i, "%s", word);
  }
  return t;
}

void table_free(Table *t) {
  for (int i = 0; i < (t->rows + 1) * t->columns; i++) free(t->cells[i]);
  free(t->cells);
  *t = (Table){0};
}

static char **cell(const Table *t, int row, int column) {
  return &t->cells[row * t->columns + column];
}

void table_row(Table *t) {
  t->rows++;
  size_t count = (size_t)(t->rows + 1) * (size_t)t->columns;
  t->cells = memory_grow(t->cells, count, sizeof *t->cells);
  for (int i = 0; i < t->columns; i++) *cell(t, t->rows, i) = memory_text("");
}

void table_set(Table *t, int column, const char *format, ...) {
  char text[1024], **to = cell(t, t->rows, column);
  size_t size;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  free(*to);
  FILE *line = open_memstream(to, &size);
  quote_terminal(line, text);
  fclose(line);
}

void table_add(Table *t, const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  table_row(t);
  const char *at = text;
  for (int i = 0; i < t->columns; i++) {
    int length = (int)strcspn(at, "|"), nan = strncmp(at + (*at == '-'), "nan", 3) == 0;
    table_set(t, i, "%.*s", nan ? 0 : length, at);
    at += length + (at[length] == '|');
  }
}

/* Characters on the screen: bytes that do not continue a UTF-8 sequence. */
static int screen_width(const char *text) {
  int width = 0;
  for (; *text; text++) width += (*text & 0xC0) != 0x80;
  return width;
}

static int widest(const Table *t, int column) {
  int width = 0;
  for (int row = 0; row <= t->rows; row++) {
    int w = screen_width(*cell(t, row, column));
    if (w > width) width = w;
  }
  return width;
}

static int is_empty(const Table *t, int column) {
  for (int row = 1; row <= t->rows; row++)
    if (**cell(t, row, column)) return 0;
  return t->rows > 0;
}

static void write_padded(FILE *out, const char *text, int width, int left,
                         void (*write)(FILE *, const char *)) {
  int space = width - screen_width(text);
  fprintf(out, "%*s", left ? 0 : space, "");
  write(out, text);
  fprintf(out, "%*s", left ? space : 0, "");
}

static void write_text(const Table *t, int row, FILE *out) {
  for (int i = 0; i < t->columns; i++) {
    if (is_empty(t, i)) continue;
    if (i) fputs("  ", out);
    write_padded(out, *cell(t, row, i), widest(t, i), i == 0, quote_terminal);
  }
  fputc('\n', out);
}

static void write_markdown(const Table *t, int row, FILE *out) {
  for (int i = 0; i < t->columns; i++) {
    if (is_empty(t, i)) continue;
    fputs("| ", out);
    write_padded(out, *cell(t, row, i), widest(t, i), i == 0, quote_markdown);
    fputc(' ', out);
  }
  fputs("|\n", out);
  for (int i = 0; row == 0 && i < t->columns; i++)
    if (!is_empty(t, i)) fputs(i == 0 ? "|:--" : "|--:", out);
  if (row == 0) fputs("|\n", out);
}

static void write_csv(const Table *t, int row, FILE *out) {
  for (int i = 0; i < t->columns; i++) {
    if (i) fputc(',', out);
    csv_put_word(out, *cell(t, row, i));
  }
  fputc('\n', out);
}

static void write_html(const Table *t, int row, FILE *out) {
  const char *tag = row == 0 ? "th" : "td";
  if (row == 0) fputs("<table>\n<thead>\n", out);
  fputs("<tr>", out);
  for (int i = 0; i < t->columns; i++) {
    if (is_empty(t, i)) continue;
    fprintf(out, "<%s>", tag);
    quote_html(out, *cell(t, row, i));
    fprintf(out, "</%s>", tag);
  }
  fputs("</tr>\n", out);
  if (row == 0) fputs("</thead>\n<tbody>\n", out);
  if (row == t->rows) fputs("</tbody>\n</table>\n", out);
}

void table_write(const Table *t, TableFormat format, FILE *out) {
  static void (*const writers[])(const Table *, int, FILE *) = {write_text, write_markdown,
                                                                write_csv, write_html};
  for (int row = 0; row <= t->rows; row++) writers[format](t, row, out);
}
