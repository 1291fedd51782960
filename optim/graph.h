/* Graphs of nodes that train together, and the weights of their means. Every graph looks the same
   from each node, and a node takes its neighbours and itself with equal weight, so that the matrix
   of the weights is doubly stochastic: rows and columns sum to 1. */
#ifndef OPTIM_GRAPH_H
#define OPTIM_GRAPH_H

#include "core/option.h"

#define GRAPHS(X) \
  X(GRAPH_COMPLETE, "complete") X(GRAPH_RING, "ring") X(GRAPH_EXPONENTIAL, "exponential")
enum { GRAPHS(CHOICE_NAME) };

enum { NODES_MAX = 256 };

/* Sets `from` to the nodes whose arrays node i = 0..nodes-1 receives, with i itself, ascending, and
   returns their number d; each has the weight 1/d. complete: all nodes; ring: i - 1 and i + 1;
   exponential (directed): i - 1, i - 2, i - 4, ... below `nodes`; all modulo `nodes`. */
int graph_neighbours(int graph, int nodes, int i, int from[NODES_MAX]);

#endif
