#include "optim/parts/lmo.h"

#include <math.h>

static void unit_rms(float *x, int64_t n, int64_t stride) {
  double sum = square_sum(x, n, stride);
  scale_numbers(x, n, stride, sum > 0 ? sqrt((double)n / sum) : 0);
}

/* Root mean square at most `limit`. */
static void limit_rms(float *x, int64_t n, int64_t stride, double limit) {
  double rms = sqrt(square_sum(x, n, stride) / (double)n);
  if (rms > limit) scale_numbers(x, n, stride, limit / rms);
}

static int is_spectral(int norm) { return norm == NORM_SPECTRAL || norm == NORM_RMS; }

void lmo_layout(PolarWork *work, Scratch *s, int64_t rows, int64_t cols, int norm,
                const Polar *polar) {
  if (is_spectral(norm)) polar_layout(work, s, rows, cols, polar);
}

void lmo(float *M, int64_t rows, int64_t cols, int norm, const Polar *polar,
         const PolarWork *work) {
  int64_t size = rows * cols;
  if (is_spectral(norm)) polar_factor(M, rows, cols, polar, work);
  switch (norm) {
    case NORM_RMS: scale_numbers(M, size, 1, sqrt((double)rows / (double)cols)); break;
    case NORM_FROBENIUS: {
      double length = frobenius_norm(M, size);
      scale_numbers(M, size, 1, length > 0 ? 1 / length : 0);
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

void ball_nearest(float *M, int64_t rows, int64_t cols, int norm, double radius,
                  const PolarWork *work) {
  int64_t size = rows * cols;
  switch (norm) {
    case NORM_SPECTRAL: polar_clip(M, rows, cols, radius, work); break;
    case NORM_RMS:
      polar_clip(M, rows, cols, sqrt((double)rows / (double)cols) * radius, work);
      break;
    case NORM_FROBENIUS: limit_rms(M, size, 1, radius / sqrt((double)size)); break;
    case NORM_SIGN:
      for (int64_t i = 0; i < size; i++) M[i] = fmaxf(fminf(M[i], (float)radius), -(float)radius);
      break;
    case NORM_COLUMN:
      for (int64_t j = 0; j < cols; j++) limit_rms(M + j, rows, cols, radius);
      break;
    default:
      for (int64_t i = 0; i < rows; i++) limit_rms(M + i * cols, cols, 1, radius);
      break;
  }
}

double lmo_flops(int64_t rows, int64_t cols, int norm, const Polar *polar) {
  return (is_spectral(norm) ? polar_flops(rows, cols, polar) : 0) + 3 * (double)(rows * cols);
}
