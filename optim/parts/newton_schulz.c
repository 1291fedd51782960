#include "optim/parts/newton_schulz.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/blas.h"

/* ---- coefficients ---- */

enum { LONGEST = 13 };

typedef struct {
  int steps;
  double margin; /* on the Frobenius norm */
  double eps;    /* added to it: X / (margin ||X||_F + eps) */
  double safety; /* f(x / safety), but for the last entry of the list */
  int direct;    /* not by way of the Gram matrix: too steep for float there */
  double abc[LONGEST][3];
} Schedule;

#define TRACK3 {2, -1.5, 0.5}

/* In the order of NS_SCHEDULE_NAMES. */
static const Schedule schedules[] = {
    /* K. Jordan et al., Muon (2024): one step, repeated; ends in 0.68..1.13, not at 1 */
    {5, 1, NS_EPS, 1, 0, {{3.4445, -4.7750, 2.0315}}},
    /* You Jiacheng, six steps, in 1/1024 */
    {6, 1, NS_EPS, 1, 0,
     {{3955 / 1024., -8306 / 1024., 5008 / 1024.}, {3735 / 1024., -6681 / 1024., 3463 / 1024.},
      {3799 / 1024., -6499 / 1024., 3211 / 1024.}, {4019 / 1024., -6385 / 1024., 2906 / 1024.},
      {2677 / 1024., -3029 / 1024., 1162 / 1024.}, {2172 / 1024., -1833 / 1024., 682 / 1024.}}},
    /* Cesista, You, Jordan: Squeezing 1-2% efficiency gains out of Muon (2025) */
    {5, 1, NS_EPS, 1, 0,
     {{4.0848, -6.8946, 2.9270}, {3.9505, -6.3029, 2.6377}, {3.7418, -5.5913, 2.3037},
      {2.8769, -3.1427, 1.2046}, {2.8366, -3.0525, 1.2012}}},
    /* Amsel et al., Polar Express, arXiv 2505.16932: l = 1e-3; eight steps there, five here */
    {5, 1.01, NS_EPS, 1.01, 0,
     {{8.28721201814563, -23.595886519098837, 17.300387312530933},
      {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
      {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
      {3.3184196573706015, -2.488488024314874, 0.51004894012372},
      {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
      {1.891301407787398, -1.2679958271945868, 0.37680408948524835},
      {1.8750014808534479, -1.2500016453999487, 0.3750001645474248},
      {1.875, -1.25, 0.375}}},
    /* Grishina, Smirnov, Rakhuba: CANS, arXiv 2506.10935 */
    {5, 1, NS_EPS, 1, 0,
     {{8.4703, -25.1081, 18.6293}, {4.1828, -3.1087, 0.5806}, {3.9619, -2.9541, 0.5630},
      {3.2866, -2.4647, 0.5074}, {2.2737, -1.6447, 0.4162}}},
    /* Taylor of 1/sqrt at 1, degree 2 and degree 1 in X X^T */
    {5, 1, NS_EPS, 1, 0, {{1.875, -1.25, 0.375}}},
    {5, 1, NS_EPS, 1, 0, {{1.5, -0.5, 0}}},
    /* Polar Express with safety 1.02 in the numbers, as modded-nanogpt and Dion use it; eps is
       Dion's (modded-nanogpt's is 1e-6) */
    {5, 1.02, 1e-8, 1, 0,
     {{8.156554524902461, -22.48329292557795, 15.878769915207462},
      {4.042929935166739, -2.808917465908714, 0.5000178451051316},
      {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
      {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
      {2.3465413258596377, -1.7097828382687081, 0.42323551169305323}}},
    /* modded-nanogpt's third track: twelve times the same, for accuracy rather than speed */
    {12, 1, NS_EPS, 1, 0,
     {TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3,
      TRACK3}},
    /* polar_express_generate(1e-6, 13, 1): singular values from 1e-6 to 1 come to 1 within 3e-7 in
       float; the safety keeps rounding from leaving the interval, beyond which they run away. This
       schedule is ours; its eps is 0, so that the result does not depend on the scale of X */
    {13, 1, 0, 1.01, 1,
     {{8.3216591150049073, -23.693966523161023, 17.372299086497001},
      {4.1607921483994179, -2.9617438335614743, 0.54288850090901586},
      {4.1606191940148696, -2.961698622280835, 0.54289449340646712},
      {4.1598997604985346, -2.961510591182321, 0.5429194403934452},
      {4.1569098222744625, -2.960729712390378, 0.54302346811970026},
      {4.1445297521224145, -2.9575063092065315, 0.54346023988509551},
      {4.0940504146883381, -2.9445338213672918, 0.54534531438712874},
      {3.9007399781544754, -2.8977936427535558, 0.55434430154967262},
      {3.1628438357379722, -2.371517257499383, 0.4968194561022638},
      {2.1814761208059448, -1.5597562727785026, 0.40709137813564772},
      {1.8817926152272137, -1.2575268171563547, 0.37575347548841642},
      {1.8750001090375588, -1.2500001213455409, 0.37500001230798707},
      {1.8749999999611615, -1.249999999922323, 0.37499999996116151}}},
};

const NewtonSchulz newton_schulz_converged = {.schedule = sizeof schedules / sizeof *schedules - 1};

int64_t newton_schulz_steps(const NewtonSchulz *ns) {
  return ns->steps ? ns->steps : schedules[ns->schedule].steps;
}

double newton_schulz_margin(const NewtonSchulz *ns) { return schedules[ns->schedule].margin; }

double newton_schulz_eps(const NewtonSchulz *ns) { return schedules[ns->schedule].eps; }

void newton_schulz_coefficients(const NewtonSchulz *ns, int64_t k, double *a, double *b,
                                double *c) {
  const Schedule *s = &schedules[ns->schedule];
  int last = 0, at;
  while (last + 1 < LONGEST && s->abc[last + 1][0] != 0) last++;
  at = k < last ? (int)k : last;
  double safety = s->safety != 1 && at == last ? 1 : s->safety;
  *a = s->abc[at][0] / safety;
  *b = s->abc[at][1] / pow(safety, 3);
  *c = s->abc[at][2] / pow(safety, 5);
}

/* Solves the 4 x 4 system with its right side in the last column, by Gauss with pivots. */
static void solve4(double m[4][5], double x[4]) {
  for (int i = 0; i < 4; i++) {
    int pivot = i;
    for (int k = i + 1; k < 4; k++)
      if (fabs(m[k][i]) > fabs(m[pivot][i])) pivot = k;
    double row[5];
    memcpy(row, m[i], sizeof row);
    memcpy(m[i], m[pivot], sizeof row);
    memcpy(m[pivot], row, sizeof row);
    for (int k = i + 1; k < 4; k++)
      for (int j = 4; j >= i; j--) m[k][j] -= m[i][j] * m[k][i] / m[i][i];
  }
  for (int i = 3; i >= 0; i--) {
    x[i] = m[i][4];
    for (int j = i + 1; j < 4; j++) x[i] -= m[i][j] * x[j];
    x[i] /= m[i][i];
  }
}

/* The quintic that is nearest to 1 on [lo,hi] in the maximum norm: Remez's exchange on x = lo, q,
   r, hi, where the errors alternate. */
static void optimal_quintic(double lo, double hi, double out[3]) {
  if (lo / hi >= 1 - 5e-6) {
    out[0] = 15 / (8 * hi);
    out[1] = -10 / (8 * pow(hi, 3));
    out[2] = 3 / (8 * pow(hi, 5));
    return;
  }
  double q = (3 * lo + hi) / 4, r = (lo + 3 * hi) / 4, error = INFINITY, last;
  do {
    const double x[4] = {lo, q, r, hi};
    double system[4][5], solution[4];
    for (int i = 0; i < 4; i++) {
      const double row[5] = {x[i], pow(x[i], 3), pow(x[i], 5), i % 2 ? -1 : 1, 1};
      memcpy(system[i], row, sizeof row);
    }
    solve4(system, solution);
    memcpy(out, solution, 3 * sizeof *out);
    double a = out[0], b = out[1], c = out[2], root = sqrt(9 * b * b - 20 * a * c);
    q = sqrt((-3 * b - root) / (10 * c));
    r = sqrt((-3 * b + root) / (10 * c));
    last = error;
    error = solution[3];
  } while (fabs(error - last) > 1e-15);
}

void polar_express_generate(double l, int64_t steps, double safety, double (*abc)[3]) {
  const double cushion = 0.02407327424182761; /* of the authors' code; the text says 1/10 */
  double lo = l, hi = 1;
  for (int64_t k = 0; k < steps; k++) {
    double *p = abc[k];
    optimal_quintic(fmax(lo, cushion * hi), hi, p);
    double at_lo = lo * (p[0] + lo * lo * (p[1] + lo * lo * p[2]));
    double at_hi = hi * (p[0] + hi * hi * (p[1] + hi * hi * p[2]));
    double center = 2 / (at_lo + at_hi);
    for (int i = 0; i < 3; i++) p[i] *= center / pow(safety, 2 * i + 1);
    lo = at_lo * center;
    hi = 2 - lo;
  }
}

/* ---- matrices ---- */

enum {
  RESTART = 3,     /* Gram steps until it is made anew: more lose all digits (0.62 after 5) */
  GRAM_LEAST = 64, /* short side below which half products gain nothing */
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int use_gram(int64_t rows, int64_t cols) {
  int64_t s = least(rows, cols), l = rows + cols - s;
  return s >= GRAM_LEAST && 2 * l >= 3 * s;
}

int64_t newton_schulz_scratch(int64_t rows, int64_t cols) {
  int64_t s = least(rows, cols);
  return rows * cols + 4 * s * s;
}

double newton_schulz_flops(int64_t rows, int64_t cols, const NewtonSchulz *ns) {
  double s = (double)least(rows, cols), l = (double)(rows + cols) - s, cube = s * s * s;
  double steps = (double)newton_schulz_steps(ns), restarts = ceil(steps / RESTART);
  double squares = schedules[ns->schedule].abc[0][2] != 0 ? steps * cube : 0; /* A A of a quintic */
  if (schedules[ns->schedule].direct || !use_gram(rows, cols))
    return steps * 3 * l * s * s + squares;
  return restarts * 3 * l * s * s + squares + (steps - restarts) * 3 * cube;
}

/* X = X / (margin ||X||_F + eps); 0 when X is zero. In double: float squares of 1e-30 vanish. */
static int normalize(float *X, int64_t n, double margin, double eps) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += (double)X[i] * (double)X[i];
  if (sum == 0) return 0;
  double scale = 1 / (margin * sqrt(sum) + eps);
  for (int64_t i = 0; i < n; i++) X[i] = (float)((double)X[i] * scale);
  return 1;
}

/* P = a I + b A + c A A for the symmetric A (s,s). */
static void polynomial(float *P, const float *A, int64_t s, const double abc[3]) {
  float a = (float)abc[0], b = (float)abc[1], c = (float)abc[2];
  if (c != 0) gram(PLAIN, s, s, A, s, P);
  else memset(P, 0, (size_t)(s * s) * sizeof *P);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < s; i++) {
    for (int64_t j = 0; j < s; j++) P[i * s + j] = b * A[i * s + j] + c * P[i * s + j];
    P[i * s + i] += a;
  }
}

/* The Gram matrix of the short side, and the product with a polynomial of it: a tall X is
   multiplied from the right, so that nothing has to be transposed. */
static void short_gram(float *A, const float *X, int64_t rows, int64_t cols) {
  if (rows > cols) gram(TRANSPOSED, cols, rows, X, cols, A);
  else gram(PLAIN, rows, cols, X, cols, A);
}

static void multiply(float *to, const float *P, const float *X, int64_t rows, int64_t cols) {
  if (rows > cols) gemm(PLAIN, PLAIN, rows, cols, cols, 1, X, cols, P, cols, 0, to, cols);
  else gemm(PLAIN, PLAIN, rows, cols, rows, 1, P, rows, X, cols, 0, to, cols);
}

static void swap(float **a, float **b) {
  float *t = *a;
  *a = *b;
  *b = t;
}

static void iterate_direct(float *X, int64_t rows, int64_t cols, const double (*abc)[3],
                           int64_t steps, float *scratch) {
  int64_t s = least(rows, cols), size = rows * cols;
  float *from = X, *to = scratch, *A = scratch + size, *P = A + s * s;
  for (int64_t k = 0; k < steps; k++) {
    short_gram(A, from, rows, cols);
    polynomial(P, A, s, abc[k]);
    multiply(to, P, from, rows, cols);
    swap(&from, &to);
  }
  if (from != X) memcpy(X, from, (size_t)size * sizeof *X);
}

/* With R = X X^T and h_k the polynomial of step k, X_T = h_T ... h_1 X and R_k = R_{k-1} h_k^2: all
   are polynomials in R, so they commute, and a step costs four half products of (s,s). */
static void iterate_gram(float *X, int64_t rows, int64_t cols, const double (*abc)[3],
                         int64_t steps, float *scratch) {
  int64_t s = least(rows, cols), size = rows * cols;
  float *from = X, *to = scratch;
  float *R = scratch + size, *P = R + s * s, *Q = P + s * s, *other = Q + s * s;
  for (int64_t k = 0; k < steps;) {
    int64_t end = least(k + RESTART, steps);
    short_gram(R, from, rows, cols);
    polynomial(Q, R, s, abc[k]);
    memcpy(P, Q, (size_t)(s * s) * sizeof *P);
    while (++k < end) {
      gram(PLAIN, s, s, P, s, other); /* R = R h h */
      symmetric_product(s, R, other, P);
      swap(&R, &P);
      polynomial(P, R, s, abc[k]); /* Q = Q h */
      symmetric_product(s, Q, P, other);
      swap(&Q, &other);
    }
    multiply(to, Q, from, rows, cols);
    swap(&from, &to);
  }
  if (from != X) memcpy(X, from, (size_t)size * sizeof *X);
}

void newton_schulz_with(float *X, int64_t rows, int64_t cols, const double (*abc)[3], int64_t steps,
                        double margin, double eps, float *scratch) {
  if (!normalize(X, rows * cols, margin, eps)) return;
  if (use_gram(rows, cols)) iterate_gram(X, rows, cols, abc, steps, scratch);
  else iterate_direct(X, rows, cols, abc, steps, scratch);
}

static void all_coefficients(const NewtonSchulz *ns, double (*abc)[3]) {
  for (int64_t k = 0; k < newton_schulz_steps(ns); k++)
    newton_schulz_coefficients(ns, k, &abc[k][0], &abc[k][1], &abc[k][2]);
}

void newton_schulz_direct(float *X, int64_t rows, int64_t cols, const NewtonSchulz *ns,
                          float *scratch) {
  double abc[NS_STEPS_MAX][3];
  all_coefficients(ns, abc);
  if (normalize(X, rows * cols, newton_schulz_margin(ns), newton_schulz_eps(ns)))
    iterate_direct(X, rows, cols, (const double (*)[3])abc, newton_schulz_steps(ns), scratch);
}

void newton_schulz(float *X, int64_t rows, int64_t cols, const NewtonSchulz *ns, float *scratch) {
  if (schedules[ns->schedule].direct) {
    newton_schulz_direct(X, rows, cols, ns, scratch);
    return;
  }
  double abc[NS_STEPS_MAX][3];
  all_coefficients(ns, abc);
  newton_schulz_with(X, rows, cols, (const double (*)[3])abc, newton_schulz_steps(ns),
                     newton_schulz_margin(ns), newton_schulz_eps(ns), scratch);
}
