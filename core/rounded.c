#include "core/rounded.h"

#include "core/half.h"
#include "core/int64.h"
#include "core/memory.h"
#include "core/threads.h"

#ifndef REAL_IS_DOUBLE

/* Operands are rounded in blocks, so that the copies stay small: 8 MB of A, 4 MB of B. */
enum { ROWS = 2048, COLUMNS = 1024, DEPTH = 1024 };
enum { LEAST_INFINITE = 0x7F7F8000 }; /* rounds to infinity */

int rounded_overflows(const float *X, int64_t ld, int64_t rows, int64_t cols) {
  uint32_t most = 0;
#pragma omp parallel for schedule(static) reduction(max : most)
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) {
      uint32_t size = float_bits(X[i * ld + j]) & 0x7FFFFFFFu;
      most = size > most ? size : most;
    }
  return most >= LEAST_INFINITE;
}

/* A block of an operand rounded to bfloat16, and with bf16x3 what that loses, rounded too: `rest`
   is low, or high + low (sixteen bits, which float32 has) if `add` is set. */
typedef struct {
  const float *X;
  int64_t ld;
  int add;
  float *high, *rest;
  int64_t row, col, rows, cols; /* the block of X that the copies have */
} Copy;

static void copy_block(Copy *c, int64_t row, int64_t col, int64_t rows, int64_t cols,
                       int parts) {
  if (c->rows == rows && c->cols == cols && c->row == row && c->col == col) return;
  c->row = row, c->col = col, c->rows = rows, c->cols = cols;
  c->rest = parts == 3 ? c->high + rows * cols : NULL;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; i++) {
    const float *from = c->X + (row + i) * c->ld + col;
    float *high = c->high + i * cols, *rest = c->rest ? c->rest + i * cols : NULL;
    float keep = c->add ? 1 : 0;
    for (int64_t j = 0; j < cols; j++) high[j] = float_rounded_to_bf16(from[j]);
    for (int64_t j = 0; rest && j < cols; j++)
      rest[j] = keep * high[j] + float_rounded_to_bf16(from[j] - high[j]);
  }
}

static float *room(int slot, int64_t rows, int64_t cols, int parts) {
  int64_t copies = parts == 3 ? 2 : 1;
  return memory_work(thread_number(), slot, (size_t)(copies * rows * cols) * sizeof(float));
}

/* With bf16x3: high*high + low*high + high*low = (high + low)*high + high*low. */
static void multiply_block(const Product *p, const Copy *a, const Copy *b, int parts,
                           void (*multiply)(const Product *p)) {
  Product q = *p;
  q.A = parts == 3 ? a->rest : a->high;
  q.B = b->high;
  multiply(&q);
  if (parts == 1) return;
  q.A = a->high;
  q.B = b->rest;
  q.beta = 1;
  multiply(&q);
}

/* With `lower`, blocks are square: those above the diagonal are skipped, and `multiply` gets those
   on it with `lower`. */
void rounded_product(const Product *p, int parts, void (*multiply)(const Product *p)) {
  int64_t height = p->lower ? COLUMNS : ROWS, rows = i64_min(height, p->M);
  int64_t cols = i64_min(COLUMNS, p->N), depth = i64_min(DEPTH, p->K);
  Copy a = {.X = p->A, .ld = p->lda, .add = 1, .high = room(0, rows, depth, parts)};
  Copy b = {.X = p->B, .ld = p->ldb, .high = room(1, cols, depth, parts)};
  for (int64_t k = 0; k < p->K; k += DEPTH)
    for (int64_t m = 0; m < p->M; m += height)
      for (int64_t n = 0; n < (p->lower ? m + 1 : p->N); n += COLUMNS) {
        Product q = *p;
        q.lower = p->lower && n == m;
        q.M = i64_min(height, p->M - m), q.N = i64_min(COLUMNS, p->N - n);
        q.K = i64_min(DEPTH, p->K - k);
        if (p->ta) copy_block(&a, k, m, q.K, q.M, parts);
        else copy_block(&a, m, k, q.M, q.K, parts);
        if (p->tb) copy_block(&b, n, k, q.N, q.K, parts);
        else copy_block(&b, k, n, q.K, q.N, parts);
        q.lda = a.cols, q.ldb = b.cols;
        q.C = p->C + m * p->ldc + n;
        q.beta = k == 0 ? p->beta : 1;
        multiply_block(&q, &a, &b, parts, multiply);
      }
}

#endif
