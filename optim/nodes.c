#include "optim/nodes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/int64.h"
#include "core/memory.h"
#include "optim/gradient.h"

#define FIELD(member) offsetof(NodeOptions, member)
const Option node_options[] = {
    {.name = "nodes", .help = "Nodes with their own weights and their own rows of the batch, "
                              "simulated in one process",
     .type = OPTION_INT, .at = FIELD(count), .fallback = "4", .min = 1, .max = NODES_MAX},
    {.name = "graph", .help = "Which nodes exchange gradients and weights",
     .type = OPTION_CHOICE, .at = FIELD(graph), .fallback = "ring", .choices = GRAPHS(CHOICE_WORD),
     .needs = "nodes!=1"},
    {0},
};

/* Floats of a node's array, in which every parameter begins a cache line. */
static int64_t floats_of(const Param *p) { return (param_size(p) + 15) / 16 * 16; }

static int64_t node_size(const Param *model, int count) {
  int64_t size = 0;
  for (int i = 0; i < count; i++) size += floats_of(&model[i]);
  return size;
}

size_t nodes_bytes(const NodeOptions *o, const Param *model, int count) {
  return 3 * (size_t)(o->count * node_size(model, count)) * sizeof(float);
}

int nodes_open(Nodes **out, const NodeOptions *o, const Param *model, int model_params, Err *err) {
  Nodes *n = memory_take(1, sizeof *n);
  *n = (Nodes){.count = (int)o->count, .graph = o->graph, .model = model,
               .model_params = model_params, .param_count = (int)o->count * model_params,
               .size = node_size(model, model_params)};
  *out = n;
  n->params = memory_take((size_t)n->param_count, sizeof *n->params);
  if (arena_take((void **)&n->w, nodes_bytes(o, model, model_params), "the nodes' weights", err))
    return -1;
  n->g = n->w + n->count * n->size;
  n->d = n->g + n->count * n->size;
  int64_t at = 0;
  for (int i = 0; i < n->param_count; i++) {
    const Param *p = &model[i % model_params];
    n->params[i] = *p;
    snprintf(n->params[i].name, sizeof n->params[i].name, "node-%d/%.30s", i / model_params,
             p->name);
    n->params[i].w = n->w + at;
    n->params[i].g = n->g + at;
    at += floats_of(p);
  }
  return 0;
}

void nodes_close(Nodes *n) {
  if (!n) return;
  arena_free(n->w, 3 * (size_t)(n->count * n->size) * sizeof *n->w);
  free(n->params);
  free(n);
}

static size_t bytes_of(const Param *p) { return (size_t)param_size(p) * sizeof *p->w; }

void nodes_enter(const Nodes *n, int i) {
  for (int k = 0; k < n->model_params; k++)
    if (n->model[k].w)
      memcpy(n->model[k].w, n->params[i * n->model_params + k].w, bytes_of(&n->model[k]));
}

void nodes_leave(Nodes *n, int i) {
  for (int k = 0; k < n->model_params; k++)
    if (n->model[k].g)
      memcpy(n->params[i * n->model_params + k].g, n->model[k].g, bytes_of(&n->model[k]));
}

void nodes_spread(Nodes *n) {
  for (int i = 0; i < n->param_count; i++)
    if (n->model[i % n->model_params].w)
      memcpy(n->params[i].w, n->model[i % n->model_params].w, bytes_of(&n->params[i]));
}

/* ---- sums over nodes ---- */

enum { BLOCK = 64 }; /* numbers of each node that are mixed together */

/* x_i (size) of node i = sum_j a_ij x_j, added in the order of the nodes. */
static void mix(const Nodes *n, float *x) {
  int (*from)[NODES_MAX] = memory_take((size_t)n->count, sizeof *from), degree = 1;
  for (int i = 0; i < n->count; i++)
    degree = graph_neighbours(n->graph, n->count, i, from[i]); /* the same for all */
#pragma omp parallel for schedule(static)
  for (int64_t at = 0; at < n->size; at += BLOCK) {
    float old[NODES_MAX][BLOCK];
    int64_t width = i64_min(BLOCK, n->size - at);
    for (int j = 0; j < n->count; j++)
      memcpy(old[j], x + j * n->size + at, (size_t)width * sizeof *x);
    for (int i = 0; i < n->count; i++)
      for (int64_t b = 0; b < width; b++) {
        double sum = 0;
        for (int j = 0; j < degree; j++) sum += (double)old[from[i][j]][b];
        x[i * n->size + at + b] = (float)(sum / degree);
      }
  }
  free(from);
}

/* to (param_size) = the mean over the nodes of their arrays x at the parameter's place. */
static void mean(const Nodes *n, float *to, const float *x, int64_t size) {
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < size; k++) {
    double sum = 0;
    for (int i = 0; i < n->count; i++) sum += (double)x[i * n->size + k];
    to[k] = (float)(sum / n->count);
  }
}

void nodes_mean(const Nodes *n) {
  for (int k = 0; k < n->model_params; k++)
    mean(n, n->model[k].w, n->params[k].w, param_size(&n->model[k]));
}

void nodes_track(Nodes *n, double limit) {
  int64_t all = n->count * n->size;
#pragma omp parallel for simd schedule(static)
  for (int64_t k = 0; k < all; k++) n->d[k] += n->g[k];
  mix(n, n->d);
#pragma omp parallel for simd schedule(static)
  for (int64_t k = 0; k < all; k++) {
    float tracked = n->d[k];
    n->d[k] = tracked - n->g[k];
    n->g[k] = tracked;
  }
  for (int k = 0; k < n->model_params; k++)
    mean(n, n->model[k].g, n->params[k].g, param_size(&n->model[k]));
  for (int i = 0; i < n->count; i++) {
    const Param *own = n->params + i * n->model_params;
    gradient_clip(own, n->model_params, gradient_norm(own, n->model_params), limit);
  }
}

void nodes_mix(Nodes *n) {
  mix(n, n->w);
  nodes_mean(n);
}

double nodes_spacing(const Nodes *n) {
  double *distances = memory_take((size_t)n->count, sizeof *distances), sum = 0, norm = 0;
#pragma omp parallel for schedule(static)
  for (int i = 0; i < n->count; i++) {
    distances[i] = 0;
    for (int k = 0; k < n->model_params; k++)
      for (int64_t j = 0; j < param_size(&n->model[k]); j++) {
        double off = (double)(n->params[i * n->model_params + k].w[j] - n->model[k].w[j]);
        distances[i] += off * off;
      }
  }
  for (int i = 0; i < n->count; i++) sum += distances[i];
  for (int k = 0; k < n->model_params; k++)
    for (int64_t j = 0; j < param_size(&n->model[k]); j++)
      norm += (double)n->model[k].w[j] * (double)n->model[k].w[j];
  free(distances);
  return norm > 0 ? sqrt(sum / n->count / norm) : 0;
}

void nodes_visit(Nodes *n,
                 void (*visit)(const char *name, int64_t floats, float *data, void *with),
                 void *with) {
  char name[64];
  for (int i = 0; i < n->count; i++) {
    snprintf(name, sizeof name, "node-%d.weights", i);
    visit(name, n->size, n->w + i * n->size, with);
    snprintf(name, sizeof name, "node-%d.difference", i);
    visit(name, n->size, n->d + i * n->size, with);
  }
}
