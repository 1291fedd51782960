/* The isotropic curvature model of a step: W. Su, Isotropic Curvature Model for Understanding Deep
   Learning Optimization, arXiv 2511.00674 (abstract, and the statement of the program):
     minimize -<Q, G> + E H(|Q z|) over Q, z uniform on the unit sphere.
   The best Q has the singular vectors of G = U S V^T: Q = U diag(q) V^T. Here H(r) = r^(2k) / 2k:
   k = 1 is a constant curvature; the larger k, the nearer to a wall at r = 1. For such H only the
   length of q depends on z's own, so z may be normal, and only nonzero s matter, so the shape of G
   does not. */
#ifndef TOOLS_SPECTRA_CURVATURE_H
#define TOOLS_SPECTRA_CURVATURE_H

#include <stdint.h>

#include "core/error.h"

enum { CURVATURE_K_MAX = 512 };

/* ln (E |diag(q) z|^(2k) / k!) for n independent normal z_i, q (n) > 0, k from 1. */
double curvature_log_moment(const double *q, int64_t n, int64_t k);

/* The best q (n), of root mean square 1, for singular values s (n) > 0: exact to 1e-9. Error: the
   iteration does not converge. */
int curvature_best(double *q, const double *s, int64_t n, int64_t k, Err *err);

/* What the model loses by a step along diag(u) of the best length, as a share of what it loses by
   one along diag(q). All (n). */
double curvature_share(const double *u, const double *q, const double *s, int64_t n, int64_t k);

#endif
