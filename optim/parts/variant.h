/* What variants of Muon share: momentum, polar factor and scale. muon.c itself is written out, as
   the example of docs/adding-an-optimizer.md. */
#ifndef OPTIM_PARTS_VARIANT_H
#define OPTIM_PARTS_VARIANT_H

#include "optim/optim.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"

/* The first member of a variant's options. */
typedef struct {
  double momentum;
  int nesterov, scale;
  Polar polar;
} Variant;

/* The rows for a method's option table; `muon` is the name of its Variant. The row of the scale is
   apart (SHAPE_SCALE_OPTION), as not every variant has it. */
#define VARIANT_OPTIONS(Options, muon)                                                             \
  MOMENTUM_OPTION(Options, muon.momentum, "0.95"), NESTEROV_OPTION(Options, muon.nesterov, "on"),  \
      POLAR_OPTIONS(Options, muon.polar, "newton-schulz", "jordan")

/* The first member of a variant's work arrays, or all of them. */
typedef struct {
  float *z;      /* (rows,cols) */
  double *lines; /* (long side): a number for each row or column */
  PolarWork polar;
} VariantWork;

/* `options` begins with a Variant, `work` with a VariantWork. */
void variant_layout(void *work, Scratch *s, const Matrix *p, const void *options);

/* Takes in the gradient: B = mu B + (1 - mu) G. Returns work->z = (1 - mu) G + mu B (Nesterov) or
   B. */
float *variant_momentum(const Variant *o, const Matrix *p, float *B, const VariantWork *work);

/* X (rows,cols) becomes msgn(X). */
void variant_polar(float *X, const Variant *o, const Matrix *p, const VariantWork *work);

/* W = keep W - rate scale z. */
void variant_apply(const Variant *o, const Matrix *p, const Step *step, const VariantWork *work);

/* FLOPs of momentum, polar factor and update. */
double variant_flops(const Variant *o, const Matrix *p);

#endif
