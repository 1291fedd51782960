/* A model of the time of a training step on several nodes, one rank each, from the bytes and FLOPs
   that a step declares. docs/distributed.md says what it assumes. */
#ifndef TOOLS_MEASURE_RANKS_H
#define TOOLS_MEASURE_RANKS_H

#include "core/error.h"
#include "model/gpt2.h"

/* What a node and the network can do. */
typedef struct {
  double gflops;           /* of forward and backward */
  double optimizer_gflops; /* of the optimizer's products */
  double memory_gb;        /* GB/s of memory */
  double gbit, latency_us; /* of a link, each direction; of a message */
} Cluster;
extern const Option cluster_options[];

/* Prints a table for adamw, muon, low-rank-muon and DeMuon, for 1 to `most` nodes. */
int bench_ranks(const ModelOptions *size, int64_t batch, int most, const Cluster *cluster,
                Err *err);

#endif
