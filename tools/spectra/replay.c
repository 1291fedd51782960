#include "tools/spectra/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/int64.h"
#include "core/memory.h"
#include "optim/gradient.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"
#include "tools/spectra/session.h"

const char *const replay_names[REPLAY_MATRICES] = {"gradient", "momentum", "AdamW's step",
                                                   "Muon's step"};

/* The watched methods, at their usual settings. */
static const Adam ADAM = {0.9, 0.95, 1e-8};
static const Polar MUON = {.way = BY_NEWTON_SCHULZ, .ns = {NS_JORDAN, 0}};
static const double MOMENTUM = 0.95;

/* ---- the watched matrix ---- */

/* Sets the shape; returns where the matrix is in the gradient. */
static const float *find_matrix(Replay *r, const Session *s, Err *err) {
  const float *found = NULL;
  char list[256] = "";
  SessionMatrix *matrices;
  long long layers = (long long)s->model->size.L;
  int count = session_matrices(s, &matrices);
  if (!*r->matrix) snprintf(r->matrix, sizeof r->matrix, "h.%lld.attn.c_proj", layers / 2);
  for (int i = 0; i < count && !found; i++) {
    const SessionMatrix *m = &matrices[i];
    size_t used = strlen(list);
    if (m->layer == 0) snprintf(list + used, sizeof list - used, " %s", m->name);
    if (strcmp(m->name, r->matrix) != 0) continue;
    r->rows = m->rows, r->cols = m->cols;
    found = m->g;
  }
  free(matrices);
  if (!found)
    fail(err, "--matrix %s: there is no such matrix; the matrices of the first of %lld blocks "
              "are%s", r->matrix, layers, list);
  return found;
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
  double norm;
  int status = 0;
  for (int64_t k = 1; k <= steps && status == 0; k++) {
    const AdamStep a = adam_step(&ADAM, k, 1);
    r->step = s->from + k;
    progress("steps after the checkpoint", (double)(k - 1) / (double)steps);
    if ((status = session_gradient(s, r->step, &norm, err))) break;
    gradient_clip(s->model->params, s->model->param_count, norm, c->run.clip);
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
  int status = session_open(&s, run, err) || !(G = find_matrix(r, &s, err)) ? -1 : 0;
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
