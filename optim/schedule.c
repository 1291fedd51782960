#include "optim/schedule.h"

#include <math.h>

#define FIELD(member) offsetof(ScheduleOptions, member)
const Option schedule_options[] = {
    {.name = "schedule",
     .help = "Learning-rate schedule after the warm-up (wsd: constant, then linear decay)",
     .type = OPTION_CHOICE, .at = FIELD(schedule), .fallback = "wsd",
     .choices = SCHEDULES(CHOICE_WORD)},
    {.name = "warmup", .help = "Steps of linear warm-up",
     .type = OPTION_INT, .at = FIELD(warmup), .fallback = "0", .max = 1e12},
    {.name = "warmup-fraction",
     .help = "Linear warm-up as a fraction of --steps, instead of --warmup; give only one of them "
             "(0: use --warmup)",
     .type = OPTION_REAL, .at = FIELD(warmup_fraction), .fallback = "0", .max = 0.95,
     .effect = EFFECT_REPORT}, /* --warmup is set to the steps */
    {.name = "decay-fraction", .help = "Fraction of the run over which wsd decays",
     .type = OPTION_REAL, .at = FIELD(decay_fraction), .fallback = "0.6", .max = 1,
     .needs = "schedule=wsd"},
    {.name = "final-lr", .help = "Final learning rate as a fraction of --lr",
     .type = OPTION_REAL, .at = FIELD(final_lr), .fallback = "0", .max = 1,
     .needs = "schedule!=constant"},
    {0},
};

/* The schedule without its warm-up. `done` is 0 at the first step after the warm-up and would be 1
   at the step after the last, so that even with final_lr 0 no step is wasted. */
static double plain(const ScheduleOptions *o, int64_t t, int64_t steps) {
  double done = (double)(t - 1 - o->warmup) / (double)(steps - o->warmup);
  double decay = o->decay_fraction * (double)steps, left = (double)(steps - t + 1);
  switch (o->schedule) {
    case SCHEDULE_LINEAR: return 1 + (o->final_lr - 1) * done;
    case SCHEDULE_COSINE:
      return o->final_lr + (1 - o->final_lr) * (1 + cos(3.14159265358979324 * done)) / 2;
    case SCHEDULE_WSD:
      return left >= decay ? 1 : o->final_lr + (1 - o->final_lr) * left / decay;
    default: return 1;
  }
}

double schedule_at(const ScheduleOptions *o, int64_t t, int64_t steps) {
  if (t > o->warmup) return plain(o, t, steps);
  double rise = (double)t / (double)o->warmup;
  /* The decay of wsd may begin first. */
  return o->schedule == SCHEDULE_WSD ? fmin(rise, plain(o, t, steps)) : rise;
}

void schedule_scale_warmup(ScheduleOptions *o, int64_t steps) {
  const double rounding = 1e-3; /* 0.333333 of 300 steps is 100 */
  if (o->warmup_fraction > 0)
    o->warmup = (int64_t)floor(o->warmup_fraction * (double)steps + rounding);
}

int schedule_check(const ScheduleOptions *o, int64_t steps, Err *err) {
  if (o->warmup >= steps)
    return fail(err, "--warmup %lld does not fit a run of %lld steps: use a smaller one",
                (long long)o->warmup, (long long)steps);
  return 0;
}
