/* Decentralized training: every node of a graph has its own weights, its own rows of the batch, and
   its own optimizer. The gradients are tracked and the weights are mixed (C. He, S. Ren, J. Mao,
   E. Larsson, DeMuon, arXiv 2510.01377), with the doubly stochastic weights a_ij of the graph; G_i
   is the gradient of node i in this step, G_i- in the last one:
     Y_i = sum_j a_ij (Y_j + G_j - G_j-)
     X_i = sum_j a_ij (X_j - what the optimizer of node j subtracts for the gradient Y_j).
   The paper tracks the momentum M_i = mu M_i + (1 - mu) G_i, V_i = sum_j a_ij (V_j + M_j - M_j-).
   That is the momentum of Y_i, since averages over nodes and over time commute and all start at 0;
   and so every parameter can be tracked alike, also those of the auxiliary AdamW. Only the
   difference D_i = Y_i - G_i has to be kept between steps; its mean over the nodes is 0.

   Each rank has one node, or simulates several (optim/mixing.h). A step exchanges arrays only with
   neighbours in the graph; the mean of all nodes is computed only where it is needed. */
#ifndef OPTIM_NODES_H
#define OPTIM_NODES_H

#include "core/param.h"
#include "optim/mixing.h"

typedef struct {
  int64_t count;
  int graph;
} NodeOptions;

extern const Option node_options[];

typedef struct {
  Mixing *mixing;
  int count;         /* of all nodes */
  int first, here;   /* the nodes of this rank: first .. first + here - 1 */
  const Param *model;
  int model_params;
  Param *params;     /* (count, model_params): w are a node's weights, g its tracked gradient Y_i;
                        NULL for the nodes of other ranks */
  Param *own;        /* (here, model_params) of them: those of this rank */
  int param_count;   /* count * model_params */
  int64_t size;      /* floats of a node in each of the next three */
  float *w, *g, *d;  /* (here, size): X, Y, D */
  double *norms;     /* (here) of the tracked gradients */
  int model_is_mean; /* the model's weights are the mean of the nodes' */
  float *gathered;   /* (count, 2, size): X and D of all nodes while they are saved */
} Nodes;

/* All nodes begin with weights 0; the model's params must live as long. The number of ranks divides
   that of the nodes. Error: no memory. */
int nodes_open(Nodes **nodes, const NodeOptions *options, const Param *model, int model_params,
               Err *err);
void nodes_close(Nodes *nodes);

/* Bytes that nodes_open takes on this rank; and nodes_gather, on rank 0 of several. */
size_t nodes_bytes(const NodeOptions *options, const Param *model, int model_params);
size_t nodes_gathered_bytes(const NodeOptions *options, const Param *model, int model_params);

/* Gives the model's weights to all nodes. */
void nodes_spread(Nodes *nodes);

/* Around the passes of node i of this rank (0 .. here - 1): the model gets its weights; the node
   takes the model's gradient. */
void nodes_enter(Nodes *nodes, int i);
void nodes_leave(Nodes *nodes, int i);

/* After the last node: makes the gradients tracked ones. Returns the root mean square of their
   norms over all nodes. */
double nodes_track(Nodes *nodes);

/* Scales each node's tracked gradient down to the norm `limit` (0: not). */
void nodes_clip(const Nodes *nodes, double limit);

/* After the optimizer's step: mixes the weights. */
void nodes_mix(Nodes *nodes);

/* Makes the model's weights the mean of all nodes'. */
void nodes_mean(Nodes *nodes);

/* The consensus error: the root mean square of the distances of the nodes' weights from their mean,
   over the norm of the mean. The model gets the mean. */
double nodes_spacing(Nodes *nodes);

/* The arrays to save: calls visit("node-0.weights", floats, data) and so on. `data` is NULL for
   nodes of other ranks, unless this is rank 0 between nodes_gather and nodes_scatter. */
void nodes_visit(const Nodes *nodes,
                 void (*visit)(const char *name, int64_t floats, float *data, void *with),
                 void *with);

/* Copies the arrays of all nodes to rank 0. Error: no memory. */
int nodes_gather(Nodes *nodes, Err *err);
void nodes_scatter(Nodes *nodes);

#endif
