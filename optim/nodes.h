/* Decentralized training, simulated in one process: every node of a graph has its own weights, its
   own rows of the batch, and its own optimizer. The gradients are tracked and the weights are mixed
   (C. He, S. Ren, J. Mao, E. Larsson, DeMuon, arXiv 2510.01377), with the doubly stochastic weights
   a_ij of the graph; G_i is the gradient of node i in this step, G_i- in the last one:
     Y_i = sum_j a_ij (Y_j + G_j - G_j-)
     X_i = sum_j a_ij (X_j - what the optimizer of node j subtracts for the gradient Y_j).
   The paper tracks the momentum M_i = mu M_i + (1 - mu) G_i, V_i = sum_j a_ij (V_j + M_j - M_j-).
   That is the momentum of Y_i, since averages over nodes and over time commute and all start at 0;
   and so every parameter can be tracked alike, also those of the auxiliary AdamW. Only the
   difference D_i = Y_i - G_i has to be kept between steps; its mean over the nodes is 0. */
#ifndef OPTIM_NODES_H
#define OPTIM_NODES_H

#include "core/param.h"
#include "optim/graph.h"

typedef struct {
  int64_t count;
  int graph;
} NodeOptions;

extern const Option node_options[];

typedef struct {
  int count;         /* of the nodes */
  int graph;
  const Param *model;
  int model_params;
  Param *params;     /* (count, model_params): w are a node's weights, g its tracked gradient Y_i */
  int param_count;   /* count * model_params */
  int64_t size;      /* floats of a node in each of the next three */
  float *w, *g, *d;  /* (count, size): X, Y, D */
} Nodes;

/* All nodes begin with weights 0; the model's params must live as long. Error: no memory. */
int nodes_open(Nodes **nodes, const NodeOptions *options, const Param *model, int model_params,
               Err *err);
void nodes_close(Nodes *nodes);

/* Bytes that nodes_open takes. */
size_t nodes_bytes(const NodeOptions *options, const Param *model, int model_params);

/* Gives the model's weights to all nodes. */
void nodes_spread(Nodes *nodes);

/* Around the passes of node i: the model gets its weights; the node takes the model's gradient. */
void nodes_enter(const Nodes *nodes, int i);
void nodes_leave(Nodes *nodes, int i);

/* After the last node: makes the gradients tracked ones, and clips each node's to the norm `limit`
   (0: not). The model gets the mean of the gradients. */
void nodes_track(Nodes *nodes, double limit);

/* After the optimizer's step: mixes the weights; then the model's are their mean, as after
   nodes_mean. */
void nodes_mix(Nodes *nodes);
void nodes_mean(const Nodes *nodes);

/* The consensus error: the root mean square of the distances of the nodes' weights from their mean,
   which the model has, over the norm of the mean. */
double nodes_spacing(const Nodes *nodes);

/* The arrays to save: calls visit("node-0.weights", floats, data) and so on. */
void nodes_visit(Nodes *nodes,
                 void (*visit)(const char *name, int64_t floats, float *data, void *with),
                 void *with);

#endif
