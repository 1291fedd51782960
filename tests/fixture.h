/* Named arrays of numbers in gzipped text: `tensor NAME rows cols`, then a line of values. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <stdint.h>

typedef struct {
  char name[80];
  int64_t rows, cols;
  double *values; /* (rows, cols) */
} FixtureTensor;

typedef struct {
  FixtureTensor *tensors;
  int count;
} Fixture;

/* Ends the program with a message when the file cannot be read. */
Fixture fixture_read(const char *path);
void fixture_free(Fixture *f);

/* The tensor with that name; ends the program when there is none. */
const FixtureTensor *fixture_find(const Fixture *f, const char *name);

#endif
