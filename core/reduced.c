#include "core/reduced.h"

#include "core/int64.h"
#include "core/memory.h"
#include "core/threads.h"

#ifdef BF16_KERNELS

enum {
  DEPTH = 1024,       /* numbers along K of a layer: what a tile is summed over at once */
  PACKED_A = 4 << 20, /* numbers of A that are packed at once: 8 MB, shared by the threads */
  COLUMNS = 128,      /* columns of B that a thread packs for itself: at most 256 KB */
  CHUNK = 128,        /* rows of A that a thread packs at once */
  TASKS = 4,          /* for each thread at least, in case that one is slower for a while */
};

static const double SMALL = 1 << 20; /* FLOPs below which one thread is faster */

/* Work memory of each thread. A belongs to the thread that called reduced_product. */
enum { WORK_A, WORK_B };

static uint16_t *room(int thread, int slot, int64_t numbers) {
  return memory_work(thread, slot, (size_t)numbers * sizeof(uint16_t));
}

/* One piece of a product: the rows m0.. of op(A), and the numbers k0.. along K in layers of `layer`
   numbers, the last of which may be shorter. */
typedef struct {
  const Product *p;
  const Bf16Kernel *kernel;
  int parts;
  int64_t m0, rows, k0, depth, layer;
  int64_t columns, row_tasks; /* a task: so many columns of C, and a share of the rows */
  uint16_t *a;                /* the packed rows, layer after layer */
} Piece;

static int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

static int64_t layer_depth(const Piece *s, int64_t k) { return i64_min(s->layer, s->depth - k); }

/* The packed row i, a multiple of BF16_PANEL, of the layer from k. */
static uint16_t *packed_row(const Piece *s, int64_t k, int64_t i) {
  int64_t panels = divide_up(s->rows, BF16_PANEL);
  return s->a + k / s->layer * panels * bf16_panel_size(s->layer, s->parts) +
         i / BF16_PANEL * bf16_panel_size(layer_depth(s, k), s->parts);
}

/* A chunk of rows of one layer. */
static void pack_rows(const Piece *s, int64_t task) {
  const Product *p = s->p;
  int64_t chunks = divide_up(s->rows, CHUNK), k = task / chunks * s->layer;
  int64_t i = task % chunks * CHUNK, row = s->m0 + i, col = s->k0 + k;
  Bf16Operand x = {p->A + (p->ta ? col * p->lda + row : row * p->lda + col), p->lda,
                   i64_min(CHUNK, s->rows - i), layer_depth(s, k), p->ta == PLAIN};
  bf16_pack(packed_row(s, k, i), BF16_A, s->parts, &x);
}

static int64_t count_packings(const Piece *s) {
  return divide_up(s->rows, CHUNK) * divide_up(s->depth, s->layer);
}

static void pack_columns(uint16_t *b, const Piece *s, int64_t k, int64_t j, int64_t cols) {
  const Product *p = s->p;
  int64_t row = s->k0 + k;
  Bf16Operand x = {p->B + (p->tb ? j * p->ldb + row : row * p->ldb + j), p->ldb, cols,
                   layer_depth(s, k), p->tb == TRANSPOSED};
  bf16_pack(b, BF16_B, s->parts, &x);
}

/* Rows [from, end) and `cols` columns from j of C, with the packed columns b of a layer. While it
   multiplies rows, the kernel prefetches the next ones. */
static void multiply(const Piece *s, int64_t k, int64_t from, int64_t end, int64_t j, int64_t cols,
                     const uint16_t *b) {
  const Product *p = s->p;
  int64_t panel = bf16_panel_size(layer_depth(s, k), s->parts), tiles = divide_up(cols, BF16_TILE);
  Bf16Tile t = {.panel = panel, .blocks = panel / BF16_BLOCK, .ldc = p->ldc, .alpha = p->alpha,
                .ahead = divide_up(2 * panel, tiles), .beta = s->k0 + k == 0 ? p->beta : 1};
  for (int64_t i = from; i < end; i += BF16_TILE)
    for (int64_t c = 0; c < cols; c += BF16_TILE) {
      t.rows = i64_min(BF16_TILE, end - i);
      t.cols = i64_min(BF16_TILE, cols - c);
      if (p->lower && s->m0 + i + t.rows <= j + c) continue;
      t.a = packed_row(s, k, i);
      t.next = t.a + 2 * panel + c / BF16_TILE * t.ahead;
      t.b = b + c / BF16_PANEL * panel;
      t.C = p->C + (s->m0 + i) * p->ldc + j + c;
      s->kernel->multiply(&t);
    }
}

static void run_task(const Piece *s, int64_t task, int thread) {
  int64_t j = task / s->row_tasks * s->columns, share = task % s->row_tasks;
  int64_t cols = i64_min(s->columns, s->p->N - j), tiles = divide_up(s->rows, BF16_TILE);
  int64_t from = tiles * share / s->row_tasks * BF16_TILE;
  int64_t end = i64_min(tiles * (share + 1) / s->row_tasks * BF16_TILE, s->rows);
  if (from >= end || (s->p->lower && s->m0 + end <= j)) return;
  uint16_t *b = room(thread, WORK_B,
                     divide_up(cols, BF16_PANEL) * bf16_panel_size(s->layer, s->parts));
  for (int64_t k = 0; k < s->depth; k += s->layer) {
    pack_columns(b, s, k, j, cols);
    multiply(s, k, from, end, j, cols, b);
  }
}

static int64_t count_tasks(const Piece *s) { return divide_up(s->p->N, s->columns) * s->row_tasks; }

static void run_piece_alone(const Piece *s, int thread) {
  for (int64_t i = 0; i < count_packings(s); i++) pack_rows(s, i);
  if (s->kernel->begin) s->kernel->begin();
  for (int64_t task = 0; task < count_tasks(s); task++) run_task(s, task, thread);
  if (s->kernel->end) s->kernel->end();
}

static void run_piece_together(const Piece *s) {
#pragma omp parallel
  {
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < count_packings(s); i++) pack_rows(s, i);
    if (s->kernel->begin) s->kernel->begin();
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < count_tasks(s); task++) run_task(s, task, thread_number());
    if (s->kernel->end) s->kernel->end();
  }
}

/* So many columns that each thread has at least TASKS; if C has too few, its rows are divided
   too. */
static void divide(Piece *s, int threads) {
  int64_t N = s->p->N, tiles = divide_up(N, BF16_TILE), tasks = TASKS * threads;
  int64_t each = tiles / tasks * BF16_TILE;
  s->columns = threads == 1 || each > COLUMNS ? COLUMNS : each < BF16_TILE ? BF16_TILE : each;
  s->row_tasks = threads == 1 ? 1 : divide_up(tasks, divide_up(N, s->columns));
}

void reduced_product(const Product *p, const Bf16Kernel *kernel, int parts) {
  int caller = thread_number(), alone = threads_inside() || threads_count() == 1 ||
                                        2.0 * (double)p->M * (double)p->N * (double)p->K < SMALL;
  Piece s = {.p = p, .kernel = kernel, .parts = parts};
  s.layer = i64_min(DEPTH / parts / BF16_DEPTH * BF16_DEPTH, p->K);
  int64_t size = bf16_panel_size(s.layer, parts), most = PACKED_A / size * BF16_PANEL;
  most = i64_min(most / CHUNK, divide_up(p->M, CHUNK)) * CHUNK;
  int64_t depth = PACKED_A / (size * (most / BF16_PANEL)) * s.layer;
  divide(&s, alone ? 1 : threads_count());
  for (s.k0 = 0; s.k0 < p->K; s.k0 += depth)
    for (s.m0 = 0; s.m0 < p->M; s.m0 += most) {
      s.depth = i64_min(depth, p->K - s.k0);
      s.rows = i64_min(most, p->M - s.m0);
      int64_t layers = divide_up(s.depth, s.layer);
      s.a = room(caller, WORK_A, layers * divide_up(s.rows, BF16_PANEL) * size);
      if (alone) run_piece_alone(&s, caller);
      else run_piece_together(&s);
    }
}

#else

void reduced_product(const Product *p, const Bf16Kernel *kernel, int parts) {
  (void)p, (void)kernel, (void)parts;
}

#endif
