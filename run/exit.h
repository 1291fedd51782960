/* The exit codes of ./train and of the tools. Job scripts rely on them, and --help lists them. */
#ifndef RUN_EXIT_H
#define RUN_EXIT_H

/* X(name, code, meaning) */
#define EXIT_CODES(X)                                                        \
  X(EXIT_DONE, 0, "done")                                                    \
  X(EXIT_FAILED, 1, "failed")                                                \
  X(EXIT_USAGE, 2, "wrong options")                                          \
  X(EXIT_DIVERGED, 3, "diverged")                                            \
  X(EXIT_LATE, 4, "stopped and saved after --max-seconds; --resume continues") \
  X(EXIT_INTERRUPTED, 130, "stopped and saved after a signal; --resume continues")

#define EXIT_CODE_ENUM(name, code, meaning) name = code,
enum { EXIT_CODES(EXIT_CODE_ENUM) };
#undef EXIT_CODE_ENUM

#endif
