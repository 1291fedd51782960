/* A model of the time of a training step on several nodes, one rank each, from the bytes and FLOPs
   that a step declares. docs/distributed.md compares it with measured steps. */
#ifndef TOOLS_MEASURE_RANKS_H
#define TOOLS_MEASURE_RANKS_H

#include "core/error.h"
#include "model/gpt2.h"
#include "optim/optim.h"

/* What a node and the network can do. */
typedef struct {
  double gflops;           /* of forward and backward */
  double optimizer_gflops; /* of the optimizer's products */
  double memory_gb;        /* GB/s of memory */
  double gbit, latency_us; /* of a link, each direction at the same time; of a message */
} Cluster;
extern const Option cluster_options[];

/* A change of the program or of the run, to predict what it would bring. */
typedef struct {
  const char *text;
  double batch;    /* factor on the sequences of a step */
  double bytes;    /* factor on what is sent */
  int hides_sum;   /* the sum of the gradients is done during the backward pass */
  int owners_only; /* only the owner of a matrix gets its sum */
} RanksChange;

/* Seconds of the parts of a step. */
typedef struct {
  double pass;      /* forward and backward */
  double sum, copy; /* of gradients and of weights over the nodes */
  double optimizer; /* norm and clipping of the gradient, and the largest share of the update */
  double wait;      /* for short messages */
} RankSeconds;

/* Predicts a step of `tokens` on `nodes`, with the method's default options; `change` may be NULL.
   Error: the sizes make no model. */
int bench_ranks_step(RankSeconds *s, const Cluster *cluster, const ModelOptions *size,
                     const Optimizer *method, double tokens, int nodes, const RanksChange *change,
                     Err *err);
double bench_ranks_total(const RankSeconds *s);

/* Prints a table for adamw, muon, low-rank-muon and DeMuon on a ring, for 1, 2, 4, ... `most`
   nodes, and one of changes at `most` nodes. */
int bench_ranks(const ModelOptions *size, int64_t batch, int most, const Cluster *cluster,
                Err *err);

#endif
