/* The two forms of momentum in front of an orthogonalization (they differ by the factor 1 - mu,
   which msgn does not see). z may be g. */
#ifndef OPTIM_PARTS_MOMENTUM_H
#define OPTIM_PARTS_MOMENTUM_H

#include <stdint.h>

/* b = mu b + (1 - mu) g;  z = (1 - mu) g + mu b (Nesterov) or b. All (n). */
void momentum_ema(float *z, float *b, const float *g, int64_t n, double mu, int nesterov);

/* b = mu b + g;  z = g + mu b (Nesterov) or b. All (n). */
void momentum_heavy_ball(float *z, float *b, const float *g, int64_t n, double mu, int nesterov);

#define MOMENTUM_OPTION(Options, field, default_mu)                                                \
  {.name = "momentum", .help = "Decay of the momentum (mu)",                                       \
   .type = OPTION_REAL, .at = offsetof(Options, field), .fallback = default_mu, .below = 1}
#define NESTEROV_OPTION(Options, field, default_word)                                              \
  {.name = "nesterov", .help = "Use Nesterov momentum",                                            \
   .type = OPTION_CHOICE, .at = offsetof(Options, field), .fallback = default_word,                \
   .choices = ON_OFF}

#endif
