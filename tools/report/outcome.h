/* A comparison as tables. */
#ifndef TOOLS_REPORT_OUTCOME_H
#define TOOLS_REPORT_OUTCOME_H

#include "tools/report/comparison.h"
#include "tools/report/table.h"

/* Final losses; costs; and both with all digits for other programs, where a cell without a value is
   empty. */
Table outcome_losses(const Comparison *c);
Table outcome_costs(const Comparison *c);
Table outcome_numbers(const Comparison *c);

/* What the columns mean, one a line; freed by the caller. */
char *outcome_explain(const Comparison *c);

#endif
