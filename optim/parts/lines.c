#include "optim/parts/lines.h"

#include <math.h>
#include <string.h>

#include "optim/parts/norms.h"

void line_squares(double *squares, const float *X, int64_t rows, int64_t cols, Side side) {
  if (side == RIGHT) memset(squares, 0, (size_t)cols * sizeof *squares);
  for (int64_t i = 0; i < rows; i++) {
    const float *row = X + i * cols;
    double norm = side == LEFT ? frobenius_norm(row, cols) : 0;
    if (side == LEFT) squares[i] = norm * norm;
    for (int64_t j = 0; j < cols && side == RIGHT; j++)
      squares[j] += (double)row[j] * (double)row[j];
  }
}

void line_scale(float *X, int64_t rows, int64_t cols, Side side, const double *factors) {
  for (int64_t i = 0; i < rows; i++) {
    float *row = X + i * cols;
    for (int64_t j = 0; j < cols; j++) row[j] *= (float)factors[side == LEFT ? i : j];
  }
}

void lines_normalize(float *U, float *v, int64_t rows, int64_t cols, Side side,
                     const LineMoment *moment, double *work) {
  int64_t lines = line_count(rows, cols, side), length = rows * cols / lines;
  double before = frobenius_norm(U, rows * cols), b2 = moment->beta2, eps = moment->eps;
  line_squares(work, U, rows, cols, side);
  for (int64_t i = 0; i < lines; i++) {
    v[i] = (float)(b2 * (double)v[i] + (1 - b2) * work[i] / (double)length);
    work[i] = 1 / (sqrt((double)v[i]) + eps);
  }
  line_scale(U, rows, cols, side, work);
  double after = frobenius_norm(U, rows * cols);
  float back = (float)(before / (after + eps));
  for (int64_t i = 0; i < rows * cols; i++) U[i] *= back;
}
