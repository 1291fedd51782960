#include "optim/owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/ranks.h"
#include "optim/mixing.h"

typedef struct {
  double flops;
  int unit;
} Cost;

static int compare_costs(const void *a, const void *b) {
  const Cost *x = a, *y = b;
  if (x->flops != y->flops) return x->flops < y->flops ? 1 : -1;
  return x->unit < y->unit ? -1 : x->unit > y->unit;
}

void owners_order(const Units *units, int count, int *order) {
  Cost *costs = memory_take((size_t)count + 1, sizeof *costs);
  for (int i = 0; i < count; i++) costs[i] = (Cost){unit_flops(&units->list[i]), i};
  qsort(costs, (size_t)count, sizeof *costs, compare_costs);
  for (int i = 0; i < count; i++) order[i] = costs[i].unit;
  free(costs);
}

/* The owner of another block of columns of the same parameter, or ALL_RANKS. */
static int owner_of_columns(const Units *units, const Unit *u) {
  for (int i = 0; i < units->matrices && unit_is_strided(u); i++)
    if (units->list[i].param == u->param) return units->list[i].owner;
  return ALL_RANKS;
}

static int least_of(const double *load, int ranks) {
  int least = 0;
  for (int r = 1; r < ranks; r++)
    if (load[r] < load[least]) least = r;
  return least;
}

void owners_assign(Units *units, int ranks) {
  int next = 0, *order = memory_take((size_t)units->matrices + 1, sizeof *order);
  double *load = memory_take((size_t)ranks, sizeof *load), total = 0;
  owners_order(units, units->matrices, order);
  for (int i = 0; i < units->count; i++) {
    units->list[i].owner = ALL_RANKS;
    total += unit_flops(&units->list[i]);
  }
  for (int i = 0; i < units->matrices; i++) {
    Unit *u = &units->list[order[i]];
    int same = owner_of_columns(units, u);
    u->owner = same == ALL_RANKS ? least_of(load, ranks) : same;
    load[u->owner] += unit_flops(u);
  }
  for (int i = units->matrices; i < units->count; i++) {
    double flops = unit_flops(&units->list[i]);
    while (next + 1 < ranks && load[next] + flops / 2 > total / ranks) next++;
    units->list[i].owner = next;
    load[next] += flops;
  }
  free(order);
  free(load);
}

void owners_of_nodes(Units *units, int ranks) {
  int nodes = 1;
  for (int i = 0; i < units->count; i++) {
    int node = units->list[i].param->node;
    nodes = node < nodes ? nodes : node + 1;
  }
  for (int i = 0; i < units->count; i++)
    units->list[i].owner = mixing_rank(units->list[i].param->node, nodes, ranks);
}

/* Units that are one after another in memory and have one owner are sent together. */
void owners_send(const Units *units) {
  float *first = NULL;
  int64_t n = 0;
  int owner = 0;
  if (ranks_count() == 1) return;
  for (int i = 0; i < units->count; i++) {
    const Unit *u = &units->list[i];
    int strided = unit_is_strided(u); /* a block of columns: the parameter is sent once */
    if (strided && i > 0 && units->list[i - 1].param == u->param) continue;
    float *w = u->param->w + (strided ? 0 : u->first);
    int64_t more = strided ? param_size(u->param) : u->rows * u->cols;
    if (u->owner != owner || first + n != w) {
      ranks_start_copy(first, n, owner);
      first = w;
      n = 0;
      owner = u->owner;
    }
    n += more;
  }
  ranks_start_copy(first, n, owner);
  ranks_wait();
}

RankShare owners_share(const Units *units, int rank) {
  RankShare share = {0, 0, 0};
  for (int i = 0; i < units->count; i++) {
    const Unit *u = &units->list[i];
    if (u->owner != rank) continue;
    share.flops += unit_flops(u);
    share.weights += u->rows * u->cols;
    for (int slot = 0; u->method->slots[slot].name; slot++)
      share.state_bytes += (double)sizeof(float) * (double)unit_slot_floats(u, slot);
  }
  return share;
}

void owners_text(const Units *units, const Param *p, char *out, size_t size) {
  size_t used = 0;
  int before = ALL_RANKS;
  *out = 0;
  for (int i = 0; i < units->count && used < size; i++) {
    const Unit *u = &units->list[i];
    int same = u->owner == before && (u->method->elementwise || unit_is_strided(u));
    if (u->param != p || same) continue;
    used += (size_t)snprintf(out + used, size - used, "%s%d", used ? " " : "", u->owner);
    before = u->owner;
  }
}

int owners_gather(Units *whole, const Units *own, int restore, Err *err) {
  *whole = (Units){.count = own->count, .matrices = own->matrices};
  if (restore || rank_number() == 0) {
    whole->list = memory_take((size_t)own->count + 1, sizeof *whole->list);
    memcpy(whole->list, own->list, (size_t)own->count * sizeof *whole->list);
    if (units_allocate(whole, ALL_RANKS, "the optimizer's state of all ranks", err)) return -1;
  }
  for (int i = 0; i < own->count && !restore; i++) {
    const Unit *u = &own->list[i];
    for (int slot = 0; u->method->slots[slot].name; slot++)
      ranks_collect(whole->list ? whole->list[i].slots[slot] : NULL, u->slots[slot],
                    unit_slot_floats(u, slot), u->owner);
  }
  return 0;
}

void owners_scatter(const Units *own, const Units *whole) {
  for (int i = 0; i < own->count; i++) {
    const Unit *u = &own->list[i];
    for (int slot = 0; u->method->slots[slot].name && u->owner == rank_number(); slot++)
      memcpy(u->slots[slot], whole->list[i].slots[slot],
             (size_t)unit_slot_floats(u, slot) * sizeof(float));
  }
}
