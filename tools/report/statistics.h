/* The arithmetic of comparisons. A value that was not measured is NaN and is left out. */
#ifndef TOOLS_REPORT_STATISTICS_H
#define TOOLS_REPORT_STATISTICS_H

typedef struct {
  int n;       /* values that are numbers */
  double mean; /* NaN when n = 0 */
  double sd;   /* of a sample (n - 1); NaN when n < 2 */
  double half; /* half the width of the 95 % t-interval of the mean; NaN when n < 2 */
} Summary;

Summary summarize(const double *x, int n);

/* Of the differences a[i] - b[i] where both are numbers: the same i is the same seed. */
Summary summarize_paired(const double *a, const double *b, int n);

/* Two-sided point of Student's t with `freedom` >= 1 degrees: |T| is below it with probability
   `level`, at most 0.9999. */
double t_quantile(int freedom, double level);

/* Widens the interval to that of one of `count` simultaneous ones, which all hold with 95 %
   (Bonferroni). */
void widen(Summary *s, int count);

/* out[i] = mean of the numbers among x[i-w .. i+w], w shrinking towards both ends so that the
   window stays centred, without a lag. NaN where x[i] is not finite. `window` = 2w + 1. */
void smooth_centred(const double *x, int n, int window, double *out);

/* Where y first comes down to `target`, in x, linear between the measurements; NaN when it never
   does. Measurements that are NaN are skipped. */
double first_crossing(const double *x, const double *y, int n, double target);

/* y = a x^-b + c. */
typedef struct {
  double a, b, c;
  double rms; /* of y - fit */
} PowerLaw;

/* The least squares fit with b from 0.01 to 4; x > 0, n >= 3. */
PowerLaw fit_power_law(const double *x, const double *y, int n);

#endif
