/* Gradients of a run at its checkpoints. Many batches at the same weights give gradients G_k; their
   mean is an estimate of the whole gradient, and G_k minus the mean the noise of a batch. How many
   directions hold most of a gradient, and how heavy are the tails of the noise? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/int64.h"
#include "core/memory.h"
#include "tools/problems/student.h"
#include "tools/spectra/session.h"
#include "tools/spectra/study.h"
#include "tools/spectra/tail.h"
#include "tools/spectra/values.h"

enum {
  CHECKPOINTS = 12,
  CLASSES = 16,
  SPECTRA = 4,       /* batches whose singular values are computed */
  SAMPLE = 1 << 20,  /* entries of the noise that are ranked */
  CONTROLS = 3,
};
static const double SHARE = 0.01; /* of the entries: the tail */

typedef struct {
  char from[OPTION_TEXT];
  int64_t batches;
} GradientsOptions;

#define FIELD(member) offsetof(GradientsOptions, member)
static const Option options[] = {
    {.name = "from",
     .help = "Checkpoints with spaces between them, such as \"runs/a/step-000100 runs/a\" (of a "
             "run: the newest)",
     .type = OPTION_WORD, .at = FIELD(from), .fallback = ""},
    {.name = "batches", .help = "Batches at each checkpoint",
     .type = OPTION_INT, .at = FIELD(batches), .fallback = "64", .min = 2, .max = 4096},
    {0},
};

/* What is known of a class of matrices at a checkpoint: sums over its matrices. */
typedef struct {
  char name[64];
  int matrices;
  int64_t side;           /* the shorter */
  double *one, *mean;     /* (side) share of the k leading directions of G_k, and of the mean */
  double signal;          /* ||mean||^2 / mean of ||G_k||^2 */
  float *noise, *own;     /* (SAMPLE) entries; the same, each by its root mean square */
  int64_t sampled;
} Class;

typedef struct {
  int64_t step;
  Class classes[CLASSES];
  int count;
} At;

/* ---- measuring ---- */

/* Adds `weight` times the shares of the leading directions of X. */
static int add_shares(double *shares, double weight, const float *X, int64_t rows, int64_t cols,
                      Err *err) {
  Values v;
  double sum = 0;
  if (values_of_matrix(&v, X, rows, cols, err)) return -1;
  for (int64_t i = 0; i < v.n; i++) shares[i] += weight * (sum += v.x[i] * v.x[i]);
  values_free(&v);
  return 0;
}

/* G (count,n): every `stride`-th entry minus its mean over the batches goes to the class. */
static void sample_noise(Class *c, const float *G, int64_t row, int64_t count, int64_t n,
                         int64_t stride) {
  for (int64_t i = 0; i < n; i += stride) {
    double mean = 0, squares = 0;
    for (int64_t k = 0; k < count; k++) mean += (double)G[k * row + i] / (double)count;
    for (int64_t k = 0; k < count; k++) squares += pow((double)G[k * row + i] - mean, 2);
    double size = sqrt(squares / (double)count);
    for (int64_t k = 0; k < count && c->sampled < SAMPLE; k++) {
      double x = (double)G[k * row + i] - mean;
      c->noise[c->sampled] = (float)x;
      c->own[c->sampled++] = size > 0 ? (float)(x / size) : 0;
    }
  }
}

static Class *class_of(At *at, const SessionMatrix *m) {
  const char *name = m->name + 2 + strcspn(m->name + 2, ".") + 1; /* without "h.3." */
  int i = 0;
  while (i < at->count && strcmp(at->classes[i].name, name) != 0) i++;
  Class *c = &at->classes[i];
  if (i == at->count) {
    int64_t side = i64_min(m->rows, m->cols);
    at->count++;
    *c = (Class){.side = side, .one = memory_take((size_t)side, sizeof(double)),
                 .mean = memory_take((size_t)side, sizeof(double)),
                 .noise = memory_take(SAMPLE, sizeof(float)),
                 .own = memory_take(SAMPLE, sizeof(float))};
    snprintf(c->name, sizeof c->name, "%s", name);
  }
  c->matrices++;
  return c;
}

/* One matrix: G (count,row) has its n numbers at the beginning of each row. */
static int measure(Class *c, const SessionMatrix *m, const float *G, int64_t row, int64_t count,
                   int64_t stride, Err *err) {
  int64_t n = m->rows * m->cols, spectra = i64_min(SPECTRA, count);
  double signal = 0, all = 0;
  float *mean = memory_take((size_t)n, sizeof *mean);
  int status = 0;
  for (int64_t i = 0; i < n; i++) {
    double sum = 0;
    for (int64_t k = 0; k < count; k++) sum += (double)G[k * row + i] / (double)count;
    for (int64_t k = 0; k < count; k++) all += pow((double)G[k * row + i], 2) / (double)count;
    mean[i] = (float)sum;
    signal += sum * sum;
  }
  c->signal += all > 0 ? signal / all : 0;
  for (int64_t k = 0; k < spectra && status == 0; k++)
    status = add_shares(c->one, 1 / (double)spectra, G + k * row, m->rows, m->cols, err);
  if (status == 0) status = add_shares(c->mean, 1, mean, m->rows, m->cols, err);
  sample_noise(c, G, row, count, n, stride);
  free(mean);
  return status;
}

/* Gradients of `count` batches (count,row), the matrices one after another. */
static int collect(Session *s, const SessionMatrix *matrices, int n, float *G, int64_t row,
                   int64_t count, const Output *out, Err *err) {
  double norm;
  for (int64_t k = 0; k < count; k++) {
    out->progress(s->config.run.out, (double)k / (double)count);
    if (session_gradient(s, s->from + 1 + k, &norm, err)) return -1;
    for (int i = 0, at = 0; i < n; i++) {
      int64_t size = matrices[i].rows * matrices[i].cols;
      memcpy(G + k * row + at, matrices[i].g, (size_t)size * sizeof *G);
      at += (int)size;
    }
  }
  out->progress("", 1);
  return 0;
}

static int look(At *at, const char *path, int64_t count, const Output *out, Err *err) {
  Session s;
  SessionMatrix *matrices = NULL;
  float *G = NULL;
  int64_t row = 0;
  int n = 0, status = session_open(&s, path, err);
  if (status == 0) {
    at->step = s.from;
    n = session_matrices(&s, &matrices);
    for (int i = 0; i < n; i++) row += matrices[i].rows * matrices[i].cols;
    G = malloc((size_t)(row * count) * sizeof *G);
    if (!G)
      status = fail(err, "no memory for %lld gradients of %.1f MB: use a smaller --batches",
                    (long long)count, 4e-6 * (double)row);
  }
  if (status == 0) status = collect(&s, matrices, n, G, row, count, out, err);
  int64_t stride = 1 + row * count / SAMPLE / 6; /* about six classes */
  for (int64_t i = 0, first = 0; i < n && status == 0; i++) {
    status = measure(class_of(at, &matrices[i]), &matrices[i], G + first, row, count, stride, err);
    first += matrices[i].rows * matrices[i].cols;
  }
  free(G);
  free(matrices);
  session_close(&s);
  return status;
}

/* ---- results ---- */

static int64_t directions(const double *shares, int matrices, int64_t side, double share) {
  int64_t k = 0;
  while (k < side - 1 && shares[k] < share * matrices) k++;
  return k + 1;
}

typedef struct {
  const char *name;
  double degrees, index; /* the estimate from numbers of that distribution */
} Control;

/* The same estimates from noise of a known distribution. */
static void control(Control *control, int64_t count, Table *t) {
  enum { ENTRIES = 4096 };
  Class c = {.noise = memory_take(SAMPLE, sizeof(float)), .own = memory_take(SAMPLE,
                                                                             sizeof(float))};
  float *G = memory_take((size_t)(count * ENTRIES), sizeof *G);
  Random random = random_stream(1, RANDOM_TEST, 11, 0);
  student_numbers(&random, control->degrees, G, count * ENTRIES);
  sample_noise(&c, G, ENTRIES, count, ENTRIES, 1);
  control->index = tail_index(c.noise, c.sampled, SHARE);
  table_add(t, "|%s||||%.2f|%.2f", control->name, control->index,
            tail_index(c.own, c.sampled, SHARE));
  free(G);
  free(c.noise);
  free(c.own);
}

static void show(const At *at, int count, Table *t, Table *csv, double index[][CLASSES]) {
  for (int a = 0; a < count; a++)
    for (int i = 0; i < at[a].count; i++) {
      const Class *c = &at[a].classes[i];
      index[a][i] = tail_index(c->noise, c->sampled, SHARE);
      table_add(t, "%lld|%s|%lld of %lld|%lld|%.0f %%|%.2f|%.2f", (long long)at[a].step, c->name,
                (long long)directions(c->one, c->matrices, c->side, 0.9), (long long)c->side,
                (long long)directions(c->mean, c->matrices, c->side, 0.9),
                100 * c->signal / c->matrices, index[a][i],
                tail_index(c->own, c->sampled, SHARE));
      for (int64_t k = 0; k < c->side; k++)
        table_add(csv, "%lld|%s|%lld|%.6g|%.6g", (long long)at[a].step, c->name, (long long)k + 1,
                  c->one[k] / c->matrices, c->mean[k] / c->matrices);
    }
}

/* The n-th curve: the mean over all matrices with the side of the first class. */
static void draw_shares(Figure *f, const At *at, int n, int of_mean) {
  int64_t side = at->classes[0].side;
  char label[64];
  Look look = palette_nth(n);
  snprintf(label, sizeof label, "%sstep %lld", of_mean ? "mean, " : "", (long long)at->step);
  Series *s = figure_add(f, SERIES_LINE, look, (int)side, label);
  for (int64_t k = 0; k < side; k++) {
    int matrices = 0;
    s->x[k] = (double)k + 1, s->y[k] = 0;
    for (int i = 0; i < at->count; i++) {
      const Class *c = &at->classes[i];
      if (c->side != side) continue;
      s->y[k] += of_mean ? c->mean[k] : c->one[k];
      matrices += c->matrices;
    }
    s->y[k] /= matrices;
  }
}

static int draw_random(Figure *f, const At *at, uint64_t seed, Err *err) {
  int64_t side = at->classes[0].side;
  Values v;
  double sum = 0;
  if (values_random(&v, side, side, seed, 12, err)) return -1;
  Series *s = figure_add(f, SERIES_LINE, (Look){0x888888, 2, 0}, (int)side, "random matrix");
  for (int64_t k = 0; k < side; k++) s->x[k] = (double)k + 1, s->y[k] = sum += v.x[k] * v.x[k];
  values_free(&v);
  return 0;
}

static int draw(const At *at, int count, const Control *controls, double index[][CLASSES],
                int64_t batches, const Output *out, Err *err) {
  Figure shares = figure_make("Share of a gradient in its leading directions", "directions",
                              "share of the sum of squares");
  Figure tails = figure_make("Tail index of the gradient's noise", "step", "tail index (Hill)");
  snprintf(shares.caption, sizeof shares.caption,
           "Gradients of one batch, and their mean over %lld batches at the same weights; mean of "
           "all matrices of the blocks.", (long long)batches);
  snprintf(tails.caption, sizeof tails.caption,
           "From the largest 1 %% of the entries of (gradient of a batch - mean of %lld batches), "
           "all entries of a kind of matrix together. Grey: the same estimate from known "
           "distributions.", (long long)batches);
  shares.x_scale = SCALE_LOG, shares.y_min = 0, shares.y_max = 1, shares.x_min = 1;
  tails.x_scale = SCALE_LOG, tails.y_min = 1;
  for (int a = 0; a < count; a++) draw_shares(&shares, &at[a], a, 0);
  draw_shares(&shares, &at[count - 1], count, 1);
  if (draw_random(&shares, at, (uint64_t)out->seed, err)) return -1;
  for (int i = 0; i < CONTROLS; i++) {
    Series *s = figure_add(&tails, SERIES_LINE, (Look){0x888888, 2, 0}, 2, controls[i].name);
    s->x[0] = (double)at[0].step, s->x[1] = (double)at[count - 1].step;
    s->y[0] = s->y[1] = controls[i].index;
  }
  for (int i = 0; i < at[0].count; i++) {
    Series *s = figure_add(&tails, SERIES_CURVE, palette_nth(i), count, at[0].classes[i].name);
    for (int a = 0; a < count; a++) s->x[a] = (double)at[a].step, s->y[a] = index[a][i];
  }
  return out->figure(out, "gradients-share", &shares, err) ||
         out->figure(out, "gradients-tail", &tails, err);
}

static void release(At *at) {
  for (int i = 0; i < at->count; i++) {
    free(at->classes[i].one);
    free(at->classes[i].mean);
    free(at->classes[i].noise);
    free(at->classes[i].own);
  }
}

static int run(const void *with, const Output *out, Err *err) {
  const GradientsOptions *o = with;
  static At at[CHECKPOINTS];
  static double index[CHECKPOINTS][CLASSES];
  Control controls[CONTROLS] = {{"Student t, 1.5", 1.5, 0}, {"Student t, 2.5", 2.5, 0},
                                {"normal", INFINITY, 0}};
  int count = 0, status = 0;
  for (const char *word = o->from + strspn(o->from, " "); *word && status == 0; count++) {
    char path[OPTION_TEXT];
    size_t length = strcspn(word, " ");
    snprintf(path, sizeof path, "%.*s", (int)length, word);
    word += length + strspn(word + length, " ");
    if (count == CHECKPOINTS)
      status = fail(err, "--from: at most %d checkpoints are allowed", CHECKPOINTS);
    else status = look(&at[count], path, o->batches, out, err);
  }
  if (count == 0)
    return fail(err, "--from is required: name checkpoints, such as --from \"runs/muon-nano\"");
  if (status == 0) {
    Table t = table_make("step|matrices|directions with 90 %|of the mean|signal|tail|own tail");
    Table csv = table_make("step|matrices|directions|share|share of the mean");
    show(at, count, &t, &csv, index);
    for (int i = 0; i < CONTROLS; i++) control(&controls[i], o->batches, &t);
    out->say("\nsignal: ||mean gradient||^2 / mean of ||gradient of a batch||^2; tail: index of "
             "the noise,\nHill's estimate from the largest 1 %%; own tail: the same after each "
             "entry is divided by\nits own root mean square over the batches");
    out->show(&t);
    table_free(&t);
    status = out->csv(out, "gradients", &csv, err) ||
             draw(at, count, controls, index, o->batches, out, err);
  }
  for (int a = 0; a < count && a < CHECKPOINTS; a++) release(&at[a]);
  return status;
}

const Study study_gradients = {"gradients", "directions of a run's gradients, tails of their noise",
                               options, sizeof(GradientsOptions), run};
