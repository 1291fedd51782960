/* The parts of the study `scale`: random matrices of many shapes, measured once. */
#ifndef TOOLS_SPECTRA_SCALE_H
#define TOOLS_SPECTRA_SCALE_H

#include "tools/spectra/output.h"
#include "tools/spectra/values.h"

enum {
  SCALE_SIZES = 16, /* at most */
  SCALE_ASPECTS = 6,
  SCALE_MATRICES = 256, /* of one shape, at most */
};

/* All matrices of one shape, and their law. */
typedef struct {
  int64_t s, l;
  int count;
  Values values[SCALE_MATRICES], law;
} Shape;

typedef struct {
  const Output *output;
  int64_t steps; /* of the table of what is left */
  int64_t sizes[SCALE_SIZES], aspects[SCALE_ASPECTS]; /* ascending */
  int size_count, aspect_count;
  Shape *shapes; /* (aspect_count, size_count) */
} Scale;

Shape *scale_shape(const Scale *c, int aspect, int size);

/* What the laws say of a shape's q-quantile; for q = 0 of a square, the geometric mean of the
   smallest, which is that of the measured ones too. */
double scale_expected(const Shape *h, double q);

/* Whether a shape has five values below the q-quantile, so that its law speaks of it (or q = 0). */
int scale_resolves(const Shape *h, double q);

/* The singular values: table, slopes against size, CSV, figure. */
int scale_values(const Scale *c, Err *err);

/* What each schedule leaves of them: tables by size and by steps, CSV, figure. */
int scale_left(const Scale *c, Err *err);

/* How many steps a size needs, by schedule, and the growth per doubling of Jordan's. */
int scale_steps(const Scale *c, Err *err);

/* The iterations of float matrices beside the polynomial of their singular values. */
int scale_float(const Scale *c, Err *err);

#endif
