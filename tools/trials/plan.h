/* The trials of a sweep: which there are, how they ended, and which become due next. Everything
   is read from the runs' folders, so that a sweep that was stopped continues, and several can share
   a folder.

   A method's settings are chosen on its tuning seeds, by the mean of the final validation losses.
   In a grid: while the best rate is at the edge, the grid is extended. Then methods with fewer
   trials than others get as many, halfway between their best rate and its better neighbour. Last,
   new seeds run at the chosen settings. */
#ifndef TOOLS_TRIALS_PLAN_H
#define TOOLS_TRIALS_PLAN_H

#include <sys/types.h>

#include "tools/trials/spec.h"

typedef enum { STAGE_TUNE, STAGE_FINAL } Stage;
typedef enum {
  TRIAL_WAITING,
  TRIAL_RUNNING,
  TRIAL_ELSEWHERE, /* another sweep runs it */
  TRIAL_FINISHED,
  TRIAL_DIVERGED,
  TRIAL_FAILED,
} State;

typedef struct {
  int method;
  Stage stage;
  char point[SPEC_POINT];
  int64_t seed;
  char folder[OPTION_TEXT];
  State state;
  double loss;         /* final validation loss; infinite when it diverged */
  int64_t step, steps; /* how far it is */
  double seconds;      /* that it took */
  char message[256];   /* why it failed */
  pid_t process;
  int claim;           /* lock of a running trial's folder */
  double since;        /* clock seconds of its start, or of the last check of it elsewhere */
} Trial;

typedef struct {
  int extensions;
  int settled;      /* 1: the best point is known and not at the edge */
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
void arguments_free(char **arguments);

/* "muon lr 0.02, seed 1" */
void plan_trial_name(const Plan *plan, const Trial *t, char *out, size_t size);

/* How many trials there will be at least, how many of a state there are, and how many have ended.
   */
int plan_expected(const Plan *plan);
int plan_count(const Plan *plan, State state);
int plan_ended(const Plan *plan);

#endif
