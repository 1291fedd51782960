/* Without MPI there is one rank; tests/mpi/ tests several. */
#include "core/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static void test_one_rank(void) {
  double x[2] = {1.5, -2};
  float y[2] = {3, 4};
  check(ranks_count() == 1 && rank_number() == 0 && ranks_on_this_node() == 1, "one rank");
  ranks_sum(x, 2);
  ranks_copy(x, sizeof x, 0);
  ranks_start_sum(y, 2);
  ranks_start_copy(y, 2, 0);
  ranks_wait();
  check(x[0] == 1.5 && x[1] == -2 && y[0] == 3 && y[1] == 4, "numbers changed");
  check(ranks_most(-7) == -7, "the largest of one");
}

#ifndef POLAR_MPI
static void test_no_mpi(void) {
  Err err = {""};
  check(ranks_start(&err) == 0, "one task: %s", err.text);
  setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
  check(ranks_start(&err) == -1 && strstr(err.text, "MPI=1"), "four tasks: %s", err.text);
  unsetenv("OMPI_COMM_WORLD_SIZE");
}
#endif

int main(void) {
  test_one_rank();
#ifndef POLAR_MPI
  test_no_mpi();
#endif
  return check_report("ranks");
}
