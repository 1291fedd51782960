/* exp without branches or calls, so that loops over it vectorize. It must be inlined, so it is in a
   header. */
#ifndef CORE_ELEMENTARY_H
#define CORE_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/real.h"

/* exp(x) with a relative error of at most 2e-7. Returns 0 below -87 and infinity above 88.3
   (no denormals, no last half binade); NaN stays NaN. */
static inline float exp_f32(float x) {
  const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
  float t = x * 1.44269504f + shift;
  float n = t - shift;
  float r = x - n * 0.693359375f; /* ln 2 in two parts */
  r = r + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  uint32_t bits; /* of 2^n */
  memcpy(&bits, &t, sizeof bits);
  bits = (bits << 23) + 0x3F800000u;
  float power;
  memcpy(&power, &bits, sizeof power);
  float y = p * power;
  y = x < -87.0f ? 0.0f : y;
  return x > 88.3f ? INFINITY : y;
}

static inline real exp_real(real x) {
#ifdef REAL_IS_DOUBLE
  return exp(x);
#else
  return exp_f32(x);
#endif
}

#endif
