/* Runs the tested programs in their own folder below build/. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <sys/types.h>

/* Makes the folder (once) and returns its path. It is removed when the test's process ends. */
const char *program_folder(const char *name);

/* Runs a shell command (printf format); its output goes to FOLDER/output. Returns the exit code, or
   128 + the signal that ended it. */
int program_run(const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Starts a program and returns its process at once; program_wait returns as program_run does. */
pid_t program_start(const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;
int program_wait(pid_t pid);

/* The output of the last one; valid until the next call. */
const char *program_output(void);

/* A whole file; freed by the caller. Ends the test when it cannot be read or written. */
char *program_read(const char *path, size_t *size);
void program_write(const char *path, const void *data, size_t size);

int program_same_bytes(const char *a, const char *b); /* two files */

/* path (PATH_SIZE) = FOLDER/name... (printf format); returns path. */
enum { PATH_SIZE = 1024 };
char *program_path(char path[PATH_SIZE], const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
