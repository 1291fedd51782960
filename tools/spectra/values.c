#include "tools/spectra/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/int64.h"
#include "core/lapack.h"
#include "core/memory.h"
#include "core/quantile.h"
#include "core/random.h"

enum {
  PANEL = 512,       /* rows of the long side at a time */
  LAW_POINTS = 8192, /* that approximate the law */
};
static const double PI = 3.14159265358979323846;

Values values_make(int64_t n) {
  Values v = {n, memory_take((size_t)n, sizeof(double)), memory_take((size_t)n, sizeof(double))};
  for (int64_t i = 0; i < n; i++) v.weight[i] = 1 / (double)n;
  return v;
}

Values values_copy(const Values *from) {
  Values v = values_make(from->n);
  memcpy(v.x, from->x, (size_t)v.n * sizeof *v.x);
  memcpy(v.weight, from->weight, (size_t)v.n * sizeof *v.weight);
  return v;
}

void values_free(Values *v) {
  free(v->x);
  free(v->weight);
  *v = (Values){0};
}

/* ---- measured ---- */

typedef struct {
  double *A;     /* (s,s) Gram matrix of the short side */
  double *panel; /* (PANEL,s) */
  EigenWork eigen;
} GramWork;

static void gram_layout(GramWork *work, Scratch *scratch, int64_t s) {
  work->A = scratch_doubles(scratch, s * s);
  work->panel = scratch_doubles(scratch, PANEL * s);
  eigenvalues_layout(&work->eigen, scratch, s);
}

double values_random_bytes(int64_t s, int64_t l) {
  GramWork work;
  Scratch count = {0};
  gram_layout(&work, &count, s);
  return (double)count.used + (double)s * (double)l * sizeof(float);
}

int values_of_matrix(Values *v, const float *X, int64_t rows, int64_t cols, Err *err) {
  int64_t s = i64_min(rows, cols), l = i64_max(rows, cols);
  GramWork work;
  Scratch scratch = {0};
  gram_layout(&work, &scratch, s);
  void *memory = scratch_allocate(&scratch);
  if (!memory)
    return fail(err, "no memory for a matrix of %lld x %lld", (long long)rows, (long long)cols);
  gram_layout(&work, &scratch, s);
  memset(work.A, 0, (size_t)(s * s) * sizeof *work.A);
  for (int64_t from = 0; from < l; from += PANEL) {
    int64_t count = i64_min(PANEL, l - from);
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < s; j++)
        work.panel[i * s + j] = (double)(rows > cols ? X[(from + i) * s + j] : X[j * l + from + i]);
    gram_add_double(s, count, work.panel, work.A);
  }
  double trace = 0;
  for (int64_t i = 0; i < s; i++) trace += work.A[i * s + i];
  *v = values_make(s);
  symmetric_eigenvalues(work.A, v->x, s, &work.eigen);
  for (int64_t i = 0; i < s; i++) v->x[i] = v->x[i] > 0 ? sqrt(v->x[i] / trace) : 0;
  free(memory);
  return 0;
}

int values_random(Values *v, int64_t s, int64_t l, uint64_t seed, uint32_t index, Err *err) {
  float *G = malloc((size_t)(l * s) * sizeof *G); /* (l,s) */
  if (!G) return fail(err, "no memory for a matrix of %lld x %lld", (long long)s, (long long)l);
  for (int64_t from = 0; from < l; from += PANEL) {
    Random random = random_stream(seed, RANDOM_TEST, index, (uint32_t)(from / PANEL));
    random_normals(&random, G + from * s, i64_min(PANEL, l - from) * s);
  }
  int status = values_of_matrix(v, G, l, s, err);
  free(G);
  return status;
}

double values_quantile(const Values *v, double q) {
  double n = (double)v->n; /* quantile() calls the i-th of n the (i - 1) / (n - 1) quantile */
  return quantile(v->x, v->n, n > 1 ? fmin(fmax((q * n - 0.5) / (n - 1), 0), 1) : 0);
}

/* ---- laws ---- */

static double law_density(double g, double u) {
  double lambda = 1 + g - 2 * sqrt(g) * cos(u);
  /* At u = 0 of a square matrix: sin^2 u / (2 - 2 cos u) = cos^2(u/2). */
  return 2 / PI * (lambda > 1e-12 ? sin(u) * sin(u) / lambda : 1);
}

/* Simpson's rule from 0 to u. */
static double law_integral(double g, double u) {
  enum { PARTS = 512 };
  double h = u / PARTS, sum = law_density(g, 0) + law_density(g, u);
  for (int i = 1; i < PARTS; i++) sum += (i % 2 ? 4 : 2) * law_density(g, i * h);
  return sum * h / 3;
}

double law_cdf(double g, double y) {
  double cosine = (1 + g - y * y) / (2 * sqrt(g));
  if (y <= 0 || cosine >= 1) return 0;
  return cosine <= -1 ? 1 : law_integral(g, acos(cosine));
}

double law_quantile(double g, double q) {
  double low = 0, high = PI;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (law_integral(g, middle) < q) low = middle;
    else high = middle;
  }
  return sqrt(fmax(0, 1 + g - 2 * sqrt(g) * cos(low)));
}

Values values_of_law(int64_t s, int64_t l) {
  Values v = values_make(LAW_POINTS);
  double g = (double)s / (double)l, sum = 0;
  for (int64_t i = 0; i < v.n; i++) {
    double u = PI * ((double)i + 0.5) / LAW_POINTS;
    v.x[i] = sqrt((1 + g - 2 * sqrt(g) * cos(u)) / (double)s);
    v.weight[i] = law_density(g, u);
    sum += v.weight[i];
  }
  for (int64_t i = 0; i < v.n; i++) v.weight[i] /= sum;
  return v;
}

double smallest_quantile(double q) { return sqrt(1 - 2 * log(1 - q)) - 1; }

double smallest_geometric_mean(void) {
  enum { POINTS = 100000 };
  double sum = 0;
  for (int i = 0; i < POINTS; i++) sum += log(smallest_quantile((i + 0.5) / POINTS));
  return exp(sum / POINTS);
}

/* ---- iterations ---- */

/* A schedule beyond the steps that it has. */
static NewtonSchulzPlan long_plan(int schedule) {
  return newton_schulz_plan(&(NewtonSchulz){schedule, NS_STEPS_MAX});
}

static double polynomial(const double abc[3], double x) {
  return x * (abc[0] + x * x * (abc[1] + x * x * abc[2]));
}

void values_margin(Values *v, int schedule) {
  const NewtonSchulzPlan plan = long_plan(schedule);
  for (int64_t i = 0; i < v->n; i++) v->x[i] /= plan.margin;
}

void values_step(Values *v, int schedule, int64_t k) {
  const NewtonSchulzPlan plan = long_plan(schedule);
  for (int64_t i = 0; i < v->n; i++) v->x[i] = polynomial(plan.abc[k], v->x[i]);
}

Effect values_effect(const Values *v) {
  Effect e = {0};
  for (int64_t i = 0; i < v->n; i++) {
    double x = v->x[i], w = v->weight[i];
    e.below_half += x < 0.5 ? w : 0;
    e.error += w * fabs(x - 1);
    e.gram += w * (x * x - 1) * (x * x - 1);
  }
  e.gram = sqrt(e.gram);
  return e;
}

double steps_to_half(double x, int schedule) {
  const NewtonSchulzPlan plan = long_plan(schedule);
  x /= plan.margin;
  for (int64_t k = 0; k < plan.steps; k++) {
    double before = x;
    if (x >= 0.5) return (double)k;
    x = polynomial(plan.abc[k], x);
    if (x >= 0.5) return (double)k + log(0.5 / before) / log(x / before);
  }
  return NAN;
}

double taylor_step(double x, int k) {
  double rest = 1 - x * x, power = 1, c = 1, p = 1;
  for (int s = 1; s <= k; s++) { /* c_s = (2s)! / (4^s (s!)^2) */
    c *= (2.0 * s - 1) / (2.0 * s);
    power *= rest;
    p += c * power;
  }
  return x * p;
}
