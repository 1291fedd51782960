/* A name and a look for each run among several. */
#ifndef TOOLS_REPORT_LABEL_H
#define TOOLS_REPORT_LABEL_H

#include "run/runlog.h"
#include "tools/report/palette.h"

/* Each run's name among the others: the optimizer, with the options in which it differs from the
   others of its optimizer, or the folder's name where that would be too long; `seeds`: seeds are
   such options too. */
void label_run(const RunLog *logs, int count, int index, int seeds, char *out, size_t size);

/* The look of a run's optimizer, lighter for each run of the same optimizer before it. */
Look label_look(const RunLog *logs, int index);

#endif
