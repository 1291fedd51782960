#include "optim/optim.h"

int accepts_all(const Matrix *shape, const void *options) {
  (void)shape, (void)options;
  return 1;
}

int accepts_matrices(const Matrix *shape, const void *options) {
  (void)options;
  return shape->role == ROLE_MATRIX;
}

int64_t slot_full(const Matrix *shape, const void *options) {
  (void)options;
  return matrix_size(shape);
}

int64_t slot_rows_square(const Matrix *shape, const void *options) {
  (void)options;
  return shape->rows * shape->rows;
}

int64_t slot_cols_square(const Matrix *shape, const void *options) {
  (void)options;
  return shape->cols * shape->cols;
}

int64_t slot_one(const Matrix *shape, const void *options) {
  (void)shape, (void)options;
  return 1;
}

void apply_update(const Matrix *m, double keep, double amount, const float *u) {
  float of_w = (float)keep, of_u = (float)amount;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < m->rows * m->cols; i++) m->w[i] = of_w * m->w[i] - of_u * u[i];
}
