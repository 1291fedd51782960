/* Each test is a program: it calls check() once per fact and returns check_report() from main. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdint.h>

/* Counts one check; if it fails, prints the message (enough to repeat the case). */
void check(int ok, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* |got - want| <= tolerance * max(1, |want|), and both finite. */
void check_near(double got, double want, double tolerance, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/* ||got - want|| / ||want|| over n numbers, or ||got|| where want is zero. */
double relative_error(const float *got, const double *want, int64_t n);

/* The i-th number of a deterministic stream with mean 0 and variance 1, the same in the Python
   scripts that make the fixtures. */
float check_value(uint64_t stream, uint64_t i);
uint64_t check_splitmix(uint64_t x);

/* Prints "NAME: N passed, N failed" and returns the exit code. */
int check_report(const char *name);

#endif
