#include "optim/schedule.h"

#include <math.h>

enum { CONSTANT, LINEAR, COSINE, WSD };

#define FIELD(member) offsetof(ScheduleOptions, member)
const Option schedule_options[] = {
    {"schedule", "learning rate over the run, after the warm-up", OPTION_CHOICE, FIELD(schedule),
     "wsd", 0, 0, SCHEDULE_NAMES},
    {"warmup", "steps of linear warm-up; a preset's is shortened with its steps", OPTION_INT,
     FIELD(warmup), "0", 0, 1e12, NULL},
    {"decay-fraction", "last part of the run over which wsd decays", OPTION_REAL,
     FIELD(decay_fraction), "0.6", 0, 1, NULL},
    {"final-lr", "multiplier at the end", OPTION_REAL, FIELD(final_lr), "0", 0, 1, NULL},
    {NULL, NULL, 0, 0, NULL, 0, 0, NULL},
};

/* The schedule without its warm-up. `done` is 0 at the first step after the warm-up and would be 1
   at the step behind the last, so that even with final_lr 0 no step is wasted. */
static double plain(const ScheduleOptions *o, int64_t t, int64_t steps) {
  double done = (double)(t - 1 - o->warmup) / (double)(steps - o->warmup);
  double decay = o->decay_fraction * (double)steps, left = (double)(steps - t + 1);
  switch (o->schedule) {
    case LINEAR: return 1 + (o->final_lr - 1) * done;
    case COSINE: return o->final_lr + (1 - o->final_lr) * (1 + cos(3.14159265358979324 * done)) / 2;
    case WSD: return left >= decay ? 1 : o->final_lr + (1 - o->final_lr) * left / decay;
    default: return 1;
  }
}

double schedule_at(const ScheduleOptions *o, int64_t t, int64_t steps) {
  if (t > o->warmup) return plain(o, t, steps);
  double rise = (double)t / (double)o->warmup;
  return o->schedule == WSD ? fmin(rise, plain(o, t, steps)) : rise; /* its decay may begin first */
}

int schedule_check(const ScheduleOptions *o, int64_t steps, Err *err) {
  if (o->warmup >= steps)
    return fail(err, "--warmup %lld does not fit a run of %lld steps: use a smaller one",
                (long long)o->warmup, (long long)steps);
  return 0;
}
