/* Trials as processes. */
#ifndef TOOLS_TRIALS_POOL_H
#define TOOLS_TRIALS_POOL_H

#include "tools/trials/plan.h"

/* Starts ./train for a trial; what it prints goes to output.txt in the trial's folder. */
int pool_start(Plan *plan, Trial *t, Err *err);

/* Notes which trials have ended, and how far the others are. Returns the number that ended. */
int pool_watch(Plan *plan, Err *err);

/* Asks all running trials to stop and waits for them. */
void pool_stop(Plan *plan);

#endif
