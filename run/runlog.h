/* What a run left in its folder, read back: log.csv (also gzipped), config.txt, info.txt. */
#ifndef TOOLS_REPORT_RUNLOG_H
#define TOOLS_REPORT_RUNLOG_H

#include <stdint.h>

#include "core/error.h"
#include "core/option.h"
#include "run/log.h"

typedef enum {
  RUN_UNFINISHED, /* still going, or killed; or finished, but the end of its log is lost */
  RUN_FINISHED,
  RUN_DIVERGED,
  RUN_STOPPED, /* interrupted, or failed with a message */
} RunEnd;

typedef struct {
  char path[OPTION_TEXT]; /* of the folder, or of the log when only that was named */
  Settings config;        /* empty when there is no config.txt */
  LogRow *rows;           /* (count) */
  int count;
  RunEnd end;
  char result[512]; /* how the run ended, in its own words */
  char note[OPTION_TEXT + 256]; /* what the log lacks, or empty */
  char fingerprint[32];   /* of the data, or empty */
  double weights, val_bytes_per_token, flops_per_token; /* of info.txt; NaN where it is silent */
  double optimizer_flops, optimizer_state_bytes;
} RunLog;

/* Reads the run in `path`: a run's folder, or a log file. A last row without its end of line is
   left out and told in `note`. Errors, with file and line: no such run, an empty log, another
   kind of file, damaged rows. */
int runlog_read(RunLog *log, const char *path, Err *err);
void runlog_free(RunLog *log);

/* The value of an option of the run, or "" when it is unknown. */
const char *runlog_option(const RunLog *log, const char *name);

/* Whether two runs have the same value of an option. One that is missing in a config.txt has its
   default: it had no effect, or came with a later version of the program. */
int runlog_same(const RunLog *a, const RunLog *b, const char *name);

/* Whether two runs are the same but for their seeds and the option `but` (NULL: none). */
int runlog_same_settings(const RunLog *a, const RunLog *b, const char *but);

/* "finished", "diverged at step 12", "unfinished: 30 of 500 steps" */
void runlog_state(const RunLog *log, char *out, size_t size);

/* The share of the steps whose gradient was clipped; NaN when the log has no gradient norms. */
double runlog_clipped(const RunLog *log);

/* Last validation loss that is a number; NaN when there is none. */
double runlog_final_val(const RunLog *log);

/* Each run's name among the others: the optimizer, with the options in which it differs from the
   others of its optimizer, or the folder's name where that would be too long; `seeds`: seeds are
   such options too. */
void runlog_label(const RunLog *logs, int count, int index, int seeds, char *out, size_t size);

#endif
