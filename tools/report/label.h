/* Which runs are the same but for some options, and a name for each run among several. */
#ifndef TOOLS_REPORT_LABEL_H
#define TOOLS_REPORT_LABEL_H

#include "run/runlog.h"
#include "tools/report/palette.h"

/* Whether two runs have the same value of an option. One that is missing in a config.txt has its
   default: it had no effect, or came with a later version of the program. */
int same_option(const RunLog *a, const RunLog *b, const char *name);

/* Whether two runs are the same but for their seeds and the option `but` (NULL: none). */
int same_settings(const RunLog *a, const RunLog *b, const char *but);

/* Each run's name among the others: the optimizer, with the options in which it differs from the
   others of its optimizer, or the folder's name where that would be too long; `seeds`: seeds are
   such options too. */
void label_run(const RunLog *logs, int count, int index, int seeds, char *out, size_t size);

/* The look of a run's optimizer, lighter for each run of the same optimizer before it. */
Look label_look(const RunLog *logs, int index);

#endif
