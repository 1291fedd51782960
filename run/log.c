#include "run/log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/csv.h"
#include "core/file.h"
#include "core/map.h"
#include "core/memory.h"
#include "run/names.h"

/* ",step,tokens,...": the columns, with a comma before the first. */
#define NAME(name) "," #name
static const char columns_line[] = LOG_COUNTS(NAME) LOG_NUMBERS(NAME);
static const char nodes_column[] = LOG_NODES(NAME);

#define PLACE(name) {#name, offsetof(LogRow, name)},
static const struct {
  const char *name;
  size_t at;
} counts[] = {LOG_COUNTS(PLACE)}, numbers[] = {LOG_NUMBERS(PLACE) LOG_NODES(PLACE)};
enum { COUNTS = sizeof counts / sizeof *counts, NUMBERS = sizeof numbers / sizeof *numbers };

static double *number_of(LogRow *row, int i) {
  return (double *)(void *)((char *)row + numbers[i].at);
}

LogRow log_row(int64_t step, int64_t tokens) {
  LogRow row = {.step = step, .tokens = tokens};
  for (int i = 0; i < NUMBERS; i++) *number_of(&row, i) = NAN;
  return row;
}

static int failed(const Log *log, Err *err) {
  return fail(err, "%s: cannot be written: %s", log->path, strerror(errno));
}

int log_open(Log *log, const char *folder, int decentralized, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/" LOG_FILE, folder);
  log->step = -1;
  log->file = file_open(log->path, "w");
  if (!log->file) return failed(log, err);
  log->has_nodes = decentralized;
  fprintf(log->file, "%s%s\n", columns_line + 1, decentralized ? nodes_column : "");
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

/* The step of a row of the log, or -1. */
static int64_t row_step(const char *row, size_t size) {
  char number[24];
  size_t digits = 0;
  while (digits < size && row[digits] >= '0' && row[digits] <= '9') digits++;
  if (digits == 0 || digits == size || digits >= sizeof number || row[digits] != ',') return -1;
  memcpy(number, row, digits);
  number[digits] = 0;
  return strtoll(number, NULL, 10);
}

static int starts(const char *text, size_t size, const char *with) {
  return size >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static int has_nodes(const char *text, size_t size) {
  size_t common = sizeof columns_line - 2;
  return size > common && starts(text + common, size - common, nodes_column);
}

/* The length of the line of column names that begins a log, or 0. */
static size_t columns_length(const char *text, size_t size) {
  if (!starts(text, size, columns_line + 1)) return 0;
  size_t line = sizeof columns_line - 2;
  line += has_nodes(text, size) ? sizeof nodes_column - 1 : 0;
  return size > line && text[line] == '\n' ? line + 1 : 0;
}

int log_check(const char *path, const char *text, size_t size, int64_t step, Err *err) {
  size_t columns = columns_length(text, size);
  if (columns == 0)
    return fail(err, "%s: not the log of a run: the first line must be the column names",
                path);
  if (size == columns && step == 0) return 0;
  size_t row = csv_last_line(text, size);
  if (text[size - 1] == '\n' && row_step(text + row, size - row) == step) return 0;
  return fail(err,
              "%s: changed since the checkpoint was written: its first %zu bytes do not end with "
              "the row of step %lld",
              path, size, (long long)step);
}

#define COLUMN(name) COLUMN_##name,
enum { LOG_COUNTS(COLUMN) LOG_NUMBERS(COLUMN) }; /* COLUMN_step = 0, ... */

/* The cell of a column in a row of text, or the row's end if it has fewer cells. */
static const char *cell_of(const char *row, int column) {
  for (; column > 0; column--) {
    row += strcspn(row, ",\n");
    if (*row != ',') break;
    row++;
  }
  return row;
}

/* Records the last row of a text (bytes) that log_check accepted. */
static void note_last(Log *log, const char *text, int64_t bytes, int64_t step) {
  size_t at = csv_last_line(text, (size_t)bytes);
  if (at == 0) return; /* only the column names */
  log->step = step;
  log->row_at = (int64_t)at;
  log->validated = *cell_of(text + at, COLUMN_val_loss) != ',';
}

static int check_start(Log *log, int64_t bytes, int64_t step, Err *err) {
  const char *path = log->path;
  Map map;
  if (map_open(&map, path, err)) return -1;
  int status = (int64_t)map.size < bytes
                   ? fail(err, "%s: has %zu bytes, but had %lld when the checkpoint was written",
                          path, map.size, (long long)bytes)
                   : log_check(path, (const char *)map.bytes, (size_t)bytes, step, err);
  log->has_nodes = status == 0 && has_nodes((const char *)map.bytes, map.size);
  if (status == 0) note_last(log, (const char *)map.bytes, bytes, step);
  map_close(&map);
  return status;
}

int log_resume(Log *log, const char *folder, int64_t bytes, int64_t step, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/" LOG_FILE, folder);
  log->step = -1;
  if (check_start(log, bytes, step, err)) return -1;
  log->file = file_open(log->path, "r+");
  return log->file ? 0 : failed(log, err);
}

int log_cut(Log *log, int64_t bytes, Err *err) {
  if (ftruncate(fileno(log->file), (off_t)bytes) == 0 && fseeko(log->file, 0, SEEK_END) == 0)
    return 0;
  return failed(log, err);
}

int log_sync(Log *log, int64_t *bytes, Err *err) {
  if (fflush(log->file) != 0 || fsync(fileno(log->file)) != 0) return failed(log, err);
  *bytes = (int64_t)ftello(log->file);
  return 0;
}

int log_write_event(Events *events, const LogRow *row, Err *err) {
  LogRow copy = *row;
  char tag[64];
  for (int i = 0; i < NUMBERS; i++) {
    snprintf(tag, sizeof tag, "log/%s", numbers[i].name);
    if (!isnan(*number_of(&copy, i))) events_scalar(events, tag, *number_of(&copy, i));
  }
  return events_write(events, row->step, isnan(row->seconds) ? 0 : row->seconds, err);
}

int log_write(Log *log, const LogRow *row, int diverged, Err *err) {
  LogRow copy = *row;
  log->step = row->step;
  log->validated = !isnan(row->val_loss);
  fprintf(log->file, "%lld,%lld", (long long)row->step, (long long)row->tokens);
  for (int i = 0; i < NUMBERS - !log->has_nodes; i++) {
    double *number = number_of(&copy, i);
    if (diverged && number == &copy.train_loss) fprintf(log->file, ",%.9g", *number);
    else csv_put(log->file, *number, 9);
  }
  fputc('\n', log->file);
  if (fflush(log->file) != 0) return failed(log, err);
  return log->events ? log_write_event(log->events, row, err) : 0;
}

int log_has_val(const Log *log, int64_t step) { return log->step == step && log->validated; }

int log_write_val(Log *log, const LogRow *row, Err *err) {
  char text[512];
  if (log->step != row->step) return log_write(log, row, 0, err);
  if (isnan(row->val_loss)) return 0;
  if (fseeko(log->file, (off_t)log->row_at, SEEK_SET) != 0 ||
      !fgets(text, sizeof text, log->file) || fseeko(log->file, (off_t)log->row_at, SEEK_SET) != 0)
    return failed(log, err);
  const char *cell = cell_of(text, COLUMN_val_loss);
  fprintf(log->file, "%.*s%.9g%s", (int)(cell - text), text, row->val_loss, strchr(cell, ','));
  log->validated = 1;
  if (fflush(log->file) != 0) return failed(log, err);
  return log->events ? log_write_event(log->events, row, err) : 0;
}

int log_close(Log *log, Err *err) {
  FILE *file = log->file;
  int status = events_close(log->events, err);
  log->file = NULL;
  log->events = NULL;
  return !file || fclose(file) == 0 ? status : failed(log, err);
}

/* ---- reading ---- */

/* The positions of the columns in the file; -1 for missing ones. */
typedef struct {
  int counts[COUNTS], numbers[NUMBERS];
} Places;

static int find_columns(const Csv *csv, Places *places, Err *err) {
  const char *missing = NULL;
  for (int i = 0; i < COUNTS; i++)
    if ((places->counts[i] = csv_column(csv, counts[i].name)) < 0) missing = counts[i].name;
  for (int i = 0; i < NUMBERS; i++) {
    places->numbers[i] = csv_column(csv, numbers[i].name);
    if (places->numbers[i] < 0 && numbers[i].at <= offsetof(LogRow, val_loss))
      missing = numbers[i].name;
  }
  if (!missing) return 0;
  return fail(err, "%s, line 1: this is not a log of ./train: there is no column \"%s\" (the first "
                   "line should be %.*s)", csv->path, missing, (int)sizeof columns_line - 2,
              columns_line + 1);
}

static int read_row(const Csv *csv, const Places *places, LogRow *row, Err *err) {
  double number;
  *row = log_row(0, 0);
  for (int i = 0; i < COUNTS; i++) {
    if (csv_number(csv, places->counts[i], &number, err)) return -1;
    if (!(number >= 0 && number < 9e15 && number == floor(number)))
      return fail(err, "%s, line %d: %s must be a whole number", csv->path, csv->line,
                  counts[i].name);
    *(int64_t *)(void *)((char *)row + counts[i].at) = (int64_t)number;
  }
  for (int i = 0; i < NUMBERS; i++)
    if (places->numbers[i] >= 0 && csv_number(csv, places->numbers[i], number_of(row, i), err))
      return -1;
  return 0;
}

static int read_rows(LogRows *log, Csv *csv, Err *err) {
  Places places;
  int room = 0, more, status = find_columns(csv, &places, err);
  while (status == 0 && (more = csv_row(csv, err)) != 0) {
    if (log->count == room)
      log->rows = memory_grow(log->rows, (size_t)(room = 2 * room + 512), sizeof *log->rows);
    LogRow *row = &log->rows[log->count];
    if (more < 0 || read_row(csv, &places, row, err)) return -1;
    if (log->count > 0 && row->step <= row[-1].step)
      return fail(err, "%s, line %d: step %lld follows step %lld: the file holds more than one run",
                  csv->path, csv->line, (long long)row->step, (long long)row[-1].step);
    log->count++;
  }
  log->cut = csv->cut ? csv->line + 1 : 0;
  if (status == 0 && log->count == 0) return fail(err, "%s: no step is logged yet", csv->path);
  return status;
}

int log_read(LogRows *log, const char *path, Err *err) {
  Csv csv;
  *log = (LogRows){0};
  if (csv_open(&csv, path, err)) return -1;
  int status = read_rows(log, &csv, err);
  csv_close(&csv);
  if (status) free(log->rows);
  return status;
}

void log_count_above(const LogRows *log, double limit, int64_t *above, int64_t *steps) {
  *above = *steps = 0;
  for (int i = 0; i < log->count; i++) {
    if (isnan(log->rows[i].grad_norm)) continue; /* not measured */
    ++*steps;
    *above += log->rows[i].grad_norm > limit;
  }
}

int64_t log_last_step(const char *path) {
  char tail[512];
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  if (fseek(file, -(long)sizeof tail, SEEK_END) != 0) rewind(file);
  size_t size = fread(tail, 1, sizeof tail, file);
  fclose(file);
  while (size > 0 && tail[size - 1] != '\n') size--;
  size_t row = csv_last_line(tail, size);
  int64_t step = row_step(tail + row, size - row);
  return step > 0 ? step : 0;
}
