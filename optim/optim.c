#include "optim/optim.h"

int accepts_all(const Param *p, const void *options) {
  (void)p, (void)options;
  return 1;
}

int accepts_matrices(const Param *p, const void *options) {
  (void)options;
  return p->role == ROLE_MATRIX;
}

int64_t slot_full(int64_t rows, int64_t cols, const void *options) {
  (void)options;
  return rows * cols;
}

int64_t slot_one(int64_t rows, int64_t cols, const void *options) {
  (void)rows, (void)cols, (void)options;
  return 1;
}

void apply_update(const Matrix *m, double keep, double amount, const float *u) {
  float of_w = (float)keep, of_u = (float)amount;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < m->rows * m->cols; i++) m->w[i] = of_w * m->w[i] - of_u * u[i];
}
