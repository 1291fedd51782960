/* What a sweep tried besides the learning rate, and the loss of each trial. */
#ifndef TOOLS_REPORT_SWEPT_H
#define TOOLS_REPORT_SWEPT_H

#include "tools/report/comparison.h"
#include "tools/report/figure.h"
#include "tools/report/table.h"

enum { SWEPT_MAX = 24 };

/* The options in which trials of one method differ, lr first; names (SWEPT_MAX) are valid as long
   as the comparison. Returns their number; 0 if that is lr alone. */
int swept_options(const Comparison *c, const char **names);

/* "weight-decay 0.1, momentum 0.9": what was chosen for a method besides lr, or empty. */
void swept_text(const Comparison *c, const Entry *e, char *out, size_t size);

/* All trials: method, swept options, loss, seed. No rows if there are none. */
Table swept_trials(const Comparison *c);

/* Fills a figure: the loss of all trials against option n of swept_options, with a line through the
   best of each value, as a mean over seeds, if an option has few; a method that does not have the
   option is a level line. `looks` are those of the entries. */
void swept_draw(Figure *f, const Comparison *c, const Look *looks, int n);

#endif
