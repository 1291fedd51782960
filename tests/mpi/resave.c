/* Restores a run and saves it again without a step, as any number of ranks: the checkpoint must not
   change. tests/mpi/run.sh starts this with mpirun: resave --resume RUN. */
#include "run/program.h"
#include "run/run.h"

static int start(int argc, char **argv, Err *err) {
  Run run = {.lock = -1};
  if (config_read(&run.config, argc, argv, err)) return EXIT_FAILED;
  int code = run_open(&run, err) || run_save(&run, err) ? EXIT_FAILED : EXIT_DONE;
  run_close(&run);
  return code;
}

int main(int argc, char **argv) {
  return program_main(&(Program){.name = "resave", .run = start, .computes = 1, .ranks = 1}, argc,
                      argv);
}
