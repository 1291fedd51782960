/* The isotropic curvature model: moments and best steps that are known in closed form, and that no
   other step gains more. Tests: tools/spectra/curvature tools/spectra/isotropic */
#include <math.h>

#include "tests/check.h"
#include "tools/spectra/curvature.h"

enum { N = 24 };

static Err err;

/* E |diag(q) z|^(2k): of one number (2k-1)!! q^2k; of n equal ones that of chi-square. */
static void test_moments(void) {
  static const int64_t ks[] = {1, 2, 3, 10, 300, CURVATURE_K_MAX};
  double q[N];
  for (int i = 0; i < N; i++) q[i] = 1.3;
  for (int i = 0; i < 6; i++) {
    double k = (double)ks[i];
    for (int n = 1; n <= N; n += N - 1) {
      double want = k * log(2 * 1.3 * 1.3) + lgamma(n / 2. + k) - lgamma(n / 2.) - lgamma(k + 1);
      check_near(curvature_log_moment(q, n, ks[i]), want, 1e-12, "moment %d of %d equal numbers",
                 (int)k, n);
    }
  }
  const double two[] = {2, 0.5}; /* E (4 a + b / 4)^2 = 3 * 16 + 2 + 3 / 16 for a, b of mean 1 */
  check_near(curvature_log_moment(two, 2, 2), log((48 + 2 + 3 / 16.) / 2), 1e-14, "two numbers");
}

static void spread(double *s, double smallest) {
  for (int i = 0; i < N; i++) s[i] = pow(smallest, i / (N - 1.));
}

/* k = 1: q is s. k = 2: s_i is proportional to q_i (sum q^2 + 2 q_i^2). */
static void test_closed_forms(double smallest) {
  double s[N], q[N], squares = 0, sum = 0;
  spread(s, smallest);
  for (int i = 0; i < N; i++) sum += s[i] * s[i] / N;
  check(curvature_best(q, s, N, 1, &err) == 0, "k = 1: %s", err.text);
  for (int i = 0; i < N; i++)
    check_near(q[i], s[i] / sqrt(sum), 1e-9, "k = 1, smallest %g, number %d", smallest, i);
  check(curvature_best(q, s, N, 2, &err) == 0, "k = 2: %s", err.text);
  for (int i = 0; i < N; i++) squares += q[i] * q[i];
  check_near(squares, N, 1e-12, "root mean square 1");
  double factor = q[0] * (squares + 2 * q[0] * q[0]) / s[0];
  for (int i = 0; i < N; i++)
    check_near(q[i] * (squares + 2 * q[i] * q[i]) / (factor * s[i]), 1, 1e-8,
               "k = 2, smallest %g, number %d", smallest, i);
}

/* The paper's claim: the ratios of q are smaller than those of s; they fall as k grows, and equal
   values are the limit. No power of s and no change of one value gains more than q. */
static void test_best(double smallest) {
  double s[N], q[N], u[N], before = INFINITY;
  spread(s, smallest);
  for (int64_t k = 1; k <= 256; k *= 4) {
    check(curvature_best(q, s, N, k, &err) == 0, "k = %d: %s", (int)k, err.text);
    for (int i = 1; i < N; i++)
      check(q[i] <= q[i - 1] && q[i - 1] / q[i] <= s[i - 1] / s[i] * (1 + 1e-9),
            "k = %d, smallest %g: the ratio of %d and %d is %g", (int)k, smallest, i - 1, i,
            q[i - 1] / q[i]);
    check(q[0] / q[N - 1] < before, "k = %d: the ratio does not fall", (int)k);
    before = q[0] / q[N - 1];
    check_near(curvature_share(q, q, s, N, k), 1, 1e-14, "k = %d, the best of itself", (int)k);
    for (int p = 0; p <= 10; p++) {
      for (int i = 0; i < N; i++) u[i] = pow(s[i], p / 10.);
      double share = curvature_share(u, q, s, N, k);
      check(share > 0 && share <= 1 + 1e-12, "k = %d: S^%g gains %.15g", (int)k, p / 10., share);
    }
    for (int i = 0; i < N; i++)
      for (int way = -1; way <= 1; way += 2) {
        for (int j = 0; j < N; j++) u[j] = q[j] * (1 + (j == i) * way * 1e-3);
        double share = curvature_share(u, q, s, N, k);
        check(share < 1, "k = %d: a change of %d gains %.15g", (int)k, i, share);
      }
  }
}

int main(void) {
  test_moments();
  test_closed_forms(0.3);
  test_closed_forms(1e-3);
  test_best(0.5);
  test_best(0.01);
  return check_report("curvature");
}
