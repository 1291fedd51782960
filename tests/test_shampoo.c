/* Shampoo's averages and eigenbases, as SOAP keeps them. */
#include "optim/parts/shampoo.h"

#include <math.h>
#include <stdlib.h>

#include "core/blas.h"
#include "tests/check.h"

enum { MOST = 8 };

typedef struct {
  float L[MOST * MOST], R[MOST * MOST], P[MOST * MOST], Q[MOST * MOST], V[MOST * MOST];
  int64_t rows, cols, t;
  ShampooWork work;
  void *memory;
} Test;

static Test start(int64_t rows, int64_t cols) {
  Test s = {.rows = rows, .cols = cols};
  Scratch scratch = {0};
  shampoo_layout(&s.work, &scratch, rows, cols);
  s.memory = scratch_allocate(&scratch);
  shampoo_layout(&s.work, &scratch, rows, cols);
  return s;
}

static void update(Test *s, const float *G, double b, int64_t gap) {
  const Shampoo a = {s->L, s->R, s->P, s->Q, s->V};
  shampoo_update(&a, G, s->rows, s->cols, b, ++s->t, gap, &s->work);
}

/* The second direction becomes the first: the columns of the bases change places, and V's rows and
   columns with them. */
static void test_crossing(void) {
  static const float first[] = {2, 0, 0, 1}, then[] = {0, 0, 0, 10};
  static const float V[] = {1, 2, 3, 4}, L[] = {1, 0, 0, 50.25f};
  Test s = start(2, 2);
  update(&s, first, 0.5, 1);
  check(fabsf(s.P[0]) == 1 && fabsf(s.Q[3]) == 1, "the first bases are %g and %g",
        (double)s.P[0], (double)s.Q[3]);
  for (int i = 0; i < 4; i++) s.V[i] = V[i];
  update(&s, then, 0.5, 1);
  for (int i = 0; i < 4; i++) {
    check_near(s.L[i], L[i], 1e-5, "L, number %d", i);
    check_near(fabsf(s.P[i]), i == 1 || i == 2, 1e-6, "P, number %d", i);
    check_near(s.V[i], V[3 - i], 0, "V, number %d", i);
  }
  free(s.memory);
}

/* Power iteration on averages that stay leads to eigenvectors, in the order of their eigenvalues;
   between two updates of a gap the bases stay. */
static void test_eigenbasis(int64_t rows, int64_t cols) {
  float G[MOST * MOST];
  Test s = start(rows, cols);
  for (int t = 0; t < 200; t++) {
    for (int64_t i = 0; i < rows * cols; i++)
      G[i] = check_value(3, (uint64_t)i) + (t ? 0 : check_value(4, (uint64_t)i));
    float before = s.P[0];
    update(&s, G, 0.5, 4);
    check(t == 0 || t % 4 == 0 || s.P[0] == before, "step %d changes the bases", t + 1);
  }
  double last = INFINITY;
  for (int64_t k = 0; k < rows; k++)
    for (int64_t l = 0; l <= k; l++) {
      double dot = 0, form = 0;
      for (int64_t i = 0; i < rows; i++) {
        dot += (double)s.P[i * rows + k] * (double)s.P[i * rows + l];
        for (int64_t j = 0; j < rows; j++)
          form += (double)s.P[i * rows + k] * (double)s.L[i * rows + j] * (double)s.P[j * rows + l];
      }
      check_near(dot, k == l, 1e-5, "P^T P of %d x %d, entry %d %d", (int)rows, (int)cols, (int)k,
                 (int)l);
      if (l < k) check_near(form, 0, 1e-3, "P^T L P, entry %d %d", (int)k, (int)l);
      else check(form <= last + 1e-5, "eigenvalue %d is %g after %g", (int)k, form, last);
      if (l == k) last = form;
    }
  free(s.memory);
}

int main(void) {
  threads_start(1);
  test_crossing();
  test_eigenbasis(3, 5);
  test_eigenbasis(5, 5);
  test_eigenbasis(6, 2);
  return check_report("shampoo");
}
