#include "core/reduced.h"

#include "core/int64.h"
#include "core/memory.h"
#include "core/threads.h"

#ifdef BF16_KERNELS

enum {
  DEPTH = 1024,       /* numbers along K that are packed at once */
  PACKED_A = 2 << 20, /* numbers of A: 4 MB, shared by the threads */
  COLUMNS = 128,      /* columns of B that a thread packs for itself: at most 256 KB */
  CHUNK = 128,        /* rows of A that a thread packs at once */
};

static const double SMALL = 1 << 20; /* FLOPs below which one thread is faster */

/* Work memory of each thread. A belongs to the thread that called reduced_product. */
enum { WORK_A, WORK_B };

static uint16_t *room(int thread, int slot, int64_t numbers) {
  return memory_work(thread, slot, (size_t)numbers * sizeof(uint16_t));
}

/* One piece of a product: the rows m0.. of op(A), and the numbers k0.. along K. */
typedef struct {
  const Product *p;
  const Bf16Kernel *kernel;
  int parts;
  int64_t m0, rows, k0, depth;
  int64_t columns, row_tasks; /* a task: so many columns of C, and a share of the rows */
  uint16_t *a;                /* the packed rows */
} Piece;

static Bf16Operand rows_of_a(const Piece *s, int64_t i, int64_t count) {
  const Product *p = s->p;
  int64_t at = p->ta ? s->k0 * p->lda + s->m0 + i : (s->m0 + i) * p->lda + s->k0;
  return (Bf16Operand){p->A + at, p->lda, count, s->depth, p->ta == PLAIN};
}

static Bf16Operand columns_of_b(const Piece *s, int64_t j, int64_t count) {
  const Product *p = s->p;
  int64_t at = p->tb ? j * p->ldb + s->k0 : s->k0 * p->ldb + j;
  return (Bf16Operand){p->B + at, p->ldb, count, s->depth, p->tb == TRANSPOSED};
}

static void pack_rows(const Piece *s, int64_t i) {
  Bf16Operand x = rows_of_a(s, i, i64_min(CHUNK, s->rows - i));
  bf16_pack(s->a + i / BF16_PANEL * bf16_panel_size(s->depth, s->parts), BF16_A, s->parts, &x);
}

/* Rows [from, end) and `cols` columns from j of C, with the packed columns b. */
static void multiply(const Piece *s, int64_t from, int64_t end, int64_t j, int64_t cols,
                     const uint16_t *b) {
  const Product *p = s->p;
  int64_t panel = bf16_panel_size(s->depth, s->parts);
  Bf16Tile t = {.panel = panel, .blocks = panel / BF16_BLOCK, .ldc = p->ldc, .alpha = p->alpha,
                .beta = s->k0 == 0 ? p->beta : 1};
  for (int64_t i = from; i < end; i += BF16_TILE)
    for (int64_t c = 0; c < cols; c += BF16_TILE) {
      t.rows = i64_min(BF16_TILE, end - i);
      t.cols = i64_min(BF16_TILE, cols - c);
      if (p->lower && s->m0 + i + t.rows <= j + c) continue;
      t.a = s->a + i / BF16_PANEL * panel;
      t.ahead = t.a + 2 * panel + c / BF16_TILE * panel / 2; /* the next rows */
      t.b = b + c / BF16_PANEL * panel;
      t.C = p->C + (s->m0 + i) * p->ldc + j + c;
      s->kernel->multiply(&t);
    }
}

static void run_task(const Piece *s, int64_t task, int thread) {
  int64_t j = task / s->row_tasks * s->columns, share = task % s->row_tasks;
  int64_t cols = i64_min(s->columns, s->p->N - j), tiles = (s->rows + BF16_TILE - 1) / BF16_TILE;
  int64_t from = tiles * share / s->row_tasks * BF16_TILE;
  int64_t end = i64_min(tiles * (share + 1) / s->row_tasks * BF16_TILE, s->rows);
  if (from >= end || (s->p->lower && s->m0 + end <= j)) return;
  int64_t panels = (cols + BF16_PANEL - 1) / BF16_PANEL;
  uint16_t *b = room(thread, WORK_B, panels * bf16_panel_size(s->depth, s->parts));
  Bf16Operand x = columns_of_b(s, j, cols);
  bf16_pack(b, BF16_B, s->parts, &x);
  multiply(s, from, end, j, cols, b);
}

static int64_t count_tasks(const Piece *s) {
  return (s->p->N + s->columns - 1) / s->columns * s->row_tasks;
}

static void run_piece_alone(const Piece *s, int thread) {
  for (int64_t i = 0; i < s->rows; i += CHUNK) pack_rows(s, i);
  if (s->kernel->begin) s->kernel->begin();
  for (int64_t task = 0; task < count_tasks(s); task++) run_task(s, task, thread);
  if (s->kernel->end) s->kernel->end();
}

static void run_piece_together(const Piece *s) {
#pragma omp parallel
  {
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < s->rows; i += CHUNK) pack_rows(s, i);
    if (s->kernel->begin) s->kernel->begin();
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < count_tasks(s); task++) run_task(s, task, thread_number());
    if (s->kernel->end) s->kernel->end();
  }
}

/* So many columns that each thread has at least two tasks; if C has too few, its rows are divided
   too. */
static void divide(Piece *s, int threads) {
  int64_t N = s->p->N, tiles = (N + BF16_TILE - 1) / BF16_TILE;
  int64_t each = tiles / (2 * threads) * BF16_TILE;
  s->columns = threads == 1 || each > COLUMNS ? COLUMNS : each < BF16_TILE ? BF16_TILE : each;
  int64_t across = (N + s->columns - 1) / s->columns;
  s->row_tasks = across >= 2 * threads ? 1 : (2 * threads + across - 1) / across;
  if (threads == 1) s->row_tasks = 1;
}

void reduced_product(const Product *p, const Bf16Kernel *kernel, int parts) {
  int caller = thread_number(), alone = threads_inside() || threads_count() == 1 ||
                                        2.0 * (double)p->M * (double)p->N * (double)p->K < SMALL;
  int64_t depth = DEPTH / parts / BF16_DEPTH * BF16_DEPTH, most = PACKED_A / DEPTH;
  if (p->K < depth) most = PACKED_A / i64_max(bf16_panel_size(p->K, parts), 1) * BF16_PANEL;
  most = most / CHUNK * CHUNK;
  Piece s = {.p = p, .kernel = kernel, .parts = parts};
  divide(&s, alone ? 1 : threads_count());
  for (s.k0 = 0; s.k0 < p->K; s.k0 += depth)
    for (s.m0 = 0; s.m0 < p->M; s.m0 += most) {
      s.depth = i64_min(depth, p->K - s.k0);
      s.rows = i64_min(most, p->M - s.m0);
      int64_t panels = (s.rows + BF16_PANEL - 1) / BF16_PANEL;
      s.a = room(caller, WORK_A, panels * bf16_panel_size(s.depth, parts));
      if (alone) run_piece_alone(&s, caller);
      else run_piece_together(&s);
    }
}

#else

void reduced_product(const Product *p, const Bf16Kernel *kernel, int parts) {
  (void)p, (void)kernel, (void)parts;
}

#endif
