#include "tools/spectra/session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/int64.h"
#include "core/memory.h"
#include "optim/gradient.h"
#include "run/resume.h"

int session_open(Session *s, const char *run, Err *err) {
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
  optimizer_weights(s->optimizer, 0);
  checkpoint_close(c->from); /* unlocks the run */
  c->from = NULL;
  return 0;
}

void session_close(Session *s) {
  optimizer_close(s->optimizer);
  gpt2_close(s->model);
  data_close(s->data);
  config_free(&s->config);
}

int session_gradient(Session *s, int64_t t, double *norm, Err *err) {
  const Config *c = &s->config;
  GPT2 *m = s->model;
  for (int64_t first = 0; first < c->run.batch; first += s->rows) {
    Batch batch;
    int64_t rows = i64_min(s->rows, c->run.batch - first);
    if (data_batch(s->data, t - 1, first, rows, &batch, err)) return -1;
    gpt2_loss_gradient(m, &batch, 1.0 / (double)(c->run.batch * c->model.context), first > 0);
    gpt2_backward(m);
  }
  *norm = gradient_norm(m->params, m->param_count);
  if (!isfinite(*norm)) return fail(err, "step %lld: the gradient is not finite", (long long)t);
  return 0;
}

int session_matrices(const Session *s, SessionMatrix **matrices) {
  int count = 0;
  *matrices = NULL;
  for (int i = 0; i < s->model->param_count; i++) {
    const Param *p = &s->model->params[i];
    for (int part = 0; part < p->blocks && p->role == ROLE_MATRIX; part++) {
      *matrices = memory_grow(*matrices, (size_t)count + 1, sizeof **matrices);
      SessionMatrix *m = &(*matrices)[count++];
      const char *end = strstr(p->name, ".weight");
      *m = (SessionMatrix){.layer = p->layer, .rows = p->rows / p->blocks, .cols = p->cols};
      m->g = p->g + part * m->rows * m->cols;
      snprintf(m->name, sizeof m->name, "%.*s%s%.*s", (int)(end - p->name), p->name,
               p->blocks == 3 ? "." : "", p->blocks == 3, &"qkv"[part]);
    }
  }
  return count;
}
