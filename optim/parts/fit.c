#include "optim/parts/fit.h"

#include <math.h>
#include <string.h>

#include "optim/parts/polynomials.h"

enum { POINTS = 96, ROUNDS = 400 };

static double polynomial(const double abc[3], double x) {
  return x * (abc[0] + x * x * (abc[1] + x * x * abc[2]));
}

int coefficients_safe(const double abc[3]) {
  /* Fixed points: a - 1 + b y + c y^2 = 0 with y = x^2. */
  double a = abc[0] - 1, b = abc[1], c = abc[2], root = b * b - 4 * a * c;
  if (c <= 0 || root <= 0) return 0;
  double fixed = sqrt((-b + sqrt(root)) / (2 * c));
  for (int i = 0; i <= 1000; i++)
    if (fabs(polynomial(abc, i / 1000.0)) >= fixed) return 0;
  return 1;
}

/* Eigenvalues (1 + g - 2 sqrt(g) cos u) / s of X X^T with g = s/l have the density sin^2 u /
   (1 + g - 2 sqrt(g) cos u) in u. */
static double error(int64_t s, int64_t l, int64_t steps, const double abc[3]) {
  double g = (double)s / (double)l, sum = 0, weights = 0;
  if (!coefficients_safe(abc)) return 1e30;
  for (int i = 0; i < POINTS; i++) {
    double u = 3.14159265358979324 * (i + 0.5) / POINTS;
    double eigenvalue = 1 + g - 2 * sqrt(g) * cos(u), weight = sin(u) * sin(u) / eigenvalue;
    double x = sqrt(eigenvalue / (double)s);
    for (int64_t k = 0; k < steps; k++) x = polynomial(abc, x);
    sum += weight * (x - 1) * (x - 1);
    weights += weight;
  }
  return sum / weights;
}

typedef struct {
  double abc[3], error;
} Corner;

static void sort_corners(Corner corner[4]) {
  for (int i = 1; i < 4; i++)
    for (int j = i; j > 0 && corner[j].error < corner[j - 1].error; j--) {
      Corner swap = corner[j];
      corner[j] = corner[j - 1];
      corner[j - 1] = swap;
    }
}

void fit_coefficients(int64_t s, int64_t l, int64_t steps, double abc[3]) {
  const NewtonSchulzPlan jordan = newton_schulz_plan(&(NewtonSchulz){.schedule = NS_JORDAN});
  Corner corner[4];
  memcpy(corner[0].abc, jordan.abc[0], sizeof corner[0].abc);
  for (int i = 0; i < 4; i++) {
    if (i > 0) {
      memcpy(corner[i].abc, corner[0].abc, sizeof corner[i].abc);
      corner[i].abc[i - 1] *= 0.95;
    }
    corner[i].error = error(s, l, steps, corner[i].abc);
  }
  for (int round = 0; round < ROUNDS; round++) {
    sort_corners(corner);
    /* Along the line from the worst corner through the middle of the others. */
    const double reach[] = {2, 3, 1.5, 0.5};
    Corner best = corner[3];
    for (size_t r = 0; r < sizeof reach / sizeof *reach; r++) {
      Corner tried;
      for (int i = 0; i < 3; i++) {
        double middle = (corner[0].abc[i] + corner[1].abc[i] + corner[2].abc[i]) / 3;
        tried.abc[i] = corner[3].abc[i] + reach[r] * (middle - corner[3].abc[i]);
      }
      tried.error = error(s, l, steps, tried.abc);
      if (tried.error < best.error) best = tried;
    }
    if (best.error < corner[3].error) {
      corner[3] = best;
      continue;
    }
    for (int c = 1; c < 4; c++) { /* nothing better on the line: draw in to the best corner */
      for (int i = 0; i < 3; i++) corner[c].abc[i] = (corner[c].abc[i] + corner[0].abc[i]) / 2;
      corner[c].error = error(s, l, steps, corner[c].abc);
    }
  }
  sort_corners(corner);
  memcpy(abc, corner[0].abc, sizeof corner[0].abc);
}
