/* A table of texts with notes to its columns: for the terminal, as Markdown, CSV or HTML. */
#ifndef TOOLS_REPORT_TABLE_H
#define TOOLS_REPORT_TABLE_H

#include <stdio.h>

#define TABLE_FORMATS "text|markdown|csv|html"
typedef enum { TABLE_TEXT, TABLE_MARKDOWN, TABLE_CSV, TABLE_HTML } TableFormat;

typedef struct {
  const char *name; /* prefix of the notes' ids in HTML; the caller sets it if there are notes */
  int columns, rows;
  int is_text;      /* two columns, both aligned left; the second is wrapped on the terminal */
  char **cells;     /* (rows + 1, columns), the head first */
  char **notes;     /* (columns) what the column means, or NULL */
} Table;

/* `head` is "one|two|three". */
Table table_make(const char *head);
void table_free(Table *t);

/* Adds an empty row; table_set fills cells of the last one, at first of the head (printf format).
   Line ends and control characters in a cell are escaped. table_note explains a column. */
#ifdef __GNUC__
#define TABLE_PRINTF __attribute__((format(printf, 3, 4)))
#else
#define TABLE_PRINTF
#endif
void table_row(Table *t);
void table_set(Table *t, int column, const char *format, ...) TABLE_PRINTF;
void table_note(Table *t, int column, const char *format, ...) TABLE_PRINTF;

/* Adds a row from its cells "one|two|three" (printf format); "nan" is an empty cell. */
void table_add(Table *t, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* A column that is empty in all rows is left out, except of CSV, whose columns are always the same.
   The notes follow the table, as a list or as footnotes; CSV has none. */
void table_write(const Table *t, TableFormat format, FILE *out);

#endif
