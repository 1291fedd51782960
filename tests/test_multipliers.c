/* Learnable multipliers: against a literal reference in double, finite differences, and laws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/threads.h"
#include "tests/check.h"
#include "tests/problem.h"

enum { ROWS = 12, COLS = 8, N = ROWS * COLS, STEPS = 5 };
static const int kinds[] = {MULTIPLIERS_ROW, MULTIPLIERS_COL, MULTIPLIERS_BOTH, MULTIPLIERS_SCALAR};
static const char *const kind_words[] = {"row", "col", "both", "scalar"};
static const double RATE = 0.05, DECAY = 0.3, LR = 0.02, WEIGHT_DECAY = 0.1;
static Err err;

/* A loss whose gradient depends on the weights: sum of a W + b W^2 / 2. */
static double a_of(int64_t i) { return 0.1 * (double)check_value(31, (uint64_t)i); }
static double b_of(int64_t i) { return 1 + (double)check_value(32, (uint64_t)i); }

static double loss(const double *W) {
  double sum = 0;
  for (int64_t i = 0; i < N; i++) sum += a_of(i) * W[i] + b_of(i) * W[i] * W[i] / 2;
  return sum;
}

/* ---- the reference: vectors r, c, s with their moments, in double ---- */

typedef struct {
  int blocks;
  double V[N], r[ROWS], c[3 * COLS], s[3], m[64], v[64];
} Reference;

static double weight(const Reference *f, int i, int j) {
  int block = i / (ROWS / f->blocks);
  return f->s[block] * f->r[i] * f->c[block * COLS + j] * f->V[i * COLS + j];
}

static void weights(const Reference *f, double *W) {
  for (int i = 0; i < N; i++) W[i] = weight(f, i / COLS, i % COLS);
}

/* Central differences of the loss in one of its variables. */
static double slope(Reference *f, double *variable) {
  double W[N], kept = *variable, h = 1e-5, above;
  *variable = kept + h;
  weights(f, W);
  above = loss(W);
  *variable = kept - h;
  weights(f, W);
  *variable = kept;
  return (above - loss(W)) / (2 * h);
}

static void adam_vector(double *x, const double *d, int n, double *m, double *v, int t) {
  for (int i = 0; i < n; i++) {
    m[i] = 0.9 * m[i] + 0.1 * d[i];
    v[i] = 0.95 * v[i] + 0.05 * d[i] * d[i];
    double u = m[i] / (1 - pow(0.9, t)) / (sqrt(v[i] / (1 - pow(0.95, t))) + 1e-8);
    x[i] = (1 - RATE * DECAY) * x[i] - RATE * u;
  }
}

/* A step of plain gradient descent on V, and of AdamW on the multipliers that are trained. All
   gradients are slopes of the loss. */
static void reference_step(Reference *f, int rows, int cols, int scalar, int t) {
  double dV[N], dr[ROWS], dc[3 * COLS], ds[3];
  for (int i = 0; i < N; i++) dV[i] = slope(f, &f->V[i]);
  for (int i = 0; i < ROWS; i++) dr[i] = slope(f, &f->r[i]);
  for (int i = 0; i < f->blocks * COLS; i++) dc[i] = slope(f, &f->c[i]);
  for (int i = 0; i < f->blocks; i++) ds[i] = slope(f, &f->s[i]);
  for (int i = 0; i < N; i++) f->V[i] = (1 - LR * WEIGHT_DECAY) * f->V[i] - LR * dV[i];
  if (rows) adam_vector(f->r, dr, ROWS, f->m, f->v, t);
  if (cols) adam_vector(f->c, dc, f->blocks * COLS, f->m + 16, f->v + 16, t);
  if (scalar) adam_vector(f->s, ds, f->blocks, f->m + 48, f->v + 48, t);
}

/* ---- the harness on the same loss ---- */

static Problem make(const char *method, int kind, int blocks, Role role) {
  const Shape shape = {ROWS, COLS, blocks, blocks, 1, role};
  Problem p = problem_make(optimizer_find(method, &err), &shape, 1);
  p.common.lr = LR, p.common.weight_decay = WEIGHT_DECAY;
  p.common.multipliers = (MultiplierOptions){kind, RATE, DECAY};
  problem_set_if_there(&p, "momentum", "0");
  return p;
}

static void advance(Problem *p, int from, int to) {
  for (int t = from; t <= to; t++) {
    for (int64_t i = 0; i < N; i++)
      p->params->g[i] = (float)(a_of(i) + b_of(i) * (double)p->params->w[i]);
    optimizer_step(p->state, t, 1);
  }
}

static void test_reference(int kind, int blocks, Role role) {
  static Reference f;
  double W[N], off = 0, moved = 0;
  int both = kind == MULTIPLIERS_BOTH, head = role == ROLE_EMBEDDING || role == ROLE_HEAD;
  Problem p = make("sgd", kind, blocks, role);
  f = (Reference){.blocks = blocks};
  for (int i = 0; i < N; i++) f.V[i] = (double)problem_weight(0, i);
  for (int i = 0; i < ROWS; i++) f.r[i] = 1;
  for (int i = 0; i < 3 * COLS; i++) f.c[i] = 1;
  for (int i = 0; i < 3; i++) f.s[i] = 1;
  problem_start(&p);
  advance(&p, 1, STEPS);
  for (int t = 1; t <= STEPS; t++)
    reference_step(&f, (both || kind == MULTIPLIERS_ROW) && !head,
                   both || kind == MULTIPLIERS_COL, kind == MULTIPLIERS_SCALAR, t);
  weights(&f, W);
  for (int i = 0; i < N; i++) {
    off = fmax(off, fabs((double)p.params->w[i] - W[i]));
    moved = fmax(moved, fabs(W[i] - (double)problem_weight(0, i)));
  }
  /* Weights of about 1 in float, some ten roundings. */
  check(off < 3e-6 && moved > 0.01, "%s, %d blocks, role %s: off by %g, moved %g",
        kind_words[kind - MULTIPLIERS_ROW], blocks, role_name(role), off, moved);
  problem_free(&p);
}

/* ---- laws ---- */

/* With a rate of 0 the multipliers stay 1, and every method computes the same bits. */
static void test_no_rate(const Optimizer *method, int kind) {
  static const Shape shapes[] = {{12, 8, 3, 6, 2, ROLE_MATRIX}, {9, 8, 1, 1, 1, ROLE_EMBEDDING},
                                 {8, 20, 1, 1, 1, ROLE_MATRIX}, {1, 8, 1, 1, 1, ROLE_VECTOR}};
  Problem a = problem_make(method, shapes, 4), b = problem_make(method, shapes, 4);
  b.common.multipliers = (MultiplierOptions){kind, 0, DECAY};
  problem_start(&a), problem_start(&b);
  problem_run(&a, NOISE, 1, 3), problem_run(&b, NOISE, 1, 3);
  check(problem_same_weights(&a, &b), "%s with %s multipliers at rate 0 differs", method->name,
        kind_words[kind - MULTIPLIERS_ROW]);
  problem_free(&a), problem_free(&b);
}

typedef struct {
  float *saved[64];
  int64_t floats[64];
  int count, at;
} Saved;

static void save(const char *name, int64_t floats, float *data, void *with) {
  Saved *s = with;
  (void)name;
  s->floats[s->count] = floats;
  s->saved[s->count] = malloc((size_t)floats * sizeof *data);
  memcpy(s->saved[s->count++], data, (size_t)floats * sizeof *data);
}

static void load(const char *name, int64_t floats, float *data, void *with) {
  Saved *s = with;
  check(floats == s->floats[s->at], "%s has another size", name);
  memcpy(data, s->saved[s->at], (size_t)floats * sizeof *data);
  free(s->saved[s->at++]);
}

/* State and weights in another process continue with the same bits. */
static void test_resume(const char *method, int kind) {
  Problem a = make(method, kind, 3, ROLE_MATRIX), b = make(method, kind, 3, ROLE_MATRIX);
  Saved s = {.count = 0};
  problem_start(&a), problem_start(&b);
  advance(&a, 1, 3);
  optimizer_visit(a.state, save, &s);
  memcpy(b.params->w, a.params->w, N * sizeof(float));
  optimizer_visit(b.state, load, &s);
  check(s.at == s.count && s.count > 1, "%d of %d arrays are read", s.at, s.count);
  advance(&a, 4, 6), advance(&b, 4, 6);
  check(problem_same_weights(&a, &b), "%s with %s multipliers continues differently", method,
        kind_words[kind - MULTIPLIERS_ROW]);
  problem_free(&a), problem_free(&b);
}

/* What they need: V, and four numbers for each multiplier. */
static void test_state(void) {
  Problem a = make("muon", MULTIPLIERS_BOTH, 3, ROLE_MATRIX);
  Problem b = make("muon", MULTIPLIERS_NONE, 3, ROLE_MATRIX);
  char route[128];
  problem_start(&a), problem_start(&b);
  size_t more = optimizer_state_bytes(a.state) - optimizer_state_bytes(b.state);
  check(more == 4 * (N + 4 * (ROWS + 3 * COLS + 3)), "the multipliers need %zu bytes", more);
  check_near(optimizer_share(a.state, 0).state_bytes, (double)optimizer_state_bytes(a.state), 0,
             "a single rank owns all");
  optimizer_route(a.state, a.params, route, sizeof route);
  check(strstr(route, ", row and column multipliers") != NULL, "route: %s", route);
  problem_free(&a), problem_free(&b);
}

int main(void) {
  threads_start(2);
  for (int k = 0; k < 4; k++) {
    test_reference(kinds[k], 1, ROLE_MATRIX);
    test_reference(kinds[k], 3, ROLE_MATRIX);
    if (kinds[k] != MULTIPLIERS_ROW) test_reference(kinds[k], 1, ROLE_EMBEDDING);
    test_reference(kinds[k], 1, ROLE_INPUT);
    for (int i = 0; optimizers[i]; i++) test_no_rate(optimizers[i], kinds[k]);
    test_resume("muon", kinds[k]);
    test_resume("adamw", kinds[k]);
  }
  test_state();
  return check_report("multipliers");
}
