/* What every main has in common: standard streams that are open, --help, the form of an error, and
   an exit code that says whether everything printed was written. */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include <stdio.h>

#include "core/option.h"
#include "run/exit.h"

typedef struct {
  const char *name;        /* precedes its errors: "plot: ..." */
  void (*help)(FILE *out); /* for --help or -h anywhere in the command line; NULL: run reads them */
  /* Does the work. Returns a code of run/exit.h, and fills err where it is not EXIT_DONE; an empty
     sentence is not printed. */
  int (*run)(int argc, char **argv, Err *err);
  int computes;            /* it multiplies matrices: startup() chooses OpenBLAS's core */
} Program;

/* Returns the exit code. When standard output cannot take everything that was printed, that is an
   error (EXIT_FAILED). A mapped file that becomes shorter while it is read ends the program with a
   sentence that names it. */
int program_main(const Program *p, int argc, char **argv);

/* Prints "NAME: sentence" on stderr. */
void program_error(const char *name, const char *sentence);

/* Moves the words that are not options, nor values of options, from argv to words (argc); returns
   how many. argv keeps the program's name, options and @files. */
int program_words(int *argc, char **argv, char **words);

/* Reads all of argv into the sets, which end with a row of NULLs. */
int program_options(const OptionSet *sets, int argc, char **argv, Err *err);

/* Writes a file that a program makes for the user. One that is there already is replaced only if it
   begins with the same `sign` bytes, which tell that it is of this program's making, or when
   `overwrite` is set. */
int program_replace(const char *path, const void *data, size_t size, size_t sign, int overwrite,
                    Err *err);

/* Error when there is a file `path`, unless `overwrite` is set. */
int program_check_free(const char *path, int overwrite, Err *err);

#endif
