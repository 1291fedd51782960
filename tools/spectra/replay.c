#include "tools/spectra/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/int64.h"
#include "core/memory.h"
#include "optim/gradient.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"
#include "run/config.h"
#include "run/resume.h"

const char *const replay_names[REPLAY_MATRICES] = {"gradient", "momentum", "AdamW's step",
                                                   "Muon's step"};

/* The watched methods, at their usual settings. */
static const Adam ADAM = {0.9, 0.95, 1e-8};
static const Polar MUON = {.way = BY_NEWTON_SCHULZ, .ns = {NS_JORDAN, 0}};
static const double MOMENTUM = 0.95;

typedef struct {
  Config config;
  Data *data;
  GPT2 *model;
  OptimizerState *optimizer;
  int64_t rows, from; /* sequences per pass; step of the checkpoint */
} Session;

static int session_open(Session *s, const char *run, Err *err) {
  Settings settings = {0};
  Config *c = &s->config;
  *s = (Session){0};
  int status = settings_add(&settings, FROM_COMMAND_LINE, "--from", "resume", run, err) ||
               config_set(c, &settings, err);
  settings_free(&settings);
  if (status) return -1;
  s->from = c->from->step;
  s->rows = c->run.micro_batch ? c->run.micro_batch : c->run.batch;
  if (data_open(&s->data, &c->data, c->model.V, c->run.batch, c->model.context, err)) return -1;
  c->model.V = data_vocab(s->data);
  if (resume_check_data(c->from, &c->data, data_fingerprint(s->data), err) ||
      gpt2_open(&s->model, &c->model, s->rows, 1, err) ||
      optimizer_open(&s->optimizer, c->method, c->method_options, &c->optimizer, s->model->params,
                     s->model->param_count, (uint64_t)c->run.seed, err) ||
      checkpoint_restore(c->from, s->model, s->optimizer, err))
    return -1;
  checkpoint_close(c->from); /* unlocks the run */
  c->from = NULL;
  return 0;
}

static void session_close(Session *s) {
  optimizer_close(s->optimizer);
  gpt2_close(s->model);
  data_close(s->data);
  config_free(&s->config);
}

/* The gradient of step t, clipped as in training. */
static int gradient(Session *s, int64_t t, Err *err) {
  const Config *c = &s->config;
  GPT2 *m = s->model;
  for (int64_t first = 0; first < c->run.batch; first += s->rows) {
    Batch batch;
    int64_t rows = i64_min(s->rows, c->run.batch - first);
    if (data_batch(s->data, t - 1, first, rows, &batch, err)) return -1;
    gpt2_loss_gradient(m, &batch, 1.0 / (double)(c->run.batch * c->model.context), first > 0);
    gpt2_backward(m);
  }
  double norm = gradient_norm(m->params, m->param_count);
  if (!isfinite(norm)) return fail(err, "step %lld: the gradient is not finite", (long long)t);
  gradient_clip(m->params, m->param_count, norm, c->run.clip);
  return 0;
}

/* ---- the watched matrix ---- */

/* Sets the shape; returns where the matrix is in the gradient. */
static const float *find_matrix(Replay *r, const GPT2 *m, Err *err) {
  char list[256] = "";
  if (!*r->matrix)
    snprintf(r->matrix, sizeof r->matrix, "h.%lld.attn.c_proj", (long long)m->size.L / 2);
  for (int i = 0; i < m->param_count; i++) {
    const Param *p = &m->params[i];
    for (int part = 0; part < p->blocks && p->role == ROLE_MATRIX; part++) {
      char name[64];
      const char *end = strstr(p->name, ".weight");
      snprintf(name, sizeof name, "%.*s%s%.*s", (int)(end - p->name), p->name,
               p->blocks == 3 ? "." : "", p->blocks == 3, &"qkv"[part]);
      r->rows = p->rows / p->blocks, r->cols = p->cols;
      if (strcmp(name, r->matrix) == 0) return p->g + part * r->rows * r->cols;
      size_t used = strlen(list);
      if (p->layer == 0) snprintf(list + used, sizeof list - used, " %s", name);
    }
  }
  fail(err, "--matrix %s: there is no such matrix; the matrices of the first of %lld blocks are%s",
       r->matrix, (long long)m->size.L, list);
  return NULL;
}

/* Divides X by its root mean square. */
static void normalize(float *X, int64_t n) {
  double norm = frobenius_norm(X, n);
  if (norm > 0) scale_numbers(X, n, 1, sqrt((double)n) / norm);
}

static int watch(Replay *r, Session *s, int64_t steps, const float *G, Err *err,
                 void (*progress)(const char *, double)) {
  const Config *c = &s->config;
  int64_t n = r->rows * r->cols;
  float *m = memory_take((size_t)n, sizeof *m), *v = memory_take((size_t)n, sizeof *v);
  float *b = memory_take((size_t)n, sizeof *b);
  int status = 0;
  for (int64_t k = 1; k <= steps && status == 0; k++) {
    const AdamStep a = adam_step(&ADAM, k, 1);
    r->step = s->from + k;
    progress("steps after the checkpoint", (double)(k - 1) / (double)steps);
    if ((status = gradient(s, r->step, err))) break;
    memcpy(r->X[REPLAY_GRADIENT], G, (size_t)n * sizeof *G);
    momentum_ema(r->X[REPLAY_MUON], b, G, n, MOMENTUM, 1);
    adam(r->X[REPLAY_ADAMW], m, v, G, n, &a);
    if (k < steps) /* a finished run continues at its last rate */
      optimizer_step(s->optimizer, r->step,
                     schedule_at(&c->schedule, i64_min(r->step, c->run.steps), c->run.steps));
  }
  progress("", 1);
  memcpy(r->X[REPLAY_MOMENTUM], r->X[REPLAY_MUON], (size_t)n * sizeof *b);
  free(m);
  free(v);
  free(b);
  return status;
}

static int orthogonalize(float *X, int64_t rows, int64_t cols, Err *err) {
  PolarWork work;
  Scratch scratch = {0};
  polar_layout(&work, &scratch, rows, cols, &MUON);
  void *memory = scratch_allocate(&scratch);
  if (!memory) return fail(err, "no memory to orthogonalize a matrix");
  polar_layout(&work, &scratch, rows, cols, &MUON);
  polar_factor(X, rows, cols, &MUON, &work);
  free(memory);
  return 0;
}

int replay_open(Replay *r, const char *run, const char *matrix, int64_t steps,
                void (*progress)(const char *, double), Err *err) {
  Session s;
  const float *G;
  *r = (Replay){0};
  snprintf(r->matrix, sizeof r->matrix, "%s", matrix);
  int status = session_open(&s, run, err) || !(G = find_matrix(r, s.model, err)) ? -1 : 0;
  if (status == 0) {
    snprintf(r->optimizer, sizeof r->optimizer, "%s", s.config.method->name);
    for (int i = 0; i < REPLAY_MATRICES; i++)
      r->X[i] = memory_take((size_t)(r->rows * r->cols), sizeof(float));
    status = watch(r, &s, steps, G, err, progress);
  }
  session_close(&s);
  if (status == 0) status = orthogonalize(r->X[REPLAY_MUON], r->rows, r->cols, err);
  for (int i = 0; i < REPLAY_MATRICES && status == 0; i++) normalize(r->X[i], r->rows * r->cols);
  return status;
}

void replay_close(Replay *r) {
  for (int i = 0; i < REPLAY_MATRICES; i++) free(r->X[i]);
  *r = (Replay){0};
}
