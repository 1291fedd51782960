/* The two forms of momentum in front of an orthogonalization (they differ by the factor 1 - mu,
   which msgn does not see). z may be g. */
#ifndef OPTIM_MOMENTUM_H
#define OPTIM_MOMENTUM_H

#include <stdint.h>

/* b = mu b + (1 - mu) g;  z = (1 - mu) g + mu b (Nesterov) or b. All (n). */
void momentum_ema(float *z, float *b, const float *g, int64_t n, double mu, int nesterov);

/* b = mu b + g;  z = g + mu b (Nesterov) or b. All (n). */
void momentum_heavy_ball(float *z, float *b, const float *g, int64_t n, double mu, int nesterov);

#define MOMENTUM_OPTION(type, field, default_mu)                                                 \
  {"momentum", "decay of the average of gradients (mu)", OPTION_REAL, offsetof(type, field),     \
   default_mu, 0, 0.9999999, NULL}
#define NESTEROV_OPTION(type, field, default_word)                                               \
  {"nesterov", "look ahead along the momentum", OPTION_CHOICE, offsetof(type, field),            \
   default_word, 0, 0, ON_OFF}

#endif
