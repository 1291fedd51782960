#include "optim/units.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/memory.h"

enum {
  PIECE = 1 << 16, /* numbers of an elementwise update done together: 1 MB with AdamW's state */
  STREAMS_PER_PARAM = 4096, /* random streams reserved for the matrices of one parameter */
};

Unit unit_whole(const Routing *r, const Param *p, int index) {
  int own = r->method->accepts(&(Matrix){.role = p->role, .rows = p->rows, .cols = p->cols},
                               r->options);
  return (Unit){.param = p, .rows = p->rows, .cols = p->cols, .stride = p->cols, .auxiliary = !own,
                .method = own ? r->method : &adamw, .options = own ? r->options : &r->auxiliary,
                .stream = (uint32_t)(index * STREAMS_PER_PARAM)};
}

void unit_cut(const Routing *r, const Param *p, int *down, int *across) {
  *down = r->qkv_split == QKV_HEADS ? p->head_rows : r->qkv_split == QKV_THREE ? p->blocks : 1;
  *across = r->qkv_split == QKV_HEADS ? p->head_cols : 1;
}

Matrix unit_shape(const Unit *u) {
  return (Matrix){.role = u->param->role, .rows = u->rows, .cols = u->cols};
}

int64_t unit_slot_floats(const Unit *u, int slot) {
  Matrix shape = unit_shape(u);
  return u->method->slots[slot].floats(&shape, u->options);
}

double unit_flops(const Unit *u) {
  Matrix shape = unit_shape(u);
  return u->method->flops(&shape, u->options);
}

int unit_is_strided(const Unit *u) { return u->stride != u->cols; }

static void add(Units *units, const Unit *u) {
  if (units->list) units->list[units->count] = *u;
  units->count++;
}

static void add_matrices(Units *units, const Routing *r, Unit u) {
  int down, across;
  unit_cut(r, u.param, &down, &across);
  u.rows = u.param->rows / down;
  u.cols = u.param->cols / across;
  for (int i = 0; i < down; i++)
    for (int j = 0; j < across; j++) {
      u.first = i * u.rows * u.stride + j * u.cols;
      add(units, &u);
      u.stream++;
    }
}

static void add_pieces(Units *units, Unit u) {
  int64_t size = param_size(u.param);
  u.rows = 1;
  for (; u.first < size; u.first += PIECE) {
    u.cols = u.stride = size - u.first < PIECE ? size - u.first : PIECE;
    add(units, &u);
  }
}

static void walk_params(Units *units, const Routing *r, const Param *params, int count) {
  units->count = 0;
  for (int i = 0; i < count; i++) {
    Unit u = unit_whole(r, &params[i], i);
    if (!u.method->elementwise) add_matrices(units, r, u);
  }
  units->matrices = units->count;
  for (int i = 0; i < count; i++) {
    Unit u = unit_whole(r, &params[i], i);
    if (u.method->elementwise) add_pieces(units, u);
  }
}

void units_list(Units *units, const Routing *r, const Param *params, int count) {
  *units = (Units){.list = NULL};
  walk_params(units, r, params, count); /* counts them */
  units->list = memory_take((size_t)units->count + 1, sizeof *units->list);
  walk_params(units, r, params, count);
}

int units_next_param(const Units *units, int i) {
  int next = i;
  while (next < units->count && units->list[next].param == units->list[i].param) next++;
  return next;
}

/* Sums the floats of state; with memory, also sets the slots. */
static int64_t lay_out(const Units *units, int owner, float *memory) {
  int64_t used = 0;
  for (int i = 0, next; i < units->count; i = next) {
    next = units_next_param(units, i);
    for (int slot = 0; units->list[i].method->slots[slot].name; slot++) {
      for (int k = i; k < next; k++) {
        Unit *u = &units->list[k];
        if (owner != ALL_RANKS && u->owner != owner) continue;
        if (memory) u->slots[slot] = memory + used;
        used += unit_slot_floats(u, slot);
      }
      used = (used + 15) / 16 * 16; /* a whole cache line */
    }
  }
  return used;
}

int64_t units_floats(const Units *units, int owner) { return lay_out(units, owner, NULL); }

int units_allocate(Units *units, int owner, const char *what, Err *err) {
  units->floats = units_floats(units, owner);
  if (arena_take((void **)&units->state, (size_t)units->floats * sizeof *units->state, what, err))
    return -1;
  lay_out(units, owner, units->state);
  return 0;
}

void units_free(Units *units) {
  arena_free(units->state, (size_t)units->floats * sizeof *units->state);
  free(units->list);
  *units = (Units){.list = NULL};
}
