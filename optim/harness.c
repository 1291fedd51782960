#include "optim/harness.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/blas.h"
#include "core/memory.h"
#include "core/precision.h"
#include "core/ranks.h"

#define FIELD(member) offsetof(OptimizerOptions, member)
const Option optimizer_options[] = {
    {.name = "lr", .help = "Learning rate",
     .type = OPTION_REAL, .at = FIELD(lr), .fallback = "0.001", .max = 1e6},
    {.name = "weight-decay", .help = "Decoupled weight decay of matrices and embeddings",
     .type = OPTION_REAL, .at = FIELD(weight_decay), .fallback = "0", .max = 1e3,
     .needs = "form!=constrained"},
    {.name = "embedding-decay",
     .help = "Weight decay of token and position embeddings, as a factor on --weight-decay (1 as "
             "llm.c; 0 as the official Dion, NorMuon and low-rank Muon scripts)",
     .type = OPTION_REAL, .at = FIELD(embedding_decay), .fallback = "1", .max = 1e3,
     .needs = "weight-decay!=0"},
    MULTIPLIER_OPTIONS(OptimizerOptions, multipliers),
    {0},
};

const Option matrix_options[] = {
    {.name = "qkv-split",
     .help = "Treat the fused QKV matrix as three matrices, as one, or as one per head",
     .type = OPTION_CHOICE, .at = FIELD(qkv_split), .fallback = "3",
     .choices = QKV_SPLITS(CHOICE_WORD)},
    {.name = "optimizer-precision",
     .help = "Matrix products of the optimizer (same: as --precision); QR, SVD and eigenvectors "
             "are never reduced",
     .type = OPTION_CHOICE, .at = FIELD(precision), .fallback = "same",
     .choices = OPTIMIZER_PRECISIONS(CHOICE_WORD), .resume = RESUME_MAY_CHANGE},
    {0},
};

const Option auxiliary_options[] = {
    {.name = "aux-lr",
     .help = "Learning rate of the auxiliary AdamW (parameters that the optimizer does not update)",
     .type = OPTION_REAL, .at = FIELD(aux_lr), .fallback = "0.003", .max = 1e6},
    ADAM_OPTIONS(OptimizerOptions, aux, "aux-", " of the auxiliary AdamW", "0.9", "0.95", "1e-8"),
    {0},
};

int optimizer_takes_all(const Optimizer *method, const void *options) {
  for (Role role = ROLE_EMBEDDING; role <= ROLE_INPUT; role++)
    if (!method->accepts(&(Matrix){.role = role}, options)) return 0;
  return 1;
}

OptimizerCost optimizer_cost(const Optimizer *method, int64_t rows, int64_t cols) {
  const Matrix shape = {.role = ROLE_MATRIX, .rows = rows, .cols = cols};
  OptimizerCost cost = {0, 0};
  void *options = calloc(1, method->options_size + 1);
  OptionSet set = {.title = method->name, .rows = method->options, .values = options};
  options_default(&set);
  for (const Slot *slot = method->slots; slot->name; slot++)
    cost.state += slot->floats(&shape, options);
  cost.flops = method->flops(&shape, options);
  free(options);
  return cost;
}

struct OptimizerState {
  const OptimizerOptions *common;
  Routing routing;
  uint64_t seed;
  Units units;
  Units whole;           /* between gather and scatter: the units with the state of all ranks */
  int *order;            /* of the matrices, the most expensive first */
  char *scratch;
  size_t thread_scratch; /* bytes of one thread */
  Nodes *nodes; /* or NULL */
  Multipliers *multipliers; /* or NULL */
};

/* Work memory of one call: the method's struct, and a contiguous copy of a block of columns. */
typedef struct {
  _Alignas(max_align_t) char method[WORK_MAX];
  float *w, *g; /* (rows,cols), or NULL: the unit is contiguous */
} UnitWork;

static void unit_layout(UnitWork *work, Scratch *s, const Unit *u) {
  Matrix shape = unit_shape(u);
  int copied = unit_is_strided(u);
  work->w = copied ? scratch_floats(s, matrix_size(&shape)) : NULL;
  work->g = copied ? scratch_floats(s, matrix_size(&shape)) : NULL;
  assert(u->method->work_size <= WORK_MAX);
  if (u->method->layout) u->method->layout(work->method, s, &shape, u->options);
}

static size_t unit_scratch(const Unit *u) {
  Scratch count = {0};
  unit_layout(&(UnitWork){.w = NULL}, &count, u);
  return count.used;
}

/* ---- a step ---- */

static int is_mine(const Unit *u) { return u->owner == rank_number(); }

static double decay_of(const OptimizerState *s, const Unit *u) {
  Role role = u->param->role;
  int embedding = role == ROLE_EMBEDDING || role == ROLE_INPUT || role == ROLE_POSITION;
  double factor = embedding ? s->common->embedding_decay : 1;
  return u->param->decay ? factor * s->common->weight_decay : 0;
}

static double keep_of(const Unit *u, const Step *step) {
  return u->method->keep ? u->method->keep(u->param, step, u->options)
                         : 1 - step->rate * step->decay;
}

static Step make_step(const OptimizerState *s, const Unit *u, int64_t t, double multiplier) {
  double rate = (u->auxiliary ? s->common->aux_lr : s->common->lr) * multiplier;
  Step step = {.t = t, .rate = rate, .decay = decay_of(s, u),
               .random = random_stream(s->seed, RANDOM_OPTIMIZER, u->stream, (uint32_t)t)};
  step.keep = keep_of(u, &step);
  return step;
}

static void copy_columns(float *to, int64_t to_stride, const float *from, int64_t from_stride,
                         int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; i++)
    memcpy(to + i * to_stride, from + i * from_stride, (size_t)cols * sizeof *to);
}

static void call(const OptimizerState *s, const Unit *u, Step *step,
                 void (*function)(const Matrix *, float *const *, const void *, Step *)) {
  float *w = u->param->w + u->first, *g = u->param->g ? u->param->g + u->first : NULL;
  Matrix m = {u->param->role, u->rows, u->cols, w, g};
  Scratch scratch = {.memory = s->scratch + (size_t)thread_number() * s->thread_scratch};
  UnitWork work;
  unit_layout(&work, &scratch, u);
  step->work = work.method;
  if (work.w) {
    copy_columns(work.w, u->cols, w, u->stride, u->rows, u->cols);
    if (g) copy_columns(work.g, u->cols, g, u->stride, u->rows, u->cols);
    m.w = work.w;
    m.g = work.g;
  }
  function(&m, u->slots, u->options, step);
  if (work.w) copy_columns(w, u->stride, work.w, u->cols, u->rows, u->cols);
}

static void init_state(OptimizerState *s) {
  for (int i = 0; i < s->units.count; i++) {
    const Unit *u = &s->units.list[i];
    Step step = make_step(s, u, 0, 0);
    if (u->method->init && is_mine(u)) call(s, u, &step, u->method->init);
  }
}

OptimizerState *optimizer_plan(const Optimizer *method, const void *options,
                               const OptimizerOptions *common, const Param *params, int count,
                               uint64_t seed) {
  OptimizerState *s = memory_take(1, sizeof *s);
  s->routing = (Routing){.method = method, .options = options, .auxiliary = {.adam = common->aux},
                         .qkv_split = common->qkv_split};
  s->common = common;
  s->seed = seed;
  units_list(&s->units, &s->routing, params, count);
  s->multipliers = multipliers_plan(&common->multipliers, params, count);
  optimizer_divide(s, ranks_count());
  for (int i = 0; i < s->units.matrices; i++) {
    size_t bytes = unit_scratch(&s->units.list[i]);
    if (bytes > s->thread_scratch) s->thread_scratch = bytes;
  }
  return s;
}

void optimizer_divide(OptimizerState *s, int ranks) {
  if (s->routing.method->decentralized) owners_of_nodes(&s->units, ranks);
  else owners_assign(&s->units, ranks);
}

static int allocate(OptimizerState *s, Err *err) {
  if (units_allocate(&s->units, rank_number(), "the optimizer's state", err) ||
      arena_take((void **)&s->scratch, optimizer_scratch_bytes(s), "the optimizer's workspace",
                 err) ||
      multipliers_allocate(s->multipliers, err))
    return -1;
  s->order = memory_take((size_t)s->units.matrices + 1, sizeof *s->order);
  owners_order(&s->units, s->units.matrices, s->order);
  init_state(s);
  return 0;
}

int optimizer_open(OptimizerState **state, const Optimizer *method, const void *options,
                   const OptimizerOptions *common, const Param *params, int count, uint64_t seed,
                   Err *err) {
  *state = optimizer_plan(method, options, common, params, count, seed);
  if (allocate(*state, err) == 0) return 0;
  optimizer_close(*state);
  *state = NULL;
  return -1;
}

void optimizer_close(OptimizerState *s) {
  if (!s) return;
  arena_free(s->scratch, optimizer_scratch_bytes(s));
  multipliers_close(s->multipliers);
  units_free(&s->units);
  units_free(&s->whole);
  free(s->order);
  free(s);
}

void optimizer_add_nodes(OptimizerState *s, Nodes *nodes) { s->nodes = nodes; }

static void step_unit(const OptimizerState *s, Unit *u, int64_t t, double multiplier,
                      const double *total) {
  if (!is_mine(u)) return;
  Step step = make_step(s, u, t, multiplier);
  if (total) step.total = *total;
  if (total || u->method->measure)
    call(s, u, &step, total ? u->method->update : u->method->measure);
  if (!total) u->measured = step.total;
}

/* Measures without a total, else updates. Many matrices: one thread each, the most expensive first,
   so that the threads finish together. Few: all threads inside each product. */
static void step_matrices(OptimizerState *s, int64_t t, double multiplier, const double *total) {
  const Units *units = &s->units;
  if (units->matrices >= 2 * threads_count()) {
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < units->matrices; i++)
      step_unit(s, &units->list[s->order[i]], t, multiplier, total);
  } else {
    for (int i = 0; i < units->matrices; i++)
      step_unit(s, &units->list[i], t, multiplier, total);
  }
}

static double measure(OptimizerState *s, int64_t t, double multiplier) {
  double total = 0;
  if (!s->routing.method->measure) return 0;
  step_matrices(s, t, multiplier, NULL);
  for (int i = 0; i < s->units.matrices; i++) total += s->units.list[s->order[i]].measured;
  ranks_sum(&total, 1);
  return total;
}

static Precision precision_of(const OptimizerState *s) {
  switch (s->common->precision) {
    case OPTIMIZER_FP32: return PRECISION_FP32;
    case OPTIMIZER_BF16: return PRECISION_BF16;
    case OPTIMIZER_BF16X3: return PRECISION_BF16X3;
    default: return precision_now();
  }
}

void optimizer_step(OptimizerState *s, int64_t t, double multiplier) {
  const Units *units = &s->units;
  Precision model = precision_set(precision_of(s));
  multipliers_enter(s->multipliers, t);
  double total = measure(s, t, multiplier);
  step_matrices(s, t, multiplier, &total);
#pragma omp parallel for schedule(static)
  for (int i = units->matrices; i < units->count; i++)
    step_unit(s, &units->list[i], t, multiplier, &total);
  precision_set(model);
  if (!s->routing.method->decentralized) owners_send(units);
  multipliers_leave(s->multipliers, t, multiplier);
}

void optimizer_weights(OptimizerState *s, int evaluated) {
  const Optimizer *method = s->routing.method;
  if (!method->weights) return;
#pragma omp parallel for schedule(static)
  for (int i = s->units.matrices; i < s->units.count; i++) {
    const Unit *u = &s->units.list[i];
    Matrix m = unit_shape(u);
    m.w = u->param->w + u->first;
    if (is_mine(u)) method->weights(&m, u->slots, u->options, evaluated);
  }
  owners_send(&s->units);
}

double optimizer_keep(const OptimizerState *s, const Param *p, int64_t t, double rate) {
  Unit unit = unit_whole(&s->routing, p, 0);
  return keep_of(&unit, &(Step){.t = t, .rate = rate, .decay = decay_of(s, &unit)});
}

size_t optimizer_state_bytes(const OptimizerState *s) {
  int64_t floats = 0;
  for (int rank = 0; rank < ranks_count(); rank++) floats += units_floats(&s->units, rank);
  return (size_t)floats * sizeof(float) + multipliers_bytes(s->multipliers);
}

size_t optimizer_scratch_bytes(const OptimizerState *s) {
  return s->thread_scratch * (size_t)threads_count();
}

double optimizer_flops(const OptimizerState *s) {
  double sum = 0;
  for (int i = 0; i < s->units.count; i++) sum += unit_flops(&s->units.list[i]);
  return sum;
}

RankShare optimizer_share(const OptimizerState *s, int rank) {
  RankShare share = owners_share(&s->units, rank);
  share.state_bytes += (double)multipliers_bytes(s->multipliers); /* every rank has all */
  return share;
}

void optimizer_owners(const OptimizerState *s, const Param *p, char *out, size_t size) {
  owners_text(&s->units, p, out, size);
}

void optimizer_route(const OptimizerState *s, const Param *p, char *out, size_t size) {
  Unit unit = unit_whole(&s->routing, p, 0);
  int down, across;
  unit_cut(&s->routing, p, &down, &across);
  if (unit.auxiliary) snprintf(out, size, "auxiliary adamw");
  else if (unit.method->elementwise) snprintf(out, size, "%s", unit.method->name);
  else
    snprintf(out, size, "%s, %d x %lldx%lld", unit.method->name, down * across,
             (long long)p->rows / down, (long long)p->cols / across);
  const char *multipliers = multipliers_describe(s->multipliers, p);
  size_t used = strlen(out);
  if (*multipliers && used < size) snprintf(out + used, size - used, ", %s", multipliers);
}

void optimizer_cut(const OptimizerState *s, const Param *p, int *down, int *across) {
  *down = p->blocks;
  *across = 1;
  if (!unit_whole(&s->routing, p, 0).method->elementwise) unit_cut(&s->routing, p, down, across);
}

void optimizer_visit(OptimizerState *s,
                     void (*visit)(const char *name, int64_t floats, float *data, void *with),
                     void *with) {
  const Units *units = s->whole.list ? &s->whole : &s->units;
  for (int i = 0, next; i < units->count; i = next) {
    const Unit *u = &units->list[i];
    next = units_next_param(units, i);
    for (int slot = 0; u->method->slots[slot].name; slot++) {
      char name[128];
      int64_t floats = 0;
      for (int k = i; k < next; k++) floats += unit_slot_floats(&units->list[k], slot);
      snprintf(name, sizeof name, "%s.%s", u->param->name, u->method->slots[slot].name);
      visit(name, floats, u->slots[slot], with);
    }
  }
  if (s->nodes) nodes_visit(s->nodes, visit, with);
  multipliers_visit(s->multipliers, visit, with);
}

int optimizer_gather(OptimizerState *s, int restore, Err *err) {
  if (ranks_count() == 1 || (restore && s->nodes)) return 0; /* each rank reads its nodes' state */
  if (owners_gather(&s->whole, &s->units, restore, err)) return -1;
  return s->nodes ? nodes_gather(s->nodes, err) : 0;
}

void optimizer_scatter(OptimizerState *s, int restore) {
  if (s->nodes) nodes_scatter(s->nodes);
  if (s->whole.list && restore) owners_scatter(&s->units, &s->whole);
  units_free(&s->whole);
}

const float *optimizer_slot(const OptimizerState *s, const Param *p, SlotKind kind,
                            int64_t *floats) {
  const float *first = NULL;
  *floats = 0;
  for (int i = 0; i < s->units.count; i++) {
    const Unit *u = &s->units.list[i];
    const Slot *slots = u->method->slots;
    int slot = 0;
    while (slots[slot].name && slots[slot].kind != kind) slot++;
    if (u->param != p || !slots[slot].name) continue;
    if (!first) first = u->slots[slot];
    *floats += unit_slot_floats(u, slot);
  }
  return first;
}
