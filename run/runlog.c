#include "run/runlog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/csv.h"
#include "core/file.h"
#include "run/folder.h"
#include "run/names.h"

/* The path of the log in a folder, plain or gzipped; 0 if there is none. */
static int find_log(const char *folder, char *out, size_t size) {
  snprintf(out, size, "%s/" LOG_FILE, folder);
  if (file_exists(out)) return 1;
  snprintf(out, size, "%s/" LOG_FILE ".gz", folder);
  return file_exists(out);
}

int runlog_exists(const char *path) {
  char file[OPTION_TEXT + 16];
  Csv csv;
  Err ignored;
  if (folder_exists(path)) return find_log(path, file, sizeof file);
  if (csv_open(&csv, path, &ignored)) return 0;
  int found = csv_column(&csv, "step") >= 0;
  csv_close(&csv);
  return found;
}

double runlog_written(const char *path) {
  char file[OPTION_TEXT + 16];
  struct stat status;
  if (folder_exists(path) && !find_log(path, file, sizeof file)) return 0;
  if (stat(folder_exists(path) ? file : path, &status) != 0) return 0;
  return (double)status.st_mtim.tv_sec + 1e-9 * (double)status.st_mtim.tv_nsec;
}

static int read_rows(RunLog *log, const char *path, Err *err) {
  LogRows rows;
  if (log_read(&rows, path, err)) return -1;
  log->rows = rows.rows;
  log->count = rows.count;
  if (rows.cut)
    snprintf(log->note, sizeof log->note,
             "%s, line %d: the file ends in the middle of this row, which is left out", path,
             rows.cut);
  return 0;
}

static RunEnd end_of(const RunLog *log) {
  const char *result = log->info.result;
  if (strcmp(result, "finished") == 0) return RUN_FINISHED;
  if (strstr(result, "diverged")) return RUN_DIVERGED;
  if (log->count > 1 && !isfinite(log->rows[log->count - 1].train_loss)) return RUN_DIVERGED;
  return *result ? RUN_STOPPED : RUN_UNFINISHED;
}

/* If the log has lost its last rows, its final loss is unknown. */
static void check_tail(RunLog *log) {
  int64_t steps = strtoll(runlog_option(log, "steps"), NULL, 10);
  int64_t last = log->rows[log->count - 1].step;
  if (log->end != RUN_FINISHED || last >= steps) return;
  log->end = RUN_UNFINISHED;
  snprintf(log->note, sizeof log->note,
           "%.1000s: the run finished, but its log ends at step %lld of %lld: the rest is lost",
           log->path, (long long)last, (long long)steps);
}

static int read_folder(RunLog *log, Err *err) {
  char path[OPTION_TEXT + 16];
  if (!find_log(log->path, path, sizeof path))
    return fail(err, "%s: holds no " LOG_FILE ": it is not the folder of a run", log->path);
  if (read_rows(log, path, err) || folder_read_config(log->path, &log->config, err) ||
      info_read(&log->info, log->path, err))
    return -1;
  log->end = end_of(log);
  check_tail(log);
  return 0;
}

int runlog_read(RunLog *log, const char *path, Err *err) {
  size_t length = strlen(path);
  int status;
  while (length > 1 && path[length - 1] == '/') length--;
  *log = (RunLog){.info = info_unknown()};
  if (length >= sizeof log->path) return fail(err, "%.100s...: the path is too long", path);
  memcpy(log->path, path, length);
  if (folder_exists(log->path)) {
    status = read_folder(log, err);
  } else if (file_exists(log->path)) {
    status = read_rows(log, log->path, err);
    if (status == 0) log->end = end_of(log);
  } else {
    status = fail(err, "%s: there is no such run; give the folder that ./train wrote", path);
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

double runlog_clipped(const RunLog *log) {
  int64_t clipped, steps;
  double clip = strtod(runlog_option(log, "clip"), NULL);
  const LogRows rows = {log->rows, log->count, 0};
  log_count_above(&rows, clip > 0 ? clip : INFINITY, &clipped, &steps);
  return steps ? (double)clipped / (double)steps : NAN;
}

double runlog_final_val(const RunLog *log) {
  for (int i = log->count - 1; i >= 0; i--)
    if (isfinite(log->rows[i].val_loss)) return log->rows[i].val_loss;
  return NAN;
}
