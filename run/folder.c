#include "run/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/quote.h"
#include "core/startup.h"
#include "run/lock.h"

#ifndef BUILD_REVISION /* the Makefile says */
#define BUILD_REVISION "unknown"
#define BUILD_FLAGS "unknown"
#endif

/* What a run writes, besides its checkpoints. */
static const char *const run_files[] = {"log.csv", "config.txt", "info.txt", "spectrum.csv", NULL};

/* A folder contains a run if it has its log or a checkpoint. */
static int check_free(const Config *c, Err *err) {
  char path[OPTION_TEXT + 16];
  if (c->run.overwrite) return 0;
  for (int i = 0; run_files[i]; i++) {
    snprintf(path, sizeof path, "%s/%s", c->run.out, run_files[i]);
    if ((i == 0 && checkpoint_any(c->run.out)) || (i == 0 && file_taken(path)))
      return fail(err, "%s already holds a run; choose another --out or use --overwrite on",
                  c->run.out);
    if (file_taken(path))
      return fail(err, "%s: the run would replace this file, which is not from a run; choose "
                       "another --out or use --overwrite on", path);
  }
  return 0;
}

/* Checked before taking the lock, so that nothing is written to a folder that is refused, and again
   with the lock, when no other process can change it. */
static int claim(const Config *c, int *lock, Err *err) {
  if (check_free(c, err)) return -1;
  *lock = lock_take(c->run.out, err);
  return *lock < 0 ? -1 : check_free(c, err);
}

int folder_claim(const Config *c, int *lock, Err *err) {
  *lock = c->from ? c->from->lock : -1;
  if (c->from) c->from->lock = -1;
  if (c->from) return 0;
  return *c->run.out && folder_exists(c->run.out) ? claim(c, lock, err) : 0;
}

static int make_free_name(Config *c, Err *err) {
  char model[32];
  word_at(MODEL_NAMES, c->model.model, model, sizeof model);
  if (folder_make("runs", err)) return -1;
  for (int n = 1;; n++) {
    snprintf(c->run.out, sizeof c->run.out, n == 1 ? "runs/%s-%s" : "runs/%s-%s-%d",
             c->method->name, model, n);
    if (mkdir(c->run.out, 0777) == 0) return 0;
    if (errno != EEXIST)
      return fail(err, "%s: cannot create the folder: %s", c->run.out, strerror(errno));
  }
}

int folder_open(Config *c, int *lock, Err *err) {
  if (*lock < 0 && ((*c->run.out ? folder_make(c->run.out, err) : make_free_name(c, err)) ||
                    claim(c, lock, err)))
    return -1;
  c->run.overwrite = 0; /* only for this start: @config.txt must not replace the run later */
  return 0;
}

/* Writes a file of the folder from a text in memory, so that it is whole or not there. */
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

/* Copies the lines that are not about how the run ended. */
static void put_other_lines(FILE *out, const char *text) {
  while (*text) {
    size_t line = strcspn(text, "\n");
    line += text[line] == '\n';
    if (strncmp(text, "result = ", 9) != 0 && strncmp(text, "clipped_steps = ", 16) != 0)
      fwrite(text, 1, line, out);
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
  fprintf(out, "resumed = after step %lld, revision %s, %d threads%s%s\n",
          (long long)c->from->step, BUILD_REVISION, threads_count(), *c->changes ? "; " : "",
          c->changes);
  fclose(out);
  return write_text(c, "info.txt", text, size, err);
}

int folder_write_result(const Config *c, const Log *log, const char *result, Err *err) {
  char path[OPTION_TEXT + 16];
  int64_t clipped, steps;
  Err ignored; /* without a log nothing is counted */
  double clip = c->run.clip;
  int counted = clip > 0 && log_count_above(log, clip, &clipped, &steps, &ignored) == 0;
  snprintf(path, sizeof path, "%s/info.txt", c->run.out);
  FILE *out = file_open(path, "a");
  if (!out) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  if (counted)
    fprintf(out, "clipped_steps = %lld of %lld\n", (long long)clipped, (long long)steps);
  fputs("result = ", out);
  quote_terminal(out, result); /* one line, whatever names it holds */
  fputc('\n', out);
  return fclose(out) == 0 ? 0 : fail(err, "%s: cannot be written: %s", path, strerror(errno));
}
