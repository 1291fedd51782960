#include "tools/measure/optimizers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/blas.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/quantile.h"
#include "optim/adamw.h"
#include "optim/harness.h"
#include "optim/parts/polar.h"
#include "optim/registry.h"

/* A model whose gradients are random. */
static int open_model(GPT2 **m, const ModelOptions *size, Err *err) {
  ModelOptions small = *size;
  if (gpt2_open(m, &small, 1, 1, err)) return -1;
  gpt2_init(*m, 1);
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < (*m)->param_count; i++) {
    Param *p = &(*m)->params[i];
    Random random = random_stream(2, RANDOM_TEST, (uint32_t)i, 0);
    random_normals(&random, p->g, param_size(p));
  }
  return 0;
}

/* How far a step of the first MLP matrix is from a multiple of an orthogonal one: the spread of its
   singular values, max |s - mean| / mean. */
static double spread_of_step(const GPT2 *m, Subject *s) {
  const Param *p = NULL;
  for (int i = 0; i < m->param_count && !p; i++)
    if (strstr(m->params[i].name, "mlp.c_fc.weight")) p = &m->params[i];
  int64_t n = param_size(p), k = p->cols;
  float *change = memory_take((size_t)n, sizeof *change);
  SingularWork work;
  Scratch scratch = {0};
  singular_layout(&work, &scratch, k);
  void *memory = scratch_allocate(&scratch);
  singular_layout(&work, &scratch, k);
  memcpy(change, p->w, (size_t)n * sizeof *change);
  subject_seconds(s);
  for (int64_t i = 0; i < n; i++) change[i] = (change[i] - p->w[i]) * 1e3f;
  singular_basis(change, p->rows, p->cols, RIGHT, &work);
  double mean = 0, worst = 0;
  for (int64_t i = 0; i < k; i++) mean += work.values[i] / (double)k;
  for (int64_t i = 0; i < k; i++) worst = fmax(worst, fabs(work.values[i] / mean - 1));
  free(change);
  free(memory);
  return worst;
}

int bench_optimizers(const char *name, const ModelOptions *size, int64_t tokens, int rounds,
                     Err *err) {
  GPT2 *m;
  ProductShape shapes[5];
  if (open_model(&m, size, err)) return -1;
  int count = product_shapes(size, tokens, shapes);
  double ceiling = sgemm_ceiling(shapes, count);
  double gradient = (double)tokens * gpt2_train_flops(m, size->context) / ceiling;
  printf("\n%s: one step of each method; the gradient of %lld tokens at the sgemm ceiling (%.0f "
         "GFLOP/s) takes %.1f ms\n", name, (long long)tokens, ceiling / 1e9, 1e3 * gradient);
  printf("  %-16s %9s %9s %9s %9s %10s %9s %10s\n", "", "ms", "first ms", "GFLOP/s", "of ceil.",
         "spread", "state MB", "of step");
  for (const Optimizer *const *method = optimizers; *method; method++) {
    Subject s;
    double times[ROUNDS_MAX];
    if (subject_open(&s, *method, "", m, err)) return -1;
    double first = subject_seconds(&s);
    for (int i = 0; i < rounds; i++) times[i] = subject_seconds(&s);
    double seconds = quantile(times, rounds, 0.5), flops = optimizer_flops(s.state);
    double spread = !(*method)->elementwise ? spread_of_step(m, &s) : NAN;
    printf("  %-16s %9.2f %9.1f %9.1f %8.1f%%", (*method)->name, 1e3 * seconds, 1e3 * first,
           flops / seconds / 1e9, 100 * flops / seconds / ceiling);
    if (isnan(spread)) printf(" %10s", "");
    else printf(" %10.2g", spread);
    printf(" %9.1f %9.1f%%\n", (double)optimizer_state_bytes(s.state) / 1e6,
           100 * seconds / (seconds + gradient));
    fflush(stdout);
    subject_close(&s);
  }
  gpt2_close(m);
  return 0;
}

/* ---- against the plain form ---- */

/* Jordan's five iterations as first published: X X^T, A A and B X as full products. */
static void plain_newton_schulz(float *X, int64_t rows, int64_t cols, float *scratch) {
  int64_t s = rows < cols ? rows : cols, l = rows + cols - s, n = rows * cols;
  float *Y = scratch, *Z = Y + n, *A = Z + n, *P = A + s * s;
  if (rows > cols)
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < cols; j++) Y[j * rows + i] = X[i * cols + j];
  else memcpy(Y, X, (size_t)n * sizeof *X);
  float scale = (float)(1 / frobenius_norm(Y, n));
  for (int64_t i = 0; i < n; i++) Y[i] *= scale;
  const NewtonSchulzPlan jordan = newton_schulz_plan(&(NewtonSchulz){.schedule = NS_JORDAN});
  for (int64_t k = 0; k < jordan.steps; k++) {
    float a = (float)jordan.abc[k][0], b = (float)jordan.abc[k][1], c = (float)jordan.abc[k][2];
    gemm(PLAIN, TRANSPOSED, s, s, l, 1, Y, l, Y, l, 0, A, s);
    gemm(PLAIN, PLAIN, s, s, s, 1, A, s, A, s, 0, P, s);
    for (int64_t i = 0; i < s * s; i++) P[i] = b * A[i] + c * P[i];
    memcpy(Z, Y, (size_t)n * sizeof *X);
    gemm(PLAIN, PLAIN, s, l, s, 1, P, s, Y, l, a, Z, l);
    float *swap = Y;
    Y = Z;
    Z = swap;
  }
  if (rows > cols)
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < cols; j++) X[i * cols + j] = Y[j * rows + i];
  else memcpy(X, Y, (size_t)n * sizeof *X);
}

static double plain_seconds(const GPT2 *m, float *X, float *scratch) {
  double start = clock_seconds();
  for (int i = 0; i < m->param_count; i++) {
    const Param *p = &m->params[i];
    if (p->role != ROLE_MATRIX) continue;
    int64_t rows = p->rows / p->blocks, n = rows * p->cols;
    for (int b = 0; b < p->blocks; b++) {
      memcpy(X, p->g + b * n, (size_t)n * sizeof *X);
      plain_newton_schulz(X, rows, p->cols, scratch);
    }
  }
  return clock_seconds() - start;
}

int bench_against_plain(const char *name, const ModelOptions *size, int rounds, Err *err) {
  extern const Optimizer muon, low_rank_muon;
  GPT2 *m;
  Subject full, low, adam;
  double a[ROUNDS_MAX], b[ROUNDS_MAX], c[ROUNDS_MAX], d[ROUNDS_MAX], e[ROUNDS_MAX];
  if (open_model(&m, size, err) || subject_open(&full, &muon, "", m, err) ||
      subject_open(&low, &low_rank_muon, "rank=128", m, err) ||
      subject_open(&adam, &adamw, "", m, err))
    return -1;
  int64_t C = size->C, most = 4 * C * C;
  float *X = memory_take((size_t)(3 * most + 2 * C * C), sizeof *X);
  for (int i = -1; i < rounds; i++) {
    int at = i < 0 ? 0 : i;
    a[at] = plain_seconds(m, X, X + most);
    b[at] = subject_seconds(&full);
    c[at] = subject_seconds(&low);
    d[at] = subject_seconds(&adam);
    e[at] = copy_bandwidth();
  }
  double plain = quantile(a, rounds, 0.5), muon_s = quantile(b, rounds, 0.5);
  double low_s = quantile(c, rounds, 0.5), adam_s = quantile(d, rounds, 0.5);
  double copy = quantile(e, rounds, 0.5);
  double moved = 28 * (double)gpt2_weights(m); /* w, g, m, v read; w, m, v written */
  printf("\n%s: the plain five iterations take %.1f ms; in turn with them\n", name, 1e3 * plain);
  printf("  muon's whole step           %9.1f ms: %.2f times faster\n", 1e3 * muon_s,
         plain / muon_s);
  printf("  low-rank-muon's, rank 128   %9.1f ms: %.2f times faster\n", 1e3 * low_s,
         plain / low_s);
  printf("  adamw's step moves %.1f GB/s, a plain copy %.1f GB/s: %.0f %%\n", moved / adam_s / 1e9,
         copy / 1e9, 100 * moved / adam_s / copy);
  free(X);
  subject_close(&full);
  subject_close(&low);
  subject_close(&adam);
  gpt2_close(m);
  return 0;
}
