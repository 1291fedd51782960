#include "optim/parts/variant.h"

#include "core/int64.h"

void variant_layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const Variant *o = options;
  VariantWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  w->lines = scratch_doubles(s, i64_max(p->rows, p->cols));
  polar_layout(&w->polar, s, p->rows, p->cols, &o->polar);
}

float *variant_momentum(const Variant *o, const Matrix *p, float *B, const VariantWork *work) {
  momentum_ema(work->z, B, p->g, matrix_size(p), o->momentum, o->nesterov);
  return work->z;
}

void variant_polar(float *X, const Variant *o, const Matrix *p, const VariantWork *work) {
  polar_factor(X, p->rows, p->cols, &o->polar, &work->polar);
}

void variant_apply(const Variant *o, const Matrix *p, const Step *step, const VariantWork *work) {
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), work->z);
}

double variant_flops(const Variant *o, const Matrix *p) {
  return 6 * (double)matrix_size(p) + polar_flops(p->rows, p->cols, &o->polar);
}
