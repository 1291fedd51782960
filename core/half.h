/* The 16-bit formats of weights in files: IEEE binary16, and bfloat16 (the upper half of a
   binary32). Reading is exact; writing rounds to nearest, ties to even. */
#ifndef CORE_HALF_H
#define CORE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float float_from_bf16(uint16_t h) { return float_from_bits((uint32_t)h << 16); }

static inline uint16_t bf16_from_float(float x) {
  uint32_t bits = float_bits(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 0x40); /* stays NaN */
  return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

/* x rounded to a bfloat16 number, without branches; NaN stays NaN. */
static inline float float_rounded_to_bf16(float x) {
  uint32_t bits = float_bits(x), even = (bits + 0x7FFFu + (bits >> 16 & 1)) & 0xFFFF0000u;
  return float_from_bits((bits & 0x7FFFFFFFu) > 0x7F800000u ? bits : even);
}

static inline float float_from_f16(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7FFFu;
  if (rest >= 0x7C00u) return float_from_bits(sign | 0x7F800000u | rest << 13); /* Inf, NaN */
  if (rest >= 0x0400u) return float_from_bits(sign | ((rest << 13) + 0x38000000u));
  float x = (float)rest * 0x1p-24f; /* zero or subnormal */
  return sign ? -x : x;
}

static inline uint16_t f16_from_float(float x) {
  uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000u, rest = bits & 0x7FFFFFFFu;
  if (rest > 0x7F800000u) return (uint16_t)(sign | 0x7E00u | (rest >> 13 & 0x3FFu));
  if (rest >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u); /* 65520 or more: infinity */
  if (rest < 0x38800000u) {
    /* Subnormal: after adding 1/2, the lowest bits are the rounded multiple of 2^-24. */
    float shifted = float_from_bits(rest) + 0.5f;
    return (uint16_t)(sign | (float_bits(shifted) - 0x3F000000u));
  }
  return (uint16_t)(sign | ((rest - 0x38000000u + 0xFFFu + (rest >> 13 & 1)) >> 13));
}

#endif
