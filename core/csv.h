/* CSV as this program writes it: a first line with the names of the columns, then rows of numbers
   and words without quotes, commas or line ends. An empty cell is a value that was not measured. */
#ifndef CORE_CSV_H
#define CORE_CSV_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

typedef struct {
  const char *path; /* for messages; lives as long as the Csv */
  int line;         /* of the row that was read last; 1 is the line of names */
  int columns;
  char **names, **cells; /* (columns) */
  int cut;          /* the file ends in the middle of line + 1, which is left out */
  char *text, *next;
} Csv;

/* Reads a file, also a gzipped one, and the names of its columns. Errors: the file cannot be read,
   is empty, or holds zero bytes. */
int csv_open(Csv *csv, const char *path, Err *err);
void csv_close(Csv *csv);

/* The place of a column, or -1. */
int csv_column(const Csv *csv, const char *name);

/* Reads the next row: 1, or 0 at the end. Error, with file and line: more or fewer cells than
   names. */
int csv_row(Csv *csv, Err *err);

/* A cell of the row as a number; NaN when it is empty. Error, with file and line: anything else. */
int csv_number(const Csv *csv, int column, double *number, Err *err);

/* Writes ",NUMBER" with that many digits, or "," alone for NaN. */
void csv_put(FILE *out, double number, int digits);

/* Writes a word, in quotes where it needs them. */
void csv_put_word(FILE *out, const char *word);

/* The place in a text (size) where its last line begins, of a line end at the text's end. */
size_t csv_last_line(const char *text, size_t size);

#endif
