#include "model/attention.h"

#include <math.h>
#include <string.h>

#include "core/elementary.h"
#include "core/int64.h"
#include "core/memory.h"
#include "core/packed.h"
#include "core/scratch.h"
#include "core/threads.h"

/* Weights are computed in blocks of ROWS queries and KEYS keys. Within a block, products take
   STRIP rows at a time and leave out keys that these rows do not see. */
enum { ROWS = 64, KEYS = 256, STRIP = PACKED_ROWS };
enum { LD = KEYS + 16 }; /* row stride of a block: rows begin in different sets of the cache */

/* Queries from..from+rows and keys first..first+keys of a head. */
typedef struct {
  int64_t from, rows, first, keys;
} Block;

static Block block_at(int64_t from, int64_t first, int64_t T) {
  return (Block){from, i64_min(ROWS, T - from), first, i64_min(KEYS, T - first)};
}

/* How many keys of the block row i of its queries sees. */
static int64_t row_seen(const Block *b, int64_t i) {
  return i64_min(b->from + i + 1 - b->first, b->keys);
}

/* How many keys the strip of rows at row i sees. */
static int64_t strip_seen(const Block *b, int64_t i) {
  return row_seen(b, i64_min(i + STRIP, b->rows) - 1);
}

/* The dropout of one head in one sequence; `drop` is NULL without. */
typedef struct {
  const Dropout *drop;
  int64_t row, head, T;
  real *mask; /* (KEYS) scratch */
} HeadMask;

/* The mask of the weights of row i of the block for the n keys it sees, or NULL. */
static const real *mask_row(const HeadMask *m, const Block *b, int64_t i) {
  int64_t stride = (m->T + DROPOUT_UNIT - 1) / DROPOUT_UNIT * DROPOUT_UNIT;
  if (!m->drop) return NULL;
  dropout_mask(m->mask, m->drop, m->row, (m->head * m->T + b->from + i) * stride + b->first,
                 row_seen(b, i));
  return m->mask;
}

/* ---- work memory of a thread ---- */

/* Packed operands (core/packed.h) have tokens as columns or, with _down, along K. */
typedef struct {
  int64_t C, hs;
  real scale;
  HeadMask mask;
  real *s, *dp;              /* (ROWS, LD): a block's scores, then its weights; their gradients */
  real *d;                   /* (T): dy . y */
  void *room;                /* of products */
  void *k, *v_down;          /* forward: all blocks of keys */
  void *kb, *vb, *kb_down;   /* backward: one block of keys, */
  void *q_down, *dy_down;    /* and all blocks of queries */
} Work;

/* Bytes of a packed block of keys or queries, in either direction. */
static size_t block_bytes(int64_t tokens, int64_t hs) {
  size_t wide = packed_bytes(tokens, hs), down = packed_bytes(hs, tokens);
  return wide > down ? wide : down;
}

static void lay_out(Work *w, Scratch *s, int backward) {
  int64_t T = w->mask.T, key_blocks = (T + KEYS - 1) / KEYS, row_blocks = (T + ROWS - 1) / ROWS;
  size_t keys = block_bytes(KEYS, w->hs), rows = block_bytes(ROWS, w->hs);
  w->s = scratch_take(s, ROWS * LD, sizeof(real));
  w->mask.mask = scratch_take(s, KEYS, sizeof(real));
  w->room = scratch_take(s, 1, packed_bytes(PACKED_ROWS, i64_max(w->hs, KEYS)));
  if (!backward) {
    w->k = scratch_take(s, key_blocks, keys);
    w->v_down = scratch_take(s, key_blocks, keys);
    return;
  }
  w->dp = scratch_take(s, ROWS * LD, sizeof(real));
  w->d = scratch_take(s, T, sizeof(real));
  w->kb = scratch_take(s, 1, keys);
  w->vb = scratch_take(s, 1, keys);
  w->kb_down = scratch_take(s, 1, keys);
  w->q_down = scratch_take(s, row_blocks, rows);
  w->dy_down = scratch_take(s, row_blocks, rows);
}

static Work work_for(int64_t bh, int64_t T, int64_t C, int64_t NH, const Dropout *drop,
                     int backward) {
  Work w = {.C = C, .hs = C / NH, .mask = {drop, bh / NH, bh % NH, T, NULL}};
  Scratch s = {0};
  w.scale = 1 / (real)sqrt((double)w.hs);
  lay_out(&w, &s, backward);
  s = (Scratch){memory_work(thread_number(), 0, s.used), 0};
  lay_out(&w, &s, backward);
  return w;
}

/* The block of keys at token `first`, or of queries at token `from`. */
static void *keys_at(const Work *w, void *all, int64_t first) {
  return (char *)all + (size_t)(first / KEYS) * block_bytes(KEYS, w->hs);
}

static void *rows_at(const Work *w, void *all, int64_t from) {
  return (char *)all + (size_t)(from / ROWS) * block_bytes(ROWS, w->hs);
}

/* Packs x (n,hs) with tokens as columns, or along K in room for `depth` tokens. */
static void pack(const Work *w, void *to, const real *x, int64_t ld, int64_t n) {
  packed_set(to, w->hs, &(PackedSource){x, ld, n, w->hs, 1});
}

static void pack_down(const Work *w, void *to, int64_t depth, const real *x, int64_t ld,
                      int64_t n) {
  packed_set(to, depth, &(PackedSource){x, ld, w->hs, n, 0});
}

/* ---- products of a block ---- */

/* s = alpha x y^T, for queries x (rows,hs) and packed keys y. */
static void score_product(const Work *w, const Block *b, real *s, const real *x, int64_t ld,
                          const void *y, real alpha) {
  for (int64_t i = 0; i < b->rows; i += STRIP)
    packed_multiply(&(PackedProduct){
        .a = {x + i * ld, ld, i64_min(STRIP, b->rows - i), w->hs, 1}, .room = w->room, .b = y,
        .depth = w->hs, .C = s + i * LD, .ldc = LD, .cols = strip_seen(b, i), .alpha = alpha});
}

/* y (rows,hs) = p x + beta y, for weights p and packed keys x. */
static void row_product(const Work *w, const Block *b, real *y, int64_t ld, const real *p,
                        const void *x, real beta) {
  for (int64_t i = 0; i < b->rows; i += STRIP)
    packed_multiply(&(PackedProduct){
        .a = {p + i * LD, LD, i64_min(STRIP, b->rows - i), strip_seen(b, i), 1}, .room = w->room,
        .b = x, .depth = KEYS, .C = y + i * ld, .ldc = ld, .cols = w->hs, .alpha = 1,
        .beta = beta});
}

/* y (keys,hs) = p^T x + beta y, for weights p and packed queries x. Strips of queries before the
   first of a strip of keys have weight 0. */
static void key_product(const Work *w, const Block *b, real *y, int64_t ld, const real *p,
                        const void *x, real beta) {
  int64_t keys = row_seen(b, b->rows - 1);
  for (int64_t j = 0; j < keys; j += STRIP) {
    int64_t skip = i64_max(0, b->first + j - b->from);
    packed_multiply(&(PackedProduct){
        .a = {p + skip * LD + j, LD, i64_min(STRIP, keys - j), b->rows - skip, 0},
        .room = w->room, .b = packed_at(x, ROWS, 0, skip), .depth = ROWS, .C = y + j * ld,
        .ldc = ld, .cols = w->hs, .alpha = 1, .beta = beta});
  }
}

/* ---- forward ---- */

/* Of a block's rows: the largest score and the sum of exp(score - largest) of the keys so far. */
typedef struct {
  real max[ROWS], sum[ROWS];
} Softmax;

/* One row of scores s (n) of which the first `seen` are not masked: s = exp(s - max), 0 where
   masked. Raises *max to the row's maximum, and returns the sum. Then s is multiplied by the
   dropout mask `drop` (seen), or by nothing if that is NULL. */
static real exp_row(real *s, const real *drop, int64_t seen, int64_t n, real *max) {
  real m = *max, sum = 0;
  for (int64_t j = seen; j < n; j++) s[j] = -INFINITY;
#pragma omp simd reduction(max : m)
  for (int64_t j = 0; j < n; j++) m = s[j] > m ? s[j] : m;
#pragma omp simd
  for (int64_t j = 0; j < n; j++) s[j] = exp_real(s[j] - m);
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < seen; j++) sum += s[j];
  for (int64_t j = 0; drop && j < seen; j++) s[j] *= drop[j];
  *max = m;
  return sum;
}

/* Scores become weights, without the division by their sum. The sums and y (rows,hs) of earlier
   keys are scaled to the new maximum. */
static void softmax_block(const Work *w, const Block *b, Softmax *softmax, real *y) {
  for (int64_t i = 0; i < b->rows; i++) {
    real *max = &softmax->max[i], before = *max;
    real sum = exp_row(w->s + i * LD, mask_row(&w->mask, b, i), row_seen(b, i),
                       strip_seen(b, i / STRIP * STRIP), max);
    if (b->first > 0) {
      real shrink = exp_real(before - *max);
      sum += shrink * softmax->sum[i];
      for (int64_t j = 0; j < w->hs; j++) y[i * w->C + j] *= shrink;
    }
    softmax->sum[i] = sum;
  }
}

/* One sequence, one head: y (T,hs) with row stride C, q k v (T,hs) with row stride 3C. */
static void head_forward(const Work *w, real *y, real *lse, const real *q, const real *k,
                         const real *v) {
  int64_t T = w->mask.T, C = w->C, ld = 3 * C;
  for (int64_t first = 0; first < T; first += KEYS) {
    int64_t keys = i64_min(KEYS, T - first);
    pack(w, keys_at(w, w->k, first), k + first * ld, ld, keys);
    pack_down(w, keys_at(w, w->v_down, first), KEYS, v + first * ld, ld, keys);
  }
  for (int64_t from = 0; from < T; from += ROWS) {
    Softmax softmax;
    for (int64_t i = 0; i < ROWS; i++) softmax.max[i] = -INFINITY;
    for (int64_t first = 0; first <= from; first += KEYS) {
      Block b = block_at(from, first, T);
      score_product(w, &b, w->s, q + from * ld, ld, keys_at(w, w->k, first), w->scale);
      softmax_block(w, &b, &softmax, y + from * C);
      row_product(w, &b, y + from * C, C, w->s, keys_at(w, w->v_down, first), first > 0);
    }
    for (int64_t i = 0; i < ROWS && from + i < T; i++) {
      for (int64_t j = 0; j < w->hs; j++) y[(from + i) * C + j] /= softmax.sum[i];
      lse[from + i] = softmax.max[i] + (real)log((double)softmax.sum[i]);
    }
  }
}

void attention_forward(real *y, real *lse, const real *qkv, int64_t B, int64_t T, int64_t C,
                       int64_t NH, const Dropout *drop) {
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < B * NH; bh++) {
    int64_t b = bh / NH, column = bh % NH * (C / NH);
    const real *q = qkv + b * T * 3 * C + column;
    Work w = work_for(bh, T, C, NH, drop, 0);
    packed_begin();
    head_forward(&w, y + b * T * C + column, lse + bh * T, q, q + C, q + 2 * C);
    packed_end();
  }
}

/* ---- backward ---- */

/* s (n) scores and dp (n) = dy . v of one row become p and ds:
   p = exp(s - lse),  ds = p (dp - d) scale  with d = dy . y.
   With a dropout mask, y = sum of mask p v: then s becomes mask p, ds = p (mask dp - d) scale. */
static void softmax_backward_row(real *s, real *dp, const real *drop, int64_t seen, int64_t n,
                                 real lse, real d, real scale) {
  for (int64_t j = 0; drop && j < seen; j++) dp[j] *= drop[j];
#pragma omp simd
  for (int64_t j = 0; j < n; j++) {
    s[j] = exp_real(s[j] - lse);
    dp[j] = s[j] * (dp[j] - d) * scale;
  }
  for (int64_t j = 0; drop && j < seen; j++) s[j] *= drop[j];
  memset(s + seen, 0, (size_t)(n - seen) * sizeof *s);
  memset(dp + seen, 0, (size_t)(n - seen) * sizeof *dp);
}

static void softmax_backward_block(const Work *w, const Block *b, const real *lse) {
  for (int64_t i = 0; i < b->rows; i++)
    softmax_backward_row(w->s + i * LD, w->dp + i * LD, mask_row(&w->mask, b, i), row_seen(b, i),
                         strip_seen(b, i / STRIP * STRIP), lse[b->from + i], w->d[b->from + i],
                         w->scale);
}

/* The arrays of one head in one sequence: q k v dq dk dv (T,hs) with row stride 3C, y and dy (T,hs)
   with row stride C, lse (T). */
typedef struct {
  const real *q, *k, *v, *y, *dy, *lse;
  real *dq, *dk, *dv;
} Head;

/* What depends on queries only. */
static void prepare_rows(const Work *w, const Head *h) {
  int64_t T = w->mask.T, C = w->C;
  for (int64_t from = 0; from < T; from += ROWS) {
    int64_t rows = i64_min(ROWS, T - from);
    pack_down(w, rows_at(w, w->q_down, from), ROWS, h->q + from * 3 * C, 3 * C, rows);
    pack_down(w, rows_at(w, w->dy_down, from), ROWS, h->dy + from * C, C, rows);
    for (int64_t t = from; t < from + rows; t++) {
      real d = 0;
#pragma omp simd reduction(+ : d)
      for (int64_t j = 0; j < w->hs; j++) d += h->dy[t * C + j] * h->y[t * C + j];
      w->d[t] = d;
    }
  }
}

/* The block's part of the gradients. The first block of keys sets dq; the last block of queries,
   which sees all keys, comes first and sets dk and dv. */
static void block_backward(const Work *w, const Block *b, const Head *h) {
  int64_t C = w->C, ld = 3 * C, from = b->from, first = b->first;
  real add = from + b->rows < w->mask.T;
  score_product(w, b, w->s, h->q + from * ld, ld, w->kb, w->scale);
  score_product(w, b, w->dp, h->dy + from * C, C, w->vb, 1);
  softmax_backward_block(w, b, h->lse);
  row_product(w, b, h->dq + from * ld, ld, w->dp, w->kb_down, first > 0);
  key_product(w, b, h->dk + first * ld, ld, w->dp, rows_at(w, w->q_down, from), add);
  key_product(w, b, h->dv + first * ld, ld, w->s, rows_at(w, w->dy_down, from), add);
}

/* p = softmax(scale q k^T), y = p v  =>  dv = p^T dy, dp = dy v^T, ds = p (dp - dy.y) scale,
   dq = ds k, dk = ds^T q. */
static void head_backward(const Work *w, const Head *h) {
  int64_t T = w->mask.T, ld = 3 * w->C;
  prepare_rows(w, h);
  for (int64_t first = 0; first < T; first += KEYS) {
    int64_t keys = i64_min(KEYS, T - first);
    pack(w, w->kb, h->k + first * ld, ld, keys);
    pack(w, w->vb, h->v + first * ld, ld, keys);
    pack_down(w, w->kb_down, KEYS, h->k + first * ld, ld, keys);
    for (int64_t from = (T - 1) / ROWS * ROWS; from + ROWS > first; from -= ROWS) {
      Block b = block_at(from, first, T);
      block_backward(w, &b, h);
    }
  }
}

void attention_backward(real *dqkv, const real *dy, const real *y, const real *lse,
                        const real *qkv, int64_t B, int64_t T, int64_t C, int64_t NH,
                        const Dropout *drop) {
#pragma omp parallel for schedule(dynamic)
  for (int64_t bh = 0; bh < B * NH; bh++) {
    int64_t b = bh / NH, column = bh % NH * (C / NH);
    int64_t at = b * T * 3 * C + column, at_y = b * T * C + column;
    const real *q = qkv + at;
    real *dq = dqkv + at;
    const Head h = {q, q + C, q + 2 * C, y + at_y, dy + at_y, lse + bh * T,
                    dq, dq + C, dq + 2 * C};
    Work w = work_for(bh, T, C, NH, drop, 1);
    packed_begin();
    head_backward(&w, &h);
    packed_end();
  }
}
