/* A table of texts, written for the terminal, as Markdown, CSV or HTML. */
#ifndef TOOLS_REPORT_TABLE_H
#define TOOLS_REPORT_TABLE_H

#include <stdio.h>

#define TABLE_FORMATS "text|markdown|csv|html"
typedef enum { TABLE_TEXT, TABLE_MARKDOWN, TABLE_CSV, TABLE_HTML } TableFormat;

typedef struct {
  int columns, rows;
  char **cells; /* (rows + 1, columns), the head first */
} Table;

/* `head` is "one|two|three". */
Table table_make(const char *head);
void table_free(Table *t);

/* Adds an empty row; table_set fills cells of the last one, at first of the head (printf format). A
   cell is one line in which nothing controls a terminal. */
void table_row(Table *t);
void table_set(Table *t, int column, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* Adds a row from its cells "one|two|three" (printf format); "nan" is an empty cell. */
void table_add(Table *t, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* The first column is aligned left, the others right; a column that is empty in all rows is left
   out, except of CSV, whose columns are always the same. */
void table_write(const Table *t, TableFormat format, FILE *out);

#endif
