#include <math.h>
#include <stdio.h>

#include "tools/spectra/scale.h"

enum { QUANTILES = 6 };
static const double quantiles[QUANTILES] = {0, 0.01, 0.1, 0.5, 0.9, 1};
static const char *const quantile_names[QUANTILES] = {"smallest", "1%", "10%", "median", "90%",
                                                      "largest"};

/* Of the matrices' q-quantiles: the geometric mean. */
static double measured(const Shape *h, double q) {
  double sum = 0;
  for (int j = 0; j < h->count; j++) sum += log(fmax(values_quantile(&h->values[j], q), 1e-30));
  return exp(sum / h->count);
}

double scale_expected(const Shape *h, double q) {
  double s = (double)h->s;
  if (q == 0 && h->s == h->l) return smallest_geometric_mean() / (s * sqrt(s));
  return law_quantile(s / (double)h->l, q) / sqrt(s);
}

int scale_resolves(const Shape *h, double q) { return q == 0 || q * (double)h->s >= 5; }

static double expected_slope(const Shape *h, double q) {
  return q == 0 && h->s == h->l ? -1.5 : -0.5;
}

typedef struct {
  double slope, error; /* with its standard error */
} Slope;

/* Of ln(q-quantile) against ln(size), by least squares over all matrices. */
static Slope fit_slope(const Scale *c, int aspect, double q) {
  double n = 0, x1 = 0, y1 = 0, xx = 0, xy = 0, yy = 0;
  for (int i = 0; i < c->size_count; i++) {
    const Shape *h = scale_shape(c, aspect, i);
    for (int j = 0; j < h->count && scale_resolves(h, q); j++) {
      double x = log((double)h->s), y = log(fmax(values_quantile(&h->values[j], q), 1e-30));
      n++, x1 += x, y1 += y, xx += x * x, xy += x * y, yy += y * y;
    }
  }
  double sxx = xx - x1 * x1 / n, sxy = xy - x1 * y1 / n, syy = yy - y1 * y1 / n;
  Slope out = {sxy / sxx, NAN};
  if (n > 2) out.error = sqrt(fmax(0, syy - sxy * sxy / sxx) / (n - 2) / sxx);
  return out;
}

static int values_table(const Scale *c, Err *err) {
  Table t = table_make("aspect|size|matrices|quantile|measured|expected|ratio");
  printf("\nNormalized singular values of random matrices: measured (expected)\n");
  Table shown = table_make("shape|smallest|1%|10%|median|90%|largest");
  for (int a = 0; a < c->aspect_count; a++)
    for (int i = 0; i < c->size_count; i++) {
      const Shape *h = scale_shape(c, a, i);
      table_row(&shown);
      table_set(&shown, 0, "%lld x %lld", (long long)h->s, (long long)h->l);
      for (int k = 0; k < QUANTILES; k++) {
        double got = measured(h, quantiles[k]), want = scale_expected(h, quantiles[k]);
        table_row(&t);
        table_set(&t, 0, "1:%lld", (long long)c->aspects[a]);
        table_set(&t, 1, "%lld", (long long)h->s);
        table_set(&t, 2, "%d", h->count);
        table_set(&t, 3, "%s", quantile_names[k]);
        table_set(&t, 4, "%.6g", got);
        table_set(&t, 5, "%.6g", want);
        table_set(&t, 6, "%.4f", got / want);
        table_set(&shown, k + 1, "%.3g (%.3g)", got, want);
      }
    }
  table_write(&shown, TABLE_TEXT, stdout);
  table_free(&shown);
  int status = output_csv(c->output, "scale-values", &t, err);
  table_free(&t);
  return status;
}

static int slopes_table(const Scale *c, Err *err) {
  if (c->size_count < 2) return 0;
  Table t = table_make("aspect|quantile|slope|standard error|expected");
  for (int a = 0; a < c->aspect_count; a++)
    for (int k = 0; k < QUANTILES; k++) {
      Slope slope = fit_slope(c, a, quantiles[k]);
      table_row(&t);
      table_set(&t, 0, "1:%lld", (long long)c->aspects[a]);
      table_set(&t, 1, "%s", quantile_names[k]);
      table_set(&t, 2, "%.4f", slope.slope);
      table_set(&t, 3, "%.4f", slope.error);
      table_set(&t, 4, "%.1f", expected_slope(scale_shape(c, a, 0), quantiles[k]));
    }
  printf("\nSlopes of ln(singular value) against ln(size)\n");
  table_write(&t, TABLE_TEXT, stdout);
  int status = output_csv(c->output, "scale-slopes", &t, err);
  table_free(&t);
  return status;
}

static void add_quantile(Figure *f, const Scale *c, int aspect, int k, Look look,
                         const char *label) {
  Series *law = figure_add(f, SERIES_FAINT, look, c->size_count, "");
  Series *s = figure_add(f, SERIES_CURVE, look, c->size_count, label);
  law = &f->series[f->count - 2];
  for (int i = 0; i < c->size_count; i++) {
    const Shape *h = scale_shape(c, aspect, i);
    s->x[i] = law->x[i] = (double)h->s;
    s->y[i] = log10(measured(h, quantiles[k]));
    law->y[i] = log10(scale_expected(h, quantiles[k]));
  }
}

static int values_figure(const Scale *c, Err *err) {
  Figure f = figure_make("Singular values of random matrices, ||X||_F = 1", "short side",
                         "singular value (thin: expected)");
  f.x_log = f.x_doublings = f.y_decades = 1;
  f.x_min = (double)c->sizes[0] / 1.05, f.x_max = (double)c->sizes[c->size_count - 1] * 1.05;
  for (int a = c->aspect_count - 1; a >= 0; a--) {
    char label[64];
    snprintf(label, sizeof label, "smallest, 1:%lld", (long long)c->aspects[a]);
    Look look = palette_nth(c->aspects[a] == 1 ? 1 : 2);
    if (a > 0 && c->aspects[a] != 1) look = palette_shade(look, a - 1);
    add_quantile(&f, c, a, 0, look, label);
  }
  for (int k = 1; k < QUANTILES && c->aspects[0] == 1; k++) {
    char label[64];
    if (k == 4) continue; /* 90 % lies on the largest */
    snprintf(label, sizeof label, "%s, 1:1", quantile_names[k]);
    add_quantile(&f, c, 0, k, palette_nth(k == 5 ? 6 : k == 1 ? 3 : k == 2 ? 4 : 0), label);
  }
  return output_figure(c->output, "scale-values", &f, err);
}

int scale_values(const Scale *c, Err *err) {
  return values_table(c, err) || slopes_table(c, err) || values_figure(c, err) ? -1 : 0;
}
