/* Loaded before OpenBLAS, this makes it treat every CPU as a Prescott, have only the cores of
   TEST_HAS, and compute wrong results with those of TEST_WRONG. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const char *core = "Prescott";
static int wrong;

/* Whether `list`, with commas, has the name; the names of the test do not contain one another. */
static int has(const char *variable, const char *name) {
  const char *list = getenv(variable);
  return list && strstr(list, name) != NULL;
}

__attribute__((constructor)) static void start(void) {
  const char *asked = getenv("OPENBLAS_CORETYPE");
  if (asked && has("TEST_HAS", asked)) core = strdup(asked);
  wrong = has("TEST_WRONG", core);
}

char *openblas_get_corename(void) { return (char *)core; }

typedef void Gemm(int, int, int, int, int, int, float, const float *, int, const float *, int,
                  float, float *, int);

void cblas_sgemm(int order, int ta, int tb, int M, int N, int K, float alpha, const float *A,
                 int lda, const float *B, int ldb, float beta, float *C, int ldc) {
  void *next = dlsym(RTLD_NEXT, "cblas_sgemm");
  Gemm *real;
  memcpy(&real, &next, sizeof real);
  real(order, ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
  if (wrong && M > 100) C[ldc * (M - 1)] += 0.25f;
}
