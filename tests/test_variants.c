/* What the steps of Muon's variants are: the laws that are not identities of two methods
   (tests/test_family.c). Tests: optim/parts/variant optim/parts/lines */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/blas.h"
#include "optim/parts/lines.h"
#include "optim/parts/polar.h"
#include "tests/check.h"
#include "tests/problem.h"

static Err err;

static const Shape tall = {96, 32, 1, 1, 1, ROLE_MATRIX}, wide = {32, 96, 1, 1, 1, ROLE_MATRIX};
static const Shape both[] = {{96, 32, 1, 1, 1, ROLE_MATRIX}, {24, 24, 1, 1, 1, ROLE_MATRIX},
                             {24, 8, 3, 6, 1, ROLE_MATRIX}};
enum { SIZE = 96 * 32, LONG_SIDE = 96, SHORT_SIDE = 32 };

/* ---- lines ---- */

static void test_lines(Side side) {
  enum { ROWS = 5, COLS = 7 };
  float X[ROWS * COLS], v[COLS] = {0};
  double squares[COLS], factors[COLS];
  for (int i = 0; i < ROWS * COLS; i++) X[i] = check_value(1, (uint64_t)i);
  int64_t lines = line_count(ROWS, COLS, side);
  check(lines == (side == LEFT ? ROWS : COLS), "%lld lines", (long long)lines);
  line_squares(squares, X, ROWS, COLS, side);
  for (int64_t i = 0; i < lines; i++) {
    double want = side == LEFT ? square_sum(X + i * COLS, COLS, 1) : square_sum(X + i, ROWS, COLS);
    check_near(squares[i], want, 1e-12, "squares of line %lld", (long long)i);
    factors[i] = 1 / sqrt(squares[i]);
  }
  line_scale(X, ROWS, COLS, side, factors);
  line_squares(squares, X, ROWS, COLS, side);
  for (int64_t i = 0; i < lines; i++)
    check_near(squares[i], 1, 1e-6, "line %lld, scaled", (long long)i);
  /* Without averaging, every line gets the same length, and the matrix keeps its norm. */
  const LineMoment moment = {0, 1e-30};
  for (int i = 0; i < ROWS * COLS; i++) X[i] = check_value(2, (uint64_t)i);
  double norm = frobenius_norm(X, ROWS * COLS);
  lines_normalize(X, v, ROWS, COLS, side, &moment, factors);
  line_squares(squares, X, ROWS, COLS, side);
  for (int64_t i = 0; i < lines; i++)
    check_near(sqrt(squares[i]), norm / sqrt((double)lines), 1e-5, "line %lld, normalized",
               (long long)i);
}

/* ---- steps ---- */

/* An option set to a value. */
typedef struct {
  const char *name, *value;
} Change;

static void begin(Problem *p, const char *method, const Shape *shapes, int count,
                  const Change *settings) {
  *p = problem_make(optimizer_find(method, &err), shapes, count);
  p->common.weight_decay = 0;
  for (const Change *s = settings; s && s->name; s++) problem_set_if_there(p, s->name, s->value);
  problem_start(p);
}

/* Rows and columns with lengths from 1 to a thousandth. */
static void uneven_gradient(Problem *p, uint64_t stream) {
  for (int64_t i = 0; i < param_size(p->params); i++) {
    double row = (double)(i / p->params->cols), col = (double)(i % p->params->cols);
    p->params->g[i] = check_value(stream, (uint64_t)i) *
                      (float)(pow(10, -3 * row / (double)p->params->rows) *
                              pow(10, -3 * col / (double)p->params->cols));
  }
}

/* The direction of the first step, from zero weights, at a rate of 1. To be freed. */
static Problem direction(const char *method, const Shape *shape, const Change *settings) {
  Problem p;
  begin(&p, method, shape, 1, settings);
  p.common.lr = 1;
  memset(p.params->w, 0, (size_t)param_size(p.params) * sizeof(float));
  uneven_gradient(&p, 77);
  optimizer_step(p.state, 1, 1);
  return p;
}

/* ---- MuonH ---- */

static double worst_norm(const char *method) {
  Problem p;
  begin(&p, method, both, 3, NULL);
  double worst = 0, norms[3][3];
  for (int t = 0; t <= 10; t++) {
    if (t > 0) problem_run(&p, UNEVEN, t, t);
    for (int i = 0; i < 3; i++)
      for (int b = 0; b < both[i].blocks; b++) {
        int64_t size = both[i].rows * both[i].cols / both[i].blocks;
        double norm = frobenius_norm(p.params[i].w + b * size, size);
        if (t == 0) norms[i][b] = norm;
        worst = fmax(worst, fabs(norm / norms[i][b] - 1));
      }
  }
  problem_free(&p);
  return worst;
}

/* Every matrix keeps its norm to the rounding of ten steps, also the three in one array; Muon's do
   not. */
static void test_norm_kept(void) {
  check(worst_norm("muonh") <= 10 * 0x1p-23, "muonh changes a norm by %.2g", worst_norm("muonh"));
  check(worst_norm("muon") > 1e-3, "muon changes a norm by %.2g only", worst_norm("muon"));
}

/* Weights three times as large take steps three times as large; Muon's do not grow. */
static double scaled_difference(const char *method) {
  Problem a, b;
  begin(&a, method, &tall, 1, NULL), begin(&b, method, &tall, 1, NULL);
  double off = 0, moved = 0;
  for (int64_t i = 0; i < SIZE; i++) b.params->w[i] *= 3;
  problem_run(&a, NOISE, 1, 5), problem_run(&b, NOISE, 1, 5);
  for (int64_t i = 0; i < SIZE; i++) {
    double w = (double)a.params->w[i];
    off += pow((double)b.params->w[i] / 3 - w, 2);
    moved += pow(w - (double)problem_weight(0, i), 2);
  }
  problem_free(&a), problem_free(&b);
  return sqrt(off / moved);
}

static void test_scale_of_weights(void) {
  check(scaled_difference("muonh") <= 1e-5, "muonh depends on the weights' scale: %.2g",
        scaled_difference("muonh"));
  check(scaled_difference("muon") > 0.1, "muon does not: %.2g", scaled_difference("muon"));
}

/* ---- Aurora ---- */

/* The largest relative difference of the length of a row (tall) or column (wide) from equal ones,
   in a step with an exact polar factor. */
static double unevenness(const char *method, const Shape *shape, const char *iterations) {
  const Change settings[] = {{"orthogonalize", "svd"}, {"shape-scale", "none"},
                              {"iterations", iterations}, {0}};
  Problem p = direction(method, shape, settings);
  double squares[LONG_SIDE], worst = 0;
  line_squares(squares, p.params->w, shape->rows, shape->cols,
               long_side(shape->rows, shape->cols));
  for (int i = 0; i < LONG_SIDE; i++)
    worst = fmax(worst, fabs(sqrt(squares[i] * LONG_SIDE / SHORT_SIDE) - 1));
  problem_free(&p);
  return worst;
}

/* Rows of different lengths become equal, the more iterations the more. */
static void test_equal_lines(const Shape *shape) {
  double muon = unevenness("muon", shape, "0"), once = unevenness("aurora", shape, "1");
  double twice = unevenness("aurora", shape, "2"), often = unevenness("aurora", shape, "40");
  printf("  lengths of %lld x %lld off by %.2g, aurora %.2g, %.2g, %.2g\n", (long long)shape->rows,
         (long long)shape->cols, muon, once, twice, often);
  check(twice < 0.8 * once && once < 0.8 * muon && often < 0.01,
        "aurora, %lld x %lld: lengths are off by %.2g after 1, %.2g after 2, %.2g after 40 "
        "iterations; muon's by %.2g", (long long)shape->rows, (long long)shape->cols, once, twice,
        often, muon);
}

/* ---- AdaMuon and Contra-Muon ---- */

static double step_norm(const char *method, const Change *settings) {
  Problem p = direction(method, &tall, settings);
  double norm = frobenius_norm(p.params->w, SIZE);
  problem_free(&p);
  return norm;
}

/* The root mean square of a step is 0.2 if eps is small. */
static void test_rms(void) {
  const Change large[] = {{"eps", "1"}, {0}};
  double rms = step_norm("adamuon", NULL) / sqrt(SIZE), less = step_norm("adamuon", large);
  check(fabs(rms / ADAMW_RMS - 1) <= 1e-5, "adamuon: a step has RMS %.6g", rms);
  check(less / sqrt(SIZE) < 0.9 * ADAMW_RMS, "adamuon, eps 1: a step has RMS %.6g",
        less / sqrt(SIZE));
}

/* Without momentum and with a second moment of one step only, a step consists of signs. */
static void test_signs(void) {
  const Change memoryless[] = {{"momentum", "0"}, {0}};
  Problem p = direction("adamuon", &tall, memoryless);
  double off = 0;
  for (int64_t i = 0; i < SIZE; i++)
    off = fmax(off, fabs(fabs((double)p.params->w[i]) / ADAMW_RMS - 1));
  check(off <= 1e-3, "adamuon without momentum: a number is off by %.2g", off);
  problem_free(&p);
}

/* The norm of a step is at least `floor` times that of the weights. */
static void test_floor(void) {
  const Change settings[] = {{"floor", "3"}, {0}}, none[] = {{"floor", "0"}, {0}};
  double norm[2], of_weights = 0;
  for (int k = 0; k < 2; k++) {
    Problem p;
    begin(&p, "contra-muon", &tall, 1, k ? none : settings);
    double sum = 0;
    p.common.lr = 1;
    of_weights = frobenius_norm(p.params->w, SIZE);
    problem_run(&p, NOISE, 1, 1);
    for (int64_t i = 0; i < SIZE; i++)
      sum += pow((double)p.params->w[i] - (double)problem_weight(0, i), 2);
    norm[k] = sqrt(sum);
    problem_free(&p);
  }
  check(fabs(norm[0] / of_weights - 3) <= 1e-4, "contra-muon, floor 3: a step of %.5g W",
        norm[0] / of_weights);
  check(norm[1] < of_weights, "contra-muon, no floor: a step of %.5g W", norm[1] / of_weights);
}

int main(void) {
  threads_start(1);
  test_lines(LEFT);
  test_lines(RIGHT);
  test_norm_kept();
  test_scale_of_weights();
  test_equal_lines(&tall);
  test_equal_lines(&wide);
  test_rms();
  test_signs();
  test_floor();
  return check_report("variants");
}
