#include "run/spectrum_log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/csv.h"
#include "core/file.h"
#include "core/int64.h"
#include "core/memory.h"
#include "core/quantile.h"
#include "run/names.h"

/* B counts as an average of gradients if the residual of B = a B_before + b G is below this. */
static const double AVERAGE = 1e-3;

/* One matrix of a parameter, as the method splits it. */
typedef struct {
  const Param *param;
  int kind;             /* index of its class */
  int64_t rows, cols;
  int64_t first;        /* its offset in the parameter */
  int64_t at;           /* its offset in the momentum, where matrices are contiguous */
  const float *momentum; /* of the parameter, or NULL */
  const float *basis, *moment; /* of the piece: (long side,r) and (r,short side), or NULL */
  int64_t r;
  float *w, *b;         /* (rows,cols) weights and momentum before the step */
} Piece;

struct SpectrumLog {
  FILE *file;
  char path[OPTION_TEXT + 32];
  Events *events;
  const OptimizerState *optimizer;
  int64_t every, rank;
  int nesterov;
  Piece *pieces;
  int count, classes;
  char (*names)[SPECTRUM_CLASS]; /* (classes) */
  char *memory;
  size_t bytes;      /* of `memory` */
  Scratch measuring; /* the memory for one matrix at a time */
  float *Z, *G, *D;  /* (rows,cols) of the matrix that is measured */
  SpectrumWork work;
  double *numbers;   /* (count, SPECTRUM_NUMBERS) */
  const char **of;   /* (count) */
};

/* ---- the matrices of a model ---- */

/* "h.3.attn.c_attn.weight" of block 1 of 3 is "attn.c_attn.k". */
static void class_name(const Param *p, int block, int blocks, char *out) {
  const char *name = p->name;
  if (p->layer >= 0 && strncmp(name, "h.", 2) == 0 && strchr(name + 2, '.'))
    name = strchr(name + 2, '.') + 1;
  const char *end = strstr(name, ".weight");
  int length = end ? (int)(end - name) : (int)strlen(name);
  int third = p->blocks == 3 && blocks % 3 == 0;
  snprintf(out, SPECTRUM_CLASS, "%.*s%s%.1s", length, name, third ? "." : "",
           third ? &"qkv"[block * 3 / blocks] : "");
}

int spectrum_class(char (**names)[SPECTRUM_CLASS], int *count, const char *name) {
  for (int i = 0; i < *count; i++)
    if (strcmp((*names)[i], name) == 0) return i;
  *names = memory_grow(*names, (size_t)*count + 1, sizeof **names);
  snprintf((*names)[*count], sizeof **names, "%s", name);
  return (*count)++;
}

static void add_pieces(SpectrumLog *log, OptimizerState *optimizer, const Param *p) {
  int down, across, nth = 0;
  optimizer_cut(optimizer, p, &down, &across);
  int64_t momentum_floats, moment_floats, basis_floats;
  const float *momentum = optimizer_slot(optimizer, p, SLOT_MOMENTUM, &momentum_floats);
  const float *moment = optimizer_slot(optimizer, p, SLOT_PROJECTED, &moment_floats);
  const float *basis = optimizer_slot(optimizer, p, SLOT_BASIS, &basis_floats);
  int count = down * across;
  int64_t rows = p->rows / down, cols = p->cols / across;
  log->pieces = memory_grow(log->pieces, (size_t)(log->count + count), sizeof *log->pieces);
  for (int i = 0; i < down; i++)
    for (int j = 0; j < across; j++, nth++) {
      char name[SPECTRUM_CLASS] = "";
      class_name(p, i, down, name);
      Piece piece = {.param = p, .kind = spectrum_class(&log->names, &log->classes, name),
                     .rows = rows, .cols = cols,
                     .first = i * rows * p->cols + j * cols, .at = nth * rows * cols,
                     .momentum = momentum};
      if (basis && moment) {
        piece.r = basis_floats / count / i64_max(rows, cols);
        piece.basis = basis + nth * (basis_floats / count);
        piece.moment = moment + nth * (moment_floats / count);
      }
      log->pieces[log->count++] = piece;
    }
}

static void layout_measuring(SpectrumLog *log, const Piece *p, Scratch *s) {
  log->Z = scratch_floats(s, p->rows * p->cols);
  log->G = scratch_floats(s, p->rows * p->cols);
  log->D = scratch_floats(s, p->rows * p->cols);
  spectrum_layout(&log->work, s, p->rows, p->cols);
}

/* Weights and momentum of every matrix before the step, and work memory for the largest. */
static void layout(SpectrumLog *log, Scratch *s) {
  for (int i = 0; i < log->count; i++) {
    Piece *p = &log->pieces[i];
    p->w = scratch_floats(s, p->rows * p->cols);
    p->b = scratch_floats(s, p->rows * p->cols);
  }
  log->measuring = *s;
  for (int i = 0; i < log->count; i++) {
    Scratch measuring = log->measuring;
    layout_measuring(log, &log->pieces[i], &measuring);
    scratch_join(s, &measuring);
  }
}

static int option_of(const Config *c, const char *name, char *out, size_t size) {
  for (const Option *row = c->method->options; row->name; row++)
    if (strcmp(row->name, name) == 0) {
      option_show(row, c->method_options, out, size);
      return 1;
    }
  return 0;
}

static int failed(const SpectrumLog *log, Err *err) {
  return fail(err, "%s: cannot be written: %s", log->path, strerror(errno));
}

/* Cuts the file of a resumed run after the rows of step `done`, and opens it to append. */
static int reopen_file(SpectrumLog *log, int64_t done, Err *err) {
  Csv csv;
  double step = 0;
  int more = 1;
  if (csv_open(&csv, log->path, err)) return -1;
  off_t keep = csv.next - csv.text;
  while (more > 0 && step <= (double)done) {
    keep = csv.next - csv.text;
    more = csv_row(&csv, err);
    if (more > 0 && csv_number(&csv, 0, &step, err)) more = -1;
  }
  csv_close(&csv);
  if (more < 0) return -1;
  log->file = file_open(log->path, "r+");
  if (!log->file || ftruncate(fileno(log->file), keep) || fseeko(log->file, 0, SEEK_END))
    return failed(log, err);
  return 0;
}

int spectrum_log_remove(const char *folder, Err *err) {
  char path[OPTION_TEXT + 16];
  snprintf(path, sizeof path, "%s/" SPECTRUM_FILE, folder);
  if (unlink(path) == 0 || errno == ENOENT) return 0;
  return fail(err, "%s: cannot be removed: %s", path, strerror(errno));
}

static int open_file(SpectrumLog *log, const Config *c, int64_t done, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/" SPECTRUM_FILE, c->run.out);
  if (done > 0 && file_exists(log->path)) return reopen_file(log, done, err);
  log->file = file_open(log->path, "w");
  if (!log->file) return failed(log, err);
  fputs("step,class,matrices,of", log->file);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++) fprintf(log->file, ",%s", spectrum_columns[i]);
  fputc('\n', log->file);
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

size_t spectrum_log_bytes(const Config *c, OptimizerState *optimizer, const Param *params,
                          int count) {
  SpectrumLog log = {0};
  Scratch scratch = {0};
  for (int i = 0; i < count && c->run.log_spectrum; i++)
    if (params[i].role == ROLE_MATRIX) add_pieces(&log, optimizer, &params[i]);
  layout(&log, &scratch);
  free(log.pieces);
  free(log.names);
  return scratch.used;
}

int spectrum_log_open(SpectrumLog **out, const Config *c, OptimizerState *optimizer,
                      const Param *params, int count, int64_t done, Events *events, Err *err) {
  char word[OPTION_TEXT];
  *out = NULL;
  if (c->run.log_spectrum == 0) return 0;
  SpectrumLog *log = *out = memory_take(1, sizeof *log);
  log->every = c->run.log_spectrum;
  log->events = events;
  log->optimizer = optimizer;
  log->nesterov = option_of(c, "nesterov", word, sizeof word) && strcmp(word, "on") == 0;
  log->rank = option_of(c, "rank", word, sizeof word) ? strtoll(word, NULL, 10) : 0;
  for (int i = 0; i < count; i++)
    if (params[i].role == ROLE_MATRIX) add_pieces(log, optimizer, &params[i]);
  Scratch scratch = {0};
  layout(log, &scratch);
  log->bytes = scratch.used;
  log->memory = scratch_allocate(&scratch);
  if (!log->memory)
    return fail(err, "no memory for --log-spectrum: %.1f MB are needed", (double)log->bytes / 1e6);
  layout(log, &scratch);
  log->numbers = memory_take((size_t)log->count * SPECTRUM_NUMBERS + 1, sizeof *log->numbers);
  log->of = memory_take((size_t)log->count + 1, sizeof *log->of);
  return open_file(log, c, done, err);
}

void spectrum_log_describe(const SpectrumLog *log, char *line, size_t size) {
  snprintf(line, size,
           SPECTRUM_FILE ": %d matrices in %d classes every %lld steps, %.1f MB of memory",
           log->count, log->classes, (long long)log->every, (double)log->bytes / 1e6);
}

int spectrum_log_close(SpectrumLog *log, Err *err) {
  if (!log) return 0;
  int status = log->file && fclose(log->file) != 0 ? failed(log, err) : 0;
  free(log->pieces);
  free(log->names);
  free(log->memory);
  free(log->numbers);
  free(log->of);
  free(log);
  return status;
}

/* ---- before and after a step ---- */

/* Copies the piece's part of an array with the parameter's shape to `to` (rows,cols). */
static void copy_piece(float *to, const Piece *p, const float *array) {
  for (int64_t i = 0; i < p->rows; i++)
    memcpy(to + i * p->cols, array + p->first + i * p->param->cols,
           (size_t)p->cols * sizeof *to);
}

void spectrum_log_before(SpectrumLog *log, int64_t t) {
  if (!log || t % log->every != 0) return;
  for (int i = 0; i < log->count; i++) {
    Piece *p = &log->pieces[i];
    copy_piece(p->w, p, p->param->w);
    if (p->momentum) memcpy(p->b, p->momentum + p->at, (size_t)(p->rows * p->cols) * sizeof *p->b);
  }
}

/* Z (n) from the momentum before (B0) and after (B) the step. Finds a and b of B = a B0 + b G by
   least squares; with Nesterov, Z = a B + b G. Returns the name of Z: if no a and b fit, the
   gradient. */
static const char *searched(float *Z, const float *B0, const float *B, const float *G, int64_t n,
                            int nesterov) {
  double bb = dot(B0, B0, n), bg = dot(B0, G, n), gg = dot(G, G, n);
  double yb = dot(B, B0, n), yg = dot(B, G, n), yy = dot(B, B, n), det = bb * gg - bg * bg;
  double a = 1, b = gg > 0 ? yg / gg : 0, rest = 0; /* in the first step, B0 = 0 */
  if (det > 1e-9 * bb * gg) {
    a = (yb * gg - yg * bg) / det;
    b = (yg * bb - yb * bg) / det;
  }
  for (int64_t i = 0; i < n; i++) {
    double off = (double)B[i] - a * (double)B0[i] - b * (double)G[i];
    rest += off * off;
    Z[i] = nesterov ? (float)(a * (double)B[i] + b * (double)G[i]) : B[i];
  }
  if (rest <= AVERAGE * AVERAGE * yy && yy > 0) return nesterov ? "nesterov" : "momentum";
  memcpy(Z, G, (size_t)n * sizeof *Z);
  return "gradient";
}

static const char *measure_piece(SpectrumLog *log, const Piece *p, int64_t t, double lr,
                                 double *numbers) {
  int64_t n = p->rows * p->cols;
  Scratch scratch = log->measuring;
  layout_measuring(log, p, &scratch);
  float *Z = log->Z, *G = log->G, *D = log->D;
  double keep = optimizer_keep(log->optimizer, p->param, t, lr);
  const char *of = p->basis ? "projected" : "gradient";
  copy_piece(G, p, p->param->g);
  copy_piece(D, p, p->param->w);
  for (int64_t i = 0; i < n; i++) D[i] = (float)(keep * (double)p->w[i] - (double)D[i]);
  memcpy(Z, G, (size_t)n * sizeof *Z);
  if (p->momentum) of = searched(Z, p->b, p->momentum + p->at, G, n, log->nesterov);
  int64_t s = i64_min(p->rows, p->cols);
  int64_t rank = log->rank > 0 && log->rank < s ? log->rank : (s + 7) / 8;
  spectrum_measure(p->basis ? p->moment : Z, p->basis, p->r, G, D, p->rows, p->cols, rank,
                   frobenius_norm(p->w, n), numbers, &log->work);
  return of;
}

/* The median of a number over the matrices of a class that have it. */
static double class_median(const SpectrumLog *log, int kind, int number) {
  double *x = memory_take((size_t)log->count, sizeof *x);
  int n = 0;
  for (int i = 0; i < log->count; i++) {
    double value = log->numbers[i * SPECTRUM_NUMBERS + number];
    if (log->pieces[i].kind == kind && isfinite(value)) x[n++] = value;
  }
  double out = quantile(x, n, 0.5);
  free(x);
  return out;
}

void spectrum_log_event(Events *events, const char *class, const double numbers[SPECTRUM_NUMBERS]) {
  const double *quantiles = numbers + SPECTRUM_FIRST_QUANTILE;
  char tag[2 * SPECTRUM_CLASS];
  snprintf(tag, sizeof tag, "spectrum/%s", class);
  if (isfinite(quantiles[0]))
    events_quantiles(events, tag, quantiles, spectrum_quantiles, SPECTRUM_QUANTILES);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++) {
    int is_quantile = i >= SPECTRUM_FIRST_QUANTILE && i < SPECTRUM_POLAR_DISTANCE;
    if (is_quantile || !isfinite(numbers[i])) continue;
    snprintf(tag, sizeof tag, "spectrum_%s/%s", spectrum_columns[i], class);
    events_scalar(events, tag, numbers[i]);
  }
}

int spectrum_log_after(SpectrumLog *log, int64_t t, double lr, Err *err) {
  if (!log || t % log->every != 0) return 0;
  for (int i = 0; i < log->count; i++)
    log->of[i] = measure_piece(log, &log->pieces[i], t, lr, log->numbers + i * SPECTRUM_NUMBERS);
  for (int kind = 0; kind < log->classes; kind++) {
    int matrices = 0;
    const char *of = "";
    for (int i = 0; i < log->count; i++)
      if (log->pieces[i].kind == kind) matrices++, of = log->of[i];
    fprintf(log->file, "%lld,%s,%d,%s", (long long)t, log->names[kind], matrices, of);
    double numbers[SPECTRUM_NUMBERS];
    for (int i = 0; i < SPECTRUM_NUMBERS; i++) {
      numbers[i] = class_median(log, kind, i);
      csv_put(log->file, numbers[i], 7);
    }
    fputc('\n', log->file);
    if (log->events) spectrum_log_event(log->events, log->names[kind], numbers);
  }
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}
