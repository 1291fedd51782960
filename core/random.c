#include "core/random.h"

#include <math.h>
#include <string.h>

static void philox_round(uint32_t c[4], const uint32_t k[2]) {
  uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
  uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k[0], (uint32_t)p1,
                      (uint32_t)(p0 >> 32) ^ c[3] ^ k[1], (uint32_t)p0};
  memcpy(c, next, sizeof next);
}

static void philox_block(Random *r) {
  uint32_t k[2] = {r->key[0], r->key[1]};
  memcpy(r->block, r->counter, sizeof r->block);
  for (int round = 0; round < 10; round++) {
    philox_round(r->block, k);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  r->counter[0]++;
  r->left = 4;
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
