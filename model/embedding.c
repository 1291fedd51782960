#include "model/embedding.h"

#include <string.h>

enum { COLUMNS = 64 };

void embedding_forward(real *y, const int32_t *x, const real *wte, const real *wpe, int64_t B,
                       int64_t T, int64_t C) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < B * T; i++) {
    const real *token = wte + x[i] * C, *position = wpe + i % T * C;
    for (int64_t j = 0; j < C; j++) y[i * C + j] = token[j] + position[j];
  }
}

/* Threads divide the columns, not the rows: a token may occur in many rows, and the order of each
   sum must not depend on the threads. */
void embedding_backward(real *dwte, real *dwpe, const real *dy, const int32_t *x, int64_t B,
                        int64_t T, int64_t C, int64_t rows, int accumulate) {
  if (!accumulate) memset(dwpe, 0, (size_t)(rows * C) * sizeof *dwpe);
#pragma omp parallel for schedule(static)
  for (int64_t from = 0; from < C; from += COLUMNS) {
    int64_t width = C - from < COLUMNS ? C - from : COLUMNS;
    for (int64_t i = 0; i < B * T; i++) {
      const real *d = dy + i * C + from;
      real *token = dwte + x[i] * C + from, *position = dwpe + i % T * C + from;
      for (int64_t j = 0; j < width; j++) {
        token[j] += d[j];
        position[j] += d[j];
      }
    }
  }
}
