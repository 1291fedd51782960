/* Errors. A function that can fail returns 0, or -1 after writing one sentence to an Err: what
   happened, which value, what is allowed, what to do. Only main functions print it. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

typedef struct {
  char text[1024];
} Err;

/* Writes the sentence (printf format) and returns -1, for `return fail(err, ...)`. */
int fail(Err *err, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
