#include "optim/nodes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/memory.h"
#include "core/ranks.h"
#include "optim/gradient.h"

#define FIELD(member) offsetof(NodeOptions, member)
const Option node_options[] = {
    {.name = "nodes", .help = "Nodes with their own weights and their own rows of the batch (under "
                              "mpirun the default is one for each rank)",
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

static size_t array_bytes(int nodes, int arrays, int64_t size) {
  return (size_t)(nodes * arrays * size) * sizeof(float);
}

size_t nodes_bytes(const NodeOptions *o, const Param *model, int count) {
  Mixing *m = mixing_plan(o->graph, (int)o->count);
  size_t bytes = array_bytes(m->here, 3, node_size(model, count)) + mixing_bytes(m);
  mixing_close(m);
  return bytes;
}

size_t nodes_gathered_bytes(const NodeOptions *o, const Param *model, int count) {
  if (ranks_count() == 1 || rank_number() > 0) return 0;
  return array_bytes((int)o->count, 2, node_size(model, count));
}

static void set_params(Nodes *n) {
  int64_t at = 0;
  for (int i = 0; i < n->param_count; i++) {
    const Param *p = &n->model[i % n->model_params];
    int node = i / n->model_params, here = node >= n->first && node < n->first + n->here;
    n->params[i] = *p;
    n->params[i].node = node;
    snprintf(n->params[i].name, sizeof n->params[i].name, "node-%d/%.30s", node, p->name);
    n->params[i].w = here ? n->w + at : NULL;
    n->params[i].g = here ? n->g + at : NULL;
    at += here ? floats_of(p) : 0;
  }
  n->own = n->params + n->first * n->model_params;
}

int nodes_open(Nodes **out, const NodeOptions *o, const Param *model, int model_params, Err *err) {
  Nodes *n = memory_take(1, sizeof *n);
  Mixing *m = mixing_plan(o->graph, (int)o->count);
  *n = (Nodes){.mixing = m, .count = m->nodes, .first = m->first, .here = m->here,
               .model = model, .model_params = model_params,
               .param_count = m->nodes * model_params, .size = node_size(model, model_params)};
  *out = n;
  n->params = memory_take((size_t)n->param_count, sizeof *n->params);
  n->norms = memory_take((size_t)n->here, sizeof *n->norms);
  if (arena_take((void **)&n->w, array_bytes(n->here, 3, n->size), "the nodes' weights", err) ||
      mixing_open(m, err))
    return -1;
  n->g = n->w + n->here * n->size;
  n->d = n->g + n->here * n->size;
  set_params(n);
  return 0;
}

void nodes_close(Nodes *n) {
  if (!n) return;
  nodes_scatter(n);
  arena_free(n->w, array_bytes(n->here, 3, n->size));
  mixing_close(n->mixing);
  free(n->params);
  free(n->norms);
  free(n);
}

/* ---- the model and its nodes ---- */

static size_t bytes_of(const Param *p) { return (size_t)param_size(p) * sizeof *p->w; }

void nodes_enter(Nodes *n, int i) {
  n->model_is_mean = 0;
  for (int k = 0; k < n->model_params; k++)
    if (n->model[k].w)
      memcpy(n->model[k].w, n->own[i * n->model_params + k].w, bytes_of(&n->model[k]));
}

void nodes_leave(Nodes *n, int i) {
  for (int k = 0; k < n->model_params; k++)
    if (n->model[k].g)
      memcpy(n->own[i * n->model_params + k].g, n->model[k].g, bytes_of(&n->model[k]));
}

void nodes_spread(Nodes *n) {
  for (int i = 0; i < n->here * n->model_params; i++)
    if (n->model[i % n->model_params].w)
      memcpy(n->own[i].w, n->model[i % n->model_params].w, bytes_of(&n->own[i]));
  n->model_is_mean = 0;
}

/* ---- a step ---- */

double nodes_track(Nodes *n) {
  int64_t all = n->here * n->size;
  double *squares = memory_take((size_t)n->here, sizeof *squares);
#pragma omp parallel for simd schedule(static)
  for (int64_t k = 0; k < all; k++) n->d[k] += n->g[k];
  mixing_mix(n->mixing, n->d, n->size);
#pragma omp parallel for simd schedule(static)
  for (int64_t k = 0; k < all; k++) {
    float tracked = n->d[k];
    n->d[k] = tracked - n->g[k];
    n->g[k] = tracked;
  }
  for (int i = 0; i < n->here; i++) {
    n->norms[i] = gradient_norm(n->own + i * n->model_params, n->model_params);
    squares[i] = n->norms[i] * n->norms[i];
  }
  double mean = mixing_mean_number(n->mixing, squares);
  free(squares);
  return sqrt(mean);
}

void nodes_clip(const Nodes *n, double limit) {
  for (int i = 0; i < n->here; i++)
    gradient_clip(n->own + i * n->model_params, n->model_params, n->norms[i], limit);
}

void nodes_mix(Nodes *n) {
  mixing_mix(n->mixing, n->w, n->size);
  n->model_is_mean = 0;
}

void nodes_mean(Nodes *n) {
  for (int k = 0; k < n->model_params && !n->model_is_mean; k++)
    mixing_mean(n->mixing, n->model[k].w, n->own[k].w, n->size, param_size(&n->model[k]));
  n->model_is_mean = 1;
}

/* The squared distance of the weights of node i of this rank from the model's. */
static double square_distance(const Nodes *n, int i) {
  double sum = 0;
  for (int k = 0; k < n->model_params; k++)
    for (int64_t j = 0; j < param_size(&n->model[k]); j++) {
      double off = (double)(n->own[i * n->model_params + k].w[j] - n->model[k].w[j]);
      sum += off * off;
    }
  return sum;
}

double nodes_spacing(Nodes *n) {
  double *squares = memory_take((size_t)n->here, sizeof *squares), norm = 0;
  nodes_mean(n);
#pragma omp parallel for schedule(static)
  for (int i = 0; i < n->here; i++) squares[i] = square_distance(n, i);
  for (int k = 0; k < n->model_params; k++)
    for (int64_t j = 0; j < param_size(&n->model[k]); j++)
      norm += (double)n->model[k].w[j] * (double)n->model[k].w[j];
  double mean = mixing_mean_number(n->mixing, squares);
  free(squares);
  return norm > 0 ? sqrt(mean / norm) : 0;
}

/* ---- checkpoints ---- */

static const char *const saved[] = {"weights", "difference"};

/* Array `which` of a node, or NULL if another rank has it. */
static float *array_of(const Nodes *n, int node, int which) {
  int i = node - n->first;
  return i < 0 || i >= n->here ? NULL : (which ? n->d : n->w) + i * n->size;
}

void nodes_visit(const Nodes *n,
                 void (*visit)(const char *name, int64_t floats, float *data, void *with),
                 void *with) {
  char name[64];
  for (int i = 0; i < 2 * n->count; i++) {
    snprintf(name, sizeof name, "node-%d.%s", i / 2, saved[i % 2]);
    visit(name, n->size, n->gathered ? n->gathered + i * n->size : array_of(n, i / 2, i % 2), with);
  }
}

int nodes_gather(Nodes *n, Err *err) {
  if (ranks_count() == 1) return 0;
  if (rank_number() == 0 &&
      arena_take((void **)&n->gathered, array_bytes(n->count, 2, n->size),
                 "the arrays of all nodes", err))
    return -1;
  for (int i = 0; i < 2 * n->count; i++)
    ranks_collect(n->gathered ? n->gathered + i * n->size : NULL, array_of(n, i / 2, i % 2),
                  n->size, mixing_rank(i / 2, n->count, ranks_count()));
  return 0;
}

void nodes_scatter(Nodes *n) {
  if (n->gathered) arena_free(n->gathered, array_bytes(n->count, 2, n->size));
  n->gathered = NULL;
}
