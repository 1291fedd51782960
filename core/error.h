/* Errors: a function that can fail returns 0 or -1 and leaves one full sentence in an Err:
   what happened, to which value, what is allowed, what to do. Only a main prints it. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

typedef struct {
  char text[1024];
} Err;

/* Writes the sentence (printf format) and returns -1: `return fail(err, ...)` reads well. */
int fail(Err *err, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
