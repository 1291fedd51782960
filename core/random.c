#include "core/random.h"

#include <math.h>

enum { LANES = 16 }; /* blocks that are computed together, so that the loops vectorize */

/* Replaces the counters c (4,n) by their random numbers. */
static inline void philox(uint32_t (*c)[LANES], int n, const uint32_t key[2]) {
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    for (int i = 0; i < n; i++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c[0][i], p1 = (uint64_t)0xCD9E8D57u * c[2][i];
      c[0][i] = (uint32_t)(p1 >> 32) ^ c[1][i] ^ k0;
      c[1][i] = (uint32_t)p1;
      c[2][i] = (uint32_t)(p0 >> 32) ^ c[3][i] ^ k1;
      c[3][i] = (uint32_t)p0;
    }
}

static void philox_block(Random *r) {
  uint32_t c[4][LANES];
  for (int j = 0; j < 4; j++) c[j][0] = r->counter[j];
  philox(c, 1, r->key);
  for (int j = 0; j < 4; j++) r->block[j] = c[j][0];
  r->counter[0]++;
  r->left = 4;
}

void random_blocks(const Random *r, uint32_t first, int64_t count, uint32_t *out) {
  for (int64_t from = 0; from < count; from += LANES) {
    uint32_t c[4][LANES];
    for (int i = 0; i < LANES; i++) {
      c[0][i] = first + (uint32_t)(from + i);
      for (int j = 1; j < 4; j++) c[j][i] = r->counter[j];
    }
    philox(c, LANES, r->key);
    for (int i = 0; i < LANES && from + i < count; i++)
      for (int j = 0; j < 4; j++) out[4 * (from + i) + j] = c[j][i];
  }
}

Random random_stream(uint64_t seed, RandomPurpose purpose, uint32_t index, uint32_t step) {
  Random r = {.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
              .counter = {0, index, step, (uint32_t)purpose}};
  return r;
}

uint32_t random_u32(Random *r) {
  if (r->left == 0) philox_block(r);
  return r->block[4 - r->left--];
}

double random_uniform(Random *r) { return (random_u32(r) + 0.5) * 0x1p-32; }

uint32_t random_below(Random *r, uint32_t n) {
  return (uint32_t)(((uint64_t)random_u32(r) * n) >> 32);
}

void random_normals(Random *r, float *out, int64_t n) {
  for (int64_t i = 0; i < n; i += 2) {
    double radius = sqrt(-2 * log(random_uniform(r)));
    double angle = 2 * 3.14159265358979323846 * random_uniform(r);
    out[i] = (float)(radius * cos(angle));
    if (i + 1 < n) out[i + 1] = (float)(radius * sin(angle));
  }
}

void random_distinct(Random *r, int k, int n, int *scratch, int *out) {
  for (int i = 0; i < n; i++) scratch[i] = i;
  for (int i = 0; i < k; i++) { /* the first k steps of Fisher-Yates */
    int j = i + (int)random_below(r, (uint32_t)(n - i));
    out[i] = scratch[j];
    scratch[j] = scratch[i];
  }
}
