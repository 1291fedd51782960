#include "run/log.h"

#include <errno.h>
#include <math.h>
#include <string.h>

LogRow log_row(int64_t step, int64_t tokens) {
  return (LogRow){step, tokens, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static int failed(const Log *log, Err *err) {
  return fail(err, "%s: cannot be written: %s", log->path, strerror(errno));
}

int log_open(Log *log, const char *folder, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/log.csv", folder);
  log->file = fopen(log->path, "w");
  if (!log->file) return failed(log, err);
  fputs("step,tokens,seconds,train_loss,val_loss,lr,grad_norm,forward_ms,backward_ms,"
        "optimizer_ms,tokens_per_s\n",
        log->file);
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

int log_write(Log *log, const LogRow *row, int diverged, Err *err) {
  const double columns[] = {row->seconds,    row->train_loss,  row->val_loss,
                            row->lr,         row->grad_norm,   row->forward_ms,
                            row->backward_ms, row->optimizer_ms, row->tokens_per_s};
  fprintf(log->file, "%lld,%lld", (long long)row->step, (long long)row->tokens);
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    int is_loss = i == 1;
    if (isnan(columns[i]) && !(is_loss && diverged)) fputc(',', log->file);
    else fprintf(log->file, ",%.9g", columns[i]);
  }
  fputc('\n', log->file);
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

int log_close(Log *log, Err *err) {
  FILE *file = log->file;
  log->file = NULL;
  return !file || fclose(file) == 0 ? 0 : failed(log, err);
}
