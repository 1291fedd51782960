/* The trials of a sweep: which there are, how they ended, and which become due next. Everything
   is read from the runs' folders, so that a sweep that was stopped continues, whoever ran it.

   A method's rate is chosen on its tuning seeds, by the mean of the final validation losses. While
   the best one lies at the edge of the grid, the grid is extended. Then methods with fewer trials
   than others get as many, halfway between their best rate and its better neighbour. Last, fresh
   seeds run at the chosen rate. */
#ifndef TOOLS_TRIALS_PLAN_H
#define TOOLS_TRIALS_PLAN_H

#include <sys/types.h>

#include "tools/trials/spec.h"

typedef enum { STAGE_TUNE, STAGE_FINAL } Stage;
typedef enum { TRIAL_WAITING, TRIAL_RUNNING, TRIAL_FINISHED, TRIAL_DIVERGED, TRIAL_FAILED } State;

typedef struct {
  int method;
  Stage stage;
  char values[SPEC_DIMENSIONS][64]; /* of the method's grid */
  int64_t seed;
  char folder[OPTION_TEXT];
  State state;
  double loss;         /* final validation loss; infinite when it diverged */
  int64_t step, steps; /* how far it is */
  double seconds;      /* that it took */
  char message[256];   /* why it failed */
  pid_t process;
  double started;      /* clock seconds */
} Trial;

typedef struct {
  int extensions;
  int settled;      /* 1: the best rate is known and not at the edge */
  int chosen;       /* a trial at the chosen point, or -1 */
  int finals_added;
} Progression;

typedef struct {
  const Spec *spec;
  const char *out, *program;
  int64_t threads;
  Trial *trials;
  int count, room;
  Progression methods[SPEC_METHODS];
  void (*tell)(const char *sentence); /* prints what the plan decided; may be NULL */
} Plan;

/* Adds all trials that are due, after reading how those before them ended. Call it first, and
   whenever a trial has ended. Errors: a folder holds a run of other settings. */
int plan_advance(Plan *plan, Err *err);
void plan_free(Plan *plan);

/* Reads from the trial's folder how it ended, or how far it is; its state stays as it is, with a
   message, when that cannot be read. */
int plan_inspect(Plan *plan, Trial *t, Err *err);

/* The command of a trial, NULL-ended; arguments_free frees it. */
char **plan_command(const Plan *plan, const Trial *t);

/* "muon lr 0.02, seed 1" */
void plan_trial_name(const Plan *plan, const Trial *t, char *out, size_t size);

/* How many trials there will be at least, and how many of a state there are. */
int plan_expected(const Plan *plan);
int plan_count(const Plan *plan, State state);

#endif
