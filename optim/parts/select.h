/* Order statistics without sorting and without additional memory. */
#ifndef OPTIM_PARTS_SELECT_H
#define OPTIM_PARTS_SELECT_H

#include <stdint.h>

/* The k-th smallest (k = 0, 1, ...) of x (n), whose order changes: every number after place k is
   then at least as large (Hoare: Algorithm 65, Find; CACM 1961). */
float select_kth(float *x, int64_t n, int64_t k);

#endif
