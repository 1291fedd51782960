/* Orthogonalization: the polynomials' numbers, matrices with known singular values, the polar
   factor, the shapes' scales. Tests: optim/parts/newton_schulz optim/parts/polynomials
   optim/parts/polar */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "optim/parts/newton_schulz.h"
#include "optim/parts/polar.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

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

static NewtonSchulzPlan plan_of(const char *schedule, int64_t steps) {
  return newton_schulz_plan(&(NewtonSchulz){word_index(NS_SCHEDULE_NAMES, schedule), steps});
}

/* The whole plan on one singular value. */
static double compose(const NewtonSchulzPlan *plan, double x) {
  for (int64_t k = 0; k < plan->steps; k++) {
    const double *abc = plan->abc[k];
    x = abc[0] * x + abc[1] * pow(x, 3) + abc[2] * pow(x, 5);
  }
  return x;
}

static void test_polynomials(void) {
  for (int i = 0; i < COUNT(composed); i++) {
    NewtonSchulzPlan plan = plan_of(composed[i].schedule, composed[i].steps);
    for (int j = 0; j < 7; j++)
      check_near(compose(&plan, points[j]), composed[i].values[j], 1e-8, "%s, %d steps, at %g",
                 composed[i].schedule, composed[i].steps, points[j]);
  }
  NewtonSchulzPlan all = plan_of("track3", 0), three = plan_of("track3", 3);
  check(all.steps == 12, "track3 has %lld steps", (long long)all.steps);
  check(three.steps == 3, "ns-steps 3 makes %lld", (long long)three.steps);
  NewtonSchulzPlan converged = plan_of("converged", 0);
  for (double x = 1e-6; x <= 1; x *= 1.7)
    check_near(compose(&converged, x), 1, 1e-9, "converged, at %g", x);
}

/* Further steps repeat the last polynomial; newton_schulz_repeat repeats one. */
static void test_repeated(void) {
  NewtonSchulzPlan nine = plan_of("polar-express", 9), seven = plan_of("you", 8);
  NewtonSchulzPlan jordan = plan_of("jordan", 4), same = newton_schulz_repeat(jordan.abc[0], 4);
  check(memcmp(nine.abc[7], nine.abc[8], sizeof nine.abc[7]) == 0 &&
            memcmp(nine.abc[6], nine.abc[7], sizeof nine.abc[7]) != 0, "polar-express, step 9");
  check(memcmp(seven.abc[5], seven.abc[7], sizeof seven.abc[5]) == 0, "you, step 8");
  check(memcmp(&jordan, &same, sizeof same) == 0, "Jordan's polynomial four times");
}

/* Solves the 4 x 4 system with its right side in the last column, by Gauss with pivots. */
static void solve4(double m[4][5], double x[4]) {
  for (int i = 0; i < 4; i++) {
    int pivot = i;
    for (int k = i + 1; k < 4; k++)
      if (fabs(m[k][i]) > fabs(m[pivot][i])) pivot = k;
    double row[5];
    memcpy(row, m[i], sizeof row);
    memcpy(m[i], m[pivot], sizeof row);
    memcpy(m[pivot], row, sizeof row);
    for (int k = i + 1; k < 4; k++)
      for (int j = 4; j >= i; j--) m[k][j] -= m[i][j] * m[k][i] / m[i][i];
  }
  for (int i = 3; i >= 0; i--) {
    x[i] = m[i][4];
    for (int j = i + 1; j < 4; j++) x[i] -= m[i][j] * x[j];
    x[i] /= m[i][i];
  }
}

/* The quintic that is nearest to 1 on [lo,hi] in the maximum norm: Remez's exchange on x = lo, q,
   r, hi, where the errors alternate. */
static void optimal_quintic(double lo, double hi, double out[3]) {
  if (lo / hi >= 1 - 5e-6) {
    out[0] = 15 / (8 * hi);
    out[1] = -10 / (8 * pow(hi, 3));
    out[2] = 3 / (8 * pow(hi, 5));
    return;
  }
  double q = (3 * lo + hi) / 4, r = (lo + 3 * hi) / 4, error = INFINITY, last;
  do {
    const double x[4] = {lo, q, r, hi};
    double system[4][5], solution[4];
    for (int i = 0; i < 4; i++) {
      const double row[5] = {x[i], pow(x[i], 3), pow(x[i], 5), i % 2 ? -1 : 1, 1};
      memcpy(system[i], row, sizeof row);
    }
    solve4(system, solution);
    memcpy(out, solution, 3 * sizeof *out);
    double a = out[0], b = out[1], c = out[2], root = sqrt(9 * b * b - 20 * a * c);
    q = sqrt((-3 * b - root) / (10 * c));
    r = sqrt((-3 * b + root) / (10 * c));
    last = error;
    error = solution[3];
  } while (fabs(error - last) > 1e-15);
}

/* The optimal coefficients for singular values in [l,1], step after step (Polar Express, section 3
   and Appendix G): fills abc (steps,3), each step divided by `safety` (1: none). */
static void generate(double l, int64_t steps, double safety, double (*abc)[3]) {
  const double cushion = 0.02407327424182761; /* of the authors' code; the text says 1/10 */
  double lo = l, hi = 1;
  for (int64_t k = 0; k < steps; k++) {
    double *p = abc[k];
    optimal_quintic(fmax(lo, cushion * hi), hi, p);
    double at_lo = lo * (p[0] + lo * lo * (p[1] + lo * lo * p[2]));
    double at_hi = hi * (p[0] + hi * hi * (p[1] + hi * hi * p[2]));
    double center = 2 / (at_lo + at_hi);
    for (int i = 0; i < 3; i++) p[i] *= center / pow(safety, 2 * i + 1);
    lo = at_lo * center;
    hi = 2 - lo;
  }
}

/* The generator against the published triples in the schedule (the last is printed as its limit).
   Steps of the schedule are divided by 1.01, its last is not; and against `converged`, our own. */
static void test_generator(void) {
  NewtonSchulzPlan plan = plan_of("polar-express", 8), converged = plan_of("converged", 0);
  double abc[13][3], safe[13][3];
  generate(1e-3, 8, 1, abc);
  generate(1e-3, 8, 1.01, safe);
  for (int k = 0; k < 8; k++)
    for (int i = 0; i < 3; i++)
      check_near((k < 7 ? safe : abc)[k][i], plan.abc[k][i], 1e-8,
                 "Polar Express, step %d, coefficient %d", k, i);
  generate(1e-6, 13, 1, abc);
  generate(1e-6, 13, 1.01, safe);
  for (int k = 0; k < 13; k++)
    for (int i = 0; i < 3; i++)
      check_near((k < 12 ? safe : abc)[k][i], converged.abc[k][i], 1e-8,
                 "converged, step %d, coefficient %d", k, i);
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

/* newton_schulz with exactly the work memory of its layout. */
static void iterate(float *X, int64_t rows, int64_t cols, const NewtonSchulzPlan *plan) {
  NewtonSchulzWork work;
  Scratch scratch = {0};
  newton_schulz_layout(&work, &scratch, rows, cols);
  void *memory = scratch_allocate(&scratch);
  newton_schulz_layout(&work, &scratch, rows, cols);
  newton_schulz(X, rows, cols, plan, &work);
  free(memory);
}

/* The scalar polynomial must map every singular value, and U and V must not change. */
static void check_matrix(int direct, int schedule, int64_t rows, int64_t cols, double scale) {
  NewtonSchulzPlan plan = newton_schulz_plan(&(NewtonSchulz){schedule, 0});
  int64_t k = rows < cols ? rows : cols, n = rows * cols;
  double *U = orthonormal(rows, k, 1), *V = orthonormal(cols, k, 2), norm = 0;
  double *s = calloc((size_t)k, sizeof *s);
  for (int64_t i = 0; i < k; i++) {
    s[i] = pow(0.01, k > 1 ? (double)i / (double)(k - 1) : 0); /* 1 down to 0.01 */
    norm += s[i] * s[i];
  }
  double *X = compose_matrix(U, s, V, rows, cols, k);
  float *got = to_float(X, n, scale);
  double divisor = plan.margin * scale * sqrt(norm) + plan.eps;
  for (int64_t i = 0; i < k; i++) s[i] = compose(&plan, scale * s[i] / divisor);
  double *want = compose_matrix(U, s, V, rows, cols, k);
  char name[32];
  word_at(NS_SCHEDULE_NAMES, schedule, name, sizeof name);
  plan.direct |= direct;
  iterate(got, rows, cols, &plan);
  double error = relative_error(got, want, n), allowed = schedule == NS_CANS ? 1e-4 : 3e-5;
  check(error <= allowed, "newton_schulz%s, %s, %lld x %lld scaled by %g: relative error %.2g",
        direct ? " direct" : "", name, (long long)rows, (long long)cols, scale, error);
  free(U), free(V), free(s), free(X), free(got), free(want);
}

/* Zero stays zero, without a NaN, whether eps is added or not. */
static void check_zero(int schedule) {
  NewtonSchulzPlan plan = newton_schulz_plan(&(NewtonSchulz){schedule, 0});
  float X[6 * 5] = {0}, off = 0;
  iterate(X, 6, 5, &plan);
  for (int i = 0; i < 30; i++) off = X[i] == 0 ? off : 1;
  check(off == 0, "newton_schulz, schedule %d: zero does not stay zero", schedule);
}

static void test_newton_schulz(void) {
  static const int64_t shapes[][2] = {{1, 1}, {1, 9},  {9, 1},   {5, 8},   {8, 5},  {7, 7},
                                      {3, 100}, {100, 3}, {48, 64}, {64, 48}, {31, 47},
                                      {64, 100}, {130, 70}};
  for (int schedule = 0; schedule < NS_SCHEDULE_COUNT; schedule++) {
    /* CANS is steep at 1, where it ends: it maps norm 1 to norms from 0.995 to 1.015. */
    for (int i = schedule == NS_CANS ? 3 : 0; i < COUNT(shapes); i++) {
      check_matrix(0, schedule, shapes[i][0], shapes[i][1], 1);
      check_matrix(1, schedule, shapes[i][0], shapes[i][1], 1);
    }
    static const double scales[] = {1e-30, 1e-7, 1e-6, 1e30}; /* eps is 1e-7, 1e-8 or 0 */
    for (int i = 0; i < COUNT(scales); i++) {
      check_matrix(0, schedule, 6, 11, scales[i]);
      check_matrix(1, schedule, 7, 6, scales[i]);
    }
    check_zero(schedule);
  }
}

/* ---- the polar factor ---- */

static const int ways[] = {BY_SVD, BY_CONVERGED};

/* msgn of X (rows,cols) in double, computed in float. To be freed. */
static double *polar_of(const double *X, int64_t rows, int64_t cols, int way, double scale) {
  Polar polar = {.way = way};
  float *Y = to_float(X, rows * cols, scale);
  double *out = malloc((size_t)(rows * cols) * sizeof *out);
  PolarWork work;
  Scratch scratch = {0};
  polar_layout(&work, &scratch, rows, cols, &polar);
  void *memory = scratch_allocate(&scratch);
  polar_layout(&work, &scratch, rows, cols, &polar);
  polar_factor(Y, rows, cols, &polar, &work);
  for (int64_t i = 0; i < rows * cols; i++) out[i] = Y[i];
  free(Y), free(memory);
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
          ways[w] == BY_SVD ? "svd" : "converged", what, (long long)rows, (long long)cols, error);
    free(got);
  }
}

/* U V^T for any positive singular values and any scale; its transpose for the transpose. With U and
   V taken at random, P X R and all orthogonal changes are among the cases. */
static void check_polar_case(int64_t rows, int64_t cols) {
  int64_t k = rows < cols ? rows : cols;
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
    double *want_T = compose_matrix(V, one, U, cols, rows, k);
    check_polar(X, want, rows, cols, 1, "U S V^T");
    check_polar(X, want, rows, cols, 3e-30, "scaled by 3e-30");
    check_polar(X, want, rows, cols, 7e30, "scaled by 7e30");
    check_polar(T, want_T, cols, rows, 1, "V S U^T");
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
  /* Rounding to float turns zeros into 1e-8; values below 3e-7 of the largest count as zero. */
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
      double got = shape_scale(word_index(SHAPE_SCALES(CHOICE_WORD), names[k]), shapes[i][0],
                               shapes[i][1]);
      check_near(got, want[k][i], 2e-4, "shape scale %s of %lld x %lld", names[k],
                 (long long)shapes[i][0], (long long)shapes[i][1]);
    }
}

int main(void) {
  threads_start(2);
  test_polynomials();
  test_repeated();
  test_generator();
  test_newton_schulz();
  test_polar();
  test_shape_scale();
  return check_report("orthogonalize");
}
