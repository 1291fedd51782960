#include "optim/orthogonalize.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"

/* ---- coefficients ---- */

enum { LONGEST = 12 };

typedef struct {
  int steps;
  double margin; /* on the Frobenius norm */
  double safety; /* f(x / safety): all but the 8th entry of Polar Express's list */
  double abc[LONGEST][3];
} Schedule;

#define TRACK3 {2, -1.5, 0.5}

/* In the order of NS_SCHEDULE_NAMES. */
static const Schedule schedules[] = {
    /* K. Jordan et al., Muon (2024): one step, repeated; ends in 0.68..1.13, not at 1 */
    {5, 1, 1, {{3.4445, -4.7750, 2.0315}}},
    /* You Jiacheng, six steps, in 1/1024 */
    {6, 1, 1,
     {{3955 / 1024., -8306 / 1024., 5008 / 1024.}, {3735 / 1024., -6681 / 1024., 3463 / 1024.},
      {3799 / 1024., -6499 / 1024., 3211 / 1024.}, {4019 / 1024., -6385 / 1024., 2906 / 1024.},
      {2677 / 1024., -3029 / 1024., 1162 / 1024.}, {2172 / 1024., -1833 / 1024., 682 / 1024.}}},
    /* Cesista, You, Jordan: Squeezing 1-2% efficiency gains out of Muon (2025) */
    {5, 1, 1,
     {{4.0848, -6.8946, 2.9270}, {3.9505, -6.3029, 2.6377}, {3.7418, -5.5913, 2.3037},
      {2.8769, -3.1427, 1.2046}, {2.8366, -3.0525, 1.2012}}},
    /* Amsel et al., Polar Express, arXiv 2505.16932: l = 1e-3; five steps by default, eight there */
    {5, 1.01, 1.01,
     {{8.28721201814563, -23.595886519098837, 17.300387312530933},
      {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
      {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
      {3.3184196573706015, -2.488488024314874, 0.51004894012372},
      {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
      {1.891301407787398, -1.2679958271945868, 0.37680408948524835},
      {1.8750014808534479, -1.2500016453999487, 0.3750001645474248},
      {1.875, -1.25, 0.375}}},
    /* Grishina, Smirnov, Rakhuba: CANS, arXiv 2506.10935 */
    {5, 1, 1,
     {{8.4703, -25.1081, 18.6293}, {4.1828, -3.1087, 0.5806}, {3.9619, -2.9541, 0.5630},
      {3.2866, -2.4647, 0.5074}, {2.2737, -1.6447, 0.4162}}},
    /* Taylor of 1/sqrt at 1, degree 2 and degree 1 in X X^T */
    {5, 1, 1, {{1.875, -1.25, 0.375}}},
    {5, 1, 1, {{1.5, -0.5, 0}}},
    /* Polar Express with safety 1.02 in the numbers, as modded-nanogpt and Dion use it */
    {5, 1.02, 1,
     {{8.156554524902461, -22.48329292557795, 15.878769915207462},
      {4.042929935166739, -2.808917465908714, 0.5000178451051316},
      {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
      {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
      {2.3465413258596377, -1.7097828382687081, 0.42323551169305323}}},
    /* modded-nanogpt's third track: twelve times the same, for accuracy rather than speed */
    {12, 1, 1,
     {TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3, TRACK3,
      TRACK3}},
};

int64_t newton_schulz_steps(const NewtonSchulz *ns) {
  return ns->steps ? ns->steps : schedules[ns->schedule].steps;
}

double newton_schulz_margin(const NewtonSchulz *ns) { return schedules[ns->schedule].margin; }

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

/* ---- matrices ---- */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t newton_schulz_scratch(int64_t rows, int64_t cols) {
  int64_t s = least(rows, cols);
  return rows * cols + 2 * s * s;
}

double newton_schulz_flops(int64_t rows, int64_t cols, const NewtonSchulz *ns) {
  double s = (double)least(rows, cols), l = (double)(rows + cols) - s;
  return (double)newton_schulz_steps(ns) * (3 * l * s * s + s * s * s);
}

/* X = X / (margin ||X||_F); 0 when X is zero. In double: float squares of 1e-30 vanish. */
static int normalize(float *X, int64_t n, double margin) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += (double)X[i] * (double)X[i];
  if (sum == 0) return 0;
  double scale = 1 / (margin * sqrt(sum));
  for (int64_t i = 0; i < n; i++) X[i] = (float)((double)X[i] * scale);
  return 1;
}

/* P = a I + b A + c A A for the symmetric A (s,s). */
static void polynomial(float *P, const float *A, int64_t s, double a, double b, double c) {
  gram(PLAIN, s, s, A, s, P, s);
  float fb = (float)b, fc = (float)c;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < s; i++) {
    for (int64_t j = 0; j < s; j++) P[i * s + j] = fb * A[i * s + j] + fc * P[i * s + j];
    P[i * s + i] += (float)a;
  }
}

/* A tall X is multiplied from the right, P(X^T X), so that nothing has to be transposed. */
void newton_schulz(float *X, int64_t rows, int64_t cols, const NewtonSchulz *ns, float *scratch) {
  int64_t s = least(rows, cols), size = rows * cols;
  float *Y = scratch, *A = Y + size, *P = A + s * s;
  if (!normalize(X, size, newton_schulz_margin(ns))) return;
  float *from = X, *to = Y;
  for (int64_t k = 0; k < newton_schulz_steps(ns); k++) {
    double a, b, c;
    newton_schulz_coefficients(ns, k, &a, &b, &c);
    gram(rows > cols ? TRANSPOSED : PLAIN, s, rows + cols - s, from, cols, A, s);
    polynomial(P, A, s, a, b, c);
    if (rows > cols) gemm(PLAIN, PLAIN, rows, s, s, 1, from, cols, P, s, 0, to, cols);
    else gemm(PLAIN, PLAIN, s, cols, s, 1, P, s, from, cols, 0, to, cols);
    float *swap = from;
    from = to;
    to = swap;
  }
  if (from != X) memcpy(X, from, (size_t)size * sizeof *X);
}

double shape_scale(int scale, int64_t rows, int64_t cols) {
  enum { NONE, KJ, SPECTRAL, RMS, OLD };
  double m = (double)rows, n = (double)cols;
  switch (scale) {
    case KJ: return sqrt(fmax(1, m / n));
    case SPECTRAL: return sqrt(m / n);
    case RMS: return 0.2 * sqrt(fmax(m, n));
    case OLD: return sqrt(fmax(m, n));
    default: return 1;
  }
}
