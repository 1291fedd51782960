/* Adam (Kingma, Ba, arXiv 1412.6980), the one place of its formula and options:
     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
     u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). */
#ifndef OPTIM_PARTS_ADAM_H
#define OPTIM_PARTS_ADAM_H

#include <math.h>
#include <stdint.h>

typedef struct {
  double beta1, beta2, eps;
} Adam;

/* The rows for an option table; `adam` is the name of its Adam. `prefix` comes before the options'
   names, `of` after the help. */
#define ADAM_OPTIONS(Options, adam, prefix, of, default_beta1, default_beta2, default_eps)         \
  {.name = prefix "beta1", .help = "Decay of the first moment" of,                                 \
   .type = OPTION_REAL, .at = offsetof(Options, adam.beta1), .fallback = default_beta1,            \
   .below = 1},                                                                              \
  {.name = prefix "beta2", .help = "Decay of the second moment" of,                                \
   .type = OPTION_REAL, .at = offsetof(Options, adam.beta2), .fallback = default_beta2,            \
   .below = 1},                                                                              \
  {.name = prefix "eps", .help = "Constant added to the root of the second moment" of,             \
   .type = OPTION_REAL, .at = offsetof(Options, adam.eps), .fallback = default_eps,                \
   .min = 1e-30, .max = 1}

/* The constants of one step, rounded to float once. */
typedef struct {
  float b1, new1, b2, new2, eps;
  float gain, root; /* factors on m and on sqrt(v): the bias corrections and the rate */
} AdamStep;

/* Step t = 1, 2, ... at a learning rate. */
AdamStep adam_step(const Adam *o, int64_t t, double rate);

/* The same without bias corrections, at the rate 1. */
AdamStep adam_step_plain(const Adam *o);

/* One number: m and v take in g; returns rate u, with `more` added above its fraction line. */
static inline float adam_number_plus(const AdamStep *a, float *m, float *v, float g, float more) {
  *m = a->b1 * *m + a->new1 * g;
  *v = a->b2 * *v + a->new2 * g * g;
  return (a->gain * *m + more) / (sqrtf(*v) * a->root + a->eps);
}

/* x + -0 is x, bit by bit. */
static inline float adam_number(const AdamStep *a, float *m, float *v, float g) {
  return adam_number_plus(a, m, v, g, -0.0f);
}

/* n numbers; u may be g. */
void adam(float *u, float *m, float *v, const float *g, int64_t n, const AdamStep *a);

/* v = b2 v + (1 - b2) g^2,  z = z / (sqrt(v) + eps), without bias correction. All (n); g may be
   z. */
void divide_by_root(float *z, float *v, const float *g, int64_t n, double beta2, double eps);

#endif
