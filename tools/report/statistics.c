#include "tools/report/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"

/* P(|T| > t) = I_{v/(v+t^2)}(v/2, 1/2), which for whole v is a finite sum (Abramowitz and Stegun
   26.7.3 and 26.7.4). */
static double t_inside(double t, int v) {
  double theta = atan2(t, sqrt(v)), c = cos(theta), s = sin(theta), term, sum;
  if (v == 1) return 2 * theta / 3.14159265358979324;
  if (v % 2 == 0) {
    term = sum = s;
    for (int k = 2; k <= v - 2; k += 2) sum += term *= c * c * (k - 1) / k;
    return sum;
  }
  term = sum = s * c;
  for (int k = 3; k <= v - 2; k += 2) sum += term *= c * c * (k - 1) / k;
  return 2 / 3.14159265358979324 * (theta + sum);
}

double t_quantile(int freedom, double level) {
  double low = 0, high = 6400; /* above the point of one degree at 0.9999 */
  if (freedom > 100000) freedom = 100000;
  for (int i = 0; i < 80; i++) {
    double middle = (low + high) / 2;
    if (t_inside(middle, freedom) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

Summary summarize(const double *x, int n) {
  Summary s = {0, NAN, NAN, NAN};
  double sum = 0, squares = 0;
  for (int i = 0; i < n; i++)
    if (!isnan(x[i])) sum += x[i], s.n++;
  if (s.n > 0) s.mean = sum / s.n;
  for (int i = 0; i < n; i++)
    if (!isnan(x[i])) squares += (x[i] - s.mean) * (x[i] - s.mean);
  if (s.n > 1) {
    s.sd = sqrt(squares / (s.n - 1));
    s.half = t_quantile(s.n - 1, 0.95) * s.sd / sqrt(s.n);
  }
  return s;
}

void widen(Summary *s, int count) {
  if (s->n > 1) s->half = t_quantile(s->n - 1, 1 - 0.05 / count) * s->sd / sqrt(s->n);
}

Summary summarize_paired(const double *a, const double *b, int n) {
  double *d = memory_take((size_t)(n > 0 ? n : 1), sizeof *d);
  for (int i = 0; i < n; i++) d[i] = a[i] - b[i];
  Summary s = summarize(d, n);
  free(d);
  return s;
}

void smooth_centred(const double *x, int n, int window, double *out) {
  double *sum = memory_take((size_t)n + 1, sizeof *sum); /* of the numbers before i, and how many */
  int *count = memory_take((size_t)n + 1, sizeof *count);
  for (int i = 0; i < n; i++) {
    sum[i + 1] = sum[i] + (isfinite(x[i]) ? x[i] : 0);
    count[i + 1] = count[i] + (isfinite(x[i]) != 0);
  }
  for (int i = 0; i < n; i++) {
    int w = (window - 1) / 2;
    if (w > i) w = i;
    if (w > n - 1 - i) w = n - 1 - i;
    out[i] = isfinite(x[i]) ? (sum[i + w + 1] - sum[i - w]) / (count[i + w + 1] - count[i - w])
                            : NAN;
  }
  free(sum);
  free(count);
}

double first_crossing(const double *x, const double *y, int n, double target) {
  int before = -1;
  for (int i = 0; i < n; i++) {
    if (isnan(y[i]) || isnan(x[i])) continue;
    if (y[i] <= target) {
      if (before < 0 || !isfinite(y[before])) return x[i];
      double part = (y[before] - target) / (y[before] - y[i]);
      return x[before] + part * (x[i] - x[before]);
    }
    before = i;
  }
  return NAN;
}

/* For a given b, a and c are a linear fit. */
static PowerLaw fit_with(double b, const double *x, const double *y, int n) {
  double mean_z = 0, mean_y = 0, zz = 0, zy = 0, squares = 0;
  for (int i = 0; i < n; i++) {
    mean_z += pow(x[i], -b) / n;
    mean_y += y[i] / n;
  }
  for (int i = 0; i < n; i++) {
    double z = pow(x[i], -b) - mean_z;
    zz += z * z;
    zy += z * (y[i] - mean_y);
  }
  PowerLaw law = {.a = zy / zz, .b = b};
  law.c = mean_y - law.a * mean_z;
  for (int i = 0; i < n; i++) {
    double off = y[i] - law.a * pow(x[i], -b) - law.c;
    squares += off * off;
  }
  law.rms = sqrt(squares / n);
  return law;
}

/* The squares may have more than one minimum in b: a grid first, then golden sections. */
PowerLaw fit_power_law(const double *x, const double *y, int n) {
  static const double GOLDEN = 0.381966011250105, STEP = 1.1;
  double best = 0.01;
  for (double b = 0.01; b < 4; b *= STEP)
    if (fit_with(b, x, y, n).rms < fit_with(best, x, y, n).rms) best = b;
  double low = best / STEP, high = best * STEP;
  for (int i = 0; i < 60; i++) {
    double left = low + GOLDEN * (high - low), right = high - GOLDEN * (high - low);
    if (fit_with(left, x, y, n).rms < fit_with(right, x, y, n).rms) high = right;
    else low = left;
  }
  return fit_with((low + high) / 2, x, y, n);
}
