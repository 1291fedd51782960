#include "optim/parts/shampoo.h"

#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"

void shampoo_layout(ShampooWork *w, Scratch *s, int64_t rows, int64_t cols) {
  Scratch first = *s, averaging = *s, refreshing = *s;
  int64_t n = i64_max(rows, cols);
  singular_layout(&w->singular, &first, n);
  w->gram = scratch_floats(&averaging, n * n);
  w->order = scratch_take(&refreshing, n, sizeof *w->order);
  w->product = scratch_floats(&refreshing, n * n);
  w->copy = scratch_floats(&refreshing, rows * cols);
  qr_layout(&w->qr, &refreshing, n);
  scratch_join(s, &first);
  scratch_join(s, &averaging);
  scratch_join(s, &refreshing);
}

/* At the first step L is a multiple of G G^T: the basis is G's own. */
static void first_basis(float *basis, const float *G, int64_t rows, int64_t cols, Side side,
                        const ShampooWork *work) {
  singular_basis(G, rows, cols, side, &work->singular);
  replace_basis(basis, work->singular.V, side == LEFT ? rows : cols);
}

/* A = b A + (1 - b) G G^T for A = L, with G^T G for A = R. */
static void average_gram(float *A, const float *G, int64_t rows, int64_t cols, Side side, double b,
                         const ShampooWork *work) {
  int64_t n = side == LEFT ? rows : cols;
  gram(side == RIGHT ? TRANSPOSED : PLAIN, n, rows + cols - n, G, cols, work->gram);
  for (int64_t i = 0; i < n * n; i++) A[i] = (float)b * A[i] + (float)(1 - b) * work->gram[i];
}

static int compare_estimates(const void *a, const void *b) {
  const Estimate *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? 1 : -1;
  return x->column < y->column ? -1 : x->column > y->column;
}

static void sort_estimates(Estimate *order, const float *basis, const float *product, int64_t n) {
  for (int64_t j = 0; j < n; j++) order[j] = (Estimate){0, j};
  for (int64_t i = 0; i < n * n; i++)
    order[i % n].value += (double)basis[i] * (double)product[i];
  qsort(order, (size_t)n, sizeof *order, compare_estimates);
}

/* V's rows, or its columns for the right side, in the new order. */
static void permute(float *V, int64_t rows, int64_t cols, Side side, const ShampooWork *work) {
  const Estimate *order = work->order;
  float *copy = work->copy;
  memcpy(copy, V, (size_t)(rows * cols) * sizeof *V);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++)
      V[i * cols + j] = side == RIGHT ? copy[i * cols + order[j].column]
                                      : copy[order[i].column * cols + j];
}

/* A step of power iteration, basis = qr(A basis) with A = L or R, with the columns sorted first:
   without that, V stays in the place of a direction whose eigenvalue has passed another's. */
static void power_step(float *basis, const float *A, float *V, int64_t rows, int64_t cols,
                       Side side, const ShampooWork *work) {
  int64_t n = side == LEFT ? rows : cols;
  float *product = work->product;
  gemm(PLAIN, PLAIN, n, n, n, 1, A, n, basis, n, 0, product, n);
  sort_estimates(work->order, basis, product, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) basis[i * n + j] = product[i * n + work->order[j].column];
  orthonormal_columns(basis, n, n, &work->qr);
  permute(V, rows, cols, side, work);
}

void shampoo_update(const Shampoo *a, const float *G, int64_t rows, int64_t cols, double b,
                    int64_t t, int64_t gap, const ShampooWork *work) {
  if (t == 1) {
    first_basis(a->P, G, rows, cols, LEFT, work);
    first_basis(a->Q, G, rows, cols, RIGHT, work);
  }
  average_gram(a->L, G, rows, cols, LEFT, b, work);
  average_gram(a->R, G, rows, cols, RIGHT, b, work);
  if (t > 1 && (t - 1) % gap == 0) {
    power_step(a->P, a->L, a->V, rows, cols, LEFT, work);
    power_step(a->Q, a->R, a->V, rows, cols, RIGHT, work);
  }
}

double shampoo_flops(int64_t rows, int64_t cols, int64_t gap) {
  double m = (double)rows, n = (double)cols;
  return m * m * n + m * n * n + (2 + 8. / 3) * (m * m * m + n * n * n) / (double)gap;
}
