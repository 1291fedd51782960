#include "model/dropout.h"

#include <math.h>

#include "core/random.h"

enum { CHUNK = 1024 }; /* numbers whose mask is computed at once */

/* Each random number of 32 bits decides on two numbers of the mask. */
void dropout_mask(real *mask, const Dropout *d, int64_t row, int64_t from, int64_t n) {
  uint32_t index = (uint32_t)((d->first + row) * d->places + d->place);
  Random stream = random_stream(d->seed, RANDOM_DROPOUT, index, d->step);
  uint32_t drop = (uint32_t)lround(65536 * d->rate), random[CHUNK / 2];
  real keep = (real)(65536.0 / (65536 - drop));
  for (int64_t at = 0; at < n; at += CHUNK) {
    int64_t count = n - at < CHUNK ? n - at : CHUNK;
    random_blocks(&stream, (uint32_t)((from + at) / DROPOUT_UNIT),
                  (count + DROPOUT_UNIT - 1) / DROPOUT_UNIT, random);
    for (int64_t i = 0; i + 1 < count; i += 2) {
      mask[at + i] = (random[i / 2] & 0xFFFF) < drop ? 0 : keep;
      mask[at + i + 1] = random[i / 2] >> 16 < drop ? 0 : keep;
    }
    if (count % 2) mask[at + count - 1] = (random[count / 2] & 0xFFFF) < drop ? 0 : keep;
  }
}

void dropout_apply(real *y, const real *residual, const real *x, const Dropout *d, int64_t B,
                   int64_t n) {
  int64_t chunks = (n + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < B * chunks; i++) {
    real mask[CHUNK];
    int64_t from = i % chunks * CHUNK, count = n - from < CHUNK ? n - from : CHUNK;
    int64_t at = i / chunks * n + from;
    dropout_mask(mask, d, i / chunks, from, count);
    for (int64_t j = 0; j < count; j++)
      y[at + j] = (residual ? residual[at + j] : 0) + mask[j] * x[at + j];
  }
}
