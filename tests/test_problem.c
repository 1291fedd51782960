/* The small problems: random numbers, the tail index, settings of methods, training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "tests/check.h"
#include "tools/problems/problems.h"
#include "tools/problems/student.h"
#include "tools/spectra/tail.h"

enum { N = 100000 };
static float x[N];
static Err err;

/* P(|t| < 1): 1/2 with 1 degree of freedom, 1/sqrt(3) with 2, 0.6827 of a normal distribution.
   The tolerance is five standard deviations of a share of N numbers. */
static void test_student(void) {
  static const double cases[][2] = {{1, 0.5}, {2, 0.57735}, {INFINITY, 0.68269}};
  for (int c = 0; c < 3; c++) {
    Random random = random_stream(3, RANDOM_TEST, 1, (uint32_t)c);
    int inside = 0, positive = 0;
    student_numbers(&random, cases[c][0], x, N);
    for (int i = 0; i < N; i++) {
      inside += fabsf(x[i]) < 1;
      positive += x[i] > 0;
    }
    check_near((double)inside / N, cases[c][1], 0.008, "P(|t| < 1), %g degrees", cases[c][0]);
    check_near((double)positive / N, 0.5, 0.008, "P(t > 0), %g degrees", cases[c][0]);
  }
}

/* Hill's estimate of a Pareto distribution has the standard deviation a / sqrt(k). */
static void test_tail_index(void) {
  static const double indices[] = {0.8, 1.5, 2.5, 6};
  for (int c = 0; c < 4; c++) {
    Random random = random_stream(4, RANDOM_TEST, 1, (uint32_t)c);
    for (int i = 0; i < N; i++) {
      double size = pow(random_uniform(&random), -1 / indices[c]);
      x[i] = (float)(i % 2 ? size : -size);
    }
    check_near(tail_index(x, N, 0.02) / indices[c], 1, 5 / sqrt(0.02 * N), "index of Pareto, %g",
               indices[c]);
  }
  memset(x, 0, sizeof x);
  check(isnan(tail_index(x, N, 0.01)), "zeros have no tail");
  for (int i = 0; i < N; i++) x[i] = 1;
  check(isnan(tail_index(x, N, 0.01)), "equal numbers have no tail");
}

static void test_methods(void) {
  Method methods[METHODS_MAX];
  int count = methods_read(" muon  sgd:momentum=0,lr=2 ", "0.5", methods, &err);
  check(count == 2, "two methods: %s", err.text);
  check(strcmp(methods[0].method->name, "muon") == 0 && methods[0].common.lr == 0.5, "muon at 0.5");
  check(strcmp(methods[1].label, "sgd:momentum=0,lr=2") == 0 && methods[1].common.lr == 2,
        "sgd at 2");
  check(strcmp(method_title(methods, 2, 1), "sgd") == 0, "a name that is unique");
  methods_free(methods, count);
  count = methods_read("sgd sgd:lr=2", "1", methods, &err);
  check(strcmp(method_title(methods, count, 1), "sgd:lr=2") == 0, "a name that is not");
  methods_free(methods, count);
  static const char *const bad[][2] = {{"", "is empty"}, {"muom", "did you mean muon"},
                                       {"muon:foo=1", "no option --foo"},
                                       {"sgd:momentum=7", "out of range"},
                                       {"sgd lion sgd lion sgd lion sgd lion sgd lion sgd lion sgd "
                                        "lion sgd lion sgd", "at most"}};
  for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++)
    check(methods_read(bad[i][0], "1", methods, &err) < 0 && strstr(err.text, bad[i][1]),
          "\"%s\": %s", bad[i][0], err.text);
}

/* f = ||W - 1||^2 / 2. */
static void gradient(void *data, const float *W, int64_t t, float *G) {
  (void)data, (void)t;
  for (int i = 0; i < 12; i++) G[i] = W[i] - 1;
}

static void watch_calls(void *data, const float *W, int64_t t) {
  int *calls = data;
  check(t == *calls && (t > 0 || W[0] == 0), "watch is called at step %d", *calls);
  ++*calls;
}

static void test_train(void) {
  Method methods[METHODS_MAX];
  float W[12];
  int calls = 0;
  Problem p = {3, 4, gradient, watch_calls, &calls, 5, 0};
  methods_read("sgd:momentum=0", "0.5", methods, &err);
  check(problem_train(&p, &methods[0], 0, 1, W, &err) == 0, "trains: %s", err.text);
  check(calls == 6, "watched at the start and after every step");
  check_near((double)W[7], 1 - pow(0.5, 5), 1e-6, "five halvings");
  p.watch = NULL, p.steps = 2, p.decays = 1;
  problem_train(&p, &methods[0], 1, 1, W, &err);
  check_near((double)W[7], 1, 1e-6, "the given rate, 1");
  p.data = NULL, p.steps = 4;
  problem_train(&p, &methods[0], 0.4, 1, W, &err);
  check_near((double)W[7], 1 - 0.6 * 0.7 * 0.8 * 0.9, 1e-6, "the rate falls to 0 in a line");
  methods_free(methods, 1);
}

int main(void) {
  test_student();
  test_tail_index();
  test_methods();
  test_train();
  return check_report("problem");
}
