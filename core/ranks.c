#include "core/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int count = 1, number;

int ranks_count(void) { return count; }
int rank_number(void) { return number; }

/* The number of tasks that an MPI launcher started, from its environment variables, or 1. */
static int tasks_started(void) {
  static const char *const variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                          "SLURM_STEP_NUM_TASKS"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    long tasks = value ? strtol(value, NULL, 10) : 1;
    if (tasks > 1) return (int)tasks;
  }
  return 1;
}

#ifndef POLAR_MPI

int ranks_start(Err *err) {
  int tasks = tasks_started();
  if (tasks == 1) return 0;
  return fail(err, "started as one of %d tasks, but built without MPI, so that each task would "
                   "train the same run; build with `make MPI=1`, or start one task", tasks);
}

void ranks_end(void) {}
int ranks_all_failed(double seconds) { return seconds >= 0; }
void ranks_abort(int code) { (void)code; }
int ranks_on_this_node(void) { return 1; }
const char *ranks_describe(void) { return ""; }
void ranks_sum(double *x, int n) { (void)x, (void)n; }
int ranks_most(int value) { return value; }
void ranks_copy(void *data, int64_t bytes, int from) { (void)data, (void)bytes, (void)from; }
void ranks_collect(float *to, const float *x, int64_t n, int from) {
  (void)to, (void)x, (void)n, (void)from;
}
void ranks_exchange(float *to, const float *x, int n) { (void)to, (void)x, (void)n; }
void ranks_share(float *x, int n) { (void)x, (void)n; }
void ranks_start_sum(float *x, int64_t n) { (void)x, (void)n; }
void ranks_start_copy(float *x, int64_t n, int from) { (void)x, (void)n, (void)from; }
void ranks_start_send(const float *x, int n, int to, int kind) {
  (void)x, (void)n, (void)to, (void)kind;
}
void ranks_start_receive(float *x, int n, int from, int kind) {
  (void)x, (void)n, (void)from, (void)kind;
}
void ranks_wait(void) {}

#else

#include <mpi.h>

/* A message has at most this many bytes: MPI counts in int. */
enum { MESSAGE = 1 << 28 };

static MPI_Comm failing; /* for ranks_all_failed */
static int on_node = 1;
static MPI_Request *requests;
static int started, room;

/* Open MPI's own choice for a sum in place, and for copies among more than four ranks, is a tree,
   whose root sends all numbers log2(ranks) times. Halving and a ring send them twice, a chain once.
   Before 4.1.2 the ring has wrong sums (github.com/open-mpi/ompi/issues/9385). Settings of the user
   remain. */
static void choose_algorithms(int ranks) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length, major, minor, patch, halves = (ranks & (ranks - 1)) == 0;
  MPI_Get_library_version(version, &length);
  if (sscanf(version, "Open MPI v%d.%d.%d", &major, &minor, &patch) != 3) return;
  if (10000 * major + 100 * minor + patch < 40102) return;
  setenv("OMPI_MCA_coll_libnbc_iallreduce_algorithm", halves ? "rabenseifner" : "ring", 0);
  if (ranks > 4) setenv("OMPI_MCA_coll_libnbc_ibcast_algorithm", "chain", 0);
}

int ranks_start(Err *err) {
  int level;
  MPI_Comm node;
  choose_algorithms(tasks_started());
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
    return fail(err, "MPI cannot be started");
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  MPI_Comm_rank(MPI_COMM_WORLD, &number);
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &on_node);
  MPI_Comm_free(&node);
  MPI_Comm_dup(MPI_COMM_WORLD, &failing);
  int tasks = tasks_started();
  if (count == 1 && tasks > 1)
    return fail(err, "one of %d tasks, but MPI sees one rank: the program was built with another "
                     "MPI than the launcher's; use the mpirun of that MPI", tasks);
  if (level < MPI_THREAD_FUNNELED)
    return fail(err, "this MPI does not support programs with threads");
  return 0;
}

void ranks_end(void) {
  int running = 0;
  MPI_Initialized(&running);
  if (running) MPI_Finalize();
  free(requests);
  requests = NULL;
  room = 0;
}

int ranks_all_failed(double seconds) {
  MPI_Request all;
  int done = 0;
  double until = MPI_Wtime() + seconds;
  if (count == 1) return 1;
  for (MPI_Ibarrier(failing, &all); !done && MPI_Wtime() < until; usleep(1000))
    MPI_Test(&all, &done, MPI_STATUS_IGNORE);
  return done;
}

void ranks_abort(int code) {
  if (count == 1) return;
  usleep(200000); /* MPICH's launcher ends at once and loses output that it has not yet passed on */
  MPI_Abort(MPI_COMM_WORLD, code);
}

int ranks_on_this_node(void) { return on_node; }

const char *ranks_describe(void) {
  static char text[MPI_MAX_LIBRARY_VERSION_STRING + 32];
  int length;
  if (*text) return text;
  MPI_Get_library_version(text, &length);
  text[strcspn(text, ",\n")] = 0;
  size_t used = strlen(text);
  snprintf(text + used, sizeof text - used, ", %d rank%s", count, count == 1 ? "" : "s");
  return text;
}

void ranks_sum(double *x, int n) {
  if (count == 1) return;
  double *all = malloc((size_t)n * (size_t)count * sizeof *all);
  MPI_Allgather(x, n, MPI_DOUBLE, all, n, MPI_DOUBLE, MPI_COMM_WORLD);
  memcpy(x, all, (size_t)n * sizeof *x);
  for (int r = 1; r < count; r++)
    for (int i = 0; i < n; i++) x[i] += all[r * n + i];
  free(all);
}

int ranks_most(int value) {
  int most = value;
  if (count > 1) MPI_Allreduce(&value, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return most;
}

void ranks_copy(void *data, int64_t bytes, int from) {
  for (int64_t at = 0; at < bytes && count > 1; at += MESSAGE) {
    int now = (int)(bytes - at < MESSAGE ? bytes - at : MESSAGE);
    MPI_Bcast((char *)data + at, now, MPI_BYTE, from, MPI_COMM_WORLD);
  }
}

void ranks_collect(float *to, const float *x, int64_t n, int from) {
  if (from == 0 && number == 0 && to != x) memcpy(to, x, (size_t)n * sizeof *to);
  for (int64_t at = 0; at < n && from != 0; at += MESSAGE / 4) {
    int now = (int)(n - at < MESSAGE / 4 ? n - at : MESSAGE / 4);
    if (number == from) MPI_Send(x + at, now, MPI_FLOAT, 0, 0, MPI_COMM_WORLD);
    if (number == 0) MPI_Recv(to + at, now, MPI_FLOAT, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
}

void ranks_exchange(float *to, const float *x, int n) {
  MPI_Alltoall(x, n, MPI_FLOAT, to, n, MPI_FLOAT, MPI_COMM_WORLD);
}

void ranks_share(float *x, int n) {
  MPI_Allgather(MPI_IN_PLACE, n, MPI_FLOAT, x, n, MPI_FLOAT, MPI_COMM_WORLD);
}

static MPI_Request *next_request(void) {
  if (started == room) {
    room = room ? 2 * room : 256;
    requests = realloc(requests, (size_t)room * sizeof *requests);
    if (!requests) MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return &requests[started++];
}

void ranks_start_sum(float *x, int64_t n) {
  for (int64_t at = 0; at < n && count > 1; at += MESSAGE / 4) {
    int now = (int)(n - at < MESSAGE / 4 ? n - at : MESSAGE / 4);
    MPI_Iallreduce(MPI_IN_PLACE, x + at, now, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, next_request());
  }
}

void ranks_start_copy(float *x, int64_t n, int from) {
  for (int64_t at = 0; at < n && count > 1; at += MESSAGE / 4) {
    int now = (int)(n - at < MESSAGE / 4 ? n - at : MESSAGE / 4);
    MPI_Ibcast(x + at, now, MPI_FLOAT, from, MPI_COMM_WORLD, next_request());
  }
}

void ranks_start_send(const float *x, int n, int to, int kind) {
  MPI_Isend(x, n, MPI_FLOAT, to, kind, MPI_COMM_WORLD, next_request());
}

void ranks_start_receive(float *x, int n, int from, int kind) {
  MPI_Irecv(x, n, MPI_FLOAT, from, kind, MPI_COMM_WORLD, next_request());
}

void ranks_wait(void) {
  if (started) MPI_Waitall(started, requests, MPI_STATUSES_IGNORE);
  started = 0;
}

#endif
