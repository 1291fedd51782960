#include "run/spectrum_log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "optim/parts/low_rank.h"
#include "optim/parts/polar.h"

const char *const spectrum_columns[SPECTRUM_NUMBERS] = {
    "stable_rank", "condition", "smallest", "q1", "q10", "q25", "median", "q75", "q90", "largest",
    "polar_distance", "update_over_weight", "rank", "gradient_own", "gradient_in_momentum"};
const double spectrum_quantiles[SPECTRUM_QUANTILES] = {0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 1};

/* Singular values are resolved to this share of the largest. */
static const double RESOLVED = 1e-8;
/* The residual of B = a B_before + b G below which B is an average of gradients. */
static const double AVERAGE = 1e-3;

enum { CLASS_NAME = 64 };

/* One matrix of a parameter, as the method cuts it. */
typedef struct {
  const Param *param;
  int kind;             /* number of its class */
  int64_t rows, cols;
  int64_t first;        /* its first number in the parameter */
  int64_t at;           /* the same in the momentum, in which matrices lie one after another */
  const float *momentum; /* of the parameter, or NULL */
  const float *basis, *moment; /* of the piece: (long side,r) and (r,short side), or NULL */
  int64_t r;
  float *w, *b;         /* (rows,cols) weights and momentum before the step */
} Piece;

struct SpectrumLog {
  FILE *file;
  char path[OPTION_TEXT + 32];
  const OptimizerState *optimizer;
  int64_t every, rank;
  int nesterov;
  Piece *pieces;
  int count, classes;
  char (*names)[CLASS_NAME]; /* (classes) */
  float *memory, *work;
  double *numbers;   /* (count, SPECTRUM_NUMBERS) */
  const char **of;   /* (count) */
};

/* The slots of a parameter that say what is orthogonalized: while they are looked for. */
typedef struct {
  const Param *param;
  const float *momentum, *basis, *moment;
  int64_t basis_floats, moment_floats;
} Found;

/* ---- one matrix ---- */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t spectrum_measure_work(int64_t rows, int64_t cols) {
  const Polar svd = {.way = BY_SVD};
  int64_t s = least(rows, cols);
  return 2 * (s * s + s + singular_work(s)) + aligned(s * s) + 2 * aligned(rows * cols) +
         polar_scratch(rows, cols, &svd) + 16;
}

static double dot(const float *a, const float *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

/* The q-quantile of descending values, linear between neighbours. */
static double quantile_of(const double *values, int64_t n, double q) {
  double at = (1 - q) * (double)(n - 1);
  int64_t i = least((int64_t)at, n - 1), j = least(i + 1, n - 1);
  return values[i] + (at - (double)i) * (values[j] - values[i]);
}

static double leading_share(const double *values, int64_t n, int64_t rank) {
  double leading = 0, all = 0;
  for (int64_t i = 0; i < n; i++) {
    all += values[i] * values[i];
    if (i < rank) leading += values[i] * values[i];
  }
  return all > 0 ? leading / all : NAN;
}

/* ||Q^T G||^2 / ||G||^2 with the first `rank` rows of V (s,s), vectors of a side of length s, as Q;
   B has room for G's size. */
static double share_along(const double *V, const float *G, int64_t rows, int64_t cols, Side side,
                          int64_t rank, float *Q, float *B) {
  int64_t s = least(rows, cols), l = rows + cols - s;
  for (int64_t i = 0; i < s; i++)
    for (int64_t j = 0; j < rank; j++) Q[i * rank + j] = (float)V[j * s + i];
  project(B, G, rows, cols, side, Q, rank);
  double along = frobenius_norm(B, rank * l), all = frobenius_norm(G, rows * cols);
  return all > 0 ? along * along / (all * all) : NAN;
}

/* The numbers that the singular values of Z, `count` of them, say. */
static void measure_values(const double *values, int64_t count, double norm, double *numbers) {
  numbers[SPECTRUM_STABLE_RANK] = norm * norm / (values[0] * values[0]);
  numbers[SPECTRUM_CONDITION] = values[0] / fmax(values[count - 1], RESOLVED * values[0]);
  for (int i = 0; i < SPECTRUM_QUANTILES; i++)
    numbers[SPECTRUM_FIRST_QUANTILE + i] = quantile_of(values, count, spectrum_quantiles[i]) / norm;
}

void spectrum_measure(const float *Z, const float *basis, int64_t r, const float *G, const float *D,
                      int64_t rows, int64_t cols, int64_t rank, double w_norm,
                      double numbers[SPECTRUM_NUMBERS], float *work) {
  const Polar svd = {.way = BY_SVD};
  int64_t s = least(rows, cols), n = rows * cols, leading = least(rank, s);
  Side longer = rows >= cols ? LEFT : RIGHT; /* of `basis`; Z's vectors of length s are elsewhere */
  Side side = basis ? (longer == LEFT ? RIGHT : LEFT) : rows > cols ? RIGHT : LEFT;
  int64_t z_rows = basis && longer == LEFT ? r : rows, z_cols = basis && longer == RIGHT ? r : cols;
  int64_t size = z_rows * z_cols;
  double *V = (double *)(void *)work, *values = V + s * s, *eigen = values + s;
  float *Q = (float *)(void *)(eigen + singular_work(s)), *B = Q + aligned(s * s);
  float *P = B + aligned(n), *scratch = P + aligned(n);
  scratch += (scratch - work) % 2; /* aligned to 8 bytes, as work is */
  double norm = frobenius_norm(Z, size), d = frobenius_norm(D, n);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++) numbers[i] = NAN;
  numbers[SPECTRUM_RANK] = (double)leading;
  numbers[SPECTRUM_UPDATE] = d / w_norm;
  if (!(norm > 0) || !isfinite(norm) || !isfinite(d)) return;
  singular_basis(Z, z_rows, z_cols, side == RIGHT, V, values, eigen);
  measure_values(values, basis ? r : s, norm, numbers);
  numbers[SPECTRUM_GRADIENT_IN] = share_along(V, G, rows, cols, side, leading, Q, B);
  memcpy(P, Z, (size_t)size * sizeof *P);
  polar_factor(P, z_rows, z_cols, &svd, scratch);
  if (basis) {
    project_back(B, rows, cols, longer, basis, P, r, 1, 0);
    memcpy(P, B, (size_t)n * sizeof *P);
  }
  double cosine = dot(D, P, n) / (d * frobenius_norm(P, n));
  numbers[SPECTRUM_POLAR_DISTANCE] = sqrt(fmax(0, 1 - cosine * cosine));
  singular_basis(G, rows, cols, rows > cols, V, values, eigen);
  numbers[SPECTRUM_GRADIENT_OWN] = leading_share(values, s, leading);
}

/* ---- the matrices of a model ---- */

/* "h.3.attn.c_attn.weight" of block 1 of 3 is "attn.c_attn.k". */
static void class_name(const Param *p, int block, int blocks, char *out) {
  const char *name = p->name;
  if (p->layer >= 0 && strncmp(name, "h.", 2) == 0 && strchr(name + 2, '.'))
    name = strchr(name + 2, '.') + 1;
  const char *end = strstr(name, ".weight");
  int length = end ? (int)(end - name) : (int)strlen(name);
  int third = p->blocks == 3 && blocks % 3 == 0;
  snprintf(out, CLASS_NAME, "%.*s%s%.1s", length, name, third ? "." : "",
           third ? &"qkv"[block * 3 / blocks] : "");
}

static int class_number(SpectrumLog *log, const char *name) {
  int i = 0;
  while (i < log->classes && strcmp(log->names[i], name) != 0) i++;
  if (i == log->classes) {
    log->names = realloc(log->names, (size_t)(log->classes + 1) * sizeof *log->names);
    memcpy(log->names[log->classes++], name, CLASS_NAME);
  }
  return i;
}

static void note_slot(const char *name, int64_t floats, float *data, void *with) {
  Found *found = with;
  size_t length = strlen(found->param->name);
  if (strncmp(name, found->param->name, length) != 0 || name[length] != '.') return;
  const char *slot = name + length + 1;
  int whole = floats == param_size(found->param);
  if (whole && (strcmp(slot, "momentum") == 0 || strcmp(slot, "m") == 0)) found->momentum = data;
  if (strcmp(slot, "basis") == 0) found->basis = data, found->basis_floats = floats;
  if (strcmp(slot, "moment") == 0) found->moment = data, found->moment_floats = floats;
}

static void add_pieces(SpectrumLog *log, OptimizerState *optimizer, const Param *p) {
  Found found = {.param = p};
  int down, across, nth = 0;
  optimizer_cut(optimizer, p, &down, &across);
  optimizer_visit(optimizer, note_slot, &found);
  int count = down * across;
  int64_t rows = p->rows / down, cols = p->cols / across, l = rows > cols ? rows : cols;
  log->pieces = realloc(log->pieces, (size_t)(log->count + count) * sizeof *log->pieces);
  for (int i = 0; i < down; i++)
    for (int j = 0; j < across; j++, nth++) {
      char name[CLASS_NAME] = "";
      class_name(p, i, down, name);
      Piece piece = {.param = p, .kind = class_number(log, name), .rows = rows, .cols = cols,
                     .first = i * rows * p->cols + j * cols, .at = nth * rows * cols,
                     .momentum = found.momentum};
      if (!found.momentum && found.basis && found.moment) {
        piece.r = found.basis_floats / count / l;
        piece.basis = found.basis + nth * (found.basis_floats / count);
        piece.moment = found.moment + nth * (found.moment_floats / count);
      }
      log->pieces[log->count++] = piece;
    }
}

/* Weights and momentum before the step, of every matrix, and workspace for the largest: Z, G and D
   and what spectrum_measure wants. Walked twice: sums, then assigns. */
static int64_t assign(SpectrumLog *log, float *memory) {
  int64_t used = 0, work = 0;
  for (int i = 0; i < log->count; i++) {
    Piece *p = &log->pieces[i];
    int64_t n = aligned(p->rows * p->cols), own = 3 * n + spectrum_measure_work(p->rows, p->cols);
    if (memory) p->w = memory + used, p->b = memory + used + n;
    used += 2 * n;
    if (own > work) work = own;
  }
  if (memory) log->work = memory + used;
  return used + aligned(work);
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

/* Cuts the file of a resumed run behind the rows of step `done`, and opens it to add to it. */
static int reopen_file(SpectrumLog *log, int64_t done, Err *err) {
  char *text;
  size_t size, keep = 0;
  if (file_read(log->path, &text, &size, err)) return -1;
  for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
    if (line > text && strtoll(line, NULL, 10) > done) break;
    keep = (size_t)(end + 1 - text);
  }
  int status = file_write(log->path, text, keep, err);
  free(text);
  if (status) return -1;
  log->file = file_open(log->path, "a");
  return log->file ? 0 : failed(log, err);
}

int spectrum_log_remove(const char *folder, Err *err) {
  char path[OPTION_TEXT + 16];
  snprintf(path, sizeof path, "%s/spectrum.csv", folder);
  if (unlink(path) == 0 || errno == ENOENT) return 0;
  return fail(err, "%s: cannot be removed: %s", path, strerror(errno));
}

static int open_file(SpectrumLog *log, const Config *c, int64_t done, Err *err) {
  snprintf(log->path, sizeof log->path, "%s/spectrum.csv", c->run.out);
  if (done > 0 && file_exists(log->path)) return reopen_file(log, done, err);
  log->file = file_open(log->path, "w");
  if (!log->file) return failed(log, err);
  fputs("step,class,matrices,of", log->file);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++) fprintf(log->file, ",%s", spectrum_columns[i]);
  fputc('\n', log->file);
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}

int spectrum_log_open(SpectrumLog **out, const Config *c, OptimizerState *optimizer,
                      const Param *params, int count, int64_t done, Err *err) {
  char word[OPTION_TEXT];
  *out = NULL;
  if (c->run.log_spectrum == 0) return 0;
  SpectrumLog *log = *out = calloc(1, sizeof *log);
  log->every = c->run.log_spectrum;
  log->optimizer = optimizer;
  log->nesterov = option_of(c, "nesterov", word, sizeof word) && strcmp(word, "on") == 0;
  log->rank = option_of(c, "rank", word, sizeof word) ? strtoll(word, NULL, 10) : 0;
  for (int i = 0; i < count; i++)
    if (params[i].role == ROLE_MATRIX) add_pieces(log, optimizer, &params[i]);
  size_t bytes = (size_t)assign(log, NULL) * sizeof(float);
  printf("spectrum.csv: %d matrices in %d classes every %lld steps, %.1f MB of memory\n",
         log->count, log->classes, (long long)log->every, (double)bytes / 1e6);
  if (posix_memalign((void **)&log->memory, 64, bytes))
    return fail(err, "no memory for --log-spectrum: %.1f MB are needed", (double)bytes / 1e6);
  assign(log, log->memory);
  log->numbers = calloc((size_t)log->count * SPECTRUM_NUMBERS + 1, sizeof *log->numbers);
  log->of = calloc((size_t)log->count + 1, sizeof *log->of);
  return open_file(log, c, done, err);
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

/* ---- around a step ---- */

/* to (rows,cols) = the piece's part of an array shaped like its parameter. */
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

/* Z (n) from the momentum before (B0) and after (B) the step: a and b of B = a B0 + b G by least
   squares, whatever the method calls them; a Nesterov step looks at a B + b G. Returns what it is
   of: when no a and b fit, the gradient. */
static const char *searched(float *Z, const float *B0, const float *B, const float *G, int64_t n,
                            int nesterov) {
  double bb = dot(B0, B0, n), bg = dot(B0, G, n), gg = dot(G, G, n);
  double yb = dot(B, B0, n), yg = dot(B, G, n), yy = dot(B, B, n), det = bb * gg - bg * bg;
  double a = 1, b = gg > 0 ? yg / gg : 0, rest = 0; /* at first, with B0 = 0 */
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

static const char *measure_piece(const SpectrumLog *log, const Piece *p, int64_t t, double lr,
                                 double *numbers) {
  int64_t n = p->rows * p->cols;
  float *Z = log->work, *G = Z + aligned(n), *D = G + aligned(n);
  double keep = optimizer_keep(log->optimizer, p->param, t, lr);
  const char *of = p->basis ? "projected" : "gradient";
  copy_piece(G, p, p->param->g);
  copy_piece(D, p, p->param->w);
  for (int64_t i = 0; i < n; i++) D[i] = (float)(keep * (double)p->w[i] - (double)D[i]);
  memcpy(Z, G, (size_t)n * sizeof *Z);
  if (p->momentum) of = searched(Z, p->b, p->momentum + p->at, G, n, log->nesterov);
  int64_t s = least(p->rows, p->cols);
  int64_t rank = log->rank > 0 && log->rank < s ? log->rank : (s + 7) / 8;
  spectrum_measure(p->basis ? p->moment : Z, p->basis, p->r, G, D, p->rows, p->cols, rank,
                   frobenius_norm(p->w, n), numbers, D + aligned(n));
  return of;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of a number over the matrices of a class; those that have none are left out. */
static double class_median(const SpectrumLog *log, int kind, int number) {
  double *x = malloc((size_t)log->count * sizeof *x), out = NAN;
  int n = 0;
  for (int i = 0; i < log->count; i++) {
    double value = log->numbers[i * SPECTRUM_NUMBERS + number];
    if (log->pieces[i].kind == kind && isfinite(value)) x[n++] = value;
  }
  qsort(x, (size_t)n, sizeof *x, compare);
  if (n > 0) out = n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
  free(x);
  return out;
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
    for (int i = 0; i < SPECTRUM_NUMBERS; i++) {
      double value = class_median(log, kind, i);
      if (isfinite(value)) fprintf(log->file, ",%.7g", value);
      else fputc(',', log->file);
    }
    fputc('\n', log->file);
  }
  return fflush(log->file) == 0 ? 0 : failed(log, err);
}
