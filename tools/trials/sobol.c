#include "tools/trials/sobol.h"

enum { BITS = 32 };

/* Primitive polynomials (degree, inner coefficients) and initial numbers of dimensions 2, 3, ...:
   S. Joe, F. Kuo, new-joe-kuo-6.21201 (2008). */
static const struct {
  int degree, inner;
  unsigned first[5];
} table[SOBOL_MAX - 1] = {
    {1, 0, {1}},          {2, 1, {1, 3}},          {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},    {4, 1, {1, 1, 3, 3}},    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}}, {5, 4, {1, 1, 5, 5, 5}}, {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}}, {5, 13, {1, 1, 1, 3, 11}},
};

/* Direction number k of a dimension, as a fraction of 2^32. */
static uint32_t direction(int dimension, int k) {
  uint32_t v[BITS];
  if (dimension == 0) return 1u << (BITS - 1 - k);
  int degree = table[dimension - 1].degree, inner = table[dimension - 1].inner;
  for (int j = 0; j <= k; j++) {
    if (j < degree) {
      v[j] = (uint32_t)table[dimension - 1].first[j] << (BITS - 1 - j);
      continue;
    }
    v[j] = v[j - degree] ^ (v[j - degree] >> degree);
    for (int i = 1; i < degree; i++)
      if (inner >> (degree - 1 - i) & 1) v[j] ^= v[j - i];
  }
  return v[k];
}

double sobol(int64_t n, int i) {
  uint32_t x = 2654435761u * (uint32_t)(i + 1); /* the shift: the first point is not the corner */
  for (int k = 0; k < BITS && n >> k; k++)
    if (n >> k & 1) x ^= direction(i, k);
  return (double)x / 4294967296.0;
}
