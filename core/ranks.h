/* Several processes that compute one run together: the ranks of MPI, numbered from 0. Built without
   MPI=1, or started without mpirun, there is one rank, and every function here does nothing. All
   ranks must make the same calls in the same order. */
#ifndef CORE_RANKS_H
#define CORE_RANKS_H

#include <stdint.h>

#include "core/error.h"

/* Joins the ranks that mpirun or srun started. Error: this program has no MPI, but was started as one of several tasks. */
int ranks_start(Err *err);

/* Leaves them. */
void ranks_end(void);

/* Before the end of a rank that failed: returns 1 if all ranks fail within `seconds`. */
int ranks_all_failed(double seconds);

/* Ends all ranks at once. */
void ranks_abort(int code);

int ranks_count(void);
int rank_number(void);
int ranks_on_this_node(void);

/* "Open MPI v4.1.4, 4 ranks", or "" without MPI. */
const char *ranks_describe(void);

/* x (n) = the sum over all ranks, added in the order of their numbers. */
void ranks_sum(double *x, int n);

/* The largest of all ranks' values. */
int ranks_most(int value);

/* `bytes` of rank `from` for all. */
void ranks_copy(void *data, int64_t bytes, int from);

/* Moves x (n) of rank `from` to `to` (n) of rank 0. Other ranks do nothing. */
void ranks_collect(float *to, const float *x, int64_t n, int from);

/* Start to sum x (n) over all ranks, and to copy x (n) from rank `from` to all. The numbers must not
   be touched before ranks_wait, which completes everything that was started. */
void ranks_start_sum(float *x, int64_t n);
void ranks_start_copy(float *x, int64_t n, int from);
void ranks_wait(void);

#endif
