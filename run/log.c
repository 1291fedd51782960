#include "run/log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/map.h"

static const char columns_line[] =
    "step,tokens,seconds,train_loss,val_loss,lr,grad_norm,forward_ms,backward_ms,optimizer_ms,"
    "tokens_per_s\n";

LogRow log_row(int64_t step, int64_t tokens) {
  return (LogRow){step, tokens, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static int failed(const Log *log, Err *err) {
  return fail(err, "%s: cannot be written: %s", log->path, strerror(errno));
}

int log_open(Log *log, const char *folder, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/log.csv", folder);
  log->step = -1;
  log->file = file_open(log->path, "w");
  if (!log->file) return failed(log, err);
  fputs(columns_line, log->file);
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

int log_check(const char *path, const char *text, size_t size, int64_t step, Err *err) {
  size_t columns = sizeof columns_line - 1, row = size;
  if (size < columns || memcmp(text, columns_line, columns) != 0)
    return fail(err, "%s: not the log of a run: its first line is not the names of the columns",
                path);
  if (size == columns && step == 0) return 0;
  if (size > columns)
    for (row--; row > columns && text[row - 1] != '\n';) row--;
  if (text[size - 1] == '\n' && row_step(text + row, size - row) == step) return 0;
  return fail(err,
              "%s: changed since the checkpoint was written: its first %zu bytes do not end with "
              "the row of step %lld",
              path, size, (long long)step);
}

enum { VAL_LOSS = 4, GRAD_NORM = 6 }; /* places in columns_line */

/* The cell at a place of a row, or the row's end when it has fewer. */
static const char *cell_of(const char *row, int place) {
  for (; place > 0; place--) {
    row += strcspn(row, ",\n");
    if (*row != ',') break;
    row++;
  }
  return row;
}

/* Records the last row of a text (bytes) that log_check accepted. */
static void note_last(Log *log, const char *text, int64_t bytes, int64_t step) {
  int64_t at = bytes - 1;
  while (at > 0 && text[at - 1] != '\n') at--;
  if (at == 0) return; /* the names of the columns */
  log->step = step;
  log->row_at = at;
  log->validated = *cell_of(text + at, VAL_LOSS) != ',';
}

static int check_start(Log *log, int64_t bytes, int64_t step, Err *err) {
  const char *path = log->path;
  Map map;
  if (map_open(&map, path, err)) return -1;
  int status = (int64_t)map.size < bytes
                   ? fail(err, "%s: has %zu bytes, but had %lld when the checkpoint was written",
                          path, map.size, (long long)bytes)
                   : log_check(path, (const char *)map.bytes, (size_t)bytes, step, err);
  if (status == 0) note_last(log, (const char *)map.bytes, bytes, step);
  map_close(&map);
  return status;
}

int log_resume(Log *log, const char *folder, int64_t bytes, int64_t step, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/log.csv", folder);
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

int log_write(Log *log, const LogRow *row, int diverged, Err *err) {
  const double columns[] = {row->seconds,    row->train_loss,  row->val_loss,
                            row->lr,         row->grad_norm,   row->forward_ms,
                            row->backward_ms, row->optimizer_ms, row->tokens_per_s};
  log->step = row->step;
  log->validated = !isnan(row->val_loss);
  fprintf(log->file, "%lld,%lld", (long long)row->step, (long long)row->tokens);
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    int is_loss = i == 1;
    if (isnan(columns[i]) && !(is_loss && diverged)) fputc(',', log->file);
    else fprintf(log->file, ",%.9g", columns[i]);
  }
  fputc('\n', log->file);
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

int log_has_val(const Log *log, int64_t step) { return log->step == step && log->validated; }

int log_write_val(Log *log, const LogRow *row, Err *err) {
  char text[512];
  if (log->step != row->step) return log_write(log, row, 0, err);
  if (isnan(row->val_loss)) return 0;
  if (fseeko(log->file, (off_t)log->row_at, SEEK_SET) != 0 ||
      !fgets(text, sizeof text, log->file) || fseeko(log->file, (off_t)log->row_at, SEEK_SET) != 0)
    return failed(log, err);
  const char *cell = cell_of(text, VAL_LOSS);
  fprintf(log->file, "%.*s%.9g%s", (int)(cell - text), text, row->val_loss, strchr(cell, ','));
  log->validated = 1;
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

int log_count_above(const Log *log, double limit, int64_t *above, int64_t *steps, Err *err) {
  char *text;
  size_t size;
  *above = *steps = 0;
  if (file_read(log->path, &text, &size, err)) return -1;
  for (const char *row = strchr(text, '\n'); row && row[1]; row = strchr(row + 1, '\n')) {
    char *end;
    const char *cell = cell_of(row + 1, GRAD_NORM);
    double norm = strtod(cell, &end);
    if (end == cell) continue; /* not measured */
    ++*steps;
    *above += norm > limit;
  }
  free(text);
  return 0;
}

int log_close(Log *log, Err *err) {
  FILE *file = log->file;
  log->file = NULL;
  return !file || fclose(file) == 0 ? 0 : failed(log, err);
}
