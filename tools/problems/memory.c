/* A linear associative memory. There are n pairs of a key and a value, orthonormal vectors of n
   numbers; pair i has the frequency p_i. For key k_i, W gives value j the probability
   s_ji = softmax_j(v_j^T W k_i). The loss is -sum p_i ln s_ii. Groups have n / groups pairs each,
   with frequencies in a geometric series. With the values and keys in the columns of V and K,
     G = V (S - I) diag(p) K^T. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/lapack.h"
#include "core/memory.h"
#include "tools/problems/problems.h"

enum { GROUPS_MAX = 8, POINTS = 160 };

typedef struct {
  int64_t size, groups, steps;
  double ratio;
  char optimizers[OPTION_TEXT];
} MemoryOptions;

#define FIELD(member) offsetof(MemoryOptions, member)
static const Option options[] = {
    {.name = "optimizers", .help = "Methods to compare, with their settings",
     .type = OPTION_WORD, .at = FIELD(optimizers),
     .fallback = "muon:lr=0.02,orthogonalize=svd sgd:lr=20,momentum=0"},
    {.name = "size", .help = "Number of pairs, and of numbers in a key or value",
     .type = OPTION_INT, .at = FIELD(size), .fallback = "64", .min = 4, .max = 1024},
    {.name = "groups", .help = "Groups of pairs with the same frequency",
     .type = OPTION_INT, .at = FIELD(groups), .fallback = "4", .min = 1, .max = GROUPS_MAX},
    {.name = "ratio", .help = "Frequency of a group over that of the next one",
     .type = OPTION_REAL, .at = FIELD(ratio), .fallback = "4", .min = 1, .max = 1e3},
    {.name = "steps", .help = "Steps of each method", .type = OPTION_INT, .at = FIELD(steps),
     .fallback = "3000", .min = 10, .max = 1e6},
    {0},
};

typedef struct {
  const MemoryOptions *o;
  float *K, *V;       /* (size,size) keys and values in columns */
  float *S, *T;       /* (size,size) softmax(V^T W K) by columns; work */
  double *p;          /* (size) frequencies */
  double recall[GROUPS_MAX][POINTS], mode[GROUPS_MAX][POINTS]; /* means over a group */
  int64_t at[POINTS];
  int points;
} Memory;

static int64_t group_of(const MemoryOptions *o, int64_t i) { return i * o->groups / o->size; }

/* S = softmax(V^T W K); the diagonal of V^T W K, the size of each mode, replaces that of T. */
static void answer(Memory *m, const float *W) {
  int64_t n = m->o->size;
  gemm(PLAIN, PLAIN, n, n, n, 1, W, n, m->K, n, 0, m->T, n);
  gemm(TRANSPOSED, PLAIN, n, n, n, 1, m->V, n, m->T, n, 0, m->S, n);
  for (int64_t i = 0; i < n; i++) {
    double sum = 0, most = -INFINITY;
    m->T[i * n + i] = m->S[i * n + i];
    for (int64_t j = 0; j < n; j++)
      if ((double)m->S[j * n + i] > most) most = (double)m->S[j * n + i];
    for (int64_t j = 0; j < n; j++) sum += exp((double)m->S[j * n + i] - most);
    for (int64_t j = 0; j < n; j++)
      m->S[j * n + i] = (float)(exp((double)m->S[j * n + i] - most) / sum);
  }
}

static void gradient(void *data, const float *W, int64_t t, float *G) {
  Memory *m = data;
  int64_t n = m->o->size;
  (void)t;
  answer(m, W);
  for (int64_t i = 0; i < n; i++) {
    m->S[i * n + i] -= 1;
    for (int64_t j = 0; j < n; j++) m->S[j * n + i] *= (float)m->p[i];
  }
  gemm(PLAIN, TRANSPOSED, n, n, n, 1, m->S, n, m->K, n, 0, m->T, n);
  gemm(PLAIN, PLAIN, n, n, n, 1, m->V, n, m->T, n, 0, G, n);
}

/* Notes at logarithmically spaced steps. */
static void watch(void *data, const float *W, int64_t t) {
  Memory *m = data;
  int64_t n = m->o->size;
  double from = t > 1 ? log((double)(t - 1)) : -1, all = log((double)m->o->steps) / (POINTS - 2);
  if (t < 1 || m->points == POINTS || floor(log((double)t) / all) <= floor(from / all)) return;
  answer(m, W);
  for (int64_t g = 0; g < m->o->groups; g++) m->recall[g][m->points] = m->mode[g][m->points] = 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t g = group_of(m->o, i);
    double share = (double)m->o->groups / (double)n;
    m->recall[g][m->points] += share * (double)m->S[i * n + i];
    m->mode[g][m->points] += share * (double)m->T[i * n + i];
  }
  m->at[m->points++] = t;
}

/* Orthonormal columns (n,n). */
static void draw_basis(float *Q, int64_t n, uint64_t seed, uint32_t index) {
  QrWork work;
  Scratch scratch = {0};
  Random random = random_stream(seed, RANDOM_TEST, index, 0);
  qr_layout(&work, &scratch, n);
  void *memory = memory_take(1, scratch.used + 64);
  scratch = (Scratch){.memory = (char *)memory + (64 - (uintptr_t)memory % 64) % 64};
  qr_layout(&work, &scratch, n);
  random_normals(&random, Q, n * n);
  orthonormal_columns(Q, n, n, &work);
  free(memory);
}

static Memory make(const MemoryOptions *o, uint64_t seed) {
  size_t n = (size_t)o->size;
  Memory m = {.o = o, .K = memory_take(n * n, sizeof(float)),
              .V = memory_take(n * n, sizeof(float)), .S = memory_take(n * n, sizeof(float)),
              .T = memory_take(n * n, sizeof(float)), .p = memory_take(n, sizeof(double))};
  double sum = 0;
  draw_basis(m.K, o->size, seed, 0);
  draw_basis(m.V, o->size, seed, 1);
  for (int64_t i = 0; i < o->size; i++) {
    m.p[i] = pow(o->ratio, -(double)group_of(o, i));
    sum += m.p[i];
  }
  for (int64_t i = 0; i < o->size; i++) m.p[i] /= sum;
  return m;
}

static void release(Memory *m) {
  free(m->K);
  free(m->V);
  free(m->S);
  free(m->T);
  free(m->p);
}

/* ---- results ---- */

/* The step at which a group's recall reaches one half, between the noted ones. */
static double half_step(const Memory *m, int64_t g) {
  for (int i = 1; i < m->points; i++) {
    double a = m->recall[g][i - 1], b = m->recall[g][i];
    if (b >= 0.5 && a < 0.5)
      return (double)m->at[i - 1] + (0.5 - a) / (b - a) * (double)(m->at[i] - m->at[i - 1]);
  }
  return NAN;
}

static void record(const Memory *m, const Method *method, const char *title, Table *halves,
                   Table *csv, Figure *f) {
  double first = half_step(m, 0);
  table_row(halves);
  table_set(halves, 0, "%s", method->label);
  for (int64_t g = 0; g < m->o->groups; g++) {
    char label[128] = "";
    double half = half_step(m, g);
    if (isfinite(half)) table_set(halves, (int)g + 1, "%.0f (%.1f)", half, half / first);
    else table_set(halves, (int)g + 1, "never");
    for (int i = 0; i < m->points; i++)
      table_add(csv, "%s|%lld|%lld|%.6g|%.6g|%.6g", method->label, (long long)m->at[i],
                (long long)g + 1, m->p[g * m->o->size / m->o->groups], m->mode[g][i],
                m->recall[g][i]);
    if (g == 0 || g == m->o->groups - 1)
      snprintf(label, sizeof label, "%.100s, %s", title, g ? "rare" : "frequent");
    Look look = palette_shade(palette_look(method->method->name), (int)g);
    Series *s = figure_add(f, SERIES_LINE, look, m->points, label);
    for (int i = 0; i < m->points; i++) {
      s->x[i] = (double)m->at[i];
      s->y[i] = m->recall[g][i];
    }
  }
}

static Table table_of_halves(const MemoryOptions *o) {
  char head[64 * GROUPS_MAX] = "optimizer";
  for (int64_t g = 0; g < o->groups; g++) {
    size_t used = strlen(head);
    snprintf(head + used, sizeof head - used, "|frequency 1/%.0f", pow(o->ratio, (double)g));
  }
  return table_make(head);
}

static int run(const void *with, const Output *out, Err *err) {
  const MemoryOptions *o = with;
  Method methods[METHODS_MAX];
  int count = methods_read(o->optimizers, "0.02", methods, err), status = 0;
  if (count < 0) return -1;
  Memory m = make(o, (uint64_t)out->seed);
  const Problem problem = {o->size, o->size, gradient, watch, &m, o->steps, 0};
  Table halves = table_of_halves(o), csv = table_make("optimizer|step|group|frequency|mode|recall");
  Figure f = figure_make("Associative memory: when each group of pairs is learned", "step",
                         "probability of the right value");
  snprintf(f.caption, sizeof f.caption,
           "%lld pairs in %lld groups; each group is %g times rarer than the one before (lighter). "
           "Another learning rate moves all curves of a method by the same distance.",
           (long long)o->size, (long long)o->groups, o->ratio);
  f.x_scale = SCALE_LOG, f.y_min = 0, f.y_max = 1, f.x_min = 1;
  float *W = memory_take((size_t)(o->size * o->size), sizeof *W);
  for (int i = 0; i < count && status == 0; i++) {
    m.points = 0;
    status = problem_train(&problem, &methods[i], 0, (uint64_t)out->seed, W, err);
    if (status == 0) record(&m, &methods[i], method_title(methods, count, i), &halves, &csv, &f);
  }
  if (status == 0) {
    out->say("\nSteps until the mean probability of a group's right values is one half; in "
             "parentheses,\ndivided by those of the most frequent group");
    out->show(&halves);
    status = out->csv(out, "memory", &csv, err) || out->figure(out, "memory", &f, err);
  }
  table_free(&halves);
  free(W);
  release(&m);
  methods_free(methods, count);
  return status;
}

const Study study_memory = {"memory", "which pairs of an associative memory are learned when",
                            options, sizeof(MemoryOptions), run};
