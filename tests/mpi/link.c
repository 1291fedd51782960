/* Prints what the link between two ranks carries: microseconds of a short message, and Gbit/s of
   long ones, in one direction and in each of both at once. Started by network.sh. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_MESSAGES = 1000, LONG = 1 << 26, LONG_MESSAGES = 5, PIECES = 16 };

static int rank;

/* Both ranks send `n` bytes and receive as many, one after the other. */
static void in_turn(char *data, int n) {
  for (int sender = 0; sender < 2; sender++)
    if (rank == sender) MPI_Send(data, n, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD);
    else MPI_Recv(data, n, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Both send n bytes in pieces, as the sums of several layers. */
static void at_once(char *data, int n) {
  MPI_Request requests[2 * PIECES];
  int size = n / PIECES;
  for (int i = 0; i < PIECES; i++) {
    MPI_Irecv(data + n + i * size, size, MPI_BYTE, 1 - rank, i, MPI_COMM_WORLD, &requests[2 * i]);
    MPI_Isend(data + i * size, size, MPI_BYTE, 1 - rank, i, MPI_COMM_WORLD, &requests[2 * i + 1]);
  }
  MPI_Waitall(2 * PIECES, requests, MPI_STATUSES_IGNORE);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median time of an exchange of n bytes, after one that is not counted. */
static double median(void (*exchange)(char *, int), char *data, int n, int count) {
  double times[SHORT_MESSAGES];
  exchange(data, n);
  for (int i = 0; i < count; i++) {
    double start = MPI_Wtime();
    exchange(data, n);
    times[i] = MPI_Wtime() - start;
  }
  qsort(times, (size_t)count, sizeof *times, compare);
  return times[count / 2];
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  char *data = malloc(2 * LONG);
  memset(data, 1, 2 * LONG);
  double brief = median(in_turn, data, 8, SHORT_MESSAGES) / 2;
  double one = median(in_turn, data, LONG, LONG_MESSAGES) / 2;
  double both = median(at_once, data, LONG, LONG_MESSAGES);
  if (rank == 0) printf("%.1f %.2f %.2f\n", 1e6 * brief, LONG / one * 8e-9, LONG / both * 8e-9);
  free(data);
  MPI_Finalize();
  return 0;
}
