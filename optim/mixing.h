/* Means over the nodes of a graph (optim/graph.h) that are divided among ranks (core/ranks.h): each
   rank has the same number of nodes, in the order of their numbers. Sums are in double and in the
   order of the nodes, so that any number of ranks gives the same bits. */
#ifndef OPTIM_MIXING_H
#define OPTIM_MIXING_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "optim/graph.h"

/* Nodes whose arrays another rank needs. */
typedef struct {
  int node, rank;
} Link;

typedef struct {
  int nodes, graph;          /* of all ranks */
  int first, here;           /* the nodes of this rank: first .. first + here - 1 */
  int degree;
  int (*from)[NODES_MAX];    /* (here, degree): the nodes that a node of this rank takes */
  int needed[NODES_MAX];     /* all nodes in `from`, ascending */
  int needed_count;
  int place[NODES_MAX];      /* of a node in `needed` */
  Link *sends;
  int send_count;
  float *buffer;             /* what is received from other ranks */
  int64_t buffer_floats;
} Mixing;

/* The rank that has a node. */
int mixing_rank(int node, int nodes, int ranks);

/* Plans the exchange; the number of ranks divides that of the nodes. mixing_open takes the memory
   that it needs, if there are several ranks. Error: no memory. */
Mixing *mixing_plan(int graph, int nodes);
int mixing_open(Mixing *mixing, Err *err);
void mixing_close(Mixing *mixing);
size_t mixing_bytes(const Mixing *mixing);

/* x (here,size): x_i = sum_j a_ij x_j. Each rank sends its nodes' arrays to its neighbours and
   receives theirs; no others take part. */
void mixing_mix(const Mixing *mixing, float *x, int64_t size);

/* to (size) = the mean over all nodes of x, which is `stride` further for the next node here. */
void mixing_mean(const Mixing *mixing, float *to, const float *x, int64_t stride, int64_t size);

/* The mean over all nodes of one number of each node here, x (here). */
double mixing_mean_number(const Mixing *mixing, const double *x);

#endif
