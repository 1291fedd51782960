/* Laws of random matrices, Newton-Schulz on singular values, bounds, and --log-spectrum. Tests:
   optim/parts/spectrum run/spectrum_log run/spectra */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/file.h"
#include "run/spectrum_log.h"
#include "tests/check.h"
#include "run/spectra.h"
#include "tools/spectra/study.h"
#include "tools/spectra/values.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define FOLDER "build/test_spectrum_run"

static const double PI = 3.14159265358979323846;
static Err err;

/* ---- laws ---- */

static double quarter_circle(double y) {
  return (y / 2 * sqrt(4 - y * y) + 2 * asin(y / 2)) / PI;
}

static void test_laws(void) {
  for (double y = 0.01; y < 2; y += 0.07)
    check_near(law_cdf(1, y), quarter_circle(y), 1e-9, "quarter circle at %g", y);
  check_near(law_quantile(1, 0.5), 0.80795, 1e-5, "median of the quarter circle");
  check_near(law_quantile(1, 0.1), 0.15724, 1e-5, "its 10 %%");
  check_near(law_quantile(1, 0.01), 0.015708, 1e-6, "its 1 %%");
  check_near(law_quantile(1, 1), 2, 1e-9, "its largest");
  static const double gammas[] = {1, 0.5, 1. / 3, 0.25, 0.01};
  for (int i = 0; i < COUNT(gammas); i++) {
    double g = gammas[i], squares = 0, sum = 0;
    check_near(law_quantile(g, 0), 1 - sqrt(g), 1e-8, "lower edge for g = %g", g);
    check_near(law_quantile(g, 1), 1 + sqrt(g), 1e-8, "upper edge for g = %g", g);
    for (double q = 0.05; q < 1; q += 0.1)
      check_near(law_cdf(g, law_quantile(g, q)), q, 1e-8, "cdf of the %g quantile, g = %g", q, g);
    Values v = values_of_law(100, (int64_t)llround(100 / g));
    for (int64_t k = 0; k < v.n; k++) {
      squares += v.weight[k] * v.x[k] * v.x[k] * 100;
      sum += v.weight[k];
    }
    check_near(sum, 1, 1e-12, "weights of the law, g = %g", g);
    check_near(squares, 1, 1e-6, "mean square of the law, g = %g", g);
    values_free(&v);
  }
  check_near(smallest_quantile(0.5), 0.5447, 1e-4, "median of the smallest");
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The largest distance of the empirical distribution of x (n) from a law. */
static double distance_from(double *x, int n, double (*cdf)(double)) {
  double worst = 0;
  qsort(x, (size_t)n, sizeof *x, ascending);
  for (int i = 0; i < n; i++) worst = fmax(worst, fabs(cdf(x[i]) - (i + 0.5) / n));
  return worst;
}

static double gamma_now;
static double law_now(double y) { return law_cdf(gamma_now, y); }
static double smallest_cdf(double t) { return 1 - exp(-t * t / 2 - t); }

/* Eigenvalues repel: the empirical distribution is within a few 1/n of the law, much nearer than
   independent draws would be. */
static void test_random_matrices(void) {
  static const int64_t shapes[][2] = {{200, 200}, {200, 400}, {150, 600}, {96, 97}};
  for (int i = 0; i < COUNT(shapes); i++) {
    int64_t s = shapes[i][0], l = shapes[i][1];
    Values v;
    if (values_random(&v, s, l, 5, (uint32_t)i, &err)) check(0, "%s", err.text);
    double squares = 0;
    for (int64_t k = 0; k < s; k++) squares += v.x[k] * v.x[k];
    check_near(squares, 1, 1e-12, "||X||_F of %lld x %lld", (long long)s, (long long)l);
    for (int64_t k = 0; k < s; k++) v.x[k] *= sqrt((double)s);
    gamma_now = (double)s / (double)l;
    double near = 4.0 / (double)s;
    for (double q = 0.1; q < 1; q += 0.2)
      check_near(values_quantile(&v, q), law_quantile(gamma_now, q), near,
                 "%g quantile of %lld x %lld", q, (long long)s, (long long)l);
    double off = distance_from(v.x, (int)s, law_now);
    check(off <= near, "%lld x %lld: %.4f from the law", (long long)s, (long long)l, off);
    values_free(&v);
  }
}

/* Of 400 matrices: Kolmogorov's 1 % point is 1.63 / sqrt(400). */
static void test_smallest(void) {
  enum { MATRICES = 400, SIZE = 24 };
  static double t[MATRICES];
  double logs = 0;
  for (int i = 0; i < MATRICES; i++) {
    Values v;
    if (values_random(&v, SIZE, SIZE, 6, (uint32_t)i, &err)) check(0, "%s", err.text);
    t[i] = v.x[SIZE - 1] * pow(SIZE, 1.5);
    logs += log(t[i]) / MATRICES;
    values_free(&v);
  }
  double off = distance_from(t, MATRICES, smallest_cdf);
  check(off <= 1.63 / sqrt(MATRICES), "the smallest of %d x %d: %.3f from its law", SIZE, SIZE,
        off);
  check_near(logs, log(smallest_geometric_mean()), 0.2, "mean logarithm of the smallest");
}

/* ---- values ---- */

static void test_values(void) {
  /* rotated diag(3,1) and, tall and wide, a diagonal */
  const float turned[] = {2.1213203f, -0.70710678f, 2.1213203f, 0.70710678f};
  const float wide[] = {0, 0, 4, 3, 0, 0};
  const float tall[] = {0, 3, 0, 0, 4, 0};
  const float *const all[] = {turned, wide, tall};
  static const int64_t shapes[][2] = {{2, 2}, {2, 3}, {3, 2}};
  static const double want[][2] = {{0.9486833, 0.3162278}, {0.8, 0.6}, {0.8, 0.6}};
  for (int i = 0; i < 3; i++) {
    Values v;
    if (values_of_matrix(&v, all[i], shapes[i][0], shapes[i][1], &err)) check(0, "%s", err.text);
    for (int k = 0; k < 2; k++)
      check_near(v.x[k], want[i][k], 1e-6, "singular value %d of matrix %d", k, i);
    values_free(&v);
  }
  Values v = values_make(4);
  const double x[] = {0.25, 1.5, 1, 0.75};
  memcpy(v.x, x, sizeof x);
  Effect e = values_effect(&v);
  check_near(e.below_half, 0.25, 1e-15, "below one half");
  check_near(e.error, 0.375, 1e-15, "mean error");
  check_near(e.gram, sqrt((0.9375 * 0.9375 + 1.25 * 1.25 + 0.4375 * 0.4375) / 4), 1e-15, "gram");
  check_near(values_quantile(&v, 0), 0.25, 0, "smallest");
  check_near(values_quantile(&v, 1), 1.5, 0, "largest");
  check_near(values_quantile(&v, 0.5), 0.875, 1e-15, "median of four");
  check_near(values_quantile(&v, 0.375), 0.75, 1e-15, "the second value is at 3/8");
  values_free(&v);
}

/* The schedules at .001 .01 .1 .7 1, computed in double from their published numbers. */
static void test_schedules(void) {
  static const struct {
    const char *name;
    int steps;
    double want[5];
  } cases[] = {
      {"jordan", 5, {.47054395, .69891706, .71212008, 1.12032263, .69643641}},
      {"you", 6, {.86630381, .99878186, .99613611, .99846130, .99841184}},
      {"cesista", 5, {.47498156, 1.01802522, 1.01904989, 1.01368516, .97834556}},
      {"polar-express", 5, {.84617737, 1.06600050, .87493247, 1.10549542, 1.02875145}},
      {"classical", 5, {.02317099, .22849301, .99584882, 1, 1}},
      {"cubic", 5, {.00759364, .07582291, .65871897, 1, 1}},
      {"track3", 12, {1.00000495, 1, 1, 1, 1}},
  };
  static const double at[] = {.001, .01, .1, .7, 1};
  for (int i = 0; i < COUNT(cases); i++) {
    int schedule = word_index(NS_SCHEDULE_NAMES, cases[i].name);
    Values v = values_make(5);
    memcpy(v.x, at, sizeof at);
    for (int k = 0; k < cases[i].steps; k++) values_step(&v, schedule, k);
    for (int j = 0; j < 5; j++)
      check_near(v.x[j], cases[i].want[j], 1e-8, "%s, %d steps, at %g", cases[i].name,
                 cases[i].steps, at[j]);
    values_free(&v);
  }
  /* x_half: Jordan's five steps raise 1.07e-3 to one half. */
  check_near(steps_to_half(1.07e-3, NS_JORDAN), 5, 0.01, "steps to one half");
  check_near(steps_to_half(0.6, NS_JORDAN), 0, 0, "steps from above one half");
  check_near(steps_to_half(1e-6, NS_JORDAN) - steps_to_half(3.4445e-6, NS_JORDAN), 1, 1e-6,
             "a factor of 3.4445 is a step");
}

/* ---- convergence ---- */

static double delta_of(double x) { return 1 - x * x; }

static void test_taylor(void) {
  for (double x = 0.01; x <= 1; x += 0.037) {
    double d = delta_of(x), d1 = delta_of(taylor_step(x, 1)), d2 = delta_of(taylor_step(x, 2));
    check_near(d1, d * d * (3 + d) / 4, 1e-14, "delta' of degree 1 at %g", x);
    check_near(d2, d * d * d * (40 + 15 * d + 9 * d * d) / 64, 1e-14, "delta' of degree 2 at %g",
               x);
    double y = 1 - x * x, want = x * (1 + y / 2 + 3 * y * y / 8 + 5 * y * y * y / 16);
    check_near(taylor_step(x, 3), want, 1e-14, "degree 3 at %g", x);
    for (int k = 1; k <= 3; k++)
      check(delta_of(taylor_step(x, k)) <= pow(d, k + 1) + 1e-15, "degree %d at %g: the bound", k,
            x);
    Values v = values_make(1);
    v.x[0] = x;
    values_step(&v, NS_CUBIC, 0);
    check_near(v.x[0], taylor_step(x, 1), 1e-14, "cubic is degree 1, at %g", x);
    v.x[0] = x;
    values_step(&v, NS_CLASSICAL, 0);
    check_near(v.x[0], taylor_step(x, 2), 1e-14, "classical is degree 2, at %g", x);
    values_free(&v);
  }
}

/* eps_q exactly and its bound, as in a table derived from the paper's formulas. */
static void test_bounds(void) {
  static const struct {
    double x;
    int k, q;
    double eps, bound;
  } cases[] = {{.05, 2, 3, .68, .74},   {.05, 2, 5, .15, .33},  {.01, 2, 5, .77, .85},
               {.01, 2, 8, .057, .31},  {.01, 2, 10, 2e-10, 1e-3}, {1e-3, 1, 15, .58, .82},
               {1e-3, 2, 10, .50, .76}, {1e-3, 3, 8, .51, .75}, {1e-3, 3, 10, .002, .19}};
  for (int i = 0; i < COUNT(cases); i++) {
    double x = cases[i].x, power = pow(cases[i].k + 1, cases[i].q);
    for (int q = 0; q < cases[i].q; q++) x = taylor_step(x, cases[i].k);
    double bound = 1 - sqrt(1 - pow(delta_of(cases[i].x), power));
    check(fabs(1 - x - cases[i].eps) <= 0.006 + 0.1 * cases[i].eps * (cases[i].eps < 1e-2),
          "x %g, degree %d, %d steps: eps %.3g, not %.3g", cases[i].x, cases[i].k, cases[i].q,
          1 - x, cases[i].eps);
    check(fabs(bound - cases[i].bound) <= 0.006, "x %g, degree %d, %d steps: bound %.3g, not %.3g",
          cases[i].x, cases[i].k, cases[i].q, bound, cases[i].bound);
    check(1 - x <= bound, "x %g: the bound does not hold", cases[i].x);
  }
  /* Jordan's fixed point .868 repels (f' = -1.58): iterates stay away from 1. */
  Values v = values_make(1);
  double worst = 0;
  v.x[0] = 0.05;
  for (int k = 0; k < 60; k++) {
    values_step(&v, NS_JORDAN, k);
    if (k >= 40) worst = fmax(worst, fabs(v.x[0] - 1));
  }
  check(worst > 0.2 && worst < 0.33, "Jordan's plateau: %.3f", worst);
  values_free(&v);
}

/* p_k(X X^T) X of a matrix has the singular values taylor_step of X's. */
static void test_taylor_matrix(void) {
  enum { S = 4, L = 6 };
  static const double c[] = {1, 0.5, 0.375, 0.3125};
  for (int k = 1; k <= 3; k++) {
    double X[S][L], A[S][S], P[S][S], norm = 0, out[S][L] = {{0}};
    float before[S * L], after[S * L];
    for (int i = 0; i < S * L; i++) norm += pow((double)check_value(60, (uint64_t)i), 2);
    for (int i = 0; i < S * L; i++)
      X[i / L][i % L] = before[i] = (float)((double)check_value(60, (uint64_t)i) / sqrt(norm));
    for (int i = 0; i < S; i++)
      for (int j = 0; j < S; j++) {
        A[i][j] = i == j; /* I - X X^T */
        for (int n = 0; n < L; n++) A[i][j] -= X[i][n] * X[j][n];
        P[i][j] = i == j ? c[k] : 0;
      }
    for (int s = k - 1; s >= 0; s--) { /* Horner */
      double next[S][S];
      for (int i = 0; i < S; i++)
        for (int j = 0; j < S; j++) {
          next[i][j] = i == j ? c[s] : 0;
          for (int n = 0; n < S; n++) next[i][j] += P[i][n] * A[n][j];
        }
      memcpy(P, next, sizeof P);
    }
    double after_norm = 0;
    for (int i = 0; i < S; i++)
      for (int j = 0; j < L; j++) {
        for (int n = 0; n < S; n++) out[i][j] += P[i][n] * X[n][j];
        after[i * L + j] = (float)out[i][j];
        after_norm += out[i][j] * out[i][j];
      }
    Values v, w;
    if (values_of_matrix(&v, before, S, L, &err) || values_of_matrix(&w, after, S, L, &err))
      check(0, "%s", err.text);
    for (int i = 0; i < S; i++)
      check_near(w.x[i] * sqrt(after_norm), taylor_step(v.x[i], k), 1e-6,
                 "degree %d of a matrix, singular value %d", k, i);
    values_free(&v), values_free(&w);
  }
}

/* ---- --log-spectrum ---- */

/* To be freed. */
static void *open_work(SpectrumWork *work, int64_t rows, int64_t cols) {
  Scratch scratch = {0};
  spectrum_layout(work, &scratch, rows, cols);
  void *memory = scratch_allocate(&scratch);
  spectrum_layout(work, &scratch, rows, cols);
  return memory;
}

/* Z = diag(4, 2, 1) turned by a permutation, tall or wide; G = diag(0, 3, 4) beside it. */
static void test_measure(int tall) {
  enum { N = 15 };
  float Z[N] = {0}, G[N] = {0}, D[N] = {0}, polar[N] = {0};
  static const int at[] = {2, 0, 4}; /* long index of each short one */
  static const float z[] = {4, 2, 1}, g[] = {0, 3, 4}, d[] = {1, 1, 0};
  int64_t rows = tall ? 5 : 3, cols = tall ? 3 : 5;
  for (int i = 0; i < 3; i++) {
    int place = tall ? at[i] * 3 + i : i * 5 + at[i];
    Z[place] = z[i], G[place] = g[i], D[place] = d[i], polar[place] = 0.01f;
  }
  double n[SPECTRUM_NUMBERS];
  SpectrumWork work;
  void *memory = open_work(&work, rows, cols);
  spectrum_measure(Z, NULL, 0, G, polar, rows, cols, 1, 2, n, &work);
  check_near(n[SPECTRUM_STABLE_RANK], 21. / 16, 1e-12, "stable rank, tall %d", tall);
  check_near(n[SPECTRUM_CONDITION], 4, 1e-7, "condition, tall %d", tall);
  check_near(n[SPECTRUM_FIRST_QUANTILE], 1 / sqrt(21), 1e-9, "smallest");
  check_near(n[SPECTRUM_FIRST_QUANTILE + 4], 2 / sqrt(21), 1e-9, "median");
  check_near(n[SPECTRUM_FIRST_QUANTILE + 7], 4 / sqrt(21), 1e-9, "largest");
  check(n[SPECTRUM_POLAR_DISTANCE] <= 1e-3, "a multiple of msgn is %g from it",
        n[SPECTRUM_POLAR_DISTANCE]);
  check_near(n[SPECTRUM_UPDATE], 0.01 * sqrt(3) / 2, 1e-8, "update over weight");
  check_near(n[SPECTRUM_RANK], 1, 0, "rank");
  check_near(n[SPECTRUM_GRADIENT_OWN], 16. / 25, 1e-9, "energy of G in its own first direction");
  check_near(n[SPECTRUM_GRADIENT_IN], 0, 1e-9, "energy of G in Z's first direction");
  spectrum_measure(Z, NULL, 0, G, D, rows, cols, 2, 1, n, &work);
  check_near(n[SPECTRUM_POLAR_DISTANCE], sqrt(1. / 3), 1e-6, "two directions of three");
  check_near(n[SPECTRUM_GRADIENT_OWN], 1, 1e-9, "energy of G in its own two directions");
  check_near(n[SPECTRUM_GRADIENT_IN], 9. / 25, 1e-6, "energy of G in Z's first two");
  memset(Z, 0, sizeof Z);
  spectrum_measure(Z, NULL, 0, G, D, rows, cols, 2, 1, n, &work);
  check(isnan(n[SPECTRUM_STABLE_RANK]) && isnan(n[SPECTRUM_POLAR_DISTANCE]), "numbers of zero");
  free(memory);
}

/* M = diag(4, 2) in a space of two directions, Q = two unit vectors of the long side: two singular
   values, however long the short side is; G and D as in Q M, the first direction only. */
static void test_measure_projected(int64_t rows, int64_t cols) {
  float M[10] = {0}, Q[10] = {0}, G[25] = {0}, D[25] = {0};
  static const int at[] = {2, 0}; /* place on the long side of each direction */
  int tall = rows >= cols;
  for (int i = 0; i < 2; i++) {
    int64_t s = tall ? cols : rows;
    M[tall ? i * s + i : i * 2 + i] = i ? 2 : 4;
    Q[at[i] * 2 + i] = 1;
    D[tall ? at[i] * cols + i : i * cols + at[i]] = 0.5f;
  }
  G[tall ? at[0] * cols : at[0]] = 3;
  G[rows * cols - 1] = 4; /* outside */
  double n[SPECTRUM_NUMBERS];
  SpectrumWork work;
  void *memory = open_work(&work, rows, cols);
  spectrum_measure(M, Q, 2, G, D, rows, cols, 1, 1, n, &work);
  check_near(n[SPECTRUM_STABLE_RANK], 20. / 16, 1e-12, "projected: stable rank");
  check_near(n[SPECTRUM_CONDITION], 2, 1e-7, "projected %lld x %lld: condition", (long long)rows,
             (long long)cols);
  check_near(n[SPECTRUM_FIRST_QUANTILE], 2 / sqrt(20), 1e-9, "projected: smallest");
  check_near(n[SPECTRUM_FIRST_QUANTILE + 7], 4 / sqrt(20), 1e-9, "projected: largest");
  check(n[SPECTRUM_POLAR_DISTANCE] <= 1e-3, "projected: Q msgn(M) is %g from it",
        n[SPECTRUM_POLAR_DISTANCE]);
  check_near(n[SPECTRUM_GRADIENT_IN], 9. / 25, 1e-6, "projected: energy of G in M's first");
  free(memory);
}

/* Two parameters under a method for some steps, with the log on or off. */
static void run_steps(const char *optimizer, const char *said, int split, int every,
                      float *weights) {
  enum { Q = 24 * 8, O = 8 * 8 };
  static float w[Q + O], g[Q + O];
  static Config c;
  Param params[2] = {
      {"h.1.attn.c_attn.weight", ROLE_MATRIX, 1, 24, 8, 3, 6, 1, 0, 1, w, g},
      {"h.1.attn.c_proj.weight", ROLE_MATRIX, 1, 8, 8, 1, 1, 2, 0, 1, w + Q, g + Q}};
  SpectrumLog *log;
  OptimizerState *state;
  Settings settings = {0};
  c = (Config){.method = optimizer_find(optimizer, &err),
               .optimizer = {.lr = 0.02, .weight_decay = 0.1, .qkv_split = split}};
  c.run.log_spectrum = every;
  strcpy(c.run.out, FOLDER);
  c.method_options = calloc(1, c.method->options_size + 1);
  OptionSet sets[] = {
      {.title = optimizer, .rows = c.method->options, .values = c.method_options}, {0}};
  int bad = settings_preset(&settings, FROM_PRESET, "test", said, &err) ||
            options_apply(sets, NULL, &settings, &err) || folder_make(FOLDER, &err);
  for (int i = 0; i < Q + O; i++) w[i] = 0.3f * check_value(70, (uint64_t)i);
  bad = bad ||
        optimizer_open(&state, c.method, c.method_options, &c.optimizer, params, 2, 1, &err) ||
        spectrum_log_open(&log, &c, state, params, 2, 0, NULL, &err);
  check(!bad, "%s: %s", optimizer, bad ? err.text : "");
  if (bad) return;
  check(every || !log, "a log that is off is open");
  for (int t = 1; t <= 4; t++) {
    for (int i = 0; i < Q + O; i++) g[i] = check_value(71 + (uint64_t)t, (uint64_t)i);
    spectrum_log_before(log, t);
    optimizer_step(state, t, 0.5);
    if (spectrum_log_after(log, t, 0.01, &err)) check(0, "%s", err.text);
  }
  memcpy(weights, w, sizeof w);
  check(spectrum_log_close(log, &err) == 0, "closing: %s", err.text);
  optimizer_close(state);
  settings_free(&settings);
  free(c.method_options);
}

/* For every kind of method the log finds the orthogonalized matrix, and its update is as near to
   the polar factor as that method comes. */
static void test_log(void) {
  static const struct {
    const char *optimizer, *said, *of;
    int split;
    double least, most; /* distance from the polar factor */
  } cases[] = {
      {"muon", "orthogonalize=svd", "nesterov", QKV_THREE, 0, 1e-3},
      {"muon", "orthogonalize=svd nesterov=off", "momentum", QKV_THREE, 0, 1e-3},
      {"muon", "orthogonalize=svd", "nesterov", QKV_HEADS, 0, 1e-3},
      {"muon", "orthogonalize=svd", "nesterov", QKV_FUSED, 0, 1e-3},
      {"muon", "", "nesterov", QKV_THREE, 0.03, 0.5},
      {"msgd", "orthogonalize=svd", "gradient", QKV_THREE, 0, 1e-3},
      {"low-rank-muon", "rank=2 inner=svd", "nesterov", QKV_THREE, 0.8, 0.9},
      {"sumo", "form=v1 rank=3", "projected", QKV_THREE, 0, 1e-3},
      {"sumo", "form=v1 rank=2 update-gap=2", "projected", QKV_HEADS, 0, 1e-3},
      {"dion2", "", "gradient", QKV_THREE, 0.1, 1},
      {"orthogonal-sgdm", "orthogonalize=svd", "gradient", QKV_THREE, 0.1, 1},
      {"scion", "orthogonalize=svd radius=1", "momentum", QKV_THREE, 0, 1e-3}, /* keeps 1 - lr */
      {"sgd", "", "momentum", QKV_THREE, 0.05, 1},
      {"adamw", "", "momentum", QKV_THREE, 0.05, 1},
  };
  static float plain[256], logged[256];
  for (int i = 0; i < COUNT(cases); i++) {
    Spectra s;
    run_steps(cases[i].optimizer, cases[i].said, cases[i].split, 0, plain);
    run_steps(cases[i].optimizer, cases[i].said, cases[i].split, 2, logged);
    check(memcmp(plain, logged, sizeof plain) == 0, "%s: the log changes the weights",
          cases[i].optimizer);
    if (spectra_read(&s, FOLDER, &err)) {
      check(0, "%s", err.text);
      continue;
    }
    int classes = cases[i].split == QKV_FUSED ? 2 : 4;
    check(s.count == 2 * classes && s.class_count == classes, "%s: %d rows of %d classes",
          cases[i].optimizer, s.count, s.class_count);
    check(strcmp(s.classes[0], classes == 2 ? "attn.c_attn" : "attn.c_attn.q") == 0 &&
              strcmp(s.classes[classes - 1], "attn.c_proj") == 0,
          "%s: the first class is %s", cases[i].optimizer, s.classes[0]);
    for (int k = 0; k < s.count; k++) {
      double distance = s.rows[k].values[SPECTRUM_POLAR_DISTANCE];
      check(strcmp(s.rows[k].of, cases[i].of) == 0, "%s %s: of the %s", cases[i].optimizer,
            cases[i].said, s.rows[k].of);
      check(distance >= cases[i].least && distance <= cases[i].most,
            "%s %s, step %lld, %s: %.4f from the polar factor", cases[i].optimizer, cases[i].said,
            (long long)s.rows[k].step, s.classes[s.rows[k].kind], distance);
    }
    spectra_free(&s);
  }
}

/* ---- files and lists ---- */

static void refused(const char *text, const char *words) {
  Spectra s;
  file_write(FOLDER "/bad.csv", text, strlen(text), &err);
  strcpy(err.text, "accepted");
  int status = spectra_read(&s, FOLDER "/bad.csv", &err);
  check(status == -1 && strstr(err.text, words), "bad.csv: \"%s\", not \"%s\"", err.text, words);
  if (status == 0) spectra_free(&s);
}

static void test_errors(void) {
  char head[1024] = "step,class,matrices,of", text[2048];
  Spectra s;
  for (int i = 0; i < SPECTRUM_NUMBERS; i++)
    strcat(strcat(head, ","), spectrum_columns[i]);
  refused("", "the file is empty");
  refused("step,tokens,seconds\n", "not a spectrum.csv");
  refused("step,class\n", "no column \"of\"");
  snprintf(text, sizeof text, "%s\n", head);
  refused(text, "no step is logged yet");
  snprintf(text, sizeof text, "%s\n5,a,1,momentum,1\n", head);
  refused(text, "line 2: this row has fewer cells");
  snprintf(text, sizeof text, "%s\n5,a,1,momentum", head);
  for (int i = 0; i < SPECTRUM_NUMBERS; i++) strcat(text, ",x");
  strcat(text, "\n");
  refused(text, "\"x\" in column stable_rank is not a number");
  check(spectra_read(&s, "build", &err) == -1 && strstr(err.text, "--log-spectrum"),
        "a folder without: %s", err.text);
  int64_t numbers[4];
  int words[2];
  check(read_list("sizes", "64,128", 1, 8, 200, numbers, 3, &err) == 2 && numbers[1] == 128,
        "two sizes");
  check(read_list("sizes", "64;128", 1, 8, 200, numbers, 3, &err) == -1, "a semicolon");
  check(read_list("sizes", "4", 1, 8, 200, numbers, 3, &err) == -1 && strstr(err.text, "8 to 200"),
        "out of range: %s", err.text);
  check(read_list("sizes", "", 1, 8, 200, numbers, 3, &err) == -1, "no size");
  check(read_list("sizes", "9,9,9,9", 1, 8, 200, numbers, 3, &err) == -1, "too many sizes");
  check(read_list("shapes", "8x9,3x4", 2, 2, 99, numbers, 2, &err) == 2 && numbers[2] == 3 &&
            numbers[1] == 9,
        "shapes");
  check(read_list("shapes", "8", 2, 2, 99, numbers, 2, &err) == -1 && strstr(err.text, "768x768"),
        "no x");
  check(read_list("shapes", "8x1", 2, 2, 99, numbers, 2, &err) == -1, "a side of 1");
  check(read_words("spectra", "steep,power", "|power|steep", words, 2, &err) == 2 && words[0] == 1,
        "two words");
  check(read_words("spectra", "flat", "|power|steep", words, 2, &err) == -1 &&
            strstr(err.text, "power|steep"),
        "an unknown word: %s", err.text);
}

int main(void) {
  threads_start(1);
  test_laws();
  test_random_matrices();
  test_smallest();
  test_values();
  test_schedules();
  test_taylor();
  test_bounds();
  test_taylor_matrix();
  test_measure(0);
  test_measure(1);
  test_measure_projected(5, 3);
  test_measure_projected(3, 5);
  test_measure_projected(4, 4);
  test_log();
  test_errors();
  return check_report("spectrum");
}
