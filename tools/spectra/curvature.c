#include "tools/spectra/curvature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* With x_i = q_i^2 / max q^2, the numbers m_j = E (sum x_i z_i^2 / 2)^j / j! are the coefficients
   of prod (1 - x_i t)^(-1/2), so that m_j = sum over l = 1..j of (sum_i x_i^l) m_(j-l) / 2j. */
typedef struct {
  int64_t n, k;
  double *x, *power; /* (n): x_i and x_i^l */
  double *sum, *m;   /* (k+1): sum_i x_i^l, and m_j up to one factor for all */
  double log_factor, largest;
} Moments;

static Moments moments_make(int64_t n, int64_t k) {
  Moments a = {.n = n, .k = k};
  a.x = memory_take((size_t)n, sizeof *a.x);
  a.power = memory_take((size_t)n, sizeof *a.power);
  a.sum = memory_take((size_t)k + 1, sizeof *a.sum);
  a.m = memory_take((size_t)k + 1, sizeof *a.m);
  return a;
}

static void moments_free(Moments *a) {
  free(a->x), free(a->power), free(a->sum), free(a->m);
}

static void moments_of(Moments *a, const double *q) {
  a->largest = 0, a->log_factor = 0;
  for (int64_t i = 0; i < a->n; i++) a->largest = fmax(a->largest, q[i]);
  for (int64_t i = 0; i < a->n; i++) a->x[i] = pow(q[i] / a->largest, 2), a->power[i] = 1;
  a->m[0] = 1;
  for (int64_t j = 1; j <= a->k; j++) {
    a->sum[j] = a->m[j] = 0;
    for (int64_t i = 0; i < a->n; i++) a->sum[j] += a->power[i] *= a->x[i];
    for (int64_t l = 1; l <= j; l++) a->m[j] += a->sum[l] * a->m[j - l] / (2 * (double)j);
    if (a->m[j] < 1e200) continue;
    for (int64_t l = 0; l <= j; l++) a->m[l] *= 1e-200; /* what vanishes is too small to count */
    a->log_factor += 200 * log(10);
  }
}

double curvature_log_moment(const double *q, int64_t n, int64_t k) {
  Moments a = moments_make(n, k);
  moments_of(&a, q);
  double out = log(a.m[k]) + a.log_factor + (double)k * log(2 * a.largest * a.largest);
  moments_free(&a);
  return out;
}

/* The derivative of m_k to x_i, up to a factor: sum over j < k of x_i^j m_(k-1-j). */
static double slope(const Moments *a, double x) {
  double sum = 0;
  for (int64_t j = 0; j < a->k; j++) sum = sum * x + a->m[j];
  return sum;
}

static void scale_to_one(double *q, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += q[i] * q[i] / (double)n;
  for (int64_t i = 0; i < n; i++) q[i] /= sqrt(sum);
}

/* At the minimum s_i is proportional to q_i times the slope, a function of q that grows at most
   like q^(2k-1): so a step of 1/k toward it, in logarithms, never overshoots by more than it
   corrects. */
int curvature_best(double *q, const double *s, int64_t n, int64_t k, Err *err) {
  enum { ROUNDS = 100 };
  Moments a = moments_make(n, k);
  double off = INFINITY;
  for (int64_t i = 0; i < n; i++) q[i] = pow(s[i] / s[0], 1 / (2 * (double)k - 1));
  for (int64_t round = 0; round < ROUNDS * k && off > 1e-10; round++) {
    double mean = 0;
    moments_of(&a, q);
    for (int64_t i = 0; i < n; i++) {
      a.power[i] = log(s[i] / (q[i] * slope(&a, a.x[i])));
      mean += a.power[i] / (double)n;
    }
    off = 0;
    for (int64_t i = 0; i < n; i++) {
      off = fmax(off, fabs(a.power[i] - mean));
      q[i] *= exp((a.power[i] - mean) / (double)k);
    }
    scale_to_one(q, n);
  }
  moments_free(&a);
  return off <= 1e-10 ? 0 : fail(err, "growth %lld of %lld singular values: no convergence, off by "
                                      "%.2g; give a smaller growth", 2 * (long long)k,
                                 (long long)n, off);
}

/* The best length c of c <s,u> - c^(2k) N^(2k) / 2k gains (<s,u> / N)^(2k/(2k-1)) times a
   number. */
double curvature_share(const double *u, const double *q, const double *s, int64_t n, int64_t k) {
  double along_u = 0, along_q = 0, twice = 2 * (double)k;
  for (int64_t i = 0; i < n; i++) along_u += s[i] * u[i], along_q += s[i] * q[i];
  double norms = (curvature_log_moment(q, n, k) - curvature_log_moment(u, n, k)) / twice;
  return pow(along_u / along_q * exp(norms), twice / (twice - 1));
}
