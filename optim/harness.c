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
#include "optim/adamw.h"

enum {
  PIECE = 1 << 16, /* numbers of an elementwise update done together: 1 MB with AdamW's state */
  STREAMS_PER_PARAM = 4096, /* random streams reserved for the matrices of one parameter */
};

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

/* ---- units: what one call of update works on ---- */

typedef struct {
  const Param *param;
  const Optimizer *method;
  const void *options;
  int auxiliary;      /* the harness's AdamW, for what the method does not take */
  int64_t rows, cols;
  int64_t first;      /* the unit's first number in the parameter */
  int64_t stride;     /* of its rows there; cols unless it is a block of columns */
  int owner;          /* the rank that updates it */
  uint32_t stream;    /* of its random numbers */
  double measured;    /* what its method's `measure` returned in this step */
  float *slots[SLOTS_MAX];
} Unit;

/* Weights that are together in memory and have one owner. */
typedef struct {
  float *w;
  int64_t count;
  int owner;
} Range;

struct OptimizerState {
  const Optimizer *method;
  const OptimizerOptions *common;
  AdamwOptions auxiliary;
  uint64_t seed;
  Unit *matrices, *pieces; /* of the methods that need whole matrices; elementwise ones */
  int matrix_count, piece_count;
  float *state;        /* of the units that this rank owns */
  char *scratch;
  int64_t state_floats;
  float *whole;        /* between gather and scatter: state of all units, and units with it */
  Unit *whole_matrices, *whole_pieces;
  Range *ranges;       /* what each rank sends after a step */
  int range_count;
  size_t thread_scratch; /* bytes of one thread */
  const void *options;
  Nodes *nodes; /* or NULL */
  Multipliers *multipliers; /* or NULL */
};

/* How a parameter is cut: into rows x cols equal blocks. */
static void cut(const OptimizerState *s, const Param *p, int *down, int *across) {
  int split = s->common->qkv_split;
  *down = split == QKV_HEADS ? p->head_rows : split == QKV_THREE ? p->blocks : 1;
  *across = split == QKV_HEADS ? p->head_cols : 1;
}

static Unit make_unit(const OptimizerState *s, const Param *p, int index) {
  int own = s->method->accepts(&(Matrix){.role = p->role, .rows = p->rows, .cols = p->cols},
                               s->options);
  return (Unit){.param = p, .stride = p->cols, .auxiliary = !own,
                .method = own ? s->method : &adamw,
                .options = own ? s->options : &s->auxiliary,
                .stream = (uint32_t)(index * STREAMS_PER_PARAM)};
}

static void add_matrices(OptimizerState *s, Unit unit) {
  int down, across;
  cut(s, unit.param, &down, &across);
  unit.rows = unit.param->rows / down;
  unit.cols = unit.param->cols / across;
  for (int i = 0; i < down; i++)
    for (int j = 0; j < across; j++) {
      unit.first = i * unit.rows * unit.stride + j * unit.cols;
      if (s->matrices) s->matrices[s->matrix_count] = unit;
      s->matrix_count++;
      unit.stream++;
    }
}

static void add_pieces(OptimizerState *s, Unit unit) {
  int64_t size = param_size(unit.param);
  unit.rows = 1;
  for (; unit.first < size; unit.first += PIECE) {
    unit.cols = unit.stride = size - unit.first < PIECE ? size - unit.first : PIECE;
    if (s->pieces) s->pieces[s->piece_count] = unit;
    s->piece_count++;
  }
}

/* Walked twice: counts, then fills the lists. */
static void list_units(OptimizerState *s, const Param *params, int count) {
  s->matrix_count = s->piece_count = 0;
  for (int i = 0; i < count; i++) {
    Unit unit = make_unit(s, &params[i], i);
    if (unit.method->elementwise) add_pieces(s, unit);
    else add_matrices(s, unit);
  }
}

static Matrix shape_of(const Unit *u) {
  return (Matrix){.role = u->param->role, .rows = u->rows, .cols = u->cols};
}

static int64_t slot_floats(const Unit *u, int slot) {
  Matrix shape = shape_of(u);
  return u->method->slots[slot].floats(&shape, u->options);
}

/* The first unit after those of the same parameter as unit i. */
static int next_param(const Unit *units, int count, int i) {
  int next = i;
  while (next < count && units[next].param == units[i].param) next++;
  return next;
}

enum { ALL = -1 }; /* ranks */

/* Walked twice: sums the floats of state of the units that a rank owns, then hands them out. The
   pieces of one array have their state side by side, so that a checkpoint sees one array. */
static int64_t assign_state(Unit *units, int count, int owner, float *memory) {
  int64_t used = 0;
  for (int i = 0, next; i < count; i = next) {
    next = next_param(units, count, i);
    for (int slot = 0; units[i].method->slots[slot].name; slot++) {
      for (int u = i; u < next; u++) {
        if (owner != ALL && units[u].owner != owner) continue;
        if (memory) units[u].slots[slot] = memory + used;
        used += slot_floats(&units[u], slot);
      }
      used = (used + 15) / 16 * 16; /* a whole cache line */
    }
  }
  return used;
}

/* Work memory of one call: the method's struct, and a contiguous copy of a block of columns. */
typedef struct {
  _Alignas(max_align_t) char method[WORK_MAX];
  float *w, *g; /* (rows,cols), or NULL: the unit is contiguous */
} UnitWork;

static void unit_layout(UnitWork *work, Scratch *s, const Unit *u) {
  Matrix shape = shape_of(u);
  int copied = u->stride != u->cols;
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

static double unit_flops(const Unit *u) {
  Matrix shape = shape_of(u);
  return u->method->flops(&shape, u->options);
}

static int compare_stream(const void *a, const void *b) {
  const Unit *x = a, *y = b;
  if (x->stream != y->stream) return x->stream < y->stream ? -1 : 1;
  return x->first < y->first ? -1 : x->first > y->first;
}

static int compare_flops(const void *a, const void *b) {
  const Unit *x = a, *y = b;
  double fx = unit_flops(x), fy = unit_flops(y);
  if (fx != fy) return fx < fy ? 1 : -1;
  return x->stream < y->stream ? -1 : x->stream > y->stream;
}

/* A copy of units in the order of the parameters. */
static Unit *ordered(const Unit *units, int count) {
  Unit *copy = memory_take((size_t)count, sizeof *copy);
  memcpy(copy, units, (size_t)count * sizeof *copy);
  qsort(copy, (size_t)count, sizeof *copy, compare_stream);
  return copy;
}

/* ---- ranks ---- */

/* Blocks of columns are not together in memory, so all of a parameter go to one owner. */
static int owner_of_columns(const OptimizerState *s, const Unit *u) {
  for (int i = 0; i < s->matrix_count && u->stride != u->cols; i++)
    if (s->matrices[i].param == u->param) return s->matrices[i].owner;
  return ALL;
}

/* Each matrix, the most expensive first, goes to the rank that has least to do; then each rank gets
   elementwise pieces until it has its share. `matrices` are in the order of their FLOPs. */
static void assign_owners(OptimizerState *s, int ranks) {
  int next = 0;
  double *load = calloc((size_t)ranks, sizeof *load), total = optimizer_flops(s);
  for (int i = 0; i < s->matrix_count; i++) s->matrices[i].owner = ALL;
  for (int i = 0; i < s->matrix_count; i++) {
    Unit *u = &s->matrices[i];
    int least = 0;
    for (int r = 1; r < ranks; r++)
      if (load[r] < load[least]) least = r;
    int same = owner_of_columns(s, u);
    u->owner = same == ALL ? least : same;
    load[u->owner] += unit_flops(u);
  }
  for (int i = 0; i < s->piece_count; i++) {
    double flops = unit_flops(&s->pieces[i]);
    while (next + 1 < ranks && load[next] + flops / 2 > total / ranks) next++;
    s->pieces[i].owner = next;
    load[next] += flops;
  }
  free(load);
}

void optimizer_divide(OptimizerState *s, int ranks) {
  qsort(s->matrices, (size_t)s->matrix_count, sizeof *s->matrices, compare_flops);
  assign_owners(s, ranks);
  qsort(s->matrices, (size_t)s->matrix_count, sizeof *s->matrices, compare_stream);
}

static void add_ranges(OptimizerState *s, const Unit *units, int count) {
  for (int i = 0; i < count; i++) {
    const Unit *u = &units[i];
    int whole = u->stride != u->cols; /* a block of columns: the parameter is one range */
    if (whole && i > 0 && units[i - 1].param == u->param) continue;
    float *w = u->param->w + (whole ? 0 : u->first);
    int64_t n = whole ? param_size(u->param) : u->rows * u->cols;
    Range *last = s->range_count ? &s->ranges[s->range_count - 1] : NULL;
    if (last && last->owner == u->owner && last->w + last->count == w) last->count += n;
    else s->ranges[s->range_count++] = (Range){w, n, u->owner};
  }
}

static void add_share(RankShare *share, const Unit *units, int count, int rank) {
  for (int i = 0; i < count; i++) {
    if (units[i].owner != rank) continue;
    share->flops += unit_flops(&units[i]);
    share->weights += units[i].rows * units[i].cols;
    for (int slot = 0; units[i].method->slots[slot].name; slot++)
      share->state_bytes += (double)sizeof(float) * (double)slot_floats(&units[i], slot);
  }
}

RankShare optimizer_share(const OptimizerState *s, int rank) {
  RankShare share = {(double)multipliers_bytes(s->multipliers), 0, 0};
  add_share(&share, s->matrices, s->matrix_count, rank);
  add_share(&share, s->pieces, s->piece_count, rank);
  return share;
}

void optimizer_owners(const OptimizerState *s, const Param *p, char *out, size_t size) {
  size_t used = 0;
  int before = ALL;
  Unit *matrices = ordered(s->matrices, s->matrix_count);
  *out = 0;
  for (int i = 0; i < s->matrix_count + s->piece_count && used < size; i++) {
    const Unit *u = i < s->matrix_count ? &matrices[i] : &s->pieces[i - s->matrix_count];
    int same = u->owner == before && (u->method->elementwise || u->stride != u->cols);
    if (u->param != p || same) continue;
    used += (size_t)snprintf(out + used, size - used, "%s%d", used ? " " : "", u->owner);
    before = u->owner;
  }
  free(matrices);
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

static void init_units(const OptimizerState *s, const Unit *units, int count) {
  for (int i = 0; i < count; i++) {
    Step step = make_step(s, &units[i], 0, 0);
    if (units[i].method->init && is_mine(&units[i]))
      call(s, &units[i], &step, units[i].method->init);
  }
}

OptimizerState *optimizer_plan(const Optimizer *method, const void *options,
                               const OptimizerOptions *common, const Param *params, int count,
                               uint64_t seed) {
  OptimizerState *s = calloc(1, sizeof *s);
  s->method = method;
  s->options = options;
  s->common = common;
  s->seed = seed;
  s->auxiliary = (AdamwOptions){.adam = common->aux};
  s->multipliers = multipliers_plan(&common->multipliers, params, count);
  list_units(s, params, count);
  s->matrices = calloc((size_t)s->matrix_count + 1, sizeof *s->matrices);
  s->pieces = calloc((size_t)s->piece_count + 1, sizeof *s->pieces);
  list_units(s, params, count);
  s->ranges = calloc((size_t)(s->matrix_count + s->piece_count) + 1, sizeof *s->ranges);
  optimizer_divide(s, ranks_count());
  s->state_floats = assign_state(s->matrices, s->matrix_count, rank_number(), NULL) +
                    assign_state(s->pieces, s->piece_count, rank_number(), NULL);
  for (int i = 0; i < s->matrix_count; i++) {
    size_t bytes = unit_scratch(&s->matrices[i]);
    if (bytes > s->thread_scratch) s->thread_scratch = bytes;
  }
  return s;
}

static int allocate(OptimizerState *s, Err *err) {
  int mine = rank_number();
  if (arena_take((void **)&s->state, (size_t)s->state_floats * sizeof *s->state,
                 "the optimizer's state", err) ||
      arena_take((void **)&s->scratch, optimizer_scratch_bytes(s), "the optimizer's workspace",
                 err) ||
      multipliers_allocate(s->multipliers, err))
    return -1;
  int64_t matrices = assign_state(s->matrices, s->matrix_count, mine, s->state);
  assign_state(s->pieces, s->piece_count, mine, s->state + matrices);
  add_ranges(s, s->matrices, s->matrix_count);
  add_ranges(s, s->pieces, s->piece_count);
  init_units(s, s->matrices, s->matrix_count);
  init_units(s, s->pieces, s->piece_count);
  /* Most expensive first, so that the threads finish together. */
  qsort(s->matrices, (size_t)s->matrix_count, sizeof *s->matrices, compare_flops);
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
  arena_free(s->state, (size_t)s->state_floats * sizeof *s->state);
  arena_free(s->scratch, optimizer_scratch_bytes(s));
  multipliers_close(s->multipliers);
  free(s->matrices);
  free(s->pieces);
  free(s->ranges);
  free(s->whole_matrices);
  free(s->whole_pieces);
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

/* Measures without a total, else updates. Many matrices: one thread each. Few: all threads inside
   each product. */
static void step_matrices(OptimizerState *s, int64_t t, double multiplier, const double *total) {
  if (s->matrix_count >= 2 * threads_count()) {
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < s->matrix_count; i++)
      step_unit(s, &s->matrices[i], t, multiplier, total);
  } else {
    for (int i = 0; i < s->matrix_count; i++)
      step_unit(s, &s->matrices[i], t, multiplier, total);
  }
}

static double measure(OptimizerState *s, int64_t t, double multiplier) {
  double total = 0;
  if (!s->method->measure) return 0;
  step_matrices(s, t, multiplier, NULL);
  for (int i = 0; i < s->matrix_count; i++) total += s->matrices[i].measured;
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

static void send_weights(const OptimizerState *s) {
  for (int i = 0; i < s->range_count; i++)
    ranks_start_copy(s->ranges[i].w, s->ranges[i].count, s->ranges[i].owner);
  ranks_wait();
}

void optimizer_step(OptimizerState *s, int64_t t, double multiplier) {
  Precision model = precision_set(precision_of(s));
  multipliers_enter(s->multipliers, t);
  double total = measure(s, t, multiplier);
  step_matrices(s, t, multiplier, &total);
#pragma omp parallel for schedule(static)
  for (int i = 0; i < s->piece_count; i++) step_unit(s, &s->pieces[i], t, multiplier, &total);
  precision_set(model);
  send_weights(s);
  multipliers_leave(s->multipliers, t, multiplier);
}

void optimizer_weights(OptimizerState *s, int evaluated) {
  if (!s->method->weights) return;
#pragma omp parallel for schedule(static)
  for (int i = 0; i < s->piece_count; i++) {
    const Unit *u = &s->pieces[i];
    Matrix m = shape_of(u);
    m.w = u->param->w + u->first;
    if (is_mine(u)) s->method->weights(&m, u->slots, u->options, evaluated);
  }
  send_weights(s);
}

double optimizer_keep(const OptimizerState *s, const Param *p, int64_t t, double rate) {
  Unit unit = make_unit(s, p, 0);
  return keep_of(&unit, &(Step){.t = t, .rate = rate, .decay = decay_of(s, &unit)});
}

size_t optimizer_state_bytes(const OptimizerState *s) {
  int64_t floats = 0;
  for (int rank = 0; rank < ranks_count(); rank++)
    floats += assign_state(s->matrices, s->matrix_count, rank, NULL) +
              assign_state(s->pieces, s->piece_count, rank, NULL);
  return (size_t)floats * sizeof(float) + multipliers_bytes(s->multipliers);
}

size_t optimizer_scratch_bytes(const OptimizerState *s) {
  return s->thread_scratch * (size_t)threads_count();
}

double optimizer_flops(const OptimizerState *s) {
  double sum = 0;
  for (int i = 0; i < s->matrix_count; i++) sum += unit_flops(&s->matrices[i]);
  for (int i = 0; i < s->piece_count; i++) sum += unit_flops(&s->pieces[i]);
  return sum;
}

void optimizer_route(const OptimizerState *s, const Param *p, char *out, size_t size) {
  Unit unit = make_unit(s, p, 0);
  int down, across;
  cut(s, p, &down, &across);
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
  if (!make_unit(s, p, 0).method->elementwise) cut(s, p, down, across);
}

static void visit_units(const Unit *units, int count,
                        void (*visit)(const char *, int64_t, float *, void *), void *with) {
  for (int i = 0, next; i < count; i = next) {
    next = next_param(units, count, i);
    for (int slot = 0; units[i].method->slots[slot].name; slot++) {
      char name[128];
      int64_t floats = 0;
      for (int u = i; u < next; u++) floats += slot_floats(&units[u], slot);
      snprintf(name, sizeof name, "%s.%s", units[i].param->name, units[i].method->slots[slot].name);
      visit(name, floats, units[i].slots[slot], with);
    }
  }
}

void optimizer_visit(OptimizerState *s,
                     void (*visit)(const char *name, int64_t floats, float *data, void *with),
                     void *with) {
  Unit *matrices = s->whole ? NULL : ordered(s->matrices, s->matrix_count);
  visit_units(s->whole ? s->whole_matrices : matrices, s->matrix_count, visit, with);
  visit_units(s->whole ? s->whole_pieces : s->pieces, s->piece_count, visit, with);
  if (s->nodes) nodes_visit(s->nodes, visit, with);
  multipliers_visit(s->multipliers, visit, with);
  free(matrices);
}

/* Copies the state of units between their owners and rank 0, which has `whole` of it; or, with
   `restore`, from `whole` to what this rank owns. */
static void move_state(const Unit *own, const Unit *whole, int count, int restore) {
  for (int i = 0; i < count; i++)
    for (int slot = 0; own[i].method->slots[slot].name; slot++) {
      int64_t n = slot_floats(&own[i], slot);
      float *all = whole ? whole[i].slots[slot] : NULL, *mine = own[i].slots[slot];
      if (!restore) ranks_collect(all, mine, n, own[i].owner);
      else if (all && is_mine(&own[i])) memcpy(mine, all, (size_t)n * sizeof *mine);
    }
}

int optimizer_gather(OptimizerState *s, int restore, Err *err) {
  if (ranks_count() == 1) return 0;
  if (restore || rank_number() == 0) {
    s->whole_matrices = ordered(s->matrices, s->matrix_count);
    s->whole_pieces = ordered(s->pieces, s->piece_count);
    int64_t first = assign_state(s->whole_matrices, s->matrix_count, ALL, NULL);
    int64_t rest = assign_state(s->whole_pieces, s->piece_count, ALL, NULL);
    if (arena_take((void **)&s->whole, (size_t)(first + rest) * sizeof *s->whole,
                   "the optimizer's state of all ranks", err))
      return -1;
    assign_state(s->whole_matrices, s->matrix_count, ALL, s->whole);
    assign_state(s->whole_pieces, s->piece_count, ALL, s->whole + first);
  }
  if (restore) return 0;
  Unit *own = ordered(s->matrices, s->matrix_count);
  move_state(own, s->whole_matrices, s->matrix_count, 0);
  move_state(s->pieces, s->whole_pieces, s->piece_count, 0);
  free(own);
  return 0;
}

void optimizer_scatter(OptimizerState *s, int restore) {
  if (!s->whole) return;
  Unit *own = ordered(s->matrices, s->matrix_count);
  if (restore) {
    move_state(own, s->whole_matrices, s->matrix_count, 1);
    move_state(s->pieces, s->whole_pieces, s->piece_count, 1);
  }
  free(own);
  int64_t floats = assign_state(s->whole_matrices, s->matrix_count, ALL, NULL) +
                   assign_state(s->whole_pieces, s->piece_count, ALL, NULL);
  arena_free(s->whole, (size_t)floats * sizeof *s->whole);
  free(s->whole_matrices);
  free(s->whole_pieces);
  s->whole = NULL;
  s->whole_matrices = s->whole_pieces = NULL;
}

static void find_slot(const Unit *units, int count, const Param *p, SlotKind kind,
                      const float **first, int64_t *floats) {
  for (int i = 0; i < count; i++) {
    const Slot *slots = units[i].method->slots;
    int slot = 0;
    while (slots[slot].name && slots[slot].kind != kind) slot++;
    if (units[i].param != p || !slots[slot].name) continue;
    if (!*first || units[i].slots[slot] < *first) *first = units[i].slots[slot];
    *floats += slot_floats(&units[i], slot);
  }
}

const float *optimizer_slot(const OptimizerState *s, const Param *p, SlotKind kind,
                            int64_t *floats) {
  const float *first = NULL;
  *floats = 0;
  find_slot(s->matrices, s->matrix_count, p, kind, &first, floats);
  find_slot(s->pieces, s->piece_count, p, kind, &first, floats);
  return first;
}
