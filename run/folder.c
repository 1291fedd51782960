#include "run/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/startup.h"

#ifndef BUILD_REVISION /* the Makefile says */
#define BUILD_REVISION "unknown"
#define BUILD_FLAGS "unknown"
#endif

static int holds_run(const char *folder) {
  char path[OPTION_TEXT + 16];
  snprintf(path, sizeof path, "%s/log.csv", folder);
  if (file_exists(path)) return 1;
  snprintf(path, sizeof path, "%s/latest", folder); /* a checkpoint */
  return file_exists(path);
}

static void choose_name(Config *c) {
  char model[32];
  word_at(MODEL_NAMES, c->model.model, model, sizeof model);
  for (int n = 1;; n++) {
    snprintf(c->run.out, sizeof c->run.out, n == 1 ? "runs/%s-%s" : "runs/%s-%s-%d",
             c->method->name, model, n);
    if (!file_exists(c->run.out)) return;
  }
}

int folder_open(Config *c, Err *err) {
  if (c->from) return 0;
  if (!*c->run.out) choose_name(c);
  else if (holds_run(c->run.out) && !c->run.overwrite)
    return fail(err, "%s already holds a run: choose another --out, or say --overwrite on",
                c->run.out);
  c->run.overwrite = 0; /* said for this time: a config.txt must not replace its own run */
  return folder_make(c->run.out, err);
}

/* Writes a file of the folder by way of a text in memory, so that it is whole or not there. */
static int write_text(const Config *c, const char *name, char *text, size_t size, Err *err) {
  char path[OPTION_TEXT + 16];
  snprintf(path, sizeof path, "%s/%s", c->run.out, name);
  int status = file_write(path, text, size, err);
  free(text);
  return status;
}

int folder_write_config(const Config *c, Err *err) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  options_write(out, c->sets);
  fclose(out);
  return write_text(c, "config.txt", text, size, err);
}

/* The parameter's name without its layer: "h.3.attn.c_attn.weight" -> "attn.c_attn.weight". */
static const char *kind_of(const Param *p) {
  if (p->layer < 0) return p->name;
  return strchr(p->name + 2, '.') + 1;
}

static void print_routing(FILE *out, const GPT2 *m, const OptimizerState *optimizer) {
  int width = (int)m->size.L > 9 ? 3 : 2;
  for (int i = 0; i < m->param_count; i++) {
    const Param *p = &m->params[i];
    char route[128];
    if (p->layer > 0) continue; /* every block is as the first */
    optimizer_route(optimizer, p, route, sizeof route);
    fprintf(out, "  %*d x %-20s %6lld x %-6lld %-9s %-8s %s\n", width,
            p->layer < 0 ? 1 : (int)m->size.L, kind_of(p), (long long)p->rows, (long long)p->cols,
            role_name(p->role), p->decay ? "decays" : "", route);
  }
}

static void print_memory(FILE *out, const GPT2 *m, const OptimizerState *o) {
  double weights = (double)m->weight_bytes, activations = (double)m->activation_bytes;
  double state = (double)optimizer_state_bytes(o), scratch = (double)optimizer_scratch_bytes(o);
  fprintf(out,
          "memory in MB: weights %.1f, gradients %.1f, activations %.1f, optimizer state %.1f, "
          "its workspace %.1f, in all %.1f\n",
          weights / 1e6, weights / 1e6, activations / 1e6, state / 1e6, scratch / 1e6,
          (2 * weights + activations + state + scratch) / 1e6);
}

void folder_print_tables(FILE *out, const Config *c, const GPT2 *m, const OptimizerState *o) {
  fprintf(out, "parameters and what updates them (%s; options %s):\n", c->method->summary,
          c->tuned);
  print_routing(out, m, o);
  print_memory(out, m, o);
}

int folder_write_info(const Config *c, const GPT2 *m, const OptimizerState *o, const Data *d,
                      Err *err) {
  char *text, line[1024];
  size_t size;
  FILE *out = open_memstream(&text, &size);
  data_describe(d, line, sizeof line);
  fprintf(out, "revision = %s\ncompiler = %s\nflags = %s\nblas = %s\nstart = %s\nthreads = %d\n",
          BUILD_REVISION, __VERSION__, BUILD_FLAGS, blas_describe(), startup_describe(),
          threads_count());
  fprintf(out, "data = %s\ndata_fingerprint = %08x\nval_bytes_per_token = %.9g\n", line,
          data_fingerprint(d), data_val_bytes_per_token(d));
  fprintf(out, "weights = %lld\nflops_per_token = %.9g\noptimizer_flops_per_step = %.9g\n",
          (long long)gpt2_weights(m), gpt2_train_flops(m, m->size.context), optimizer_flops(o));
  fprintf(out, "optimizer_state_bytes = %zu\n\n", optimizer_state_bytes(o));
  folder_print_tables(out, c, m, o);
  fputc('\n', out);
  fclose(out);
  return write_text(c, "info.txt", text, size, err);
}

/* Copies the lines that are not "result = ...". */
static void put_other_lines(FILE *out, const char *text) {
  while (*text) {
    size_t line = strcspn(text, "\n");
    line += text[line] == '\n';
    if (strncmp(text, "result = ", 9) != 0) fwrite(text, 1, line, out);
    text += line;
  }
}

int folder_write_resumed(const Config *c, Err *err) {
  char *old, *text, path[OPTION_TEXT + 16];
  size_t size;
  snprintf(path, sizeof path, "%s/info.txt", c->run.out);
  if (file_read(path, &old, &size, err)) return -1;
  FILE *out = open_memstream(&text, &size);
  put_other_lines(out, old);
  free(old);
  fprintf(out, "resumed = behind step %lld, revision %s, %d threads%s%s\n",
          (long long)c->from->step, BUILD_REVISION, threads_count(), *c->changes ? "; " : "",
          c->changes);
  fclose(out);
  return write_text(c, "info.txt", text, size, err);
}

int folder_write_result(const Config *c, const char *result, Err *err) {
  char path[OPTION_TEXT + 16];
  snprintf(path, sizeof path, "%s/info.txt", c->run.out);
  FILE *out = fopen(path, "a");
  if (!out) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  fprintf(out, "result = %s\n", result);
  return fclose(out) == 0 ? 0 : fail(err, "%s: cannot be written: %s", path, strerror(errno));
}
