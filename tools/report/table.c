#include "tools/report/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "core/memory.h"
#include "core/option.h"
#include "core/quote.h"

Table table_make(const char *head) {
  Table t = {.name = "", .columns = word_count(head), .rows = -1};
  t.notes = memory_take((size_t)t.columns, sizeof *t.notes);
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
  for (int i = 0; i < t->columns; i++) free(t->notes[i]);
  free(t->cells);
  free(t->notes);
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

static void set_text(char **to, const char *format, va_list arguments) {
  char text[2048];
  size_t size;
  vsnprintf(text, sizeof text, format, arguments);
  free(*to);
  FILE *line = open_memstream(to, &size);
  quote_terminal(line, text);
  fclose(line);
}

void table_set(Table *t, int column, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_text(cell(t, t->rows, column), format, arguments);
  va_end(arguments);
}

void table_note(Table *t, int column, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_text(&t->notes[column], format, arguments);
  va_end(arguments);
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

/* What is written around and between the cells, and how a cell is quoted. */
typedef struct {
  const char *begin, *between, *end;
  void (*quote)(FILE *, const char *);
  int padded;
} Style;

static const Style styles[] = {
    [TABLE_TEXT] = {.begin = "", .between = "  ", .end = "\n", quote_terminal, .padded = 1},
    [TABLE_MARKDOWN] = {.begin = "| ", .between = " | ", .end = " |\n", quote_markdown,
                        .padded = 1},
    [TABLE_CSV] = {.begin = "", .between = ",", .end = "\n", csv_put_word},
    [TABLE_HTML] = {.begin = "<tr>", .between = "", .end = "</tr>\n", quote_html},
};

static int is_left(const Table *t, int column) { return column == 0 || t->is_text; }

static int is_shown(const Table *t, int column, TableFormat format) {
  return format == TABLE_CSV || !is_empty(t, column);
}

static void write_html_cell(const Table *t, int row, int column, int note, FILE *out) {
  fprintf(out, row == 0 ? "<th>" : "<td>");
  quote_html(out, *cell(t, row, column));
  if (row == 0 && t->notes[column])
    fprintf(out, "<sup><a href=\"#%s-%d\">%d</a></sup>", t->name, note, note);
  fprintf(out, row == 0 ? "</th>" : "</td>");
}

static void write_row(const Table *t, int row, TableFormat format, FILE *out) {
  const Style *s = &styles[format];
  int written = 0, note = 0;
  fputs(s->begin, out);
  for (int i = 0; i < t->columns; i++) {
    const char *text = *cell(t, row, i);
    if (!is_shown(t, i, format)) continue;
    if (format == TABLE_TEXT && t->is_text && i > 0 && i + 1 == t->columns) {
      help_text(out, text, widest(t, 0), widest(t, 0) + 2);
      return;
    }
    int space = s->padded ? widest(t, i) - screen_width(text) : 0;
    note += t->notes[i] != NULL;
    fputs(written++ ? s->between : "", out);
    if (!is_left(t, i)) fprintf(out, "%*s", space, "");
    if (format == TABLE_HTML) write_html_cell(t, row, i, note, out);
    else s->quote(out, text);
    if (is_left(t, i)) fprintf(out, "%*s", space, "");
  }
  fputs(s->end, out);
}

static void write_notes(const Table *t, TableFormat format, FILE *out) {
  char text[2304];
  int written = 0;
  for (int i = 0; i < t->columns; i++) {
    if (!t->notes[i] || !is_shown(t, i, format) || format == TABLE_CSV) continue;
    if (!written++) fputs(format == TABLE_HTML ? "<ol class=\"notes\">\n" : "\n", out);
    snprintf(text, sizeof text, "%s: %s", *cell(t, 0, i), t->notes[i]);
    if (format == TABLE_TEXT) {
      help_text(out, text, fprintf(out, "*"), 2);
      continue;
    }
    if (format == TABLE_HTML) fprintf(out, "<li id=\"%s-%d\">", t->name, written);
    else fputs("* ", out);
    styles[format].quote(out, text);
    fputs(format == TABLE_HTML ? "</li>\n" : "\n", out);
  }
  if (written && format == TABLE_HTML) fputs("</ol>\n", out);
}

void table_write(const Table *t, TableFormat format, FILE *out) {
  if (format == TABLE_HTML)
    fprintf(out, "<div class=\"wide\"><table%s>\n<thead>\n",
            t->is_text ? " class=\"text\"" : "");
  for (int row = 0; row <= t->rows; row++) {
    write_row(t, row, format, out);
    if (row > 0) continue;
    for (int i = 0; format == TABLE_MARKDOWN && i < t->columns; i++)
      if (is_shown(t, i, format)) fputs(is_left(t, i) ? "|:--" : "|--:", out);
    if (format == TABLE_MARKDOWN) fputs("|\n", out);
    if (format == TABLE_HTML) fputs("</thead>\n<tbody>\n", out);
  }
  if (format == TABLE_HTML) fputs("</tbody>\n</table></div>\n", out);
  write_notes(t, format, out);
}
