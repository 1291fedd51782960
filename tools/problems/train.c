#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tools/problems/problems.h"

/* ---- methods ---- */

/* "momentum=0,lr=2" into "momentum=0 lr=2", as presets are written. */
static void split_settings(char *text) {
  for (; *text; text++)
    if (*text == ',') *text = ' ';
}

static int read_method(Method *m, const char *text, size_t length, const char *lr, Err *err) {
  char name[sizeof m->label], settings[256];
  if (length >= sizeof m->label)
    return fail(err, "--optimizers: \"%.*s\" is too long: at most %d characters are allowed",
                (int)length, text, (int)sizeof m->label - 1);
  snprintf(m->label, sizeof m->label, "%.*s", (int)length, text);
  snprintf(name, sizeof name, "%.*s", (int)strcspn(m->label, ":"), m->label);
  m->method = optimizer_find(name, err);
  if (!m->method) return -1;
  m->options = memory_take(1, m->method->options_size + 1);
  const OptionSet sets[] = {
      {.title = "optimizer", .rows = optimizer_options, .values = &m->common},
      {.title = "matrices", .rows = matrix_options, .values = &m->common},
      {.title = m->method->name, .rows = m->method->options, .values = m->options},
      {0}};
  Settings s = {0};
  snprintf(settings, sizeof settings, "lr=%s", lr);
  int status = settings_preset(&s, FROM_PRESET, "the problem", settings, err);
  snprintf(settings, sizeof settings, "%s", m->label + strcspn(m->label, ":"));
  split_settings(settings);
  if (status == 0 && *settings)
    status = settings_preset(&s, FROM_COMMAND_LINE, "--optimizers", settings + 1, err);
  if (status == 0) status = options_apply(sets, NULL, &s, err);
  settings_free(&s);
  return status;
}

int methods_read(const char *text, const char *lr, Method methods[METHODS_MAX], Err *err) {
  int count = 0;
  memset(methods, 0, METHODS_MAX * sizeof *methods);
  for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
    size_t length = strcspn(text, " ");
    int status = count == METHODS_MAX
                     ? fail(err, "--optimizers: at most %d are allowed", METHODS_MAX)
                     : read_method(&methods[count], text, length, lr, err);
    if (count < METHODS_MAX) count++;
    if (status) {
      methods_free(methods, count);
      return -1;
    }
    text += length;
  }
  return count ? count : fail(err, "--optimizers is empty: give names such as \"muon sgd\"");
}

void methods_free(Method *methods, int count) {
  for (int i = 0; i < count; i++) free(methods[i].options);
}

const char *method_title(const Method *methods, int count, int i) {
  for (int k = 0; k < count; k++)
    if (k != i && methods[k].method == methods[i].method) return methods[i].label;
  return methods[i].method->name;
}

/* ---- training ---- */

int problem_train(const Problem *p, const Method *m, double rate, uint64_t seed, float *W,
                  Err *err) {
  int64_t n = p->rows * p->cols;
  Param param = {.name = "h.0.mlp.matrix", .role = ROLE_MATRIX, .rows = p->rows, .cols = p->cols,
                 .blocks = 1, .head_rows = 1, .head_cols = 1, .decay = 1, .w = W,
                 .g = memory_take((size_t)n, sizeof(float))};
  OptimizerOptions common = m->common;
  OptimizerState *state;
  if (rate > 0) common.lr = rate;
  memset(W, 0, (size_t)n * sizeof *W);
  int status = optimizer_open(&state, m->method, m->options, &common, &param, 1, seed, err);
  if (status == 0 && p->watch) p->watch(p->data, W, 0);
  for (int64_t t = 1; t <= p->steps && status == 0; t++) {
    double multiplier = p->decays ? 1 - (double)(t - 1) / (double)p->steps : 1;
    p->gradient(p->data, W, t, param.g);
    optimizer_step(state, t, multiplier);
    if (p->watch) p->watch(p->data, W, t);
  }
  optimizer_close(state);
  free(param.g);
  return status;
}
