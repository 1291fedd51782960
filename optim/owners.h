/* Which rank owns which matrix: the owner has its state, updates it, and sends the weights to the
   other ranks. Optimizer time and state are so divided by the number of ranks, as in ZeRO stage 1
   (Rajbhandari et al., arXiv 1910.02054). */
#ifndef OPTIM_OWNERS_H
#define OPTIM_OWNERS_H

#include "optim/units.h"

/* Sets `order` (count) to the numbers of the units from 0 to `count`, the most expensive first. */
void owners_order(const Units *units, int count, int *order);

/* Gives each matrix, the most expensive first, to the rank that has least to do; then each rank
   gets pieces of elementwise methods until it has its share of the FLOPs. The blocks of columns of
   a parameter get one owner. */
void owners_assign(Units *units, int ranks);

/* Gives the parameters of each node of a decentralized run to the rank that has the node. */
void owners_of_nodes(Units *units, int ranks);

/* After an update: every rank gets the weights from their owners. */
void owners_send(const Units *units);

/* What a rank owns: bytes of state, FLOPs of a step, and numbers of weights. */
typedef struct {
  double state_bytes, flops;
  int64_t weights;
} RankShare;
RankShare owners_share(const Units *units, int rank);

/* The ranks that own a parameter's matrices in their order, or its pieces: "2", "0 3 1". */
void owners_text(const Units *units, const Param *p, char *out, size_t size);

/* owners_gather makes `whole` of the same units, with the state of all: on rank 0 with the owners'
   numbers, to be saved; or, to `restore`, on every rank, to be filled. owners_scatter then gives
   every rank what it owns. Error: no memory. */
int owners_gather(Units *whole, const Units *own, int restore, Err *err);
void owners_scatter(const Units *own, const Units *whole);

#endif
