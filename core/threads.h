/* The threads of OpenMP loops and matrix products. Their number divides the work of a run and stays
   the same, so that its bits do not depend on the load; how many of them compute at a time follows
   the processors that other programs leave. */
#ifndef CORE_THREADS_H
#define CORE_THREADS_H

#include <stddef.h>

/* Sets the number of threads; 0 means OMP_NUM_THREADS or, without it, one per usable processor.
   Call before anything else computes, and again only while no model or optimizer is open. Returns
   the number in use, which is less than requested if the system or the memory limit allows no more
   (threads_note). */
int threads_start(int threads);
int threads_count(void);

/* Why there are not as many as requested, as "not 100000, the most for this computer"; "" if there
   are. */
const char *threads_note(void);

/* Sets how many of the threads compute, without effect on the results. */
void threads_compute(int threads);

/* Sets it to what other programs leave, unless a number was requested. Cheap: call it in every
   step, outside of parallel regions. */
void threads_follow_load(void);

/* The number of `total` threads that compute beside programs which keep `taken` of the processors
   busy: from half a processor on, a thread fewer. */
int threads_beside(int total, int processors, double taken);

/* The calling thread's number, 0..threads_count()-1, and whether it is in a parallel region, be it
   one that the load has left a single thread. */
int thread_number(void);
int threads_inside(void);

/* Around a call of BLAS or LAPACK, which may split its work: with `threads` of them until it ends,
   so that the load cannot change the result. */
void threads_fix(int threads);
void threads_release(void);

/* Whether OpenBLAS can still map its buffers for so many threads: it waits for ever for memory
   that it does not get. */
int threads_have_memory(int threads);
size_t threads_buffer_bytes(void); /* of one thread */

#endif
