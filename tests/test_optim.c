/* Schedules, gradients, orthogonalization, and the laws that every registered optimizer keeps. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "optim/adamw.h"
#include "optim/gradient.h"
#include "optim/newton_schulz.h"
#include "optim/optim.h"
#include "optim/orthogonalize.h"
#include "optim/schedule.h"
#include "tests/check.h"
#include "tests/golden.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static Err err;

/* An assertion of LAPACK's results would end the program without a word on the case. */
static char now[160];

static void say_where(int signal_number) {
  (void)signal_number;
  printf("  FAILED: stopped in: %s\n", now);
  fflush(stdout);
}

/* ---- schedules ---- */

static void test_schedule(int kind, int64_t warmup, int64_t steps, double final_lr) {
  ScheduleOptions o = {kind, warmup, 0.6, final_lr};
  char about[120], name[20];
  word_at(SCHEDULE_NAMES, kind, name, sizeof name);
  snprintf(about, sizeof about, "%s, warm-up %lld of %lld steps, final-lr %g", name,
           (long long)warmup, (long long)steps, final_lr);
  double before = 2, last = schedule_at(&o, steps, steps);
  for (int64_t t = 1; t <= steps; t++) {
    double m = schedule_at(&o, t, steps);
    check(m > 0 && m <= 1, "%s: multiplier %g at step %lld", about, m, (long long)t);
    if (t <= warmup) check_near(m, (double)t / (double)warmup, 1e-15, "%s: step %lld", about,
                                (long long)t);
    else check(m <= before, "%s: rises to %g at step %lld", about, m, (long long)t);
    before = t > warmup ? m : 2;
  }
  check(last >= final_lr, "%s: ends at %g", about, last);
  if (kind == 0) check(last == 1, "%s: ends at %g", about, last);
  else if (steps >= 100) check(last <= final_lr + 0.05, "%s: ends at %g", about, last);
}

static void test_schedules(void) {
  static const char *const names = "constant|linear|cosine|wsd";
  check(strcmp(SCHEDULE_NAMES, names) == 0, "the schedules are " SCHEDULE_NAMES);
  for (int kind = 0; kind < 4; kind++)
    for (int last = 0; last < 3; last++) {
      double final_lr = last * 0.3;
      test_schedule(kind, 0, 1, final_lr);
      test_schedule(kind, 1, 2, final_lr);
      test_schedule(kind, 0, 7, final_lr);
      test_schedule(kind, 30, 200, final_lr);
      test_schedule(kind, 0, 1000, final_lr);
    }
  /* Half way (or where wsd has half of its decay left), by hand. */
  ScheduleOptions linear = {1, 20, 0.6, 0.5}, cosine = {2, 0, 0.6, 0.2}, wsd = {3, 0, 0.4, 0};
  check_near(schedule_at(&linear, 61, 100), 0.75, 1e-15, "linear, half way");
  check_near(schedule_at(&cosine, 51, 100), 0.6, 1e-15, "cosine, half way");
  check_near(schedule_at(&cosine, 26, 100), 0.2 + 0.8 * (1 + sqrt(0.5)) / 2, 1e-15, "cosine, 1/4");
  check_near(schedule_at(&wsd, 60, 100), 1, 0, "wsd, before the decay");
  check_near(schedule_at(&wsd, 81, 100), 0.5, 1e-15, "wsd, half of the decay");
  check_near(schedule_at(&wsd, 100, 100), 1 / 40., 1e-15, "wsd, last step");
  check(schedule_check(&linear, 21, &err) == 0, "warm-up 20 of 21 steps: %s", err.text);
  check(schedule_check(&linear, 20, &err) == -1 && strstr(err.text, "--warmup 20"),
        "warm-up 20 of 20 steps: %s", err.text);
}

/* ---- gradients ---- */

static void test_gradients(void) {
  static const int64_t sizes[][2] = {{1, 1}, {1, 63}, {7, 13}, {1, 130}, {33, 257}};
  Param p[COUNT(sizes)] = {{{0}, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL}};
  double squares = 0;
  for (int i = 0; i < COUNT(sizes); i++) {
    p[i].rows = sizes[i][0], p[i].cols = sizes[i][1];
    p[i].g = malloc((size_t)param_size(&p[i]) * sizeof(float));
    for (int64_t j = 0; j < param_size(&p[i]); j++) {
      p[i].g[j] = 1e15f * check_value((uint64_t)i, (uint64_t)j); /* float squares would be inf */
      squares += (double)p[i].g[j] * (double)p[i].g[j];
    }
  }
  float before = p[4].g[77];
  double norm = gradient_norm(p, COUNT(p));
  check_near(norm / sqrt(squares), 1, 1e-13, "gradient_norm against the plain sum");
  gradient_scale(p, COUNT(p), 1 / norm);
  check_near(gradient_norm(p, COUNT(p)), 1, 1e-6, "norm after scaling to 1");
  check_near(p[4].g[77] * norm / before, 1, 1e-6, "a number after scaling");
  check(!gradient_not_finite(p, COUNT(p)), "a finite gradient is called not finite");
  check(gradient_norm(p, 0) == 0, "the norm of no gradients");
  for (int k = 0; k < 3; k++) {
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    float *at = &p[2].g[90], kept = *at;
    *at = bad[k];
    check(gradient_not_finite(p, COUNT(p)) == &p[2], "%g is not found", (double)bad[k]);
    check(!isfinite(gradient_norm(p, COUNT(p))), "the norm with %g is finite", (double)bad[k]);
    *at = kept;
  }
  for (int i = 0; i < COUNT(sizes); i++) free(p[i].g);
}

/* ---- Newton-Schulz: the scalar polynomials ---- */

static const double points[7] = {.001, .01, .05, .1, .3, .7, 1};
static const struct {
  const char *schedule;
  int steps;
  double values[7];
} composed[] = {
    {"jordan", 5,
     {.47054395, .69891706, .75811965, .71212008, 1.07959229, 1.12032263, .69643641}},
    {"you", 6, {.86630381, .99878186, .99617594, .99613611, .99560065, .99846130, .99841184}},
    {"cesista", 5,
     {.47498156, 1.01802522, 1.01064412, 1.01904989, .99622430, 1.01368516, .97834556}},
    {"polar-express", 5,
     {.84617737, 1.06600050, .97052994, .87493247, .91050527, 1.10549542, 1.02875145}},
    {"polar-express", 6,
     {.99440673, .99885392, 1.00103016, .99790761, 1.00036868, .99934456, .99958130}},
    {"dion", 5,
     {.85887264, 1.02711018, .90855828, 1.05916114, .98314195, .93563357, .85912896}},
    {"cans", 5,
     {.88652752, 1.11316923, 1.05758616, .91630878, 1.01061847, .89112550, 1.00506942}},
    {"classical", 5, {.02317099, .22849301, .85212373, .99584882, 1, 1, 1}},
    {"cubic", 5, {.00759364, .07582291, .36582028, .65871897, .99576699, 1, 1}},
    {"track3", 12, {1.00000495, 1, 1, 1, 1, 1, 1}},
};

/* The whole schedule on one singular value. */
static double compose(const NewtonSchulz *ns, double x) {
  for (int64_t k = 0; k < newton_schulz_steps(ns); k++) {
    double a, b, c;
    newton_schulz_coefficients(ns, k, &a, &b, &c);
    x = a * x + b * pow(x, 3) + c * pow(x, 5);
  }
  return x;
}

static void test_polynomials(void) {
  for (int i = 0; i < COUNT(composed); i++) {
    NewtonSchulz ns = {word_index(NS_SCHEDULE_NAMES, composed[i].schedule), composed[i].steps};
    for (int j = 0; j < 7; j++)
      check_near(compose(&ns, points[j]), composed[i].values[j], 1e-8, "%s, %d steps, at %g",
                 composed[i].schedule, composed[i].steps, points[j]);
  }
  NewtonSchulz ns = {word_index(NS_SCHEDULE_NAMES, "track3"), 0};
  check(newton_schulz_steps(&ns) == 12, "track3 has %lld steps",
        (long long)newton_schulz_steps(&ns));
  ns.steps = 3;
  check(newton_schulz_steps(&ns) == 3, "ns-steps 3 makes %lld",
        (long long)newton_schulz_steps(&ns));
  for (double x = 1e-6; x <= 1; x *= 1.7)
    check_near(compose(&newton_schulz_exact, x), 1, 1e-9, "exact, at %g", x);
}

/* The generator against the published triples in the schedule (the last is printed as its limit).
   Steps of the schedule are divided by 1.01, its last is not. */
static void test_generator(void) {
  NewtonSchulz ns = {word_index(NS_SCHEDULE_NAMES, "polar-express"), 8};
  double abc[8][3], safe[8][3], abc_of[3];
  polar_express_generate(1e-3, 8, 1, abc);
  polar_express_generate(1e-3, 8, 1.01, safe);
  for (int k = 0; k < 8; k++) {
    newton_schulz_coefficients(&ns, k, &abc_of[0], &abc_of[1], &abc_of[2]);
    for (int i = 0; i < 3; i++)
      check_near((k < 7 ? safe : abc)[k][i], abc_of[i], 1e-8,
                 "Polar Express, step %d, coefficient %d", k, i);
  }
}

/* ---- matrices with known singular values ---- */

/* Columns (n,k), k <= n, orthonormal: Gram-Schmidt, twice is enough. */
static double *orthonormal(int64_t n, int64_t k, uint64_t stream) {
  double *Q = malloc((size_t)(n * k) * sizeof *Q);
  for (int64_t j = 0; j < k; j++) {
    double norm = 0;
    for (int64_t i = 0; i < n; i++)
      Q[i * k + j] = (double)check_value(stream, (uint64_t)(i * k + j));
    for (int64_t before = 0; before < 2 * j; before++) {
      double along = 0;
      for (int64_t i = 0; i < n; i++) along += Q[i * k + before % j] * Q[i * k + j];
      for (int64_t i = 0; i < n; i++) Q[i * k + j] -= along * Q[i * k + before % j];
    }
    for (int64_t i = 0; i < n; i++) norm += Q[i * k + j] * Q[i * k + j];
    for (int64_t i = 0; i < n; i++) Q[i * k + j] /= sqrt(norm);
  }
  return Q;
}

/* U diag(s) V^T with U (rows,k), V (cols,k). To be freed. */
static double *compose_matrix(const double *U, const double *s, const double *V, int64_t rows,
                              int64_t cols, int64_t k) {
  double *X = calloc((size_t)(rows * cols), sizeof *X);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++)
      for (int64_t l = 0; l < k; l++) X[i * cols + j] += U[i * k + l] * s[l] * V[j * k + l];
  return X;
}

static float *to_float(const double *X, int64_t n, double scale) {
  float *Y = malloc((size_t)n * sizeof *Y);
  for (int64_t i = 0; i < n; i++) Y[i] = (float)(scale * X[i]);
  return Y;
}

typedef void Method(float *, int64_t, int64_t, const NewtonSchulz *, float *);

/* Every singular value must become what the scalar polynomial makes of it, and U and V stay. */
static void check_matrix(Method *method, int schedule, int64_t rows, int64_t cols, double scale) {
  NewtonSchulz ns = {schedule, 0};
  int64_t k = rows < cols ? rows : cols, n = rows * cols;
  double *U = orthonormal(rows, k, 1), *V = orthonormal(cols, k, 2), norm = 0;
  double *s = calloc((size_t)k, sizeof *s);
  for (int64_t i = 0; i < k; i++) {
    s[i] = pow(0.01, k > 1 ? (double)i / (double)(k - 1) : 0); /* 1 down to 0.01 */
    norm += s[i] * s[i];
  }
  double *X = compose_matrix(U, s, V, rows, cols, k);
  float *got = to_float(X, n, scale);
  for (int64_t i = 0; i < k; i++)
    s[i] = compose(&ns, s[i] / (newton_schulz_margin(&ns) * sqrt(norm)));
  double *want = compose_matrix(U, s, V, rows, cols, k);
  float *scratch = malloc((size_t)newton_schulz_scratch(rows, cols) * sizeof *scratch);
  char name[32];
  word_at(NS_SCHEDULE_NAMES, schedule, name, sizeof name);
  method(got, rows, cols, &ns, scratch);
  double error = relative_error(got, want, n), allowed = strcmp(name, "cans") == 0 ? 1e-4 : 3e-5;
  check(error <= allowed, "newton_schulz%s, %s, %lld x %lld scaled by %g: relative error %.2g",
        method == newton_schulz ? "" : "_direct", name, (long long)rows, (long long)cols, scale,
        error);
  free(U), free(V), free(s), free(X), free(got), free(want), free(scratch);
}

static void test_newton_schulz(void) {
  static const int64_t shapes[][2] = {{1, 1}, {1, 9},  {9, 1},   {5, 8},   {8, 5},  {7, 7},
                                      {3, 100}, {100, 3}, {48, 64}, {64, 48}, {31, 47}};
  for (int schedule = 0; ; schedule++) {
    char name[32];
    word_at(NS_SCHEDULE_NAMES, schedule, name, sizeof name);
    /* CANS is steep at 1, where it ends: it makes 0.995 to 1.015 of a vector of norm 1. */
    int from = strcmp(name, "cans") == 0 ? 3 : 0;
    for (int i = from; i < COUNT(shapes); i++) {
      check_matrix(newton_schulz, schedule, shapes[i][0], shapes[i][1], 1);
      check_matrix(newton_schulz_direct, schedule, shapes[i][0], shapes[i][1], 1);
    }
    check_matrix(newton_schulz, schedule, 6, 11, 1e-30);
    check_matrix(newton_schulz, schedule, 6, 11, 1e30);
    check_matrix(newton_schulz_direct, schedule, 7, 6, 1e-30);
    check_matrix(newton_schulz_direct, schedule, 7, 6, 1e30);
    const char *last = strrchr(NS_SCHEDULE_NAMES, '|') + 1;
    if (strcmp(name, last) == 0) break;
  }
}

/* ---- the polar factor ---- */

static const int ways[] = {BY_SVD, BY_EXACT};

/* msgn of X (rows,cols) in double, by way of float. To be freed. */
static double *polar_of(const double *X, int64_t rows, int64_t cols, int way, double scale) {
  Polar polar = {.way = way};
  float *Y = to_float(X, rows * cols, scale);
  double *out = malloc((size_t)(rows * cols) * sizeof *out);
  float *scratch = NULL;
  size_t bytes = (size_t)polar_scratch(rows, cols, &polar) * sizeof *scratch;
  if (posix_memalign((void **)&scratch, 64, bytes)) exit(1);
  polar_factor(Y, rows, cols, &polar, scratch);
  for (int64_t i = 0; i < rows * cols; i++) out[i] = Y[i];
  free(Y), free(scratch);
  return out;
}

static double distance(const double *a, const double *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(sum);
}

static void check_polar(const double *X, const double *want, int64_t rows, int64_t cols,
                        double scale, const char *what) {
  for (int w = 0; w < COUNT(ways); w++) {
    double *got = polar_of(X, rows, cols, ways[w], scale);
    double error = distance(got, want, rows * cols);
    check(error <= 3e-5, "polar_factor by %s: %s, %lld x %lld: off by %.2g",
          ways[w] == BY_SVD ? "svd" : "exact", what, (long long)rows, (long long)cols, error);
    free(got);
  }
}

/* U V^T whatever positive singular values lie between, and whatever the scale; and the transpose
   of it for the transpose. With U and V taken at random, P X R and all orthogonal changes are
   among the cases. */
static void check_polar_case(int64_t rows, int64_t cols) {
  int64_t k = rows < cols ? rows : cols, n = rows * cols;
  for (int spread = 0; spread < 3; spread++) {
    double *U = orthonormal(rows, k, 10 + (uint64_t)spread), *V = orthonormal(cols, k, 20);
    double s[128], one[128];
    for (int64_t i = 0; i < k; i++) {
      s[i] = pow(10, -(double)spread * (double)i / (double)k);
      one[i] = 1;
    }
    double *X = compose_matrix(U, s, V, rows, cols, k);
    double *want = compose_matrix(U, one, V, rows, cols, k);
    double *T = compose_matrix(V, s, U, cols, rows, k);
    double *want_T = compose_matrix(V, one, U, cols, rows, k), trace = 0, sum = 0;
    check_polar(X, want, rows, cols, 1, "U S V^T");
    check_polar(X, want, rows, cols, 3e-30, "scaled by 3e-30");
    check_polar(X, want, rows, cols, 7e30, "scaled by 7e30");
    check_polar(T, want_T, cols, rows, 1, "V S U^T");
    for (int64_t i = 0; i < n; i++) trace += X[i] * want[i];
    for (int64_t i = 0; i < k; i++) sum += s[i];
    check_near(trace, sum, 1e-12, "<X, msgn(X)> is the nuclear norm"); /* of the test's own */
    free(U), free(V), free(X), free(want), free(T), free(want_T);
  }
}

/* Rank-deficient: only the nonzero singular values become 1. */
static void test_polar_rank(int64_t rows, int64_t cols, int64_t rank) {
  double *U = orthonormal(rows, rank, 30), *V = orthonormal(cols, rank, 31), s[16], one[16];
  for (int64_t i = 0; i < rank; i++) s[i] = 1 + (double)i, one[i] = 1;
  double *X = compose_matrix(U, s, V, rows, cols, rank);
  double *want = compose_matrix(U, one, V, rows, cols, rank);
  double *got = polar_of(X, rows, cols, BY_SVD, 1);
  double norm = 0;
  for (int64_t i = 0; i < rows * cols; i++) norm += got[i] * got[i];
  /* Rounding to float makes 1e-8 of the zeros; below 3e-7 of the largest they do not count. */
  check(fabs(norm - (double)rank) <= 1e-4, "msgn of rank %lld, %lld x %lld: norm^2 %.6g",
        (long long)rank, (long long)rows, (long long)cols, norm);
  double along = 0;
  for (int64_t i = 0; i < rows * cols; i++) along += got[i] * want[i];
  check_near(along, (double)rank, 1e-4, "msgn of rank %lld, %lld x %lld, along its own",
             (long long)rank, (long long)rows, (long long)cols);
  free(U), free(V), free(X), free(want), free(got);
}

static void test_polar(void) {
  static const double turn[] = {0, -2, 1, 0}, turned[] = {0, -1, 1, 0};
  static const double flat[] = {2, 0, 0, 0, 0, 1}, flattened[] = {1, 0, 0, 0, 0, 1};
  static const double spd[] = {2, 1, 0, 1, 3, 1, 0, 1, 4}, identity[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  static const double zero[12] = {0}, one_entry[] = {0, 0, 0, 0, -3, 0};
  static const double sign[] = {0, 0, 0, 0, -1, 0};
  check_polar(turn, turned, 2, 2, 1, "[0 -2; 1 0]");
  check_polar(flat, flattened, 2, 3, 1, "[2 0 0; 0 0 1]");
  check_polar(spd, identity, 3, 3, 1, "a positive definite matrix");
  check_polar(zero, zero, 3, 4, 1, "zero");
  check_polar(zero, zero, 4, 3, 1, "zero");
  check_polar(one_entry, sign, 2, 3, 1, "one entry");
  check_polar_case(5, 8);
  check_polar_case(8, 5);
  check_polar_case(7, 7);
  check_polar_case(1, 13);
  check_polar_case(13, 1);
  check_polar_case(64, 30);
  test_polar_rank(6, 9, 2);
  test_polar_rank(9, 6, 3);
  test_polar_rank(7, 7, 1);
}

static void test_shape_scale(void) {
  static const char *const names[] = {"none", "kj", "spectral", "rms", "old"};
  static const int64_t shapes[][2] = {{768, 768}, {3072, 768}, {768, 3072}, {2304, 768}};
  static const double want[][4] = {{1, 1, 1, 1},
                                   {1, 2, 1, 1.732},
                                   {1, 2, 0.5, 1.732},
                                   {5.543, 11.085, 11.085, 9.6},
                                   {27.71, 55.43, 55.43, 48}};
  for (int k = 0; k < COUNT(names); k++)
    for (int i = 0; i < 4; i++) {
      double got = shape_scale(word_index(SHAPE_SCALE_NAMES, names[k]), shapes[i][0],
                               shapes[i][1]);
      check_near(got, want[k][i], 2e-4, "shape scale %s of %lld x %lld", names[k],
                 (long long)shapes[i][0], (long long)shapes[i][1]);
    }
}

/* ---- problems for the optimizers ---- */

enum { PARAMS_MAX = 13 };

/* Some parameters with an optimizer on them. */
typedef struct {
  const Optimizer *method;
  OptimizerOptions common;
  void *options;
  Param params[PARAMS_MAX];
  int count;
  uint64_t seed;
  OptimizerState *state;
} Problem;

typedef struct {
  int64_t rows, cols;
  int blocks, head_rows, head_cols;
  Role role;
} Shape;

/* Wide, tall, square, thin, prime, a fused matrix, one cut by columns, and every other role. */
static const Shape mixed[] = {
    {12, 8, 1, 1, 1, ROLE_MATRIX}, {8, 12, 1, 1, 1, ROLE_MATRIX},  {7, 7, 1, 1, 1, ROLE_MATRIX},
    {11, 5, 1, 1, 1, ROLE_MATRIX}, {1, 9, 1, 1, 1, ROLE_MATRIX},   {9, 1, 1, 1, 1, ROLE_MATRIX},
    {12, 4, 3, 6, 1, ROLE_MATRIX}, {4, 12, 1, 1, 2, ROLE_MATRIX},  {1, 1, 1, 1, 1, ROLE_MATRIX},
    {1, 6, 1, 1, 1, ROLE_VECTOR},  {13, 5, 1, 1, 1, ROLE_EMBEDDING}, {6, 5, 1, 1, 1, ROLE_POSITION},
    {13, 5, 1, 1, 1, ROLE_HEAD}};

static Problem make_problem(const Optimizer *method, const Shape *shapes, int count) {
  Problem p = {.method = method, .count = count, .seed = 42,
               .common = {.lr = 0.02, .weight_decay = 0.1, .aux_lr = 0.01, .aux_beta1 = 0.9,
                          .aux_beta2 = 0.95, .aux_eps = 1e-8}};
  p.options = calloc(1, method->options_size + 1);
  OptionSet set = {"options", method->options, p.options};
  options_default(&set);
  for (int i = 0; i < count; i++) {
    const Shape *s = &shapes[i];
    size_t size = (size_t)(s->rows * s->cols);
    p.params[i] = (Param){.role = s->role, .rows = s->rows, .cols = s->cols, .blocks = s->blocks,
                          .head_rows = s->head_rows, .head_cols = s->head_cols,
                          .decay = s->role != ROLE_VECTOR, .w = malloc(size * sizeof(float)),
                          .g = calloc(size, sizeof(float))};
    snprintf(p.params[i].name, sizeof p.params[i].name, "p%d", i);
    for (size_t j = 0; j < size; j++) p.params[i].w[j] = check_value(500 + (uint64_t)i, j);
  }
  return p;
}

static int start(Problem *p) {
  return optimizer_open(&p->state, p->method, p->options, &p->common, p->params, p->count, p->seed,
                        &err);
}

static void must_start(Problem *p) {
  snprintf(now, sizeof now, "%s", p->method->name);
  if (start(p) == 0) return;
  check(0, "%s does not open: %s", p->method->name, err.text);
  exit(check_report("optim"));
}

static void free_problem(Problem *p) {
  optimizer_close(p->state);
  for (int i = 0; i < p->count; i++) free(p->params[i].w), free(p->params[i].g);
  free(p->options);
}

static const Option *find_option(const Optimizer *method, const char *name) {
  for (const Option *row = method->options; row->name; row++)
    if (strcmp(row->name, name) == 0) return row;
  return NULL;
}

/* Sets an option when the method has it and the value is allowed. */
static void set_if_there(Problem *p, const char *name, const char *value) {
  const Option *row = find_option(p->method, name);
  Err ignored;
  if (row) option_set(row, p->options, value, "test", &ignored);
}

/* What the gradient of a step is made of. */
typedef enum { NOISE, UNEVEN, RANK_ONE, ZERO, ONE_ENTRY, TINY, HUGE_NOISE, KINDS } Kind;
static const char *const kind_names[] = {"noise", "uneven noise", "rank one", "zero",
                                         "one entry", "1e-30", "1e30"};

static float entry(Kind kind, uint64_t stream, int64_t i, int64_t row, int64_t col) {
  float x = check_value(stream, (uint64_t)i);
  switch (kind) {
    case UNEVEN: return x * powf(10, -(float)(col % 9)); /* for what only small numbers show */
    case RANK_ONE: return check_value(stream, (uint64_t)row) * check_value(9, (uint64_t)col);
    case ZERO: return 0;
    case ONE_ENTRY: return i == 0 ? -3 : 0;
    case TINY: return 1e-30f * x;
    case HUGE_NOISE: return 1e30f * x;
    default: return x;
  }
}

static void set_gradients(Problem *p, Kind kind, int64_t t) {
  for (int i = 0; i < p->count; i++)
    for (int64_t j = 0; j < param_size(&p->params[i]); j++)
      p->params[i].g[j] = entry(kind, 700 + 20 * (uint64_t)t + (uint64_t)i, j,
                                j / p->params[i].cols, j % p->params[i].cols);
}

static void run_steps(Problem *p, Kind kind, int64_t from, int64_t to) {
  for (int64_t t = from; t <= to; t++) {
    set_gradients(p, kind, t);
    optimizer_step(p->state, t, 1);
  }
}

static int same_weights(const Problem *a, const Problem *b) {
  for (int i = 0; i < a->count; i++)
    if (memcmp(a->params[i].w, b->params[i].w,
               (size_t)param_size(&a->params[i]) * sizeof(float)) != 0)
      return 0;
  return 1;
}

/* Frobenius norm of the difference, relative to the norm of what b moved. */
static double weights_difference(const Problem *a, const Problem *b) {
  double off = 0, moved = 0;
  for (int i = 0; i < a->count; i++)
    for (int64_t j = 0; j < param_size(&a->params[i]); j++) {
      double w0 = (double)check_value(500 + (uint64_t)i, (uint64_t)j), w = b->params[i].w[j];
      off += pow((double)a->params[i].w[j] - w, 2);
      moved += pow(w - w0, 2);
    }
  return sqrt(off / moved);
}

/* ---- the laws ---- */

/* Laws that a method need not keep. That it really breaks them is checked, so that no row stays
   here longer than it is true. */
static const struct {
  const char *method, *law, *reason;
} exceptions[] = {
    {"scion", "zero gradient", "its constrained form shrinks the weights by 1 - lr"},
    {"scion", "transpose", "its step is scaled by sqrt(rows / cols)"},
    {"soap", "transpose", "any basis will do for what has no gradient at the first step"},
    {"normuon", "transpose", "its second moment is one number per row"},
};

static int excepted(const Optimizer *method, const char *law) {
  for (int i = 0; i < COUNT(exceptions); i++)
    if (strcmp(exceptions[i].method, method->name) == 0 && strcmp(exceptions[i].law, law) == 0)
      return 1;
  return 0;
}

static void law(const Optimizer *method, const char *name, int holds, const char *how) {
  int exception = excepted(method, name);
  check(holds != exception, "%s, law \"%s\": %s%s", method->name, name,
        exception ? "an exception that is none: " : "", how);
}

/* The declaration: complete, and its recommended settings are such as the tables allow. */
static void law_declaration(const Optimizer *o) {
  Problem p = make_problem(o, mixed, 1);
  OptionSet sets[] = {{"optimizer", optimizer_options, &p.common},
                      {"options", o->options, p.options}, {NULL, NULL, NULL}};
  Settings s = {0};
  check(*o->name && *o->summary && *o->reference && o->accepts && o->update && o->slots,
        "%s: the declaration is not complete", o->name);
  check(optimizer_find(o->name, &err) == o, "%s is not found by its name", o->name);
  check(settings_preset(&s, FROM_PRESET, "recommended", o->recommended, &err) == 0 &&
            options_apply(sets, NULL, &s, &err) == 0, "%s: recommended settings: %s", o->name,
        err.text);
  settings_free(&s);
  must_start(&p);
  check(optimizer_flops(p.state) > 0, "%s: %g FLOPs", o->name, optimizer_flops(p.state));
  free_problem(&p);
}

/* Without a gradient there is nothing but decay: w = keep^t w. */
static void law_zero_gradient(const Optimizer *o) {
  Problem p = make_problem(o, mixed, COUNT(mixed));
  double worst = 0;
  p.common.lr = p.common.aux_lr = 0.1;
  p.common.weight_decay = 0.5;
  must_start(&p);
  run_steps(&p, ZERO, 1, 3);
  for (int i = 0; i < p.count; i++)
    for (int64_t j = 0; j < param_size(&p.params[i]); j++) {
      double w0 = (double)check_value(500 + (uint64_t)i, (uint64_t)j);
      double want = (p.params[i].decay ? pow(0.95, 3) : 1) * w0;
      double off = fabs(p.params[i].w[j] - want);
      if (!(off <= worst)) worst = off;
    }
  char how[80];
  snprintf(how, sizeof how, "the weights are off by %.2g", worst);
  law(o, "zero gradient", worst <= 1e-6, how);
  free_problem(&p);
}

/* One array of state, copied. */
typedef struct {
  char name[64];
  int64_t floats;
  float *copy;
} Saved;

typedef struct {
  Saved arrays[64];
  int count, restoring, wrong;
} Checkpoint;

static void save_or_restore(const char *name, int64_t floats, float *data, void *with) {
  Checkpoint *c = with;
  Saved *s = &c->arrays[c->count++];
  if (!c->restoring) {
    snprintf(s->name, sizeof s->name, "%s", name);
    s->floats = floats;
    s->copy = malloc((size_t)floats * sizeof *s->copy);
    memcpy(s->copy, data, (size_t)floats * sizeof *data);
  } else if (strcmp(s->name, name) != 0 || s->floats != floats) {
    c->wrong++;
  } else {
    memcpy(data, s->copy, (size_t)floats * sizeof *data);
  }
}

static void check_names(const Optimizer *o, const Checkpoint *c, size_t bytes) {
  int64_t floats = 0;
  for (int i = 0; i < c->count; i++) {
    floats += c->arrays[i].floats;
    for (int j = 0; j < i; j++)
      check(strcmp(c->arrays[i].name, c->arrays[j].name) != 0, "%s: two arrays of state named %s",
            o->name, c->arrays[i].name);
  }
  check((size_t)floats * sizeof(float) <= bytes, "%s: %lld floats of state in %zu bytes", o->name,
        (long long)floats, bytes);
}

/* State taken out after two steps and put into a fresh optimizer: the third step is the same. */
static void law_state(const Optimizer *o) {
  Problem a = make_problem(o, mixed, COUNT(mixed)), b = make_problem(o, mixed, COUNT(mixed));
  Problem forgetful = make_problem(o, mixed, COUNT(mixed));
  static Checkpoint c;
  memset(&c, 0, sizeof c);
  must_start(&a), must_start(&b), must_start(&forgetful);
  run_steps(&a, NOISE, 1, 2);
  optimizer_visit(a.state, save_or_restore, &c);
  check_names(o, &c, optimizer_state_bytes(a.state));
  int arrays = c.count;
  c.count = 0, c.restoring = 1;
  optimizer_visit(b.state, save_or_restore, &c);
  for (int i = 0; i < a.count; i++) {
    size_t bytes = (size_t)param_size(&a.params[i]) * sizeof(float);
    memcpy(b.params[i].w, a.params[i].w, bytes);
    memcpy(forgetful.params[i].w, a.params[i].w, bytes);
  }
  run_steps(&a, NOISE, 3, 3);
  run_steps(&b, NOISE, 3, 3);
  run_steps(&forgetful, NOISE, 3, 3);
  law(o, "state", c.count == arrays && !c.wrong && same_weights(&a, &b),
      "a restored state takes another step");
  check(!same_weights(&a, &forgetful), "%s: the state does not matter", o->name);
  for (int i = 0; i < arrays; i++) free(c.arrays[i].copy);
  free_problem(&a), free_problem(&b), free_problem(&forgetful);
}

/* Runs four uneven steps with some settings. Returns -1 when they are not allowed. */
typedef struct {
  const char *name;
  char value[32];
} Choice;

static int run_with(Problem *p, const Optimizer *o, const Choice *context, const Choice *changed) {
  *p = make_problem(o, mixed, COUNT(mixed));
  Err ignored;
  for (int k = 0; k < 2; k++) {
    const Choice *c = k ? changed : context;
    if (!c) continue;
    if (option_set(find_option(o, c->name), p->options, c->value, "test", &ignored)) return -1;
  }
  if (start(p)) return -1;
  run_steps(p, UNEVEN, 1, 4);
  return 0;
}

/* Another value k = 0, 1, ... for an option: the next choice; one, half, a fiftieth, ... */
static int another_value(const Option *row, int k, Choice *c) {
  double x = strtod(row->fallback, NULL);
  c->name = row->name;
  if (row->type == OPTION_CHOICE) {
    int count = 1;
    for (const char *at = row->choices; *at; at++) count += *at == '|';
    if (k >= count - 1) return 0;
    word_at(row->choices, (word_index(row->choices, row->fallback) + 1 + k) % count, c->value,
            sizeof c->value);
    return 1;
  }
  const double values[] = {1, x / 2, x / 50, 2, 3, 20 * x, 0.5, 50, row->min};
  if (k >= COUNT(values)) return 0;
  double value = row->type == OPTION_INT ? floor(values[k]) : values[k];
  value = value < row->min ? row->min : value > row->max ? row->max : value;
  snprintf(c->value, sizeof c->value, "%.17g", value);
  return 1;
}

/* Whether some other value of the option changes the weights, beside the context. */
static int matters(const Optimizer *o, const Option *row, const Choice *context) {
  Problem base, other;
  Choice changed;
  int found = 0;
  if (run_with(&base, o, context, NULL)) {
    free_problem(&base);
    return 0;
  }
  for (int k = 0; !found && another_value(row, k, &changed); k++) {
    found = run_with(&other, o, context, &changed) == 0 && !same_weights(&base, &other);
    free_problem(&other);
  }
  free_problem(&base);
  return found;
}

/* Every option changes the result: by itself, or beside another choice of another option. */
static void law_options(const Optimizer *o) {
  for (const Option *row = o->options; row->name; row++) {
    int found = matters(o, row, NULL);
    for (const Option *beside = o->options; beside->name && !found; beside++) {
      Choice context;
      int most = beside->type == OPTION_CHOICE ? 100 : 2;
      for (int k = 0; !found && beside != row && k < most && another_value(beside, k, &context);
           k++)
        found = matters(o, row, &context);
    }
    char name[80], how[160];
    snprintf(name, sizeof name, "option %s", row->name);
    snprintf(how, sizeof how, "--%s changes nothing", row->name);
    law(o, name, found, how);
  }
}

static double half_square(const Problem *p) {
  double sum = 0;
  for (int i = 0; i < p->count; i++)
    for (int64_t j = 0; j < param_size(&p->params[i]); j++)
      sum += pow((double)p->params[i].g[j], 2) / 2;
  return sum;
}

/* g = W - W*, the gradient of ||W - W*||^2 / 2. */
static void quadratic(Problem *p) {
  for (int i = 0; i < p->count; i++)
    for (int64_t j = 0; j < param_size(&p->params[i]); j++)
      p->params[i].g[j] = p->params[i].w[j] - check_value(900 + (uint64_t)i, (uint64_t)j);
}

static void law_descent(const Optimizer *o) {
  Problem p = make_problem(o, mixed, COUNT(mixed));
  p.common.weight_decay = 0;
  set_if_there(&p, "radius", "1"); /* they go with a smaller rate */
  set_if_there(&p, "head-radius", "1");
  must_start(&p);
  quadratic(&p);
  double first = half_square(&p);
  for (int t = 1; t <= 30; t++) {
    optimizer_step(p.state, t, 1);
    quadratic(&p);
  }
  char how[100];
  snprintf(how, sizeof how, "30 steps on a quadratic: from %g to %g", first, half_square(&p));
  law(o, "descent", half_square(&p) < 0.98 * first, how);
  free_problem(&p);
}

static void law_finite(const Optimizer *o) {
  static const Shape odd[] = {
      {1, 1, 1, 1, 1, ROLE_MATRIX},  {1, 5, 1, 1, 1, ROLE_MATRIX},  {5, 1, 1, 1, 1, ROLE_MATRIX},
      {7, 13, 1, 1, 1, ROLE_MATRIX}, {13, 7, 1, 1, 1, ROLE_MATRIX}, {2, 2, 1, 1, 1, ROLE_MATRIX},
      {31, 2, 1, 1, 1, ROLE_MATRIX}, {9, 3, 3, 9, 1, ROLE_MATRIX}};
  for (Kind kind = NOISE; kind < KINDS; kind++)
    for (int then_noise = 0; then_noise <= 1; then_noise++) {
      Problem p = make_problem(o, odd, COUNT(odd));
      const Param *bad = NULL;
      must_start(&p);
      snprintf(now, sizeof now, "%s, law \"finite\", %s", o->name, kind_names[kind]);
      run_steps(&p, kind, 1, 3);
      if (then_noise) run_steps(&p, NOISE, 4, 6);
      for (int i = 0; i < p.count; i++)
        for (int64_t j = 0; j < param_size(&p.params[i]); j++)
          if (!isfinite(p.params[i].w[j])) bad = &p.params[i];
      char how[120];
      snprintf(how, sizeof how, "%s%s: %lld x %lld is not finite", kind_names[kind],
               then_noise ? ", then noise" : "", bad ? (long long)bad->rows : 0,
               bad ? (long long)bad->cols : 0);
      law(o, "finite", !bad, how);
      free_problem(&p);
    }
}

/* The transposed problem (gradients and weights) makes the transposed step, where the shape's
   scale is left out. A larger eps keeps rounding out of directions that have no gradient. */
static void law_transpose(const Optimizer *o) {
  static const Shape there[] = {{12, 8, 1, 1, 1, ROLE_MATRIX}, {3, 17, 1, 1, 1, ROLE_MATRIX},
                                {9, 1, 1, 1, 1, ROLE_MATRIX}};
  static const Shape back[] = {{8, 12, 1, 1, 1, ROLE_MATRIX}, {17, 3, 1, 1, 1, ROLE_MATRIX},
                               {1, 9, 1, 1, 1, ROLE_MATRIX}};
  Problem a = make_problem(o, there, 3), b = make_problem(o, back, 3);
  Problem c = make_problem(o, there, 3);
  Problem *both[] = {&a, &b};
  for (int k = 0; k < 2; k++) {
    set_if_there(both[k], "shape-scale", "none");
    set_if_there(both[k], "eps", "0.01");
    must_start(both[k]);
  }
  for (int t = 0; t <= 3; t++) { /* step 0 is the weights themselves */
    if (t > 0) set_gradients(&a, NOISE, t);
    for (int i = 0; i < 3; i++)
      for (int64_t j = 0, rows = there[i].rows, cols = there[i].cols; j < rows * cols; j++)
        (t ? b.params[i].g : b.params[i].w)[j % cols * rows + j / cols] =
            (t ? a.params[i].g : a.params[i].w)[j];
    if (t > 0) optimizer_step(a.state, t, 1), optimizer_step(b.state, t, 1);
  }
  for (int i = 0; i < 3; i++)
    for (int64_t j = 0, rows = there[i].rows, cols = there[i].cols; j < rows * cols; j++)
      c.params[i].w[j] = b.params[i].w[j % cols * rows + j / cols];
  char how[80];
  double off = weights_difference(&c, &a);
  snprintf(how, sizeof how, "the transposed problem is off by %.2g", off);
  law(o, "transpose", off <= 1e-4, how);
  free_problem(&a), free_problem(&b), free_problem(&c);
}

/* The same seed gives the same bits; another number of threads the same up to rounding, as BLAS
   may cut its sums elsewhere. Returns whether those were the same bits too. */
static int law_repeat(const Optimizer *o) {
  Problem p[3];
  for (int k = 0; k < 3; k++) {
    threads_start(k < 2 ? 2 : 1);
    p[k] = make_problem(o, mixed, COUNT(mixed));
    set_if_there(&p[k], "eps", "0.01");
    must_start(&p[k]);
    run_steps(&p[k], NOISE, 1, 4);
  }
  law(o, "repeat", same_weights(&p[0], &p[1]), "the same seed does not give the same bits");
  double off = weights_difference(&p[2], &p[0]);
  char how[80];
  snprintf(how, sizeof how, "1 and 2 threads differ by %.2g", off);
  law(o, "threads", off <= 1e-5, how);
  int same = same_weights(&p[0], &p[2]);
  for (int k = 0; k < 3; k++) free_problem(&p[k]);
  threads_start(2);
  return same;
}

/* A multiplier of the schedule is the same as a smaller rate. */
static void law_multiplier(const Optimizer *o) {
  Problem a = make_problem(o, mixed, COUNT(mixed)), b = make_problem(o, mixed, COUNT(mixed));
  b.common.lr /= 4;
  b.common.aux_lr /= 4;
  must_start(&a), must_start(&b);
  set_gradients(&a, NOISE, 1), set_gradients(&b, NOISE, 1);
  optimizer_step(a.state, 1, 0.25), optimizer_step(b.state, 1, 1);
  law(o, "multiplier", same_weights(&a, &b), "a quarter of the rate is another step");
  free_problem(&a), free_problem(&b);
}

/* ---- the harness ---- */

/* Cut by --qkv-split, a matrix is updated as its pieces would be on their own. */
static void test_split(int split, int down, int across) {
  const Optimizer *muon = optimizer_find("muon", &err);
  static const Shape whole = {12, 8, 3, 6, 2, ROLE_MATRIX};
  Shape pieces[PARAMS_MAX];
  for (int i = 0; i < PARAMS_MAX; i++)
    pieces[i] = (Shape){whole.rows / down, whole.cols / across, 1, 1, 1, ROLE_MATRIX};
  Problem a = make_problem(muon, &whole, 1), b = make_problem(muon, pieces, down * across);
  a.common.qkv_split = split;
  must_start(&a), must_start(&b);
  for (int t = 0; t <= 2; t++) {
    if (t > 0) set_gradients(&a, NOISE, t);
    for (int64_t j = 0; j < 96; j++) {
      int64_t r = j / 8, c = j % 8, rows = 12 / down, cols = 8 / across;
      Param *to = &b.params[r / rows * across + c / cols];
      (t ? to->g : to->w)[r % rows * cols + c % cols] = (t ? a.params->g : a.params->w)[j];
    }
    if (t > 0) optimizer_step(a.state, t, 1), optimizer_step(b.state, t, 1);
  }
  double off = 0;
  for (int64_t j = 0; j < 96; j++) {
    int64_t r = j / 8, c = j % 8, rows = 12 / down, cols = 8 / across;
    const Param *from = &b.params[r / rows * across + c / cols];
    off = fmax(off, fabs(a.params->w[j] - from->w[r % rows * cols + c % cols]));
  }
  check(off <= 1e-6, "a 12 x 8 matrix in %d x %d pieces: off by %.2g from the pieces", down, across,
        off);
  free_problem(&a), free_problem(&b);
}

/* What a method does not take goes to AdamW at its own rate. */
static void test_auxiliary(void) {
  static const Shape vector = {1, 33, 1, 1, 1, ROLE_VECTOR};
  Problem a = make_problem(optimizer_find("muon", &err), &vector, 1);
  Problem b = make_problem(&adamw, &vector, 1);
  char route[128];
  b.common.lr = b.common.aux_lr;
  must_start(&a), must_start(&b);
  run_steps(&a, NOISE, 1, 3), run_steps(&b, NOISE, 1, 3);
  check(same_weights(&a, &b), "muon's auxiliary AdamW is another than adamw");
  optimizer_route(a.state, a.params, route, sizeof route);
  check(strcmp(route, "auxiliary adamw") == 0, "muon's route of a vector is \"%s\"", route);
  free_problem(&a), free_problem(&b);
}

/* An array longer than one piece of an elementwise update is one array of state, and its parts are
   updated as arrays of their own. */
static void test_pieces(void) {
  enum { LONG = 70001, CUT = 65536 };
  static const Shape one = {1, LONG, 1, 1, 1, ROLE_EMBEDDING};
  static const Shape two[] = {{1, CUT, 1, 1, 1, ROLE_EMBEDDING},
                              {1, LONG - CUT, 1, 1, 1, ROLE_EMBEDDING}};
  Problem a = make_problem(&adamw, &one, 1), b = make_problem(&adamw, two, 2);
  static Checkpoint c;
  memcpy(b.params[1].w, a.params[0].w + CUT, (LONG - CUT) * sizeof(float));
  must_start(&a), must_start(&b);
  for (int t = 1; t <= 2; t++) {
    set_gradients(&a, NOISE, t);
    memcpy(b.params[0].g, a.params[0].g, CUT * sizeof(float));
    memcpy(b.params[1].g, a.params[0].g + CUT, (LONG - CUT) * sizeof(float));
    optimizer_step(a.state, t, 1), optimizer_step(b.state, t, 1);
  }
  check(memcmp(a.params[0].w, b.params[0].w, CUT * sizeof(float)) == 0 &&
            memcmp(a.params[0].w + CUT, b.params[1].w, (LONG - CUT) * sizeof(float)) == 0,
        "%d numbers are not updated as %d and the rest", LONG, CUT);
  optimizer_visit(a.state, save_or_restore, &c);
  check(c.count == 2 && c.arrays[0].floats == LONG && c.arrays[1].floats == LONG,
        "%d arrays of state for one parameter of AdamW", c.count);
  for (int i = 0; i < c.count; i++) free(c.arrays[i].copy);
  free_problem(&a), free_problem(&b);
}

/* W = 1, g = 0.5, lr 1e-3, wd 0.1: 1 - 1e-3 (1 / (1 + 2e-8) + 0.1). */
static void test_adamw_number(void) {
  static const Shape single = {1, 1, 1, 1, 1, ROLE_MATRIX};
  Problem p = make_problem(&adamw, &single, 1);
  p.common.lr = 1e-3;
  p.params[0].w[0] = 1;
  p.params[0].g[0] = 0.5f;
  must_start(&p);
  optimizer_step(p.state, 1, 1);
  check(fabs((double)p.params[0].w[0] - 0.99890000002) <= 6e-8, "AdamW's first step: %.9g",
        (double)p.params[0].w[0]);
  free_problem(&p);
}

/* ---- the reference ---- */

/* Of the change W - W0 against the reference in double. The goal of 2e-5 is kept (1.6e-5 at most)
   with one compiler; Jordan's steps make 485 of a rounding error, and others round elsewhere. */
static const double GOLDEN_TOLERANCE = 4e-5;

int main(void) {
  int same = 0, count = 0;
  signal(SIGABRT, say_where);
  threads_start(2);
  test_schedules();
  test_gradients();
  test_polynomials();
  test_generator();
  test_newton_schulz();
  test_polar();
  test_shape_scale();
  test_adamw_number();
  test_split(QKV_THREE, 3, 1);
  test_split(QKV_FUSED, 1, 1);
  test_split(QKV_HEADS, 6, 2);
  test_auxiliary();
  test_pieces();
  for (const Optimizer *const *at = optimizers; *at; at++, count++) {
    const Optimizer *o = *at;
    law_declaration(o);
    law_zero_gradient(o);
    law_state(o);
    law_options(o);
    law_descent(o);
    law_finite(o);
    law_transpose(o);
    same += law_repeat(o);
    law_multiplier(o);
    GoldenResult r = golden_run(o, GOLDEN_TOLERANCE);
    printf("  golden %-16s %3d cases run, %2d skipped, off by %.1e at most (%s)\n", o->name, r.run,
           r.skipped, r.worst, r.where);
  }
  printf("  1 and 2 threads give the same bits with %d of %d optimizers\n", same, count);
  return check_report("optim");
}
