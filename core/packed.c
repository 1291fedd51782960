#include "core/packed.h"

#include <string.h>

#include "core/bf16.h"
#include "core/half.h"
#include "core/int64.h"
#include "core/precision.h"

enum { PANEL = BF16_PANEL, DEPTH = BF16_DEPTH, BLOCK = BF16_BLOCK };

/* ---- what is packed ---- */

static int reduced(void) {
#ifdef REAL_IS_DOUBLE
  return 0;
#else
  return precision_now() != PRECISION_FP32;
#endif
}

static int parts(void) { return reduced() && precision_now() == PRECISION_BF16X3 ? 3 : 1; }

/* The kernel that multiplies bfloat16 numbers, or NULL: reals are packed. */
static const Bf16Kernel *kernel(void) {
#ifdef BF16_KERNELS
  if (reduced() && precision_path() != PATH_SGEMM)
    return precision_path() == PATH_AMX ? &bf16_amx : &bf16_dot;
#endif
  return NULL;
}

static int64_t panel_size(int64_t depth) { return bf16_panel_size(depth, parts()); }

static size_t number_size(void) { return kernel() ? sizeof(uint16_t) : sizeof(real); }

size_t packed_bytes(int64_t count, int64_t depth) {
  return (size_t)((count + PANEL - 1) / PANEL * panel_size(depth)) * number_size();
}

void *packed_at(const void *packed, int64_t depth, int64_t j, int64_t k) {
  int64_t at = j / PANEL * panel_size(depth) + k / DEPTH * parts() * BLOCK;
  return (char *)packed + (size_t)at * number_size();
}

void packed_begin(void) {
  if (kernel() && kernel()->begin) kernel()->begin();
}

void packed_end(void) {
  if (kernel() && kernel()->end) kernel()->end();
}

/* ---- bfloat16 numbers ---- */

#ifdef BF16_KERNELS
/* Panel by panel if the room is deeper than the source. */
static void pack_bf16(void *to, Bf16Side side, int64_t depth, const PackedSource *x) {
  int64_t step = panel_size(depth) > panel_size(x->numbers) ? PANEL : x->count;
  for (int64_t i = 0; i < x->count; i += step) {
    const float *from = x->from + (x->along_k ? i * x->ld : i);
    bf16_pack(packed_at(to, depth, i, 0), side, parts(),
              &(Bf16Operand){from, x->ld, i64_min(step, x->count - i), x->numbers, x->along_k});
  }
}

static void multiply_bf16(const PackedProduct *p) {
  pack_bf16(p->room, BF16_A, p->depth, &p->a);
  Bf16Tile t = {.a = p->room, .panel = panel_size(p->depth), .rows = p->a.count, .ldc = p->ldc,
                .blocks = panel_size(p->a.numbers) / BLOCK, .alpha = p->alpha, .beta = p->beta};
  for (int64_t j = 0; j < p->cols; j += BF16_TILE) {
    t.b = packed_at(p->b, p->depth, j, 0);
    t.C = p->C + j;
    t.cols = i64_min(BF16_TILE, p->cols - j);
    kernel()->multiply(&t);
  }
}
#endif

/* ---- reals ---- */

#ifndef REAL_IS_DOUBLE
/* `size` numbers x become their high parts, and with bf16x3 high, high, low of A or high, low, high
   of B, each `size` numbers long. */
static inline void split(float *x, int size, Bf16Side side) {
  float *low = x + (side == BF16_A ? 2 * size : size), *high = x + 3 * size - (low - x);
  int three = parts() == 3;
#pragma omp simd
  for (int i = 0; i < size; i++) {
    float exact = x[i], rounded = float_rounded_to_bf16(exact);
    x[i] = rounded;
    if (three) high[i] = rounded, low[i] = float_rounded_to_bf16(exact - rounded);
  }
}

/* Op(A) rounded into p->room, in rows along K. */
static PackedSource round_rows(const PackedProduct *p) {
  const PackedSource *a = &p->a;
  int64_t row = a->along_k ? a->ld : 1, number = a->along_k ? 1 : a->ld;
  int64_t ld = panel_size(p->depth) / PANEL, part = DEPTH * parts();
  for (int64_t i = 0; i < a->count; i++)
    for (int64_t k = 0; k < a->numbers; k += DEPTH) {
      const float *from = a->from + i * row + k * number;
      float *to = (float *)p->room + i * ld + k / DEPTH * part;
      int64_t count = i64_min(DEPTH, a->numbers - k);
      for (int64_t n = 0; n < count; n++) to[n] = from[n * number];
      for (int64_t n = count; n < DEPTH; n++) to[n] = 0;
      split(to, DEPTH, BF16_A);
    }
  return (PackedSource){p->room, ld, a->count, panel_size(a->numbers) / PANEL, 1};
}
#endif

/* A block of B: 32 lines of 16 columns, 0 where there are fewer numbers or columns. */
static void pack_block(real *to, const PackedSource *b, int64_t j, int64_t k) {
  int64_t column = b->along_k ? b->ld : 1, number = b->along_k ? 1 : b->ld;
  int64_t columns = i64_min(PANEL, b->count - j), numbers = i64_min(DEPTH, b->numbers - k);
  const real *from = b->from + j * column + k * number;
  if (columns < PANEL || numbers < DEPTH) memset(to, 0, BLOCK * sizeof *to);
  if (column == 1 && columns == PANEL)
    for (int64_t n = 0; n < numbers; n++)
      memcpy(to + n * PANEL, from + n * number, PANEL * sizeof *to);
  else
    for (int64_t i = 0; i < columns; i++)
      for (int64_t n = 0; n < numbers; n++) to[n * PANEL + i] = from[i * column + n * number];
}

void packed_set(void *to, int64_t depth, const PackedSource *b) {
#ifdef BF16_KERNELS
  if (kernel()) {
    pack_bf16(to, BF16_B, depth, b);
    return;
  }
#endif
  int64_t panels = (b->count + PANEL - 1) / PANEL, deep = (b->numbers + DEPTH - 1) / DEPTH;
  for (int64_t i = 0; i < panels * deep; i++) { /* in the order of the source */
    int64_t j = (b->along_k ? i / deep : i % panels) * PANEL;
    int64_t k = (b->along_k ? i % deep : i / panels) * DEPTH;
    real *block = packed_at(to, depth, j, k);
    pack_block(block, b, j, k);
#ifndef REAL_IS_DOUBLE
    if (reduced()) split(block, BLOCK, BF16_B);
#endif
  }
}

/* The sums of a kernel call are in registers: 8 rows x 32 columns with AVX-512, which has 32
   registers of 16 floats, else 4 rows x 16 columns. */
#ifdef __AVX512F__
enum { VECTOR = 64, ROWS = 8, PANELS = 2 };
#elif defined(__AVX__)
enum { VECTOR = 32, ROWS = 4, PANELS = 1 };
#else
enum { VECTOR = 16, ROWS = 4, PANELS = 1 };
#endif
typedef real Vector __attribute__((vector_size(VECTOR)));
enum { LANES = VECTOR / sizeof(real), EACH = PANEL / LANES, VECTORS = PANELS * EACH };

/* The x of C = x + beta C, or C = x. */
static inline __attribute__((always_inline)) Vector added(Vector x, real beta, const real *C) {
  Vector old;
  if (beta == 0) return x;
  memcpy(&old, C, sizeof old);
  return x + beta * old;
}

/* C = alpha sum + beta C, for the first `rows` x `cols` numbers. */
static inline __attribute__((always_inline)) void add_sums(Vector sum[ROWS][VECTORS], real alpha,
                                                           real beta, real *C, int64_t ldc,
                                                           int64_t rows, int64_t cols) {
  real edge[ROWS * VECTORS * LANES], *to = C;
  int64_t width = VECTORS * LANES, whole = rows >= ROWS && cols >= width;
  int64_t ld = whole ? ldc : width;
  if (!whole) {
    to = memset(edge, 0, sizeof edge);
    for (int64_t i = 0; beta != 0 && i < rows && i < ROWS; i++)
      memcpy(edge + i * width, C + i * ldc, (size_t)i64_min(cols, width) * sizeof *C);
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      Vector x = added(alpha * sum[r][v], beta, to + r * ld + v * LANES);
      memcpy(to + r * ld + v * LANES, &x, sizeof x);
    }
  for (int64_t i = 0; !whole && i < rows && i < ROWS; i++)
    memcpy(C + i * ldc, edge + i * width, (size_t)i64_min(cols, width) * sizeof *C);
}

/* `rows` rows of op(A) from row i times `cols` columns of packed B, whose next panel is `panel`
   numbers away. If there are fewer than ROWS rows or PANELS panels, the sums of the last row or of
   the first panel are computed again, and not stored. */
static void multiply_tile(const PackedProduct *p, const PackedSource *a, int64_t i, const real *b,
                          int64_t panel, real *C, int64_t cols) {
  int64_t rows = a->count - i, next = a->along_k ? 1 : a->ld;
  const real *row[ROWS];
  Vector sum[ROWS][VECTORS] = {{{0}}};
  if (cols <= PANEL) panel = 0;
  for (int r = 0; r < ROWS; r++)
    row[r] = a->from + (i + i64_min(r, rows - 1)) * (a->along_k ? a->ld : 1);
#pragma GCC unroll 4
  for (int64_t k = 0, at = 0; k < a->numbers; k++, at += next, b += PANEL) {
    Vector column[VECTORS]; /* number k of the columns */
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++)
      memcpy(&column[v], b + v / EACH * panel + v % EACH * LANES, sizeof(Vector));
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 16
      for (int v = 0; v < VECTORS; v++) sum[r][v] += row[r][at] * column[v];
  }
  add_sums(sum, p->alpha, p->beta, C, p->ldc, rows, cols);
}

void packed_multiply(const PackedProduct *p) {
  PackedSource a = p->a;
#ifdef BF16_KERNELS
  if (kernel()) {
    multiply_bf16(p);
    return;
  }
#endif
#ifndef REAL_IS_DOUBLE
  if (reduced()) a = round_rows(p);
#endif
  int64_t panel = panel_size(p->depth);
  for (int64_t j = 0; j < p->cols; j += PANELS * PANEL)
    for (int64_t i = 0; i < a.count; i += ROWS)
      multiply_tile(p, &a, i, (const real *)p->b + j / PANEL * panel, panel,
                    p->C + i * p->ldc + j, p->cols - j);
}
