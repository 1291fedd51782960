/* The threads of OpenMP loops and matrix products. Work is divided by their total number, which is
   constant during a run, so that results do not depend on the load. How many of them compute at a
   time depends on the processors that other programs leave free. */
#ifndef CORE_THREADS_H
#define CORE_THREADS_H

#include <stddef.h>

enum { THREADS_MOST = 4096 };

/* Sets the total number of threads; 0 means OMP_NUM_THREADS or, if that is not set, one per usable
   processor. Call it before anything computes, and again only while no model or optimizer is open.
   Returns the number in use, which may be lower than requested (threads_note says why). */
int threads_start(int threads);
int threads_count(void);

/* Why there are fewer threads than requested, such as "not 100000, the most for this computer", or
   "". */
const char *threads_note(void);

/* Sets how many of the threads compute; this does not change the results. */
void threads_compute(int threads);

/* Sets it to the processors that other programs leave free, unless a number was requested. Cheap;
   call it in every step, outside of parallel regions. */
void threads_follow_load(void);

/* How many of `total` threads should compute while other programs keep `taken` processors busy
   (rounded to whole processors). */
int threads_beside(int total, int processors, double taken);

/* The calling thread's number, 0..threads_count()-1, and whether it is in a parallel region, even
   one with a single thread. */
int thread_number(void);
int threads_inside(void);

/* Call threads_fix before and threads_release after BLAS or LAPACK: OpenBLAS then splits its work
   among `threads` threads, so that the load cannot change the result. */
void threads_fix(int threads);
void threads_release(void);

/* Whether OpenBLAS can map its buffers for this many threads; without memory it waits forever. */
int threads_have_memory(int threads);
size_t threads_buffer_bytes(void); /* of one thread */

#endif
