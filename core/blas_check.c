#include "core/blas_check.h"

#include <cblas.h>
#include <math.h>
#include <stdint.h>

/* Large enough for the SkylakeX kernels that OpenBLAS uses for products above 100^3. */
enum { MOST = 140 };
static const int shapes[][3] = {{5, 3, 7}, {1, 40, 33}, {33, 17, 40}, {131, 67, 130}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct {
  int M, N, K, ta, tb;
  double A[MOST * MOST], B[MOST * MOST], C[MOST * MOST], x[MOST];
} Product;

static float A[MOST * MOST], B[MOST * MOST], C[MOST * MOST];

/* Multiples of 1/16 from -1 to 1, which are exact in float and double. */
static double value(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (double)(*state >> 24 & 31) / 16 - 1;
}

static void fill(Product *p) {
  uint32_t state = 1;
  for (int i = 0; i < MOST * MOST; i++) {
    A[i] = (float)(p->A[i] = value(&state));
    B[i] = (float)(p->B[i] = value(&state));
  }
  for (int i = 0; i < MOST; i++) p->x[i] = value(&state) + 2; /* none is zero */
}

/* y = op(W) x for the row-major op(W) (rows,cols). */
static void apply(const double *W, int transposed, int rows, int cols, const double *x, double *y) {
  for (int i = 0; i < rows; i++) {
    y[i] = 0;
    for (int j = 0; j < cols; j++) y[i] += (transposed ? W[j * rows + i] : W[i * cols + j]) * x[j];
  }
}

/* Freivalds' check: C x = A (B x), which costs only matrix-vector products. */
static int agrees(const Product *p, double tolerance) {
  double Bx[MOST], want[MOST], got[MOST];
  apply(p->B, p->tb, p->K, p->N, p->x, Bx);
  apply(p->A, p->ta, p->M, p->K, Bx, want);
  apply(p->C, 0, p->M, p->N, p->x, got);
  for (int i = 0; i < p->M; i++)
    if (!(fabs(got[i] - want[i]) <= tolerance * p->K * p->N)) return 0;
  return 1;
}

static int check_product(Product *p) {
  CBLAS_TRANSPOSE a = p->ta ? CblasTrans : CblasNoTrans, b = p->tb ? CblasTrans : CblasNoTrans;
  int M = p->M, N = p->N, K = p->K, lda = p->ta ? M : K, ldb = p->tb ? K : N;
  cblas_sgemm(CblasRowMajor, a, b, M, N, K, 1, A, lda, B, ldb, 0, C, N);
  for (int i = 0; i < M * N; i++) p->C[i] = (double)C[i];
  if (!agrees(p, 1e-6)) return 0;
  cblas_dgemm(CblasRowMajor, a, b, M, N, K, 1, p->A, lda, p->B, ldb, 0, p->C, N);
  return agrees(p, 1e-14);
}

/* B = A^T makes the product a Gram matrix. */
static int check_gram(const Product *p) {
  static Product gram;
  gram = *p;
  gram.N = p->M;
  gram.tb = !p->ta;
  for (int i = 0; i < MOST * MOST; i++) gram.B[i] = p->A[i];
  int N = p->M, K = p->K, ld = p->ta ? N : K;
  CBLAS_TRANSPOSE a = p->ta ? CblasTrans : CblasNoTrans;
  cblas_ssyrk(CblasRowMajor, CblasLower, a, N, K, 1, A, ld, 0, C, N);
  for (int i = 0; i < N; i++)
    for (int j = 0; j <= i; j++) gram.C[i * N + j] = gram.C[j * N + i] = (double)C[i * N + j];
  return agrees(&gram, 1e-6);
}

static int check_vector(const Product *p) {
  double want[MOST], tolerance = 1e-6 * p->K;
  float x[MOST], y[MOST];
  int lda = p->ta ? p->M : p->K;
  for (int i = 0; i < MOST; i++) x[i] = (float)p->x[i];
  apply(p->A, p->ta, p->M, p->K, p->x, want);
  cblas_sgemv(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans, p->ta ? p->K : p->M,
              p->ta ? p->M : p->K, 1, A, lda, x, 1, 0, y, 1);
  for (int i = 0; i < p->M; i++)
    if (!(fabs((double)y[i] - want[i]) <= tolerance)) return 0;
  return 1;
}

int blas_check(void) {
  static Product p;
  fill(&p);
  for (int s = 0; s < SHAPES; s++)
    for (int t = 0; t < 4; t++) {
      p.M = shapes[s][0], p.N = shapes[s][1], p.K = shapes[s][2];
      p.ta = t & 1, p.tb = t >> 1;
      if (!check_product(&p) || !check_gram(&p) || !check_vector(&p)) return 0;
    }
  return 1;
}
