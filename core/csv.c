#include "core/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/memory.h"

/* Cuts the next line off the text; NULL at the end, and where a row has no line end. */
static char *next_line(Csv *csv) {
  char *line = csv->next, *end = strchr(line, '\n');
  csv->cut = *line && !end && csv->line > 0;
  if (!*line || csv->cut) return NULL;
  csv->next = end ? end + 1 : line + strlen(line);
  line[strcspn(line, "\r\n")] = 0;
  csv->line++;
  return line;
}

static void read_names(Csv *csv, char *line) {
  for (char *name; (name = strsep(&line, ",")); csv->columns++) {
    csv->names = memory_grow(csv->names, (size_t)csv->columns + 1, sizeof *csv->names);
    csv->names[csv->columns] = name;
  }
  csv->cells = memory_take((size_t)csv->columns, sizeof *csv->cells);
}

int csv_open(Csv *csv, const char *path, Err *err) {
  size_t size;
  int status = 0;
  *csv = (Csv){.path = path};
  if (file_read(path, &csv->text, &size, err)) return -1;
  if (size == 0) status = fail(err, "%s: the file is empty", path);
  else if (strlen(csv->text) != size)
    status = fail(err, "%s: not a CSV file: it holds zero bytes", path);
  csv->next = csv->text;
  if (status == 0) read_names(csv, next_line(csv));
  else csv_close(csv);
  return status;
}

void csv_close(Csv *csv) {
  free(csv->names);
  free(csv->cells);
  free(csv->text);
  *csv = (Csv){0};
}

int csv_column(const Csv *csv, const char *name) {
  for (int i = 0; i < csv->columns; i++)
    if (strcmp(csv->names[i], name) == 0) return i;
  return -1;
}

int csv_row(Csv *csv, Err *err) {
  char *line = next_line(csv), *cell;
  int count = 0;
  if (!line) return 0;
  for (; (cell = strsep(&line, ",")); count++)
    if (count < csv->columns) csv->cells[count] = cell;
  if (count == csv->columns) return 1;
  return fail(err, "%s, line %d: this row has %s cells than the first line", csv->path, csv->line,
              count > csv->columns ? "more" : "fewer");
}

int csv_number(const Csv *csv, int column, double *number, Err *err) {
  char *cell = csv->cells[column], *end;
  *number = *cell ? strtod(cell, &end) : NAN;
  if (!*cell || *end == 0) return 0;
  return fail(err, "%s, line %d: \"%.40s\" in column %s is not a number", csv->path, csv->line,
              cell, csv->names[column]);
}

void csv_put(FILE *out, double number, int digits) {
  if (isnan(number)) fputc(',', out);
  else fprintf(out, ",%.*g", digits, number);
}

void csv_put_word(FILE *out, const char *word) {
  int quoted = strpbrk(word, ",\"\n") != NULL;
  if (quoted) fputc('"', out);
  for (; *word; word++) {
    if (*word == '"') fputc('"', out);
    fputc(*word, out);
  }
  if (quoted) fputc('"', out);
}

size_t csv_last_line(const char *text, size_t size) {
  size_t at = size ? size - 1 : 0;
  while (at > 0 && text[at - 1] != '\n') at--;
  return at;
}
