#include "model/decoder.h"

#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/blas.h"
#include "core/elementary.h"
#include "model/classifier.h"
#include "model/gelu.h"
#include "model/layernorm.h"
#include "model/linear.h"

enum { ROWS = 64 }; /* tokens of a prompt that are computed at once */

#define ROW(field, numbers) {(void **)&(field), sizeof(real) * (size_t)(numbers)}

static size_t assign(Decoder *d, void *memory) {
  const ModelOptions *s = &d->model->size;
  ArenaRow rows[] = {
      ROW(d->qkv, s->L * s->context * 3 * s->C), ROW(d->x, ROWS * s->C),
      ROW(d->norm, ROWS * s->C),                 ROW(d->wide, ROWS * 4 * s->C),
      ROW(d->stats, ROWS * 2),                   ROW(d->scores, threads_count() * s->context),
  };
  return arena_assign(rows, sizeof rows / sizeof *rows, memory);
}

int decoder_open(Decoder **out, const GPT2 *model, Err *err) {
  *out = NULL;
  Decoder *d = calloc(1, sizeof *d);
  if (!d) return fail(err, "no memory for a decoder");
  d->model = model;
  d->bytes = assign(d, NULL);
  if (arena_take(&d->memory, d->bytes, "the keys and values of the decoder", err)) {
    free(d);
    return -1;
  }
  assign(d, d->memory);
  *out = d;
  return 0;
}

void decoder_close(Decoder *d) {
  if (!d) return;
  arena_free(d->memory, d->bytes);
  free(d);
}

void decoder_clear(Decoder *d) { d->length = 0; }

/* y (hs) = sum over j < seen of softmax(q . k_j / sqrt(hs)) v_j, with q (hs) and rows of k and v
   that are 3C apart; s (seen) is scratch. */
static void attend(real *y, const real *q, const real *k, const real *v, int64_t seen, int64_t C,
                   int64_t hs, real *s) {
  real scale = 1 / (real)sqrt((double)hs), max = -INFINITY, sum = 0;
  for (int64_t j = 0; j < seen; j++) {
    const real *key = k + j * 3 * C;
    real dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t c = 0; c < hs; c++) dot += q[c] * key[c];
    s[j] = dot * scale;
    max = s[j] > max ? s[j] : max;
  }
  for (int64_t c = 0; c < hs; c++) y[c] = 0;
  for (int64_t j = 0; j < seen; j++) {
    const real *value = v + j * 3 * C;
    real p = exp_real(s[j] - max);
    sum += p;
    for (int64_t c = 0; c < hs; c++) y[c] += p * value[c];
  }
  for (int64_t c = 0; c < hs; c++) y[c] /= sum;
}

/* y (n,C) = attention of the last n rows over all rows up to each of them; qkv (context,3C). */
static void attention(const Decoder *d, real *y, const real *qkv, int64_t n) {
  const ModelOptions *m = &d->model->size;
  int64_t C = m->C, hs = C / m->NH, before = d->length;
#pragma omp parallel for schedule(dynamic) if (n * (before + n) * C > 1 << 16)
  for (int64_t i = 0; i < n * m->NH; i++) {
    int64_t row = i / m->NH, column = i % m->NH * hs;
    const real *q = qkv + (before + row) * 3 * C + column;
    attend(y + row * C + column, q, qkv + C + column, qkv + 2 * C + column, before + row + 1, C,
           hs, d->scores + thread_number() * m->context);
  }
}

static void block(Decoder *d, int64_t layer, int64_t n) {
  const ModelOptions *m = &d->model->size;
  const Param *p = gpt2_block(d->model, layer);
  int64_t C = m->C;
  real *qkv = d->qkv + layer * m->context * 3 * C;
  layernorm_forward(d->norm, d->stats, d->x, p[LN1W].w, p[LN1B].w, n, C);
  linear_forward(qkv + d->length * 3 * C, d->norm, p[QKVW].w, p[QKVB].w, n, C, 3 * C);
  attention(d, d->norm, qkv, n);
  linear_forward_residual(d->x, d->x, d->norm, p[ATTW].w, p[ATTB].w, n, C, C);
  layernorm_forward(d->norm, d->stats, d->x, p[LN2W].w, p[LN2B].w, n, C);
  linear_forward(d->wide, d->norm, p[FCW].w, p[FCB].w, n, C, 4 * C);
  gelu_forward(d->wide, d->wide, n * 4 * C, m->gelu);
  linear_forward_residual(d->x, d->x, d->wide, p[PROJW].w, p[PROJB].w, n, 4 * C, C);
}

/* Computes n <= ROWS tokens; d->x becomes their residual stream after the last block. */
static void feed_rows(Decoder *d, const int32_t *x, int64_t n) {
  const GPT2 *m = d->model;
  int64_t C = m->size.C;
  for (int64_t i = 0; i < n; i++) {
    const real *token = m->params[WTE].w + x[i] * C;
    const real *position = m->params[WPE].w + (d->length + i) * C;
    for (int64_t c = 0; c < C; c++) d->x[i * C + c] = token[c] + position[c];
  }
  for (int64_t layer = 0; layer < m->size.L; layer++) block(d, layer, n);
  d->length += n;
}

void decoder_feed(Decoder *d, const int32_t *x, int64_t n, real *logits) {
  const GPT2 *m = d->model;
  const Param *last = gpt2_block(m, m->size.L);
  int64_t C = m->size.C, rows = 0;
  for (int64_t at = 0; at < n; at += rows) {
    rows = n - at < ROWS ? n - at : ROWS;
    feed_rows(d, x + at, rows);
  }
  layernorm_forward(d->norm, d->stats, d->x + (rows - 1) * C, last[LN1W].w, last[LN1B].w, 1, C);
  classifier_logits(logits, d->norm, gpt2_head(m)->w, 1, C, m->size.V);
}
