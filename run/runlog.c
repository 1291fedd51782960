#include "tools/report/runlog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "run/config.h"

/* ---- log.csv ---- */

enum { COLUMN_STEP, COLUMN_TOKENS, COLUMN_SECONDS, COLUMN_TRAIN, COLUMN_VAL, COLUMNS_NEEDED };
enum { COLUMNS = 11, COLUMNS_IN_FILE = 64 };

/* In the order of LogRow. The first ones have to be there; others may come in any order. */
static const char *const columns[COLUMNS] = {
    "step", "tokens",    "seconds",    "train_loss",  "val_loss",      "lr",
    "grad_norm", "forward_ms", "backward_ms", "optimizer_ms", "tokens_per_s"};

typedef struct {
  const char *path;
  int line;
  int map[COLUMNS_IN_FILE]; /* column of the file -> column of LogRow, or -1 */
  int width;
} Reader;

static int broken(const Reader *r, Err *err, const char *what) {
  return fail(err, "%s, line %d: %s", r->path, r->line, what);
}

static int foreign(const Reader *r, const char *missing, Err *err) {
  return fail(err,
              "%s, line %d: this is not a log of ./train: there is no column \"%s\" (the first "
              "line should begin step,tokens,seconds,train_loss,val_loss)",
              r->path, r->line, missing);
}

static int read_header(Reader *r, char *line, Err *err) {
  int seen[COLUMNS] = {0};
  r->width = 0;
  for (char *at = line, *cell; (cell = strsep(&at, ",")) && r->width < COLUMNS_IN_FILE;) {
    int column = -1;
    for (int i = 0; i < COLUMNS; i++)
      if (strcmp(cell, columns[i]) == 0 && !seen[i]) column = i;
    if (column >= 0) seen[column] = 1;
    r->map[r->width++] = column;
  }
  for (int i = 0; i < COLUMNS_NEEDED; i++)
    if (!seen[i]) return foreign(r, columns[i], err);
  return 0;
}

static int read_row(const Reader *r, char *line, LogRow *row, Err *err) {
  double values[COLUMNS];
  int width = 0;
  for (int i = 0; i < COLUMNS; i++) values[i] = NAN;
  for (char *at = line, *cell; (cell = strsep(&at, ",")); width++) {
    char *end;
    if (width >= r->width) return broken(r, err, "this row has more cells than the first line");
    if (!*cell || r->map[width] < 0) continue;
    values[r->map[width]] = strtod(cell, &end);
    if (*end)
      return fail(err, "%s, line %d: \"%.40s\" in column %s is not a number", r->path, r->line,
                  cell, columns[r->map[width]]);
  }
  if (width < r->width) return broken(r, err, "this row has fewer cells than the first line");
  for (int i = COLUMN_STEP; i <= COLUMN_TOKENS; i++)
    if (!(values[i] >= 0 && values[i] < 9e15 && values[i] == floor(values[i])))
      return fail(err, "%s, line %d: %s has to be a whole number", r->path, r->line, columns[i]);
  *row = (LogRow){(int64_t)values[0], (int64_t)values[1], values[2], values[3], values[4],
                  values[5],          values[6],          values[7], values[8], values[9],
                  values[10]};
  return 0;
}

static int add_row(RunLog *log, int *room, const Reader *r, const LogRow *row, Err *err) {
  if (log->count > 0 && row->step <= log->rows[log->count - 1].step)
    return fail(err, "%s, line %d: step %lld follows step %lld: the file holds more than one run",
                r->path, r->line, (long long)row->step,
                (long long)log->rows[log->count - 1].step);
  if (log->count == *room) {
    *room = *room ? 2 * *room : 1024;
    LogRow *rows = realloc(log->rows, (size_t)*room * sizeof *rows);
    if (!rows) return broken(r, err, "no memory for so many rows");
    log->rows = rows;
  }
  log->rows[log->count++] = *row;
  return 0;
}

static int read_lines(RunLog *log, Reader *r, char *text, Err *err) {
  int room = 0;
  for (char *line = text; *line; r->line++) {
    char *end = strchr(line, '\n');
    LogRow row;
    if (!end && r->line > 1) {
      snprintf(log->note, sizeof log->note,
               "%s, line %d: the file ends in the middle of this row, which is left out", r->path,
               r->line);
      return 0;
    }
    if (end) *end = 0;
    line[strcspn(line, "\r")] = 0;
    if (r->line == 1 ? read_header(r, line, err)
                     : read_row(r, line, &row, err) || add_row(log, &room, r, &row, err))
      return -1;
    if (!end) break;
    line = end + 1;
  }
  return 0;
}

static int read_log(RunLog *log, const char *path, Err *err) {
  char *text;
  size_t size;
  if (file_read(path, &text, &size, err)) return -1;
  Reader r = {.path = path, .line = 1};
  int status;
  if (size == 0) status = fail(err, "%s: the file is empty: the run never started", path);
  else if (strlen(text) != size)
    status = fail(err, "%s: not a log of ./train: it holds zero bytes", path);
  else status = read_lines(log, &r, text, err);
  if (status == 0 && log->count == 0)
    status = fail(err, "%s: no step is logged yet", path);
  free(text);
  return status;
}

/* ---- info.txt ---- */

/* The last line "name = value" wins: a resumed run adds a second result. */
static int info_find(const char *text, const char *name, char *out, size_t size) {
  size_t length = strlen(name);
  int found = 0;
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, name, length) != 0 || strncmp(line + length, " = ", 3) != 0) continue;
    snprintf(out, size, "%.*s", (int)strcspn(line + length + 3, "\r\n"), line + length + 3);
    found = 1;
  }
  return found;
}

static double info_number(const char *text, const char *name) {
  char value[64];
  return info_find(text, name, value, sizeof value) ? strtod(value, NULL) : NAN;
}

static void read_info(RunLog *log, const char *text) {
  log->weights = info_number(text, "weights");
  log->val_bytes_per_token = info_number(text, "val_bytes_per_token");
  log->flops_per_token = info_number(text, "flops_per_token");
  log->optimizer_flops = info_number(text, "optimizer_flops_per_step");
  log->optimizer_state_bytes = info_number(text, "optimizer_state_bytes");
  info_find(text, "data_fingerprint", log->fingerprint, sizeof log->fingerprint);
  info_find(text, "result", log->result, sizeof log->result);
}

static RunEnd end_of(const RunLog *log) {
  double last = log->rows[log->count - 1].train_loss;
  if (strcmp(log->result, "finished") == 0) return RUN_FINISHED;
  if (strstr(log->result, "diverged")) return RUN_DIVERGED;
  if (log->count > 1 && !isfinite(last)) return RUN_DIVERGED;
  return *log->result ? RUN_STOPPED : RUN_UNFINISHED;
}

/* What is left of a log that has lost its last rows does not tell how the run ended. */
static void check_tail(RunLog *log) {
  int64_t steps = strtoll(runlog_option(log, "steps"), NULL, 10);
  int64_t last = log->rows[log->count - 1].step;
  if (log->end != RUN_FINISHED || last >= steps) return;
  log->end = RUN_UNFINISHED;
  snprintf(log->note, sizeof log->note,
           "%.1000s: the run finished, but its log ends at step %lld of %lld: the rest is lost",
           log->path, (long long)last, (long long)steps);
}

/* ---- the folder ---- */

/* The name of a file of the run if there is one, else NULL. */
static const char *file_of(const RunLog *log, const char *name, char *out, size_t size) {
  snprintf(out, size, "%s/%s", log->path, name);
  return file_exists(out) ? out : NULL;
}

static int read_folder(RunLog *log, Err *err) {
  char path[OPTION_TEXT + 16], at[OPTION_TEXT + 32], *text;
  size_t size;
  if (!file_of(log, "log.csv", path, sizeof path) &&
      !file_of(log, "log.csv.gz", path, sizeof path))
    return fail(err, "%s: holds no log.csv: it is not the folder of a run", log->path);
  if (read_log(log, path, err)) return -1;
  if (file_of(log, "config.txt", path, sizeof path)) {
    snprintf(at, sizeof at, "@%s", path);
    char *argv[] = {"", at};
    if (settings_read(&log->config, 2, argv, err)) return -1;
  }
  if (file_of(log, "info.txt", path, sizeof path)) {
    if (file_read(path, &text, &size, err)) return -1;
    read_info(log, text);
    free(text);
  }
  log->end = end_of(log);
  check_tail(log);
  return 0;
}

int runlog_read(RunLog *log, const char *path, Err *err) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  *log = (RunLog){0};
  log->weights = log->val_bytes_per_token = log->flops_per_token = NAN;
  log->optimizer_flops = log->optimizer_state_bytes = NAN;
  if (length >= sizeof log->path) return fail(err, "%s: the path is too long", path);
  memcpy(log->path, path, length);
  int status;
  if (folder_exists(log->path)) {
    status = read_folder(log, err);
  } else if (file_exists(log->path)) {
    status = read_log(log, log->path, err);
    if (status == 0) log->end = end_of(log);
  } else {
    status = fail(err, "%s: there is no such run: the folder that ./train wrote is needed", path);
  }
  if (status) runlog_free(log);
  return status;
}

void runlog_free(RunLog *log) {
  settings_free(&log->config);
  free(log->rows);
  log->rows = NULL;
  log->count = 0;
}

const char *runlog_option(const RunLog *log, const char *name) {
  const char *value = settings_find(&log->config, name, NULL);
  return value ? value : "";
}

static const char *value_or_default(const RunLog *log, const char *name) {
  const Option *row = config_option(name);
  const char *value = settings_find(&log->config, name, NULL);
  if (!row) return value ? value : "";
  return value ? option_new_word(row, value) : row->fallback;
}

int runlog_same(const RunLog *a, const RunLog *b, const char *name) {
  char value[OPTION_TEXT]; /* option_new_word has room for one */
  snprintf(value, sizeof value, "%s", value_or_default(a, name));
  return strcmp(value, value_or_default(b, name)) == 0;
}

static int decides(const char *name) {
  OptionEffect effect = config_effect(name);
  return effect == EFFECT_RESULT || effect == EFFECT_TASK;
}

static int same_where_given(const RunLog *a, const RunLog *b, const char *but) {
  for (int i = 0; i < a->config.count; i++) {
    const char *name = a->config.items[i].name;
    if (decides(name) && (!but || strcmp(name, but) != 0) && !runlog_same(a, b, name)) return 0;
  }
  return 1;
}

int runlog_same_settings(const RunLog *a, const RunLog *b, const char *but) {
  return same_where_given(a, b, but) && same_where_given(b, a, but);
}

void runlog_state(const RunLog *log, char *out, size_t size) {
  long long step = log->rows[log->count - 1].step;
  const char *steps = runlog_option(log, "steps");
  if (log->end == RUN_FINISHED) snprintf(out, size, "finished");
  else if (log->end == RUN_DIVERGED) snprintf(out, size, "diverged at step %lld", step);
  else snprintf(out, size, "unfinished: %lld of %s steps", step, *steps ? steps : "?");
}

double runlog_clipped(const RunLog *log) {
  double clip = strtod(runlog_option(log, "clip"), NULL);
  int clipped = 0, steps = 0;
  for (int i = 0; i < log->count; i++) {
    steps += isfinite(log->rows[i].grad_norm);
    clipped += clip > 0 && log->rows[i].grad_norm > clip;
  }
  return steps ? (double)clipped / steps : NAN;
}

double runlog_final_val(const RunLog *log) {
  for (int i = log->count - 1; i >= 0; i--)
    if (isfinite(log->rows[i].val_loss)) return log->rows[i].val_loss;
  return NAN;
}

/* ---- names ---- */

enum { DIFFERENCES = 2 }; /* more in a label would be read by nobody */

/* The optimizer is in every label. */
static int tells(const char *name, int seeds) {
  if (seeds && strcmp(name, "seed") == 0) return 1;
  return decides(name) && strcmp(name, "optimizer") != 0;
}

static int differs(const RunLog *logs, int count, int index, const char *name) {
  const char *optimizer = runlog_option(&logs[index], "optimizer");
  for (int i = 0; i < count; i++)
    if (strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0 &&
        !runlog_same(&logs[i], &logs[index], name))
      return 1;
  return 0;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

void runlog_label(const RunLog *logs, int count, int index, int seeds, char *out, size_t size) {
  const RunLog *log = &logs[index];
  const char *optimizer = runlog_option(log, "optimizer");
  int differences = 0, alike = 0;
  size_t used = (size_t)snprintf(out, size, "%s", optimizer);
  for (int i = 0; i < log->config.count; i++) {
    const Setting *s = &log->config.items[i];
    if (!tells(s->name, seeds) || !differs(logs, count, index, s->name)) continue;
    if (++differences <= DIFFERENCES && used < size)
      used += (size_t)snprintf(out + used, size - used, " %s %s", s->name, s->value);
  }
  for (int i = 0; i < count; i++)
    alike += strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0;
  const char *base = base_name(log->path);
  if (differences > DIFFERENCES || (alike > 1 && differences == 0) || !*optimizer)
    snprintf(out, size, "%s%s%s", strstr(base, optimizer) ? "" : optimizer,
             strstr(base, optimizer) ? "" : " ", base);
}
