/* The studies that tools/spectrum offers: each has options and one function that computes, prints
   and draws. */
#ifndef TOOLS_SPECTRA_STUDY_H
#define TOOLS_SPECTRA_STUDY_H

#include "tools/spectra/output.h"

typedef struct {
  const char *name, *summary;
  const Option *options;
  size_t options_size;
  int (*run)(const void *options, const Output *output, Err *err);
} Study;

/* Singular values of random matrices against size, and what each schedule leaves of them
   (D. Selvaraj, Iterative Orthogonalization Scaling Laws, arXiv 2505.04005: abstract and
   introduction read; what to expect is derived from the laws in tools/spectra/values.h). */
extern const Study study_scale;

/* delta_q and eps_q of Newton-Schulz against their bounds (G. Y. Kim, M. Oh, Convergence of Muon
   with Newton-Schulz, arXiv 2601.19156, ICLR 2026). */
extern const Study study_converge;

/* Accuracy against milliseconds of every way to a polar factor. */
extern const Study study_methods;

#endif
