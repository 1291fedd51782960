#include "tests/amx_standin.h"

#ifdef BF16_KERNELS

#include <stdint.h>
#include <string.h>

#include "core/half.h"

typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16]; /* of a row, for each tile */
  uint8_t rows[16];
} TileConfig;

static struct {
  TileConfig config;
  uint8_t data[8][16][64];
} tiles;
#pragma omp threadprivate(tiles)

static void tile_configure(const void *config) {
  memcpy(&tiles.config, config, sizeof tiles.config);
}
static void tile_release(void) { memset(&tiles, 0, sizeof tiles); }
static void tile_zero(int t) { memset(tiles.data[t], 0, sizeof tiles.data[t]); }

static void tile_load(int t, const void *from, int64_t stride) {
  tile_zero(t);
  for (int i = 0; i < tiles.config.rows[t]; i++)
    memcpy(tiles.data[t][i], (const char *)from + i * stride, tiles.config.bytes[t]);
}

static void tile_store(int t, void *to, int64_t stride) {
  for (int i = 0; i < tiles.config.rows[t]; i++)
    memcpy((char *)to + i * stride, tiles.data[t][i], tiles.config.bytes[t]);
}

/* Denormal numbers count as zero, and a denormal sum becomes zero. */
static float flushed(float x) {
  return (float_bits(x) & 0x7F800000u) == 0 ? float_from_bits(float_bits(x) & 0x80000000u) : x;
}

static float pair_half(const uint8_t *at) {
  uint16_t h;
  memcpy(&h, at, sizeof h);
  return flushed(float_from_bf16(h));
}

static void tile_dot(int c, int a, int b) {
  const TileConfig *t = &tiles.config;
  for (int m = 0; m < t->rows[c]; m++)
    for (int k = 0; k < t->bytes[a] / 4; k++)
      for (int n = 0; n < t->bytes[b] / 4; n++)
        for (int half = 0; half < 2; half++) {
          float sum, x = pair_half(&tiles.data[a][m][4 * k + 2 * half]);
          float y = pair_half(&tiles.data[b][k][4 * n + 2 * half]);
          memcpy(&sum, &tiles.data[c][m][4 * n], sizeof sum);
          sum = flushed(sum + x * y);
          memcpy(&tiles.data[c][m][4 * n], &sum, sizeof sum);
        }
}

#define TILE_CONFIGURE tile_configure
#define TILE_RELEASE tile_release
#define TILE_LOAD tile_load
#define TILE_STORE tile_store
#define TILE_ZERO tile_zero
#define TILE_DOT tile_dot
#define bf16_amx amx_standin
#include "core/bf16_amx.c"

#endif
