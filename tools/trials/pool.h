/* Trials as processes. Several sweeps may work in one folder, on one machine or several: each
   claims a trial with a lock before it starts it. */
#ifndef TOOLS_TRIALS_POOL_H
#define TOOLS_TRIALS_POOL_H

#include "tools/trials/plan.h"

/* Starts ./train for a trial; what it prints goes to output.txt in the trial's folder. The trial's
   state becomes TRIAL_ELSEWHERE if another sweep has claimed it, or that of its end if one has
   finished it. */
int pool_start(Plan *plan, Trial *t, Err *err);

/* Notes which trials have ended, here or elsewhere, and how far the others are. Returns the number
   that ended, or -1. */
int pool_watch(Plan *plan, Err *err);

/* Asks all running trials to stop and waits for them. */
void pool_stop(Plan *plan);

#endif
