/* The part that all main functions share: open standard streams, --help, error output, and an exit
   code that reports failed output. */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include <stdio.h>

#include "core/option.h"
#include "run/exit.h"

typedef struct {
  const char *name;        /* prefix of its errors: "plot: ..." */
  void (*help)(FILE *out); /* for --help and -h; NULL: run handles them */
  /* Does the work. Returns a code of run/exit.h, and fills err if it is not EXIT_DONE; an empty err
     is not printed. */
  int (*run)(int argc, char **argv, Err *err);
  int computes;            /* whether it needs matrix products, and so startup() */
  int ranks;               /* whether mpirun may start it */
} Program;

/* Runs the program and returns its exit code: EXIT_FAILED if standard output cannot be written. If
   a mapped file becomes shorter while it is read, the program ends with a message that names it. */
int program_main(const Program *p, int argc, char **argv);

/* Prints "NAME: sentence" on stderr. */
void program_error(const char *name, const char *sentence);

/* Moves the arguments that are not options or their values from argv to words (argc), and returns
   their number. The program's name, options and @files stay in argv. */
int program_words(int *argc, char **argv, char **words);

/* Reads all of argv into the sets, which end with a row of NULLs. Errors: those of options_apply.
   */
int program_options(const OptionSet *sets, int argc, char **argv, Err *err);

/* Writes an output file. Replaces an existing file only if it begins with the same `sign` bytes, so
   that this program must have made it, or if `overwrite` is set; else that is an error. */
int program_replace(const char *path, const void *data, size_t size, size_t sign, int overwrite,
                    Err *err);

/* Error if the file exists and `overwrite` is not set. */
int program_check_free(const char *path, int overwrite, Err *err);

#endif
