/* Least squares for a matrix, with heavy-tailed noise in the gradient. The loss is
     f(W) = 1/2 tr (W - W*) H (W - W*)^T / (the same at W = 0)
   with W* (rows,cols) of low rank and H (cols,cols) = B^T diag(h) B, B normal and h a geometric
   series. A gradient is that of f plus noise whose entries have Student's t distribution. For each
   number of degrees of freedom the noise has the same median size, and each method gets its best
   rate by factors of two, so that only the tails differ. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/memory.h"
#include "core/quantile.h"
#include "optim/parts/norms.h"
#include "tools/problems/problems.h"
#include "tools/problems/student.h"

enum { DEGREES_MAX = 16, SEEDS_MAX = 32, RATES_MAX = 40 };

typedef struct {
  int64_t rows, cols, rank, steps, seeds;
  double condition, noise;
  char optimizers[OPTION_TEXT], degrees[OPTION_TEXT];
} NoiseOptions;

#define FIELD(member) offsetof(NoiseOptions, member)
static const Option options[] = {
    {.name = "optimizers", .help = "Methods to compare, with their settings",
     .type = OPTION_WORD, .at = FIELD(optimizers),
     .fallback = "sgd adamw trust-region:norm=frobenius msgd low-rank-msgd:rank=8 muon "
                 "low-rank-muon:rank=8 orthogonal-sgdm"},
    {.name = "degrees",
     .help = "Degrees of freedom of the noise, with commas (inf: normal noise; up to 2 the "
             "variance is infinite)",
     .type = OPTION_WORD, .at = FIELD(degrees), .fallback = "1.2,1.5,2,2.5,4,10"},
    {.name = "noise",
     .help = "Median size of the noise, over the root mean square of the gradient's entries at the "
             "start",
     .type = OPTION_REAL, .at = FIELD(noise), .fallback = "1", .max = 1e6},
    {.name = "rows", .help = "Rows of the matrix", .type = OPTION_INT, .at = FIELD(rows),
     .fallback = "48", .min = 2, .max = 1024},
    {.name = "cols", .help = "Columns of the matrix", .type = OPTION_INT, .at = FIELD(cols),
     .fallback = "48", .min = 2, .max = 1024},
    {.name = "target-rank", .help = "Rank of the matrix to find", .type = OPTION_INT,
     .at = FIELD(rank), .fallback = "8", .min = 1, .max = 1024},
    {.name = "condition",
     .help = "Ratio of the scales in the quadratic form B^T diag(h) B, B random",
     .type = OPTION_REAL, .at = FIELD(condition), .fallback = "100", .min = 1, .max = 1e8},
    {.name = "steps", .help = "Steps of each run; the rate falls to 0", .type = OPTION_INT,
     .at = FIELD(steps), .fallback = "200", .min = 1, .max = 1e6},
    {.name = "seeds", .help = "Seeds that choose the rate, and as many others that are reported",
     .type = OPTION_INT, .at = FIELD(seeds), .fallback = "3", .min = 1, .max = SEEDS_MAX},
    {0},
};

typedef struct {
  const NoiseOptions *o;
  float *H, *target, *D, *G; /* (cols,cols); (rows,cols) each: W*, W - W*, its gradient */
  double unit, size;         /* f and gradient are divided by; size of the noise */
  double degrees;
  Random noise;
} Noise;

/* G = (W - W*) H / unit; returns the loss. */
static double loss_gradient(Noise *p, const float *W, float *G) {
  int64_t n = p->o->rows * p->o->cols, cols = p->o->cols;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) p->D[i] = W[i] - p->target[i];
  gemm(PLAIN, PLAIN, p->o->rows, cols, cols, (float)(1 / p->unit), p->D, cols, p->H, cols, 0, G,
       cols);
  for (int64_t i = 0; i < n; i++) sum += (double)p->D[i] * (double)G[i];
  return sum / 2;
}

static void gradient(void *data, const float *W, int64_t t, float *G) {
  Noise *p = data;
  int64_t n = p->o->rows * p->o->cols;
  (void)t;
  student_numbers(&p->noise, p->degrees, p->G, n);
  loss_gradient(p, W, G);
  for (int64_t i = 0; i < n; i++) G[i] += (float)p->size * p->G[i];
}

/* The median of |x| under the distribution, by Monte Carlo of fixed seed. */
static double median_size(double degrees) {
  enum { SAMPLES = 100001 };
  float *x = memory_take(SAMPLES, sizeof *x);
  double *sizes = memory_take(SAMPLES, sizeof *sizes);
  Random random = random_stream(1, RANDOM_TEST, 7, 0);
  student_numbers(&random, degrees, x, SAMPLES);
  for (int i = 0; i < SAMPLES; i++) sizes[i] = fabs((double)x[i]);
  double median = quantile(sizes, SAMPLES, 0.5);
  free(x);
  free(sizes);
  return median;
}

/* H = B^T diag(h) B / cols with normal B, and W* = A C with normal factors. */
static void draw(Noise *p, uint64_t seed) {
  const NoiseOptions *o = p->o;
  int64_t rows = o->rows, cols = o->cols, rank = o->rank;
  float *B = memory_take((size_t)(cols * cols), sizeof *B);
  float *C = memory_take((size_t)(cols * cols), sizeof *C);
  float *A = memory_take((size_t)((rows + cols) * rank), sizeof *A);
  Random random = random_stream(seed, RANDOM_TEST, 8, 0);
  random_normals(&random, B, cols * cols);
  for (int64_t i = 0; i < cols; i++) {
    double h = pow(o->condition, -(double)i / (double)(cols > 1 ? cols - 1 : 1));
    for (int64_t j = i * cols; j < (i + 1) * cols; j++) C[j] = (float)(h / (double)cols) * B[j];
  }
  gemm(TRANSPOSED, PLAIN, cols, cols, cols, 1, B, cols, C, cols, 0, p->H, cols);
  random_normals(&random, A, (rows + cols) * rank);
  gemm(PLAIN, TRANSPOSED, rows, cols, rank, (float)(1 / sqrt((double)rank)), A, rank,
       A + rows * rank, rank, 0, p->target, cols);
  memset(p->G, 0, (size_t)(rows * cols) * sizeof *p->G);
  p->unit = 1;
  p->unit = loss_gradient(p, p->G, p->G);
  memset(p->G, 0, (size_t)(rows * cols) * sizeof *p->G);
  loss_gradient(p, p->G, p->G);
  p->size = o->noise * frobenius_norm(p->G, rows * cols) / sqrt((double)(rows * cols)) /
            median_size(p->degrees);
  free(A);
  free(B);
  free(C);
}

/* The median of the final loss over the seeds from `first` on, which go to `losses`. */
static double median_loss(Noise *p, const Method *m, double rate, int64_t first, double *losses,
                          Err *err) {
  const NoiseOptions *o = p->o;
  const Problem problem = {o->rows, o->cols, gradient, NULL, p, o->steps, 1};
  float *W = memory_take((size_t)(o->rows * o->cols), sizeof *W);
  for (int64_t k = 0; k < o->seeds; k++) {
    uint64_t seed = (uint64_t)(first + k);
    draw(p, seed);
    p->noise = random_stream(seed, RANDOM_TEST, 9, 0);
    losses[k] = NAN;
    if (problem_train(&problem, m, rate, seed, W, err)) break;
    double loss = loss_gradient(p, W, p->G);
    losses[k] = isfinite(loss) ? loss : 1e30;
  }
  free(W);
  return quantile(losses, o->seeds, 0.5);
}

/* The best rate: from `from` on by factors of two, as long as the loss falls. */
static double best_rate(Noise *p, const Method *m, double from, Err *err) {
  double losses[SEEDS_MAX], rate = from, best = median_loss(p, m, rate, p->o->seeds, losses, err);
  for (int direction = 0; direction < 2; direction++)
    for (int i = 0; i < RATES_MAX; i++) {
      double next = direction ? rate / 2 : rate * 2;
      double loss = median_loss(p, m, next, p->o->seeds, losses, err);
      if (!(loss < best)) break;
      best = loss, rate = next;
    }
  return rate;
}

static int read_degrees(const char *text, double *degrees, Err *err) {
  int count = 0;
  for (const char *at = text; *at;) {
    char word[32];
    size_t length = strcspn(at, ",");
    snprintf(word, sizeof word, "%.*s", (int)length, at);
    double *d = &degrees[count];
    if (strcmp(word, "inf") == 0) *d = INFINITY;
    else if (option_number(word, d) || !(*d >= 0.5))
      return fail(err, "--degrees %s: \"%s\" is not allowed: give numbers of at least 0.5, or inf, "
                       "with commas between them", text, word);
    if (++count > DEGREES_MAX - 1)
      return fail(err, "--degrees: at most %d are allowed", DEGREES_MAX - 1);
    at += length + (at[length] == ',');
  }
  return count ? count : fail(err, "--degrees is empty: give numbers such as 1.5,2.5,inf");
}

static Noise make(const NoiseOptions *o) {
  size_t n = (size_t)(o->rows * o->cols), c = (size_t)o->cols;
  return (Noise){.o = o, .H = memory_take(c * c, sizeof(float)),
                 .target = memory_take(n, sizeof(float)), .D = memory_take(n, sizeof(float)),
                 .G = memory_take(n, sizeof(float))};
}

static void release(Noise *p) {
  free(p->H);
  free(p->target);
  free(p->D);
  free(p->G);
}

/* All degrees for one method: a row of the table and a curve. */
static int try_method(Noise *p, const Method *m, const char *title, const double *degrees,
                      int count, Table *t, Table *csv, Figure *f, Err *err) {
  double rate = m->common.lr, losses[SEEDS_MAX];
  Series *s = figure_add(f, SERIES_CURVE, palette_look(m->method->name), count, title);
  int n = 0;
  *err = (Err){0};
  table_row(t);
  table_set(t, 0, "%s", m->label);
  for (int i = 0; i < count; i++) {
    p->degrees = degrees[i];
    rate = best_rate(p, m, rate, err);
    double loss = median_loss(p, m, rate, 101, losses, err);
    if (*err->text) return -1;
    table_set(t, i + 1, "%.3g", loss);
    for (int64_t k = 0; k < p->o->seeds; k++)
      table_add(csv, "%s|%g|%.6g|%lld|%.6g", m->label, degrees[i], rate, 101 + (long long)k,
                losses[k]);
    if (isfinite(degrees[i])) s->x[n] = degrees[i], s->y[n++] = loss;
  }
  s->n = n;
  return 0;
}

static int run(const void *with, const Output *out, Err *err) {
  const NoiseOptions *o = with;
  double degrees[DEGREES_MAX];
  Method methods[METHODS_MAX];
  char head[512] = "optimizer";
  int degree_count = read_degrees(o->degrees, degrees, err), status = 0;
  int count = degree_count < 0 ? -1 : methods_read(o->optimizers, "0.02", methods, err);
  if (count < 0) return -1;
  for (int i = 0; i < degree_count; i++)
    snprintf(head + strlen(head), sizeof head - strlen(head), "|%g", degrees[i]);
  Noise p = make(o);
  Table t = table_make(head), csv = table_make("optimizer|degrees|lr|seed|loss");
  Figure f = figure_make("Loss with heavy-tailed noise in the gradient",
                         "degrees of freedom of the noise (left: heavier tails)",
                         "final loss / loss at the start");
  snprintf(f.caption, sizeof f.caption,
           "Least squares for a %lld x %lld matrix of rank %lld, %lld steps; median of %lld seeds, "
           "the rate chosen with others for each point. The median size of the noise is the same "
           "everywhere; up to 2 degrees its variance is infinite.",
           (long long)o->rows, (long long)o->cols, (long long)o->rank, (long long)o->steps,
           (long long)o->seeds);
  f.x_scale = SCALE_LOG, f.y_scale = SCALE_LOG;
  for (int i = 0; i < count && status == 0; i++) {
    out->progress(methods[i].label, (double)i / count);
    status = try_method(&p, &methods[i], method_title(methods, count, i), degrees, degree_count,
                        &t, &csv, &f, err);
  }
  out->progress("", 1);
  if (status == 0) {
    out->say("\nFinal loss over the loss at the start, by the degrees of freedom of the noise");
    out->show(&t);
    status = out->csv(out, "noise", &csv, err) || out->figure(out, "noise", &f, err);
  }
  table_free(&t);
  release(&p);
  methods_free(methods, count);
  return status;
}

const Study study_noise = {"noise", "how methods bear heavy-tailed noise in the gradient", options,
                           sizeof(NoiseOptions), run};
