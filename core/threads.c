#include "core/threads.h"

#include <cblas.h>
#include <unistd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/clock.h"
#include "core/processors.h"
#include "core/ranks.h"

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

enum { BLAS_SERIAL, BLAS_PTHREAD, BLAS_OPENMP }; /* values of openblas_get_parallel() */

enum {
  THREADS_LEAST = 64, /* always allowed */
  THREADS_PER_PROCESSOR = 4,
};
static const double WINDOW = 0.25; /* seconds over which the load is measured: 25 ticks */

static int total = 1, computing = 1, following;
static char note[160];
static ProcessorTimes measured;

/* OpenBLAS's buffer allocation, if the library exports it. */
void *blas_memory_alloc(int) __attribute__((weak));
void blas_memory_free(void *) __attribute__((weak));

/* BUFFER_SIZE of OpenBLAS 0.3.21 (smaller on other architectures), plus a stack. */
size_t threads_buffer_bytes(void) { return (size_t)(128 + 8) << 20; }

int threads_have_memory(int threads) {
  size_t bytes = (size_t)threads * threads_buffer_bytes();
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 0;
  munmap(memory, bytes);
  return 1;
}

static int memory_is_limited(void) {
  struct rlimit space, data;
  return (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) ||
         (getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur != RLIM_INFINITY);
}

/* Under a memory limit, lets OpenBLAS map its buffers before ours use the memory. It already has
   the first one. */
static int take_buffers(int threads) {
  void *buffers[THREADS_LEAST];
  if (threads > THREADS_LEAST) threads = THREADS_LEAST;
  while (threads > 1 && !threads_have_memory(threads - 1)) threads--;
  if (!blas_memory_alloc || !blas_memory_free) return threads;
  for (int i = 0; i < threads; i++) buffers[i] = blas_memory_alloc(0);
  for (int i = 0; i < threads; i++) blas_memory_free(buffers[i]);
  return threads;
}

/* The first number in OMP_NUM_THREADS, which may be a list; 0 if it is not set. */
static int from_environment(void) {
  const char *text = getenv("OMP_NUM_THREADS");
  long n = text ? strtol(text, NULL, 10) : 0;
  return n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : (int)n;
}

static int allowed(int threads) {
  int most = THREADS_PER_PROCESSOR * processors_usable(), asked = threads;
  const char *why = "";
  if (most < THREADS_LEAST) most = THREADS_LEAST;
  if (most > THREADS_MOST) most = THREADS_MOST;
  *note = 0;
  if (threads > most) {
    threads = most;
    why = "the most for this computer";
  }
#ifdef _OPENMP
  if (threads > omp_get_thread_limit()) {
    threads = omp_get_thread_limit();
    why = "as OMP_THREAD_LIMIT says";
  }
#endif
  /* The serial build has no locks, so two callers may get the same buffer. Measured with Debian's
     0.3.21 and eight threads: 50 of 24,000 products were wrong. */
  if (threads > 1 && openblas_get_parallel() == BLAS_SERIAL) {
    threads = 1;
    why = "as OpenBLAS's serial build is not safe for more; use its OpenMP or pthread build";
  }
  int fitting = memory_is_limited() ? take_buffers(threads) : threads;
  if (fitting < threads) {
    threads = fitting;
    why = "as the memory limit allows (ulimit -v, ulimit -d)";
  }
  if (threads < asked) snprintf(note, sizeof note, "not %d, %s", asked, why);
  return threads;
}

void threads_compute(int threads) {
  computing = threads;
#ifdef _OPENMP
  omp_set_num_threads(threads);
#endif
}

#ifdef _OPENMP
/* mpirun may have bound the rank to some processors; else the ranks of a computer share all. */
static int processors_of_rank(void) {
  int usable = processors_usable();
  int share = (int)sysconf(_SC_NPROCESSORS_ONLN) / ranks_on_this_node();
  return usable < share ? usable : share < 1 ? 1 : share;
}
#endif

int threads_start(int threads) {
  int given = threads > 0 ? threads : from_environment();
#ifdef _OPENMP
  total = allowed(given ? given : processors_of_rank());
  omp_set_max_active_levels(1);
  threads_compute(total);
  /* The threads of a pthread build would compete with OpenMP's, so it gets one, and gemm() splits
     the products. Not for the OpenMP build: 1 would apply to our own loops too. */
  if (openblas_get_parallel() != BLAS_OPENMP) openblas_set_num_threads(1);
  following = !given && total > 1 && ranks_on_this_node() == 1 &&
              processors_times(&measured, "") == 0;
#else
  if (given) openblas_set_num_threads(allowed(given));
#endif
  return total;
}

int threads_count(void) { return total; }

const char *threads_note(void) { return note; }

int threads_beside(int threads, int processors, double taken) {
  int left = (int)(processors - taken + 0.5);
  return left < 1 ? 1 : left < threads ? left : threads;
}

void threads_follow_load(void) {
  ProcessorTimes now;
  if (!following || clock_seconds() - measured.clock < WINDOW) return;
  if (processors_times(&now, "")) return;
  threads_compute(threads_beside(total, now.processors, processors_taken(&measured, &now)));
  measured = now;
}

int thread_number(void) {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

int threads_inside(void) {
#ifdef _OPENMP
  return omp_get_level() > 0;
#else
  return 0;
#endif
}

void threads_fix(int threads) {
#ifdef _OPENMP
  if (openblas_get_parallel() == BLAS_OPENMP && !threads_inside()) omp_set_num_threads(threads);
#else
  (void)threads;
#endif
}

void threads_release(void) { threads_fix(computing); }
