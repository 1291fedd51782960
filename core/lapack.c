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

static int qr_room(int64_t k) { return (int)(k * BLOCK); }

void qr_layout(QrWork *work, Scratch *s, int64_t k) {
  work->tau = scratch_floats(s, k);
  work->block = scratch_floats(s, qr_room(k));
}

/* Row-major Y is column-major Y^T, so LQ of Y^T gives QR of Y without a transpose. */
void orthonormal_columns(float *Y, int64_t rows, int64_t k, const QrWork *work) {
  int m = (int)k, n = (int)rows, room = qr_room(k), info;
  assert(k <= rows);
  threads_fix(threads_count());
  sgelqf_(&m, &n, Y, &m, work->tau, work->block, &room, &info);
  assert(info == 0);
  sorglq_(&m, &n, &m, Y, &m, work->tau, work->block, &room, &info);
  threads_release();
  assert(info == 0);
}

static int eigen_room(int64_t n) { return (int)(1 + 6 * n + 2 * n * n); }
static int eigen_integers(int64_t n) { return (int)(3 + 5 * n); }

void eigen_layout(EigenWork *work, Scratch *s, int64_t n) {
  work->reals = scratch_doubles(s, eigen_room(n));
  work->integers = scratch_take(s, eigen_integers(n), sizeof(int));
}

static void reverse(double *values, int64_t n) {
  for (int64_t i = 0, j = n - 1; i < j; i++, j--) {
    double swap = values[i];
    values[i] = values[j];
    values[j] = swap;
  }
}

static void reverse_rows(double *A, int64_t n) {
  for (int64_t i = 0, j = n - 1; i < j; i++, j--)
    for (int64_t c = 0; c < n; c++) {
      double swap = A[i * n + c];
      A[i * n + c] = A[j * n + c];
      A[j * n + c] = swap;
    }
}

void symmetric_eigen(double *A, double *values, int64_t n, const EigenWork *work) {
  int size = (int)n, room = eigen_room(n), integers = eigen_integers(n), info;
  threads_fix(threads_count());
  dsyevd_("V", "L", &size, A, &size, values, work->reals, &room, work->integers, &integers, &info);
  threads_release();
  assert(info == 0);
  reverse(values, n);
  reverse_rows(A, n);
}

/* More than LAPACK's minimum, which selects an unblocked, several times slower reduction. */
static int eigenvalues_room(int64_t n) { return (int)(1 + 2 * n + 64 * n); }

void eigenvalues_layout(EigenWork *work, Scratch *s, int64_t n) {
  work->reals = scratch_doubles(s, eigenvalues_room(n));
  work->integers = scratch_take(s, 1, sizeof(int));
}

void symmetric_eigenvalues(double *A, double *values, int64_t n, const EigenWork *work) {
  int size = (int)n, room = eigenvalues_room(n), integers = 1, info;
  threads_fix(threads_count());
  dsyevd_("N", "L", &size, A, &size, values, work->reals, &room, work->integers, &integers, &info);
  threads_release();
  assert(info == 0);
  reverse(values, n);
}
