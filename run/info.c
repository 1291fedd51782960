#include "run/info.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/precision.h"
#include "core/quote.h"
#include "core/ranks.h"
#include "core/startup.h"
#include "run/names.h"

#ifndef BUILD_REVISION /* set by the Makefile */
#define BUILD_REVISION "unknown"
#define BUILD_FLAGS "unknown"
#endif
#define VERSION "0.9"

void info_version(FILE *out) {
  fprintf(out, "version = " VERSION "\nrevision = %s\ncompiler = %s\nflags = %s\n", BUILD_REVISION,
          __VERSION__, BUILD_FLAGS);
  fprintf(out, "blas = %s\nstart = %s\n", blas_describe(), startup_describe());
}

/* Names that are both written and read; a line is "NAME = value". */
#define FINGERPRINT "data_fingerprint"
#define RESULT "result"
#define CLIPPED "clipped_steps"
#define PEAK "peak_memory_bytes"

static void path_of(char *out, size_t size, const char *folder) {
  snprintf(out, size, "%s/" INFO_FILE, folder);
}

/* Writes the file atomically: it is complete or absent. Frees the text. */
static int write_text(const Config *c, char *text, size_t size, Err *err) {
  char path[OPTION_TEXT + 16];
  path_of(path, sizeof path, c->run.out);
  int status = file_write(path, text, size, err);
  free(text);
  return status;
}

/* ---- writing ---- */

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
    if (p->layer > 0) continue; /* all blocks are the same */
    optimizer_route(optimizer, p, route, sizeof route);
    fprintf(out, "  %*d x %-20s %6lld x %-6lld %-9s %-8s %s\n", width,
            p->layer < 0 ? 1 : (int)m->size.L, kind_of(p), (long long)p->rows, (long long)p->cols,
            role_name(p->role), p->decay ? "decays" : "", route);
  }
}

/* What each rank owns. */
static void print_ranks(FILE *out, const GPT2 *m, const OptimizerState *o, int decentralized) {
  char owners[256];
  double most = 0;
  if (ranks_count() == 1) return;
  fprintf(out, "ranks and what they own:\n");
  for (int rank = 0; rank < ranks_count(); rank++) {
    RankShare share = optimizer_share(o, rank);
    if (share.flops > most) most = share.flops;
    fprintf(out, "  rank %d: %lld weights, %.1f MB of state, %.4g FLOPs per step\n", rank,
            (long long)share.weights, share.state_bytes / 1e6, share.flops);
  }
  if (decentralized) return;
  fprintf(out, "  FLOPs per step, largest share over mean: %.3f\n",
          most * ranks_count() / optimizer_flops(o));
  for (int i = 0; i < m->param_count; i++) {
    optimizer_owners(o, &m->params[i], owners, sizeof owners);
    fprintf(out, "  %-26s rank %s\n", m->params[i].name, owners);
  }
}

void info_print_tables(FILE *out, const Config *c, const GPT2 *m, const OptimizerState *o,
                       const Footprint *memory) {
  fprintf(out, "parameters and what updates them (%s; options %s):\n", c->method->summary,
          c->tuned);
  print_routing(out, m, o);
  footprint_print(out, memory);
}

void info_precision(char *out, size_t size, const Config *c) {
  int own = c->optimizer.precision, same = own == OPTIMIZER_SAME;
  const char *note = precision_note(), *path = precision_path_name();
  char model[32], optimizer[32];
  word_at(PRECISIONS(CHOICE_WORD), c->run.precision, model, sizeof model);
  word_at(OPTIMIZER_PRECISIONS(CHOICE_WORD), own, optimizer, sizeof optimizer);
  int used = snprintf(out, size, "%s%s%s", model, same ? "" : ", of the optimizer ",
                      same ? "" : optimizer);
  if (c->run.precision == PRECISION_FP32 && (same || own == OPTIMIZER_FP32)) return;
  snprintf(out + used, size - (size_t)used, " (path %s%s%s)", path, *note ? ": " : "", note);
}

int info_write(const Config *c, const GPT2 *m, const OptimizerState *o, const Data *d,
               const Footprint *memory, Err *err) {
  const Info info = {.weights = (double)gpt2_weights(m),
                     .val_bytes_per_token = data_val_bytes_per_token(d),
                     .flops_per_token = gpt2_train_flops(m, m->size.context),
                     .optimizer_flops_per_step = optimizer_flops(o),
                     .optimizer_state_bytes = (double)optimizer_state_bytes(o)};
  char *text, line[1024], precision[256];
  size_t size;
  FILE *out = open_memstream(&text, &size);
  data_describe(d, line, sizeof line);
  info_version(out);
  info_precision(precision, sizeof precision, c);
  fprintf(out, "threads = %d\nprecision = %s\n", threads_count(), precision);
  if (*ranks_describe()) fprintf(out, "ranks = %s\n", ranks_describe());
  fprintf(out, "data = %s\n" FINGERPRINT " = %08x\n", line, data_fingerprint(d));
#define PUT(name) fprintf(out, #name " = %.12g\n", info.name);
  INFO_NUMBERS(PUT)
  fputc('\n', out);
  info_print_tables(out, c, m, o, memory);
  print_ranks(out, m, o, c->method->decentralized);
  fputc('\n', out);
  fclose(out);
  return write_text(c, text, size, err);
}

/* The value of `name` in a line, or NULL if the line has another name. */
static const char *value_in(const char *line, const char *name) {
  size_t length = strlen(name);
  if (strncmp(line, name, length) != 0 || strncmp(line + length, " = ", 3) != 0) return NULL;
  return line + length + 3;
}

/* Copies all lines except those of info_write_result. */
static void put_other_lines(FILE *out, const char *text) {
  while (*text) {
    size_t line = strcspn(text, "\n");
    line += text[line] == '\n';
    if (!value_in(text, RESULT) && !value_in(text, CLIPPED) && !value_in(text, PEAK))
      fwrite(text, 1, line, out);
    text += line;
  }
}

int info_write_resumed(const Config *c, Err *err) {
  char *old, *text, path[OPTION_TEXT + 16], precision[256];
  size_t size;
  path_of(path, sizeof path, c->run.out);
  if (file_read(path, &old, &size, err)) return -1;
  FILE *out = open_memstream(&text, &size);
  put_other_lines(out, old);
  free(old);
  info_precision(precision, sizeof precision, c);
  fprintf(out, "resumed = after step %lld, revision %s, %d threads, precision %s%s%s\n",
          (long long)c->from->step, BUILD_REVISION, threads_count(), precision,
          *c->changes ? "; " : "", c->changes);
  if (strncmp(c->extension, EXTENDED, strlen(EXTENDED)) == 0)
    fprintf(out, EXTENDED " = %s\n", c->extension + strlen(EXTENDED) + 1);
  fclose(out);
  return write_text(c, text, size, err);
}

/* Writes nothing if the log cannot be read. */
static void put_clipped(FILE *out, const Log *log, double clip) {
  LogRows rows;
  int64_t clipped, steps;
  Err ignored;
  if (clip <= 0 || log_read(&rows, log->path, &ignored)) return;
  log_count_above(&rows, clip, &clipped, &steps);
  fprintf(out, CLIPPED " = %lld of %lld\n", (long long)clipped, (long long)steps);
  free(rows.rows);
}

/* The kernel counts in kB. */
static void put_peak(FILE *out) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) == 0) fprintf(out, PEAK " = %lld\n", 1024LL * used.ru_maxrss);
}

int info_write_result(const Config *c, const Log *log, const char *result, Err *err) {
  char path[OPTION_TEXT + 16];
  path_of(path, sizeof path, c->run.out);
  FILE *out = file_open(path, "a");
  if (!out) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  put_clipped(out, log, c->run.clip);
  put_peak(out);
  fputs(RESULT " = ", out);
  quote_terminal(out, result); /* keeps it on one line: it may contain file names */
  fputc('\n', out);
  return fclose(out) == 0 ? 0 : fail(err, "%s: cannot be written: %s", path, strerror(errno));
}

/* ---- reading ---- */

/* Uses the last line with `name`: a resumed run may have added one. */
static int find(const char *text, const char *name, char *out, size_t size) {
  int found = 0;
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    const char *value = value_in(line, name);
    if (!value) continue;
    snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
    found = 1;
  }
  return found;
}

static double find_number(const char *text, const char *name) {
  char value[64];
  return find(text, name, value, sizeof value) ? strtod(value, NULL) : NAN;
}

Info info_unknown(void) {
  Info info = {.peak_memory_bytes = NAN};
#define FORGET(name) info.name = NAN;
  INFO_NUMBERS(FORGET)
  return info;
}

int info_read(Info *info, const char *folder, Err *err) {
  char path[OPTION_TEXT + 16], *text;
  size_t size;
  path_of(path, sizeof path, folder);
  *info = info_unknown();
  if (!file_exists(path)) return 0;
  if (file_read(path, &text, &size, err)) return -1;
#define FIND(name) info->name = find_number(text, #name);
  INFO_NUMBERS(FIND)
  info->peak_memory_bytes = find_number(text, PEAK);
  find(text, FINGERPRINT, info->fingerprint, sizeof info->fingerprint);
  find(text, EXTENDED, info->extended, sizeof info->extended);
  find(text, RESULT, info->result, sizeof info->result);
  free(text);
  return 0;
}
