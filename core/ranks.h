/* Several processes that compute one run together: the ranks of MPI, numbered from 0. Built without
   MPI=1, or started without mpirun, there is one rank, and every function here does nothing. All
   ranks must make the same calls in the same order, except for those that name one other rank. */
#ifndef CORE_RANKS_H
#define CORE_RANKS_H

#include <stdint.h>

#include "core/error.h"

/* Joins the ranks that mpirun or srun started. Error: the program was built without MPI, but
   started as one of several tasks. */
int ranks_start(Err *err);

/* Leaves the ranks. */
void ranks_end(void);

/* To call in a rank that failed, before it ends: returns 1 if all ranks fail within `seconds`. */
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

/* Returns the largest value of all ranks. */
int ranks_most(int value);

/* Copies `bytes` of rank `from` to all ranks. */
void ranks_copy(void *data, int64_t bytes, int from);

/* Moves x (n) of rank `from` to `to` (n) of rank 0. Other ranks do nothing. */
void ranks_collect(float *to, const float *x, int64_t n, int from);

/* to (ranks,n): row r = row `own number` of the x (ranks,n) of rank r. */
void ranks_exchange(float *to, const float *x, int n);

/* x (ranks,n): every rank gives its row to all. */
void ranks_share(float *x, int n);

/* Start to sum x (n) over all ranks, and to copy x (n) from rank `from` to all. The numbers must
   not be read or written before ranks_wait. */
void ranks_start_sum(float *x, int64_t n);
void ranks_start_copy(float *x, int64_t n, int from);

/* Start to send x (n) to one other rank, and to receive what it sends with the same `kind` (0 to
   32767). Each of the two ranks makes one of the calls, then ranks_wait. */
void ranks_start_send(const float *x, int n, int to, int kind);
void ranks_start_receive(float *x, int n, int from, int kind);

/* Completes all that was started. */
void ranks_wait(void);

#endif
