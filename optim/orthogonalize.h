/* Ways to the polar factor: msgn(X) = U V^T for X = U S V^T (thin, nonzero singular values). */
#ifndef OPTIM_ORTHOGONALIZE_H
#define OPTIM_ORTHOGONALIZE_H

#include <stddef.h>
#include <stdint.h>

#include "core/option.h"

#define NS_SCHEDULE_NAMES "jordan|you|cesista|polar-express|cans|classical|cubic|dion|track3"

/* Newton-Schulz: X = X/||X||_F, then `steps` times X = a X + b (X X^T) X + c (X X^T)^2 X with the
   coefficients of a named schedule. */
typedef struct {
  int schedule;
  int64_t steps; /* 0: as many as the schedule has; beyond that its last step is repeated */
} NewtonSchulz;

/* The rows for a method's option table; `type` is its struct, with a NewtonSchulz named `ns`. */
#define NEWTON_SCHULZ_OPTIONS(type)                                                             \
  {"ns-schedule", "coefficients of the Newton-Schulz steps", OPTION_CHOICE,                     \
   offsetof(type, ns.schedule), "jordan", 0, 0, NS_SCHEDULE_NAMES},                             \
  {"ns-steps", "Newton-Schulz steps; 0: as many as the schedule has", OPTION_INT,               \
   offsetof(type, ns.steps), "0", 0, 100, NULL}

/* How many steps that makes. */
int64_t newton_schulz_steps(const NewtonSchulz *ns);

/* Step k = 0, 1, ... of the schedule: f(x) = a x + b x^3 + c x^5, with any safety factor in it. */
void newton_schulz_coefficients(const NewtonSchulz *ns, int64_t k, double *a, double *b, double *c);

/* The factor that the schedule wants ||X||_F multiplied by before the division. */
double newton_schulz_margin(const NewtonSchulz *ns);

/* X (rows,cols) becomes nearly msgn(X); a zero matrix stays zero. `scratch` holds
   newton_schulz_scratch floats. */
void newton_schulz(float *X, int64_t rows, int64_t cols, const NewtonSchulz *ns, float *scratch);
int64_t newton_schulz_scratch(int64_t rows, int64_t cols);

/* FLOPs of it, with half the work for symmetric products. */
double newton_schulz_flops(int64_t rows, int64_t cols, const NewtonSchulz *ns);

#define SHAPE_SCALE_NAMES "none|kj|spectral|rms|old"

/* The factor on the orthogonal update of a (rows,cols) matrix: none 1; kj sqrt(max(1, rows/cols))
   (Muon's repository); spectral sqrt(rows/cols) (Scion, Dion); rms 0.2 sqrt(max(rows, cols))
   (Moonlight, arXiv 2502.16982: the size of an AdamW step); old sqrt(max(rows, cols)). */
double shape_scale(int scale, int64_t rows, int64_t cols);

#endif
