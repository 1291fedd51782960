#include "core/lapack.h"

#include <assert.h>

#include "core/threads.h"

/* LAPACK's Fortran interface: arguments by pointer, matrices column-major. */
void sgelqf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work,
             const int *lwork, int *info);
void sorglq_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau,
             float *work, const int *lwork, int *info);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info);

enum { BLOCK = 32 }; /* columns per block of LAPACK's QR */

int64_t orthonormal_work(int64_t k) { return k + k * BLOCK; }

/* A row-major Y is a column-major Y^T = L Q, so LQ without transposing is QR of Y. */
void orthonormal_columns(float *Y, int64_t rows, int64_t k, float *work) {
  int m = (int)k, n = (int)rows, room = (int)(k * BLOCK), info;
  assert(k <= rows);
  threads_fix(threads_count());
  sgelqf_(&m, &n, Y, &m, work, work + k, &room, &info);
  assert(info == 0);
  sorglq_(&m, &n, &m, Y, &m, work, work + k, &room, &info);
  threads_release();
  assert(info == 0);
}

int64_t eigen_work(int64_t n) { return 1 + 6 * n + 2 * n * n + 3 + 5 * n; }

static void reverse_rows(double *A, double *values, int64_t n) {
  for (int64_t i = 0, j = n - 1; i < j; i++, j--) {
    double swap = values[i];
    values[i] = values[j];
    values[j] = swap;
    for (int64_t c = 0; c < n; c++) {
      swap = A[i * n + c];
      A[i * n + c] = A[j * n + c];
      A[j * n + c] = swap;
    }
  }
}

void symmetric_eigen(double *A, double *values, int64_t n, double *work) {
  int size = (int)n, room = (int)(1 + 6 * n + 2 * n * n), whole = (int)(3 + 5 * n), info;
  int *integers = (int *)(void *)(work + room);
  threads_fix(threads_count());
  dsyevd_("V", "L", &size, A, &size, values, work, &room, integers, &whole, &info);
  threads_release();
  assert(info == 0);
  reverse_rows(A, values, n);
}

/* More room than LAPACK's least: with that it reduces column by column, several times slower. */
int64_t eigenvalues_work(int64_t n) { return 1 + 2 * n + 64 * n; }

void symmetric_eigenvalues(double *A, double *values, int64_t n, double *work) {
  int size = (int)n, room = (int)eigenvalues_work(n), whole = 1, integer, info;
  threads_fix(threads_count());
  dsyevd_("N", "L", &size, A, &size, values, work, &room, &integer, &whole, &info);
  threads_release();
  assert(info == 0);
  for (int64_t i = 0, j = n - 1; i < j; i++, j--) {
    double swap = values[i];
    values[i] = values[j];
    values[j] = swap;
  }
}
