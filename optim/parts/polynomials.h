/* The polynomials of Newton-Schulz iterations: f(x) = a x + b x^3 + c x^5 for each step. */
#ifndef OPTIM_PARTS_POLYNOMIALS_H
#define OPTIM_PARTS_POLYNOMIALS_H

#include <stddef.h>
#include <stdint.h>

#include "core/option.h"

#define NS_SCHEDULES(X)                                                                            \
  X(NS_JORDAN, "jordan") X(NS_YOU, "you") X(NS_CESISTA, "cesista")                                 \
  X(NS_POLAR_EXPRESS, "polar-express") X(NS_CANS, "cans") X(NS_CLASSICAL, "classical")             \
  X(NS_CUBIC, "cubic") X(NS_DION, "dion") X(NS_TRACK3, "track3") X(NS_CONVERGED, "converged")
enum { NS_SCHEDULES(CHOICE_NAME) NS_SCHEDULE_COUNT };
#define NS_SCHEDULE_NAMES NS_SCHEDULES(CHOICE_WORD)

enum { NS_STEPS_MAX = 100 };

#define NS_EPS 1e-7 /* in the code of Muon, NorMuon, Scion, ROOT, low-rank Muon, Polar Express */

/* The options. */
typedef struct {
  int schedule;
  int64_t steps; /* 0: as many as the schedule has; beyond that its last step is repeated */
} NewtonSchulz;

/* The rows for a method's option table; `ns` is the path of its NewtonSchulz, `schedule_needs` and
   `steps_needs` are what the two options need (NULL: nothing). */
#define NEWTON_SCHULZ_OPTIONS(Options, ns, default_schedule, schedule_needs, steps_needs)          \
  {.name = "ns-schedule", .help = "Newton-Schulz coefficients: by author (jordan: Muon's; you; "   \
           "cesista), paper (polar-express, cans) or code (dion; track3: modded-nanogpt), Taylor " \
           "polynomials (classical, cubic), or accurate to float (converged)",                     \
   .type = OPTION_CHOICE, .at = offsetof(Options, ns.schedule), .fallback = default_schedule,      \
   .choices = NS_SCHEDULE_NAMES, .renamed = "exact=converged", .needs = schedule_needs},           \
  {.name = "ns-steps", .help = "Newton-Schulz steps (0: as many as the schedule has)",             \
   .type = OPTION_INT, .at = offsetof(Options, ns.steps), .fallback = "0", .max = NS_STEPS_MAX,    \
   .needs = steps_needs}

/* What the iterations do. X is first divided by margin ||X||_F + eps: eps makes the result smaller
   where ||X||_F is near it, as early in a run. */
typedef struct {
  int64_t steps;
  double abc[NS_STEPS_MAX][3];
  double margin, eps;
  int direct; /* do not use the Gram form: the polynomials are too steep for it in float */
} NewtonSchulzPlan;

NewtonSchulzPlan newton_schulz_plan(const NewtonSchulz *ns);

/* One polynomial, `steps` times. */
NewtonSchulzPlan newton_schulz_repeat(const double abc[3], int64_t steps);

#endif
