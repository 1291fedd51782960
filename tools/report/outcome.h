/* A comparison as tables. */
#ifndef TOOLS_REPORT_OUTCOME_H
#define TOOLS_REPORT_OUTCOME_H

#include "tools/report/comparison.h"
#include "tools/report/table.h"

/* Final losses; costs; the losses of the best trials of a sweep (no row if none had eight); the
   settings that differ, with their entries (no row if none does); and losses and costs with all
   digits for other programs, where a cell without a value is empty. */
Table outcome_losses(const Comparison *c);
Table outcome_costs(const Comparison *c);
Table outcome_sensitivity(const Comparison *c);
Table outcome_settings(const Comparison *c);
Table outcome_numbers(const Comparison *c);

#endif
