#include "tools/measure/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/blas.h"
#include "core/clock.h"
#include "data/data.h"
#include "model/attention.h"
#include "model/classifier.h"
#include "model/embedding.h"
#include "model/gelu.h"
#include "model/layernorm.h"
#include "model/linear.h"
#include "optim/gradient.h"
#include "run/log.h"
#include "tools/measure/trainer.h"

/* What the parts work on: the arrays of a training step that was just made. */
typedef struct {
  Trainer trainer;
  Data *data;
  Log log;
  char folder[64];
  int64_t n; /* tokens of the batch */
} Bench;

/* ---- the parts, each over all layers ---- */

static void linear_forwards(Bench *b) {
  GPT2 *m = b->trainer.model;
  int64_t n = b->n, C = m->size.C;
  for (int64_t layer = 0; layer < m->size.L; layer++) {
    const Param *p = gpt2_block(m, layer);
    BlockActivations *a = &m->blocks[layer];
    linear_forward(a->qkv, m->norm, p[QKVW].w, p[QKVB].w, n, C, 3 * C);
    linear_forward_residual(a->x_mid, a->x, a->att, p[ATTW].w, p[ATTB].w, n, C, C);
    linear_forward(a->fc, m->norm, p[FCW].w, p[FCB].w, n, C, 4 * C);
    linear_forward_residual(m->x_last, a->x_mid, m->wide, p[PROJW].w, p[PROJB].w, n, 4 * C, C);
  }
}

static void linear_backwards(Bench *b) {
  GPT2 *m = b->trainer.model;
  int64_t n = b->n, C = m->size.C;
  real *wide = m->wide_gradient;
  for (int64_t layer = m->size.L - 1; layer >= 0; layer--) {
    Param *p = gpt2_block(m, layer);
    const BlockActivations *a = &m->blocks[layer];
    linear_backward(wide, p[PROJW].g, p[PROJB].g, m->dx, m->wide, p[PROJW].w, n, 4 * C, C, 0);
    linear_backward(m->dnorm, p[FCW].g, p[FCB].g, wide, m->norm, p[FCW].w, n, C, 4 * C, 0);
    linear_backward(m->dnorm, p[ATTW].g, p[ATTB].g, m->dx, a->att, p[ATTW].w, n, C, C, 0);
    linear_backward(m->dnorm, p[QKVW].g, p[QKVB].g, wide, m->norm, p[QKVW].w, n, C, 3 * C, 0);
  }
}

static void attention_forwards(Bench *b) {
  GPT2 *m = b->trainer.model;
  const Batch *batch = &b->trainer.batch;
  for (int64_t layer = 0; layer < m->size.L; layer++) {
    BlockActivations *a = &m->blocks[layer];
    attention_forward(a->att, a->lse, a->qkv, batch->B, batch->T, m->size.C, m->size.NH,
                      m->attention);
  }
}

static void attention_backwards(Bench *b) {
  GPT2 *m = b->trainer.model;
  const Batch *batch = &b->trainer.batch;
  for (int64_t layer = m->size.L - 1; layer >= 0; layer--) {
    const BlockActivations *a = &m->blocks[layer];
    attention_backward(m->wide_gradient, m->dnorm, a->att, a->lse, a->qkv, batch->B, batch->T,
                       m->size.C, m->size.NH, m->attention);
  }
}

/* The classifier works on chunks of rows; a chunk and the stride of its logits: */
static ProductShape classifier_chunk(const Bench *b, int64_t *stride) {
  ProductShape shapes[5];
  ProductShape p = shapes[product_shapes(&b->trainer.model->size, b->n, shapes) - 1];
  *stride = (p.out + 15) / 16 * 16;
  return p;
}

static void classifier_products(Bench *b) {
  GPT2 *m = b->trainer.model;
  int64_t ld;
  const ProductShape p = classifier_chunk(b, &ld);
  const real *wte = m->params[WTE].w;
  for (int64_t from = 0; from < b->n; from += p.rows) {
    int64_t rows = b->n - from < p.rows ? b->n - from : p.rows, in = p.in, out = p.out;
    const real *x = m->norm + from * in;
    gemm(PLAIN, TRANSPOSED, rows, out, in, 1, x, in, wte, in, 0, m->logits, ld);
    gemm(PLAIN, PLAIN, rows, in, out, 1, m->logits, ld, wte, in, 0, m->dnorm + from * in, in);
    gemm(TRANSPOSED, PLAIN, out, in, rows, 1, m->logits, ld, x, in, from > 0, m->params[WTE].g,
         in);
  }
}

static void cross_entropies(Bench *b) {
  const Batch *batch = &b->trainer.batch;
  int64_t ld;
  const ProductShape p = classifier_chunk(b, &ld);
  for (int64_t from = 0; from < b->n; from += p.rows)
    cross_entropy(b->trainer.model->logits, ld, batch->y + from,
                  b->n - from < p.rows ? b->n - from : p.rows, p.out, batch->weight);
}

static void gelus(Bench *b) {
  GPT2 *m = b->trainer.model;
  for (int64_t layer = 0; layer < m->size.L; layer++) {
    gelu_forward(m->wide, m->blocks[layer].fc, b->n * 4 * m->size.C);
    gelu_backward(m->wide, m->wide_gradient, m->blocks[layer].fc, b->n * 4 * m->size.C);
  }
}

static void layernorms(Bench *b) {
  GPT2 *m = b->trainer.model;
  int64_t n = b->n, C = m->size.C;
  for (int64_t half = 0; half < 2 * m->size.L; half++) {
    Param *p = gpt2_block(m, half / 2) + (half % 2 ? LN2W : LN1W);
    const BlockActivations *a = &m->blocks[half / 2];
    const real *x = half % 2 ? a->x_mid : a->x;
    real *stats = half % 2 ? a->stats2 : a->stats1;
    layernorm_forward(m->norm, stats, x, p[0].w, p[1].w, n, C);
    layernorm_again(m->norm, stats, x, p[0].w, p[1].w, n, C);
    layernorm_backward(m->dx, p[0].g, p[1].g, m->dnorm, stats, x, p[0].w, n, C, 0);
  }
}

static void embeddings(Bench *b) {
  GPT2 *m = b->trainer.model;
  const Batch *batch = &b->trainer.batch;
  Param *wte = &m->params[WTE], *wpe = &m->params[WPE];
  embedding_forward(m->blocks[0].x, batch->x, wte->w, wpe->w, batch->B, batch->T, m->size.C);
  embedding_backward(wte->g, wpe->g, m->dx, batch->x, batch->B, batch->T, m->size.C,
                     m->size.context, 0);
}

static void norm_of_gradient(Bench *b) {
  gradient_norm(b->trainer.model->params, b->trainer.model->param_count);
}

static void optimizer(Bench *b) { optimizer_step(b->trainer.optimizer, ++b->trainer.t, 1e-3); }

static void batch_of_text(Bench *b) {
  const Batch *batch = &b->trainer.batch;
  int32_t *x = malloc(2 * (size_t)b->n * sizeof *x);
  Err ignored;
  data_train_rows(b->data, b->trainer.t, (int)batch->B, 0, (int)batch->B, (int)batch->T, x,
                  x + b->n, &ignored);
  free(x);
}

static void row_of_log(Bench *b) {
  LogRow row = log_row(b->trainer.t, b->n);
  Err ignored;
  row.train_loss = row.grad_norm = row.lr = 1 / 3.0;
  row.forward_ms = row.backward_ms = row.optimizer_ms = row.tokens_per_s = 1 / 3.0;
  log_write(&b->log, &row, 0, &ignored);
}

/* ---- the table ---- */

typedef struct {
  const char *name;
  void (*run)(Bench *);
  double flops, bytes; /* what counts: one of them, or neither */
  double times[ROUNDS_MAX];
} Part;

enum { PARTS = 12, PRODUCTS = 5 };

/* The products first. */
static void list_parts(const Bench *b, const Optimizer *method, Part *parts) {
  const GPT2 *m = b->trainer.model;
  double n = (double)b->n, T = (double)m->size.context, C = (double)m->size.C;
  double L = (double)m->size.L, V = (double)m->size.V, f = sizeof(real);
  double linear = 2 * 12 * L * n * C * C, attention = 2 * L * n * T * C;
  double weights = (double)gpt2_weights(m);
  const Part all[PARTS] = {
      {.name = "linear layers forward", .run = linear_forwards, .flops = linear},
      {.name = "linear layers backward", .run = linear_backwards, .flops = 2 * linear},
      {.name = "classifier's products", .run = classifier_products, .flops = 6 * n * C * V},
      {.name = "attention forward", .run = attention_forwards, .flops = attention},
      {.name = "attention backward", .run = attention_backwards, .flops = 2 * attention},
      {.name = "softmax, cross-entropy", .run = cross_entropies, .bytes = 2 * f * n * V},
      {.name = "GELU", .run = gelus, .bytes = 6 * f * L * n * 4 * C},
      {.name = "LayerNorm", .run = layernorms, .bytes = 8 * f * 2 * L * n * C},
      {.name = "embedding", .run = embeddings, .bytes = 8 * f * n * C},
      {.name = "norm of the gradient", .run = norm_of_gradient, .bytes = f * weights},
      {.name = method->name, .run = optimizer, .bytes = method->elementwise ? 7 * f * weights : 0},
      {.name = "data and log", .run = batch_of_text},
  };
  memcpy(parts, all, sizeof all);
}

static double seconds_of(Bench *b, const Part *part) {
  double start = clock_seconds();
  part->run(b);
  if (part->run == batch_of_text) row_of_log(b);
  return clock_seconds() - start;
}

static void print_part(const Part *p, double seconds, double step, double ceiling, double copy) {
  double limit = p->flops > 0 ? ceiling : copy, rate = (p->flops + p->bytes) / seconds;
  printf("  %-24s %9.2f %7.1f%%", p->name, 1e3 * seconds, 100 * seconds / step);
  if (p->flops + p->bytes > 0)
    printf(" %9.1f %-7s %8.1f %8.0f%%", rate / 1e9, p->flops > 0 ? "GFLOP/s" : "GB/s",
           limit / 1e9, 100 * rate / limit);
  printf("\n");
}

static void print_parts(const Bench *b, const char *name, Part *parts, int rounds, double step,
                        double ceiling, double copy) {
  double sum = 0, products = 0, flops = trainer_flops(&b->trainer);
  printf("\n%s: where a step goes%*s ms    share  achieved              limit   of limit\n", name,
         (int)(12 - strlen(name)), "");
  for (int i = 0; i < PARTS; i++) {
    double seconds = median(parts[i].times, rounds);
    sum += seconds;
    if (i < PRODUCTS) products += seconds;
    print_part(&parts[i], seconds, step, ceiling, copy);
  }
  printf("  %-24s %9.2f %7.1f%%\n", "their sum", 1e3 * sum, 100 * sum / step);
  printf("  %-24s %9.2f %7.1f%%\n", "what is no product", 1e3 * (sum - products),
         100 * (sum - products) / step);
  printf("  %-24s %9.2f %7.1f%% %9.1f GFLOP/s %8.1f %8.1f%%\n", "a whole step", 1e3 * step, 100.0,
         flops / step / 1e9, ceiling / 1e9, 100 * flops / step / ceiling);
  fflush(stdout);
}

static int bench_open(Bench *b, const ModelOptions *size, int64_t B, const Optimizer *method,
                      Err *err) {
  DataOptions text = {.data = "austen", .val_fraction = 0.1, .data_seed = 1};
  *b = (Bench){.n = B * size->context, .folder = "/tmp/bench-XXXXXX"};
  if (trainer_open(&b->trainer, size, B, method, err)) return -1;
  if (!mkdtemp(b->folder)) return fail(err, "%s: no such folder can be made", b->folder);
  return data_open(&b->data, &text, (int)size->V, (int)size->context, err) ||
         log_open(&b->log, b->folder, err);
}

static void bench_close(Bench *b) {
  Err ignored;
  data_close(b->data);
  log_close(&b->log, &ignored);
  unlink(b->log.path);
  rmdir(b->folder);
  trainer_close(&b->trainer);
}

int bench_parts(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
                int rounds, Err *err) {
  Bench b;
  Part parts[PARTS];
  ProductShape shapes[5];
  double steps[ROUNDS_MAX], ceilings[ROUNDS_MAX], copies[ROUNDS_MAX];
  if (bench_open(&b, size, B, method, err)) {
    bench_close(&b);
    return -1;
  }
  list_parts(&b, method, parts);
  int count = product_shapes(size, b.n, shapes);
  for (int i = -1; i < rounds; i++) {
    int at = i < 0 ? 0 : i; /* the first round warms up */
    double start = clock_seconds();
    trainer_step(&b.trainer);
    steps[at] = clock_seconds() - start;
    for (int k = 0; k < PARTS; k++) parts[k].times[at] = seconds_of(&b, &parts[k]);
    ceilings[at] = sgemm_ceiling(shapes, count);
    copies[at] = copy_bandwidth();
  }
  print_parts(&b, name, parts, rounds, median(steps, rounds), median(ceilings, rounds),
              median(copies, rounds));
  bench_close(&b);
  return 0;
}
