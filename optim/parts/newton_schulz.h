/* Newton-Schulz iterations toward the polar factor msgn(X) = U V^T of X = U S V^T:
   X = X / (||X||_F + eps), then X = a X + b (X X^T) X + c (X X^T)^2 X with coefficients for each
   step. eps makes the result smaller where ||X||_F is near it, as early in a run; each schedule has
   its source's. */
#ifndef OPTIM_PARTS_NEWTON_SCHULZ_H
#define OPTIM_PARTS_NEWTON_SCHULZ_H

#include <stddef.h>
#include <stdint.h>

#include "core/option.h"

#define NS_SCHEDULE_NAMES \
  "jordan|you|cesista|polar-express|cans|classical|cubic|dion|track3|converged"

enum { NS_STEPS_MAX = 100 };

#define NS_EPS 1e-7 /* in the code of Muon, NorMuon, Scion, ROOT, low-rank Muon, Polar Express */

typedef struct {
  int schedule;
  int64_t steps; /* 0: as many as the schedule has; beyond that its last step is repeated */
} NewtonSchulz;

/* The rows for a method's option table; `ns` is the path of its NewtonSchulz, `schedule_needs` and
   `steps_needs` are what the two options need (NULL: nothing). */
#define NEWTON_SCHULZ_OPTIONS(Options, ns, default_schedule, schedule_needs, steps_needs)          \
  {.name = "ns-schedule", .help = "Newton-Schulz coefficients",                                    \
   .type = OPTION_CHOICE, .at = offsetof(Options, ns.schedule), .fallback = default_schedule,      \
   .choices = NS_SCHEDULE_NAMES, .renamed = "exact=converged", .needs = schedule_needs},           \
  {.name = "ns-steps", .help = "Newton-Schulz steps (0: as many as the schedule has)",             \
   .type = OPTION_INT, .at = offsetof(Options, ns.steps), .fallback = "0", .max = NS_STEPS_MAX,    \
   .needs = steps_needs}

/* The schedule `converged`: exact to float32 for singular values down to 1e-6 of ||X||_F. */
extern const NewtonSchulz newton_schulz_converged;

/* How many steps that makes. */
int64_t newton_schulz_steps(const NewtonSchulz *ns);

/* Step k = 0, 1, ... of the schedule: f(x) = a x + b x^3 + c x^5, with any safety factor in it. */
void newton_schulz_coefficients(const NewtonSchulz *ns, int64_t k, double *a, double *b, double *c);

/* The factor that the schedule wants ||X||_F multiplied by before the division. */
double newton_schulz_margin(const NewtonSchulz *ns);

/* What the schedule adds to it. */
double newton_schulz_eps(const NewtonSchulz *ns);

/* X (rows,cols) becomes nearly msgn(X); a zero matrix stays zero. `scratch`:
   newton_schulz_scratch floats. Matrices at least 1.5 times longer than wide iterate on the small
   Gram matrix (Polar Express, arXiv 2505.16932, Algorithm 4). */
void newton_schulz(float *X, int64_t rows, int64_t cols, const NewtonSchulz *ns, float *scratch);
int64_t newton_schulz_scratch(int64_t rows, int64_t cols);

/* The same with coefficients abc (steps,3) of the caller's own. */
void newton_schulz_with(float *X, int64_t rows, int64_t cols, const double (*abc)[3], int64_t steps,
                        double margin, double eps, float *scratch);

/* The same by schedule, without the Gram form, for tests and measurements. */
void newton_schulz_direct(float *X, int64_t rows, int64_t cols, const NewtonSchulz *ns,
                          float *scratch);

/* FLOPs of it, with half the work for symmetric products. */
double newton_schulz_flops(int64_t rows, int64_t cols, const NewtonSchulz *ns);

/* The optimal coefficients for singular values in [l,1], step after step (Polar Express, section 3
   and Appendix G): fills abc (steps,3), each step divided by `safety` (1: none). */
void polar_express_generate(double l, int64_t steps, double safety, double (*abc)[3]);

#endif
