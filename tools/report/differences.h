/* Which settings differ between runs, and which runs are the same except for some of them. */
#ifndef TOOLS_REPORT_DIFFERENCES_H
#define TOOLS_REPORT_DIFFERENCES_H

#include "run/runlog.h"

typedef struct {
  const char *name; /* of the option, in a config.txt of the runs */
  char **values;    /* (runs) "\"\"" where it is empty, "" where it has no effect */
} Difference;

/* Data first, then steps, the rest of the task, and the method in the order of config.txt. */
typedef struct {
  Difference *rows; /* (count) */
  int count, runs;
} Differences;

/* The options in which the runs differ, of those with an effect up to `last`: EFFECT_TASK leaves
   out the seeds. If the fingerprint of each run's data is known, it decides whether the data is the
   same, and is shown after the name of data that differs. Valid as long as the runs are. */
Differences differences_find(const RunLog *logs, int runs, OptionEffect last);
void differences_free(Differences *d);

/* The values of a row with the names (runs) of the runs that have them: "300 (adamw, sgd), 600
   (muon)". The most common value is last, with "others" if they are more than three. The caller
   frees the text. */
char *differences_text(const Difference *row, int runs, const char *const *names);

/* Writes a line "  steps  300 (adamw, sgd), 600 (muon)" per option, wrapped as help is. */
void differences_write(FILE *out, const Differences *d, const char *const *names);

/* Whether two runs have the same value of an option. One that is missing in a config.txt has its
   default: it had no effect, or came with a later version of the program. */
int same_option(const RunLog *a, const RunLog *b, const char *name);

/* Whether two runs are the same except for their seeds and the option `but` (NULL: none). */
int same_settings(const RunLog *a, const RunLog *b, const char *but);

#endif
