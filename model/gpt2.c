#include "model/gpt2.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/blas.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/text.h"
#include "model/attention.h"
#include "model/classifier.h"
#include "model/embedding.h"
#include "model/gelu.h"
#include "model/layernorm.h"
#include "model/linear.h"

#define FIELD(member) offsetof(ModelOptions, member)
const Option model_options[] = {
    {.name = "model", .help = "Model preset; sets sizes, batch, steps and warm-up",
     .type = OPTION_CHOICE, .at = FIELD(model), .fallback = "nano", .choices = MODEL_NAMES},
    {.name = "layers", .help = "Transformer blocks (L)",
     .type = OPTION_INT, .at = FIELD(L), .fallback = "4", .min = 1, .max = 1000,
     .effect = EFFECT_TASK},
    {.name = "heads", .help = "Attention heads (NH); must divide --channels",
     .type = OPTION_INT, .at = FIELD(NH), .fallback = "4", .min = 1, .max = 1000,
     .effect = EFFECT_TASK},
    {.name = "channels", .help = "Width of the residual stream (C)",
     .type = OPTION_INT, .at = FIELD(C), .fallback = "128", .min = 1, .max = 100000,
     .effect = EFFECT_TASK},
    {.name = "context", .help = "Context length in tokens (T)",
     .type = OPTION_INT, .at = FIELD(context), .fallback = "128", .min = 1, .max = 1000000,
     .effect = EFFECT_TASK},
    {.name = "vocab", .help = "Vocabulary size (V; 257: bytes, 50257: GPT-2)",
     .type = OPTION_INT, .at = FIELD(V), .fallback = "4096", .min = 2, .max = 65536,
     .effect = EFFECT_TASK, .needs = "tokenizer=gpt2"},
    {.name = "dropout",
     .help = "Dropout rate of embeddings, attention weights and residual branches while training",
     .type = OPTION_REAL, .at = FIELD(dropout), .fallback = "0", .max = 0.9},
    {.name = "bias", .help = "Biases in linear layers and LayerNorms",
     .type = OPTION_CHOICE, .at = FIELD(bias), .fallback = "on", .choices = "on|off"},
    {.name = "gelu", .help = "GELU with the tanh approximation of GPT-2, or with erf",
     .type = OPTION_CHOICE, .at = FIELD(gelu), .fallback = "tanh",
     .choices = GELUS(CHOICE_WORD)},
    {.name = "tie", .help = "Use the token embedding as the head too",
     .type = OPTION_CHOICE, .at = FIELD(head), .fallback = "on", .choices = "on|off"},
    {.name = "init-sd",
     .help = "Standard deviation of initial weights; divided by sqrt(2L) for the projections into "
             "the residual stream",
     .type = OPTION_REAL, .at = FIELD(init_sd), .fallback = "0.02", .max = 10, .needs = "init="},
    {0},
};

#define GPT2_RUN "context=1024 vocab=50257 batch=4 steps=400 warmup-fraction=0.1"

const ModelPreset model_presets[] = {
    {"nano", "layers=4 heads=4 channels=128 context=128 vocab=4096 batch=16 steps=300 "
     "warmup-fraction=0.0666667",
     "1.3 M weights: a minute on a laptop"},
    {"pico", "layers=3 heads=3 channels=96 context=128 batch=16 steps=3240 warmup-fraction=0.05 "
     "tokenizer=bytes", "0.3 M weights in blocks, bytes; 20 tokens for each: minutes"},
    {"micro", "layers=6 heads=6 channels=384 context=256 vocab=4096 batch=8 steps=200 "
     "warmup-fraction=0.1",
     "12 M weights: minutes to hours"},
    {"shakespeare",
     "layers=4 heads=4 channels=128 context=64 bias=off gelu=exact batch=12 steps=2000 "
     "schedule=cosine warmup-fraction=0.05 final-lr=0.1 data=shakespeare tokenizer=char "
     "order=random val-every=250 val-tokens=111540",
     "nanoGPT's CPU example, 0.8 M weights, characters: two minutes"},
    {"gpt2", "layers=12 heads=12 channels=768 " GPT2_RUN, "124 M weights"},
    {"gpt2-medium", "layers=24 heads=16 channels=1024 " GPT2_RUN, "355 M weights"},
    {"gpt2-large", "layers=36 heads=20 channels=1280 " GPT2_RUN, "774 M weights"},
    {"gpt2-xl", "layers=48 heads=25 channels=1600 " GPT2_RUN, "1558 M weights"},
    {0},
};

const char *model_preset(const char *name) {
  for (const ModelPreset *p = model_presets; p->name; p++)
    if (strcmp(p->name, name) == 0) return p->settings;
  return NULL;
}

/* ---- parameters ---- */

enum { BLOCK_FIRST = WPE + 1 };

Param *gpt2_block(const GPT2 *m, int64_t layer) {
  return &m->places[BLOCK_FIRST + layer * BLOCK_PARAMS];
}

Param *gpt2_head(const GPT2 *m) {
  return m->size.head == HEAD_TIED ? &m->params[WTE] : gpt2_block(m, m->size.L) + LN1B + 1;
}

static Param *last_norm(const GPT2 *m, int kind) { return gpt2_block(m, m->size.L) + kind; }

static Param make_param(const char *name, Role role, int layer, int64_t rows, int64_t cols) {
  Param p = {.role = role, .layer = layer, .rows = rows, .cols = cols, .blocks = 1,
             .head_rows = 1, .head_cols = 1, .decay = role != ROLE_VECTOR};
  if (layer >= 0) snprintf(p.name, sizeof p.name, "h.%d.%s", layer, name);
  else snprintf(p.name, sizeof p.name, "%s", name);
  return p;
}

static void describe_block(GPT2 *m, int layer) {
  int64_t C = m->size.C;
  Param *p = gpt2_block(m, layer);
  p[LN1W] = make_param("ln_1.weight", ROLE_VECTOR, layer, 1, C);
  p[LN1B] = make_param("ln_1.bias", ROLE_VECTOR, layer, 1, C);
  p[QKVW] = make_param("attn.c_attn.weight", ROLE_MATRIX, layer, 3 * C, C);
  p[QKVW].blocks = 3;
  p[QKVW].head_rows = 3 * (int)m->size.NH;
  p[QKVB] = make_param("attn.c_attn.bias", ROLE_VECTOR, layer, 1, 3 * C);
  p[ATTW] = make_param("attn.c_proj.weight", ROLE_MATRIX, layer, C, C);
  p[ATTW].head_cols = (int)m->size.NH;
  p[ATTB] = make_param("attn.c_proj.bias", ROLE_VECTOR, layer, 1, C);
  p[LN2W] = make_param("ln_2.weight", ROLE_VECTOR, layer, 1, C);
  p[LN2B] = make_param("ln_2.bias", ROLE_VECTOR, layer, 1, C);
  p[FCW] = make_param("mlp.c_fc.weight", ROLE_MATRIX, layer, 4 * C, C);
  p[FCB] = make_param("mlp.c_fc.bias", ROLE_VECTOR, layer, 1, 4 * C);
  p[PROJW] = make_param("mlp.c_proj.weight", ROLE_MATRIX, layer, C, 4 * C);
  p[PROJB] = make_param("mlp.c_proj.bias", ROLE_VECTOR, layer, 1, C);
}

/* The number of places. */
static int describe_places(GPT2 *m) {
  const ModelOptions *s = &m->size;
  int tied = s->head == HEAD_TIED, count = BLOCK_FIRST + (int)s->L * BLOCK_PARAMS + 3;
  m->places = calloc((size_t)count, sizeof *m->places);
  m->places[WTE] = make_param("wte.weight", tied ? ROLE_EMBEDDING : ROLE_INPUT, -1, s->V, s->C);
  m->places[WPE] = make_param("wpe.weight", ROLE_POSITION, -1, s->context, s->C);
  for (int layer = 0; layer < s->L; layer++) describe_block(m, layer);
  *last_norm(m, LN1W) = make_param("ln_f.weight", ROLE_VECTOR, -1, 1, s->C);
  *last_norm(m, LN1B) = make_param("ln_f.bias", ROLE_VECTOR, -1, 1, s->C);
  m->places[count - 1] = make_param("lm_head.weight", ROLE_HEAD, -1, s->V, s->C);
  return count;
}

static int exists(const GPT2 *m, const Param *p) {
  if (p->role == ROLE_HEAD) return m->size.head == HEAD_UNTIED;
  return m->size.bias == BIAS_ON || !text_ends(p->name, ".bias");
}

/* Lays out the weights and gradients of the parameters that the model has, and lists them. */
static size_t assign_params(GPT2 *m, void *weights, void *gradients) {
  size_t used = 0;
  m->param_count = 0;
  for (int i = 0; i < m->place_count; i++) {
    Param *p = &m->places[i];
    if (!exists(m, p)) continue;
    if (weights) p->w = (real *)(void *)((char *)weights + used);
    if (gradients) p->g = (real *)(void *)((char *)gradients + used);
    used += arena_round((size_t)param_size(p) * sizeof(real));
    m->params[m->param_count++] = *p;
  }
  return used;
}

/* ---- activations ---- */

#define ROW(field, numbers) {(void **)&(field), sizeof(real) * (size_t)(numbers)}

static size_t assign_block(GPT2 *m, BlockActivations *a, void *memory) {
  int64_t n = m->max_rows, C = m->size.C;
  ArenaRow rows[] = {
      ROW(a->x, n * C),      ROW(a->x_mid, n * C),        ROW(a->qkv, n * 3 * C),
      ROW(a->att, n * C),    ROW(a->lse, n * m->size.NH), ROW(a->fc, n * 4 * C),
      ROW(a->stats1, n * 2), ROW(a->stats2, n * 2),
  };
  return arena_assign(rows, sizeof rows / sizeof *rows, memory);
}

static size_t assign_shared(GPT2 *m, void *memory) {
  int64_t n = m->max_rows, C = m->size.C, train = m->training;
  ArenaRow rows[] = {
      ROW(m->x_last, n * C),
      ROW(m->stats_last, n * 2),
      ROW(m->norm, n * C),
      ROW(m->wide, n * 4 * C),
      ROW(m->wide_gradient, train * n * 4 * C),
      ROW(m->dx, train * n * C),
      ROW(m->dnorm, train * n * C),
      ROW(m->logits, classifier_scratch(n, m->size.V)),
  };
  return arena_assign(rows, sizeof rows / sizeof *rows, memory);
}

static size_t assign_activations(GPT2 *m, void *memory) {
  size_t used = assign_shared(m, memory), each = assign_block(m, m->blocks, NULL);
  for (int64_t i = 0; i < m->size.L && memory; i++)
    assign_block(m, &m->blocks[i], (char *)memory + used + (m->training ? (size_t)i * each : 0));
  return used + each * (size_t)(m->training ? m->size.L : 1);
}

int gpt2_plan(GPT2 **model, const ModelOptions *size, int64_t B, int training, Err *err) {
  *model = NULL;
  if (size->C % size->NH != 0)
    return fail(err, "--heads %lld does not divide --channels %lld: all heads have the same width",
                (long long)size->NH, (long long)size->C);
  GPT2 *m = *model = calloc(1, sizeof *m);
  m->size = *size;
  m->max_rows = B * size->context;
  m->training = training;
  m->place_count = describe_places(m);
  m->params = calloc((size_t)m->place_count, sizeof *m->params);
  m->blocks = calloc((size_t)size->L, sizeof *m->blocks);
  m->weight_bytes = assign_params(m, NULL, NULL);
  m->activation_bytes = assign_activations(m, NULL);
  return 0;
}

static int allocate(GPT2 *m, Err *err) {
  if (arena_take(&m->weights, m->weight_bytes, "the weights", err) ||
      (m->training && arena_take(&m->gradients, m->weight_bytes, "the gradients", err)) ||
      arena_take(&m->activations, m->activation_bytes, "the activations", err))
    return -1;
  assign_params(m, m->weights, m->gradients);
  assign_activations(m, m->activations);
  return 0;
}

int gpt2_open(GPT2 **model, const ModelOptions *size, int64_t B, int training, Err *err) {
  if (gpt2_plan(model, size, B, training, err) == 0 && allocate(*model, err) == 0) return 0;
  gpt2_close(*model);
  *model = NULL;
  return -1;
}

void gpt2_close(GPT2 *m) {
  if (!m) return;
  arena_free(m->weights, m->weight_bytes);
  arena_free(m->gradients, m->weight_bytes);
  arena_free(m->activations, m->activation_bytes);
  free(m->blocks);
  free(m->params);
  free(m->places);
  free(m);
}

static void init_param(Param *p, int index, double sd, uint64_t seed) {
  enum { CHUNK = 4096 };
  float normal[CHUNK];
  Random random = random_stream(seed, RANDOM_INIT, (uint32_t)index, 0);
  for (int64_t from = 0; from < param_size(p); from += CHUNK) {
    int64_t n = param_size(p) - from < CHUNK ? param_size(p) - from : CHUNK;
    random_normals(&random, normal, n);
    for (int64_t i = 0; i < n; i++) p->w[from + i] = (real)(sd * (double)normal[i]);
  }
}

void gpt2_init(GPT2 *m, uint64_t seed) {
  double sd = m->size.init_sd, residual_sd = sd / sqrt(2.0 * (double)m->size.L);
  m->dropout_seed = seed;
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < m->param_count; i++) {
    Param *p = &m->params[i];
    const char *kind = strrchr(p->name, '.');
    if (p->role != ROLE_VECTOR)
      init_param(p, i, strstr(p->name, "c_proj") ? residual_sd : sd, seed);
    else
      for (int64_t j = 0; j < p->cols; j++)
        p->w[j] = strstr(p->name, "ln_") && strcmp(kind, ".weight") == 0;
  }
}

/* ---- forward and backward ---- */

double pass_seconds(const double parts[PASS_PARTS]) {
  double sum = 0;
  for (int i = 0; i < PASS_PARTS; i++) sum += parts[i];
  return sum;
}

static void forward_lap(GPT2 *m, PassPart part) { clock_lap(&m->lap, &m->times.forward[part]); }
static void backward_lap(GPT2 *m, PassPart part) { clock_lap(&m->lap, &m->times.backward[part]); }

/* The dropout of a pass in a place: that of the embeddings, or those of a block. NULL: none. */
enum { DROP_ATTENTION, DROP_FIRST_HALF, DROP_SECOND_HALF, DROPS };
enum { DROP_EMBEDDING = -1 };

static const Dropout *dropout_at(GPT2 *m, int64_t layer, int kind) {
  m->dropout.place = kind == DROP_EMBEDDING ? 0 : 1 + layer * DROPS + kind;
  return m->dropout.rate > 0 ? &m->dropout : NULL;
}

static void start_dropout(GPT2 *m, const Batch *batch, double rate) {
  m->dropout = (Dropout){.rate = rate, .seed = m->dropout_seed, .step = (uint32_t)batch->step,
                         .first = batch->first, .places = 1 + m->size.L * DROPS};
}

/* y (B T,C) = residual + dropout(x (B T,in) w^T + b), one half of a block. */
static void half_forward(real *y, const real *residual, const real *x, const Param *w,
                         const Param *b, const Dropout *drop, const Batch *batch) {
  int64_t n = batch->B * batch->T, C = w->rows;
  if (!drop) {
    linear_forward_residual(y, residual, x, w->w, b->w, n, w->cols, C);
    return;
  }
  linear_forward(y, x, w->w, b->w, n, w->cols, C);
  dropout_apply(y, residual, y, drop, batch->B, batch->T * C);
}

/* The gradient of the linear layer in half_forward: dx, or dx through the dropout in m->norm. */
static const real *half_gradient(GPT2 *m, const Dropout *drop) {
  if (!drop) return m->dx;
  dropout_apply(m->norm, NULL, m->dx, drop, m->batch.B, m->batch.T * m->size.C);
  return m->norm;
}

static void block_forward(GPT2 *m, int64_t layer, const Batch *batch) {
  int64_t n = batch->B * batch->T, C = m->size.C;
  const Param *p = gpt2_block(m, layer);
  BlockActivations *a = &m->blocks[layer];
  real *x_out = layer + 1 < m->size.L ? m->blocks[layer + 1].x : m->x_last;

  /* x_mid = x + dropout(attention(ln_1(x) Wqkv^T + bqkv) Wo^T + bo) */
  layernorm_forward(m->norm, a->stats1, a->x, p[LN1W].w, p[LN1B].w, n, C);
  forward_lap(m, PASS_NORM);
  linear_forward(a->qkv, m->norm, p[QKVW].w, p[QKVB].w, n, C, 3 * C);
  forward_lap(m, PASS_LINEAR);
  attention_forward(a->att, a->lse, a->qkv, batch->B, batch->T, C, m->size.NH,
                    dropout_at(m, layer, DROP_ATTENTION));
  forward_lap(m, PASS_ATTENTION);
  half_forward(a->x_mid, a->x, a->att, &p[ATTW], &p[ATTB],
               dropout_at(m, layer, DROP_FIRST_HALF), batch);
  forward_lap(m, PASS_LINEAR);

  /* x_out = x_mid + dropout(gelu(ln_2(x_mid) Wfc^T + bfc) Wproj^T + bproj) */
  layernorm_forward(m->norm, a->stats2, a->x_mid, p[LN2W].w, p[LN2B].w, n, C);
  forward_lap(m, PASS_NORM);
  linear_forward(a->fc, m->norm, p[FCW].w, p[FCB].w, n, C, 4 * C);
  forward_lap(m, PASS_LINEAR);
  gelu_forward(m->wide, a->fc, n * 4 * C, m->size.gelu);
  forward_lap(m, PASS_GELU);
  half_forward(x_out, a->x_mid, m->wide, &p[PROJW], &p[PROJB],
               dropout_at(m, layer, DROP_SECOND_HALF), batch);
  forward_lap(m, PASS_LINEAR);
}

/* The two halves of the block in reverse. m->dx changes from the gradient of the block's output to
   that of its input. LayerNorm and GELU are cheap, so they are computed again. */
static void block_backward(GPT2 *m, int64_t layer) {
  int64_t n = m->batch.B * m->batch.T, C = m->size.C;
  int add = m->accumulate;
  Param *p = gpt2_block(m, layer);
  BlockActivations *a = &m->blocks[layer];
  real *dfc = m->wide_gradient, *dqkv = m->wide_gradient, *datt = m->dnorm;

  /* x_out = x_mid + dropout(gelu(ln_2(x_mid) Wfc^T + bfc) Wproj^T + bproj) */
  const real *dy = half_gradient(m, dropout_at(m, layer, DROP_SECOND_HALF));
  gemm(PLAIN, PLAIN, n, 4 * C, C, 1, dy, C, p[PROJW].w, 4 * C, 0, dfc, 4 * C);
  backward_lap(m, PASS_LINEAR);
  gelu_backward(m->wide, dfc, a->fc, n * 4 * C, m->size.gelu);
  backward_lap(m, PASS_GELU);
  linear_weight_gradient(p[PROJW].g, p[PROJB].g, dy, m->wide, n, 4 * C, C, add);
  backward_lap(m, PASS_LINEAR);
  layernorm_again(m->norm, a->stats2, a->x_mid, p[LN2W].w, p[LN2B].w, n, C);
  backward_lap(m, PASS_NORM);
  linear_backward(m->dnorm, p[FCW].g, p[FCB].g, dfc, m->norm, p[FCW].w, n, C, 4 * C, add);
  backward_lap(m, PASS_LINEAR);
  layernorm_backward(m->dx, p[LN2W].g, p[LN2B].g, m->dnorm, a->stats2, a->x_mid, p[LN2W].w, n, C,
                     add);
  backward_lap(m, PASS_NORM);

  /* x_mid = x + dropout(attention(ln_1(x) Wqkv^T + bqkv) Wo^T + bo) */
  dy = half_gradient(m, dropout_at(m, layer, DROP_FIRST_HALF));
  linear_backward(datt, p[ATTW].g, p[ATTB].g, dy, a->att, p[ATTW].w, n, C, C, add);
  backward_lap(m, PASS_LINEAR);
  attention_backward(dqkv, datt, a->att, a->lse, a->qkv, m->batch.B, m->batch.T, C, m->size.NH,
                     dropout_at(m, layer, DROP_ATTENTION));
  backward_lap(m, PASS_ATTENTION);
  layernorm_again(m->norm, a->stats1, a->x, p[LN1W].w, p[LN1B].w, n, C);
  backward_lap(m, PASS_NORM);
  linear_backward(m->dnorm, p[QKVW].g, p[QKVB].g, dqkv, m->norm, p[QKVW].w, n, C, 3 * C, add);
  backward_lap(m, PASS_LINEAR);
  layernorm_backward(m->dx, p[LN1W].g, p[LN1B].g, m->dnorm, a->stats1, a->x, p[LN1W].w, n, C,
                     add);
  backward_lap(m, PASS_NORM);
}

/* Embeddings, blocks and the final LayerNorm, whose output is in m->norm. */
static int cancelled(const GPT2 *m) { return m->cancelled && m->cancelled(); }

static void trunk_forward(GPT2 *m, const Batch *batch) {
  m->lap = clock_seconds();
  embedding_forward(m->blocks[0].x, batch->x, m->params[WTE].w, m->params[WPE].w, batch->B,
                    batch->T, m->size.C);
  const Dropout *drop = dropout_at(m, 0, DROP_EMBEDDING);
  if (drop)
    dropout_apply(m->blocks[0].x, NULL, m->blocks[0].x, drop, batch->B, batch->T * m->size.C);
  forward_lap(m, PASS_EMBEDDING);
  for (int64_t layer = 0; layer < m->size.L && !cancelled(m); layer++)
    block_forward(m, layer, batch);
  layernorm_forward(m->norm, m->stats_last, m->x_last, last_norm(m, LN1W)->w,
                    last_norm(m, LN1B)->w, batch->B * batch->T, m->size.C);
  forward_lap(m, PASS_NORM);
}

static void classifier_laps(GPT2 *m, const ClassifierTimes *times) {
  m->times.forward[PASS_HEAD] += times->product;
  m->times.forward[PASS_SOFTMAX] += times->softmax;
  m->times.backward[PASS_HEAD] += times->gradient;
  m->lap = clock_seconds();
}

double gpt2_loss(GPT2 *m, const Batch *batch) {
  int64_t n = batch->B * batch->T;
  ClassifierTimes times = {0};
  start_dropout(m, batch, 0);
  trunk_forward(m, batch);
  if (cancelled(m)) return NAN;
  double loss = classifier_loss(m->norm, batch->y, gpt2_head(m)->w, n, m->size.C, m->size.V,
                                m->logits, &times);
  classifier_laps(m, &times);
  return loss / (double)n;
}

double gpt2_loss_gradient(GPT2 *m, const Batch *batch, double weight, int accumulate) {
  int64_t n = batch->B * batch->T;
  Param *head = gpt2_head(m);
  ClassifierTimes times = {0};
  m->batch = *batch;
  m->accumulate = accumulate;
  start_dropout(m, batch, m->size.dropout);
  trunk_forward(m, batch);
  if (cancelled(m)) return NAN;
  double loss = classifier_gradient(m->dnorm, head->g, m->norm, batch->y, head->w, n, m->size.C,
                                    m->size.V, weight, accumulate, m->logits, &times);
  classifier_laps(m, &times);
  return loss / (double)n;
}

static void gradient_done(const GPT2 *m, const Param *first, int count) {
  if (m->gradient_done) m->gradient_done(first, count);
}

void gpt2_backward(GPT2 *m) {
  const Batch *batch = &m->batch;
  int64_t n = batch->B * batch->T, C = m->size.C;
  Param *w = last_norm(m, LN1W), *b = last_norm(m, LN1B);
  m->lap = clock_seconds();
  memset(m->dx, 0, (size_t)(n * C) * sizeof *m->dx);
  layernorm_backward(m->dx, w->g, b->g, m->dnorm, m->stats_last, m->x_last, w->w, n, C,
                     m->accumulate);
  backward_lap(m, PASS_NORM);
  gradient_done(m, w, 3); /* the last norm, and the head if it is not tied */
  for (int64_t layer = m->size.L - 1; layer >= 0 && !cancelled(m); layer--) {
    block_backward(m, layer);
    gradient_done(m, gpt2_block(m, layer), BLOCK_PARAMS);
  }
  const Dropout *drop = dropout_at(m, 0, DROP_EMBEDDING);
  if (drop) dropout_apply(m->dx, NULL, m->dx, drop, batch->B, batch->T * C);
  if (m->size.head == HEAD_UNTIED && !m->accumulate) /* else the classifier has set it */
    memset(m->params[WTE].g, 0, (size_t)(m->size.V * C) * sizeof(real));
  embedding_backward(m->params[WTE].g, m->params[WPE].g, m->dx, batch->x, batch->B, batch->T, C,
                     m->size.context, m->accumulate);
  backward_lap(m, PASS_EMBEDDING);
  gradient_done(m, &m->params[WTE], 2);
}

int gpt2_check_plain(const ModelOptions *s, const char *path, Err *err) {
  const char *has = s->bias == BIAS_OFF     ? "no biases (--bias off)"
                    : s->gelu == GELU_EXACT ? "exact GELU (--gelu exact)"
                    : s->head != HEAD_TIED  ? "an untied head (--tie off)"
                                            : NULL;
  if (!has) return 0;
  return fail(err,
              "%s: this format holds only GPT-2, and the model has %s; use a folder in Hugging "
              "Face's format",
              path, has);
}

int64_t gpt2_weights(const GPT2 *m) {
  int64_t n = 0;
  for (int i = 0; i < m->param_count; i++) n += param_size(&m->params[i]);
  return n;
}

double gpt2_train_flops(const GPT2 *m, int64_t T) {
  int64_t tables = param_size(&m->params[WPE]); /* weights that are only looked up */
  if (m->size.head == HEAD_UNTIED) tables += param_size(&m->params[WTE]);
  double in_products = (double)(gpt2_weights(m) - tables);
  return 6 * in_products + 6.0 * (double)m->size.L * (double)m->size.C * (double)T;
}
