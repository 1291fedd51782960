/* The state of a sweep as text. */
#ifndef TOOLS_TRIALS_SCREEN_H
#define TOOLS_TRIALS_SCREEN_H

#include "tools/trials/plan.h"

/* The state of all methods and the running trials, with `jobs` at a time, in at most width x height
   characters. Returns the number of lines. */
int screen_table(FILE *out, const Plan *plan, int64_t jobs, int width, int height);

/* How a trial ended: "3/12  muon lr 0.02, seed 1: val loss 4.5 in 40 s". */
void screen_ended(const Plan *plan, const Trial *t, char *out, size_t size);

#endif
