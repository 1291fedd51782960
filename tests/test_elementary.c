/* exp of whole vectors. */
#include "core/elementary.h"

#include <math.h>
#include <string.h>

#include "tests/check.h"

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The specified value of exp_f32(x). */
static double exp_promised(float x) {
  if (x < -87.0f) return 0;
  if (x > 88.3f) return INFINITY;
  return exp((double)x);
}

/* Every 509th float with one sign and exponent: one by one, and in a loop that vectorizes. */
static void test_exp_exponent(uint32_t top) {
  enum { STEP = 509, N = (1 << 23) / STEP };
  static float x[N], y[N];
  double worst = 0, worst_loop = 0;
  float at = 0;
  for (int i = 0; i < N; i++) x[i] = from_bits((top << 23) + (uint32_t)i * STEP);
#pragma omp simd
  for (int i = 0; i < N; i++) y[i] = exp_f32(x[i]);
  for (int i = 0; i < N; i++) {
    double want = exp_promised(x[i]), alone = exp_f32(x[i]);
    if (isinf(want) || want == 0 || isnan(want)) {
      int same = isnan(want) ? isnan(alone) && isnan(y[i]) : alone == want && y[i] == want;
      if (!same) worst = INFINITY, at = x[i];
      continue;
    }
    double error = fabs(alone - want) / want, error_loop = fabs((double)y[i] - want) / want;
    if (!(error <= worst)) worst = error, at = x[i];
    if (!(error_loop <= worst_loop)) worst_loop = error_loop, at = x[i];
  }
  check(worst <= 2e-7 && worst_loop <= 2e-7,
        "exp_f32(%a = %g): relative error %.3g alone, %.3g in a loop", (double)at, (double)at,
        worst, worst_loop);
}

static void test_exp(void) {
  for (uint32_t top = 0; top < 512; top++) test_exp_exponent(top); /* sign and exponent */
  check(isnan(exp_f32(NAN)) && isnan(exp_f32(-NAN)), "exp_f32(NaN) is %g", (double)exp_f32(NAN));
  check(exp_f32(INFINITY) == INFINITY, "exp_f32(inf) is %g", (double)exp_f32(INFINITY));
  check(exp_f32(-INFINITY) == 0, "exp_f32(-inf) is %g", (double)exp_f32(-INFINITY));
  check(exp_f32(0) == 1 && exp_f32(-0.0f) == 1, "exp_f32(0) is %.9g", (double)exp_f32(0));
  check(exp_f32(-87) > 0 && exp_f32(nextafterf(-87, -INFINITY)) == 0, "exp_f32 at -87");
  check(isfinite(exp_f32(88.3f)) && isinf(exp_f32(nextafterf(88.3f, INFINITY))),
        "exp_f32 at 88.3");
  check_near(exp_f32(88.3f) / exp(88.3f), 1, 2e-7, "exp_f32(88.3)");
  check_near(exp_f32(-87) / exp(-87), 1, 2e-7, "exp_f32(-87)");
}

int main(void) {
  test_exp();
  return check_report("elementary");
}
