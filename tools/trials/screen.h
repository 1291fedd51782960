/* What a person sees of a sweep: a table that renews itself on a terminal, a line for each event
   in a pipe. */
#ifndef TOOLS_TRIALS_SCREEN_H
#define TOOLS_TRIALS_SCREEN_H

#include "tools/trials/plan.h"

typedef struct {
  int terminal, lines; /* lines of the table that is shown now */
  int64_t jobs;
  double drawn;        /* clock seconds */
} Screen;

void screen_start(Screen *s, int64_t jobs);

/* The table, a few times a second at most; nothing in a pipe. */
void screen_draw(Screen *s, const Plan *plan, int now);

/* A sentence above the table. */
void screen_say(Screen *s, const char *sentence);

/* How a trial ended, as a sentence. */
void screen_ended(Screen *s, const Plan *plan, const Trial *t);

#endif
