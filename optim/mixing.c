#include "optim/mixing.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/int64.h"
#include "core/memory.h"
#include "core/ranks.h"

/* Numbers of a node that are sent in one message, and of each node that are added together. */
enum { SLICE = 1 << 18, BLOCK = 64 };

int mixing_rank(int node, int nodes, int ranks) { return node * ranks / nodes; }

static int is_here(const Mixing *m, int node) {
  return node >= m->first && node < m->first + m->here;
}

/* Lists what this rank sends: each node once to each rank that needs it. */
static void list_sends(Mixing *m) {
  int ranks = m->nodes / m->here, from[NODES_MAX];
  m->sends = memory_take((size_t)(m->here * ranks), sizeof *m->sends);
  for (int rank = 0; rank < ranks; rank++) {
    char needs[NODES_MAX] = {0};
    for (int i = rank * m->here; i < (rank + 1) * m->here && !is_here(m, i); i++) {
      int degree = graph_neighbours(m->graph, m->nodes, i, from);
      for (int j = 0; j < degree; j++) needs[from[j]] = 1;
    }
    for (int i = m->first; i < m->first + m->here; i++)
      if (needs[i]) m->sends[m->send_count++] = (Link){i, rank};
  }
}

Mixing *mixing_plan(int graph, int nodes) {
  Mixing *m = memory_take(1, sizeof *m);
  char needs[NODES_MAX] = {0};
  int here = nodes / ranks_count(), received = 0;
  *m = (Mixing){.nodes = nodes, .graph = graph, .here = here, .first = here * rank_number()};
  m->from = memory_take((size_t)here, sizeof *m->from);
  for (int i = 0; i < here; i++) {
    m->degree = graph_neighbours(graph, nodes, m->first + i, m->from[i]); /* the same for all */
    for (int j = 0; j < m->degree; j++) needs[m->from[i][j]] = 1;
  }
  for (int j = 0; j < nodes; j++) {
    if (!needs[j]) continue;
    m->place[j] = m->needed_count;
    m->needed[m->needed_count++] = j;
    received += !is_here(m, j);
  }
  list_sends(m);
  if (here < nodes) m->buffer_floats = (int64_t)SLICE * i64_max(received, here + 2);
  return m;
}

size_t mixing_bytes(const Mixing *m) { return (size_t)m->buffer_floats * sizeof *m->buffer; }

int mixing_open(Mixing *m, Err *err) {
  return arena_take((void **)&m->buffer, mixing_bytes(m), "what the nodes receive", err);
}

void mixing_close(Mixing *m) {
  if (!m) return;
  arena_free(m->buffer, mixing_bytes(m));
  free(m->from);
  free(m->sends);
  free(m);
}

/* ---- neighbours ---- */

/* Sends `width` numbers of each node of this rank, from x on, and receives those of the neighbours.
   Sets `source` to the needed nodes' numbers. */
static void exchange(const Mixing *m, const float *x, int64_t size, int64_t width,
                     const float **source) {
  float *to = m->buffer;
  for (int j = 0; j < m->needed_count; j++) {
    int node = m->needed[j], here = is_here(m, node);
    source[j] = here ? x + (node - m->first) * size : to;
    if (here) continue;
    ranks_start_receive(to, (int)width, mixing_rank(node, m->nodes, ranks_count()), node);
    to += SLICE;
  }
  for (int j = 0; j < m->send_count; j++)
    ranks_start_send(x + (m->sends[j].node - m->first) * size, (int)width, m->sends[j].rank,
                     m->sends[j].node);
  ranks_wait();
}

/* `width` numbers of each node = the mean of those of its sources. */
static void combine(const Mixing *m, float *x, int64_t size, int64_t width,
                    const float *const *source) {
#pragma omp parallel for schedule(static)
  for (int64_t at = 0; at < width; at += BLOCK) {
    float old[NODES_MAX][BLOCK];
    int64_t count = i64_min(BLOCK, width - at);
    for (int j = 0; j < m->needed_count; j++)
      memcpy(old[j], source[j] + at, (size_t)count * sizeof *x);
    for (int i = 0; i < m->here; i++)
      for (int64_t b = 0; b < count; b++) {
        double sum = 0;
        for (int j = 0; j < m->degree; j++) sum += (double)old[m->place[m->from[i][j]]][b];
        x[i * size + at + b] = (float)(sum / m->degree);
      }
  }
}

void mixing_mix(const Mixing *m, float *x, int64_t size) {
  const float *source[NODES_MAX];
  for (int64_t at = 0; at < size; at += SLICE) {
    int64_t width = i64_min(SLICE, size - at);
    exchange(m, x + at, size, width, source);
    combine(m, x + at, size, width, source);
  }
}

/* ---- all nodes ---- */

static void mean_here(const Mixing *m, float *to, const float *x, int64_t stride, int64_t size) {
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < size; k++) {
    double sum = 0;
    for (int i = 0; i < m->nodes; i++) sum += (double)x[i * stride + k];
    to[k] = (float)(sum / m->nodes);
  }
}

/* For size <= SLICE: each rank adds a part of the numbers and gives the means to all. */
static void mean_slice(const Mixing *m, float *to, const float *x, int64_t stride, int64_t size) {
  int ranks = ranks_count(), part = (int)((size + ranks - 1) / ranks);
  int64_t whole = (int64_t)ranks * part;
  float *padded = m->buffer, *parts = padded + whole; /* (ranks,part); (here,ranks,part) */
  memset(padded, 0, (size_t)whole * sizeof *padded);
  for (int i = 0; i < m->here; i++) {
    memcpy(padded, x + i * stride, (size_t)size * sizeof *x);
    ranks_exchange(parts + i * whole, padded, part);
  }
  float *own = padded + rank_number() * part;
  for (int k = 0; k < part; k++) {
    double sum = 0;
    for (int node = 0; node < m->nodes; node++)
      sum += (double)parts[node % m->here * whole + node / m->here * part + k];
    own[k] = (float)(sum / m->nodes);
  }
  ranks_share(padded, part);
  memcpy(to, padded, (size_t)size * sizeof *to);
}

void mixing_mean(const Mixing *m, float *to, const float *x, int64_t stride, int64_t size) {
  if (m->here == m->nodes) mean_here(m, to, x, stride, size);
  for (int64_t at = 0; at < size && m->here < m->nodes; at += SLICE)
    mean_slice(m, to + at, x + at, stride, i64_min(SLICE, size - at));
}

double mixing_mean_number(const Mixing *m, const double *x) {
  double all[NODES_MAX] = {0}, sum = 0;
  memcpy(all + m->first, x, (size_t)m->here * sizeof *x);
  ranks_sum(all, m->nodes); /* the other ranks have 0 there */
  for (int i = 0; i < m->nodes; i++) sum += all[i];
  return sum / m->nodes;
}
