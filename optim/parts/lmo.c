#include "optim/parts/lmo.h"

#include <math.h>

/* n numbers at a distance `stride`, scaled to the root mean square 1; in double, as squares of
   1e-30 vanish in float. */
static void unit_rms(float *x, int64_t n, int64_t stride) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i * stride] * (double)x[i * stride];
  double scale = sum > 0 ? sqrt((double)n / sum) : 0;
  for (int64_t i = 0; i < n; i++) x[i * stride] = (float)((double)x[i * stride] * scale);
}

static void scale_all(float *x, int64_t n, double scale) {
  for (int64_t i = 0; i < n; i++) x[i] = (float)((double)x[i] * scale);
}

static int is_spectral(int norm) { return norm == NORM_SPECTRAL || norm == NORM_RMS; }

void steepest(float *M, int64_t rows, int64_t cols, int norm, const Polar *polar, float *scratch) {
  int64_t size = rows * cols;
  if (is_spectral(norm)) polar_factor(M, rows, cols, polar, scratch);
  switch (norm) {
    case NORM_RMS: scale_all(M, size, sqrt((double)rows / (double)cols)); break;
    case NORM_FROBENIUS: {
      double length = frobenius_norm(M, size);
      scale_all(M, size, length > 0 ? 1 / length : 0);
      break;
    }
    case NORM_SIGN:
      for (int64_t i = 0; i < size; i++) M[i] = (float)(M[i] > 0) - (float)(M[i] < 0);
      break;
    case NORM_COLUMN:
      for (int64_t j = 0; j < cols; j++) unit_rms(M + j, rows, cols);
      break;
    case NORM_ROW:
      for (int64_t i = 0; i < rows; i++) unit_rms(M + i * cols, cols, 1);
      break;
    default: break;
  }
}

int64_t steepest_scratch(int64_t rows, int64_t cols, int norm, const Polar *polar) {
  return is_spectral(norm) ? polar_scratch(rows, cols, polar) : 0;
}

double steepest_flops(int64_t rows, int64_t cols, int norm, const Polar *polar) {
  return (is_spectral(norm) ? polar_flops(rows, cols, polar) : 0) + 3 * (double)(rows * cols);
}
