/* Learning-rate schedules: a multiplier in [0,1] on every group's own rate. */
#ifndef OPTIM_SCHEDULE_H
#define OPTIM_SCHEDULE_H

#include <stdint.h>

#include "core/error.h"
#include "core/option.h"

#define SCHEDULES(X)                                                   \
  X(SCHEDULE_CONSTANT, "constant") X(SCHEDULE_LINEAR, "linear")        \
  X(SCHEDULE_COSINE, "cosine") X(SCHEDULE_WSD, "wsd")
enum { SCHEDULES(CHOICE_NAME) };

typedef struct {
  int schedule;
  int64_t warmup;        /* steps */
  double decay_fraction; /* of all steps, for wsd */
  double final_lr;       /* multiplier at the end */
  double warmup_fraction; /* of all steps; schedule_scale_warmup sets `warmup` from it; 0: unused */
} ScheduleOptions;

extern const Option schedule_options[];

/* The multiplier of step t = 1..steps: (t / warmup) while warming up, then
   constant: 1;  linear: straight down to final_lr;  cosine: half a cosine down to it;
   wsd: 1, then straight down over the last decay_fraction of all steps (warm-up, stable, decay;
   the trapezoid of the Muon speed runs); a long warm-up meets the decay at the lower of the two. */
double schedule_at(const ScheduleOptions *o, int64_t t, int64_t steps);

/* Sets the warm-up to its fraction of the steps, rounded down, if there is a fraction. */
void schedule_scale_warmup(ScheduleOptions *o, int64_t steps);

/* Error when the warm-up does not fit the steps. */
int schedule_check(const ScheduleOptions *o, int64_t steps, Err *err);

#endif
