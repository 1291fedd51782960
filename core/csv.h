/* CSV in this program's format: a first line with the column names, then rows of numbers and words
   without quotes, commas or newlines. An empty cell is a value that was not measured. */
#ifndef CORE_CSV_H
#define CORE_CSV_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

typedef struct {
  const char *path; /* for messages; lives as long as the Csv */
  int line;         /* of the last row read; the names are line 1 */
  int columns;
  char **names, **cells; /* (columns) */
  int cut;          /* the file ends within the next line, which is dropped */
  char *text, *next;
} Csv;

/* Reads a file, plain or gzipped, and its column names. Errors: the file cannot be read, is empty,
   or contains zero bytes. */
int csv_open(Csv *csv, const char *path, Err *err);
void csv_close(Csv *csv);

/* The index of a column, or -1. */
int csv_column(const Csv *csv, const char *name);

/* Reads the next row. Returns 1, or 0 at the end. Error, with file and line: more or fewer cells
   than names. */
int csv_row(Csv *csv, Err *err);

/* Sets *number to a cell of the row, or NaN if it is empty. Error, with file and line: the cell is
   not a number. */
int csv_number(const Csv *csv, int column, double *number, Err *err);

/* Writes ",NUMBER" with that many digits, or only "," for NaN. */
void csv_put(FILE *out, double number, int digits);

/* Writes a word, in quotes if needed. */
void csv_put_word(FILE *out, const char *word);

/* The position of the last line of a text (size). A newline at the end belongs to that line. */
size_t csv_last_line(const char *text, size_t size);

#endif
