/* Reads the files of a run: log.csv (plain or gzipped), config.txt, info.txt. */
#ifndef RUN_RUNLOG_H
#define RUN_RUNLOG_H

#include "core/error.h"
#include "core/option.h"
#include "run/info.h"
#include "run/log.h"

typedef enum {
  RUN_UNFINISHED, /* running or killed, or the end of its log is lost */
  RUN_FINISHED,
  RUN_DIVERGED,
  RUN_STOPPED, /* interrupted, or failed with a message */
} RunEnd;

typedef struct {
  char path[OPTION_TEXT]; /* of the folder, or of the log if that was given */
  Settings config;        /* empty when there is no config.txt */
  LogRow *rows;           /* (count), at least one */
  int count;
  Info info;
  RunEnd end;
  char note[OPTION_TEXT + 256]; /* what is missing from the log, or empty */
} RunLog;

/* Whether `path` is a folder with a log, or a log file: CSV with a column "step". */
int runlog_exists(const char *path);

/* When the log of the run in `path` was last written, in seconds since 1970; 0 if there is none. */
double runlog_written(const char *path);

/* Reads the run in `path`: a run's folder or a log file. Drops an incomplete last row and reports
   that in `note`. Errors: no such run; those of log_read and info_read. */
int runlog_read(RunLog *log, const char *path, Err *err);
void runlog_free(RunLog *log);

/* The value of an option of the run, or "" if it is unknown. */
const char *runlog_option(const RunLog *log, const char *name);

/* The fraction of steps whose gradient was clipped; NaN if the log has no gradient norms. */
double runlog_clipped(const RunLog *log);

/* The last validation loss that is not NaN; NaN if there is none. */
double runlog_final_val(const RunLog *log);

#endif
