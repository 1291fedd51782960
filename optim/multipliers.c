#include "optim/multipliers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/int64.h"
#include "core/memory.h"
#include "optim/parts/adam.h"

enum { ROW, COL, SCALAR, SIDES };
static const char *const names[SIDES] = {"row", "col", "scalar"};

/* The paper trains them as its other weights; these are usual for language models. */
static const Adam ADAM = {0.9, 0.95, 1e-8};

enum { PANEL = 64 }; /* columns summed at a time */

typedef struct {
  int64_t n;             /* r (rows), c (blocks,cols), s (blocks) */
  int trained;
  float *x, *m, *v, *d;  /* (n) the multipliers, their moments, their gradient */
} Side;

typedef struct {
  const Param *param;
  float *V; /* (rows,cols) */
  Side side[SIDES];
} Multiplied;

struct Multipliers {
  const MultiplierOptions *options;
  Multiplied *params; /* (count) */
  int count;
  float *memory;
  int64_t floats;
};

static int is_trained(int side, int kind, Role role) {
  int both = kind == MULTIPLIERS_BOTH, head = role == ROLE_EMBEDDING || role == ROLE_HEAD;
  switch (side) {
    case ROW: return (both || kind == MULTIPLIERS_ROW) && !head;
    case COL: return both || kind == MULTIPLIERS_COL;
    default: return kind == MULTIPLIERS_SCALAR;
  }
}

/* Walked twice: counts the floats, then hands them out. */
static void assign(Multipliers *m, float *memory) {
  m->floats = 0;
  for (int i = 0; i < m->count; i++) {
    Multiplied *p = &m->params[i];
    if (memory) p->V = memory + m->floats;
    m->floats += param_size(p->param);
    for (int k = 0; k < SIDES; k++) {
      Side *side = &p->side[k];
      float **arrays[] = {&side->x, &side->m, &side->v, &side->d};
      for (int a = 0; a < 4; a++) {
        if (memory) *arrays[a] = memory + m->floats;
        m->floats += side->n;
      }
    }
  }
}

Multipliers *multipliers_plan(const MultiplierOptions *o, const Param *params, int count) {
  if (o->kind == MULTIPLIERS_NONE) return NULL;
  Multipliers *m = memory_take(1, sizeof *m);
  m->options = o;
  m->params = memory_take((size_t)count + 1, sizeof *m->params);
  for (int i = 0; i < count; i++) {
    const Param *p = &params[i];
    Multiplied *to = &m->params[m->count];
    const int64_t n[SIDES] = {p->rows, p->blocks * p->cols, p->blocks};
    int any = 0;
    for (int k = 0; k < SIDES; k++) {
      to->side[k] = (Side){.n = n[k], .trained = is_trained(k, o->kind, p->role)};
      any |= to->side[k].trained;
    }
    to->param = p;
    m->count += any && p->role != ROLE_VECTOR;
  }
  assign(m, NULL);
  return m;
}

size_t multipliers_bytes(const Multipliers *m) {
  return m ? (size_t)m->floats * sizeof(float) : 0;
}

int multipliers_allocate(Multipliers *m, Err *err) {
  if (!m) return 0;
  if (arena_take((void **)&m->memory, multipliers_bytes(m), "the multipliers", err)) return -1;
  assign(m, m->memory);
  for (int i = 0; i < m->count; i++)
    for (int k = 0; k < SIDES; k++)
      for (int64_t j = 0; j < m->params[i].side[k].n; j++) m->params[i].side[k].x[j] = 1;
  return 0;
}

void multipliers_close(Multipliers *m) {
  if (!m) return;
  if (m->memory) arena_free(m->memory, multipliers_bytes(m));
  free(m->params);
  free(m);
}

/* ---- the equations ---- */

/* s r_i of a row, and the columns' multipliers of its block. */
static float row_factor(const Multiplied *p, int64_t i) {
  return p->side[ROW].x[i] * p->side[SCALAR].x[i / (p->param->rows / p->param->blocks)];
}

static const float *columns_of(const Multiplied *p, int64_t i) {
  return p->side[COL].x + i / (p->param->rows / p->param->blocks) * p->param->cols;
}

/* dc_j = sum_i s r_i V_ij G_ij, each sum in the order of the rows. */
static void column_gradients(const Multiplied *p, const float *G) {
  int64_t rows = p->param->rows / p->param->blocks, cols = p->param->cols;
  int64_t panels = (cols + PANEL - 1) / PANEL;
#pragma omp parallel for schedule(static)
  for (int64_t k = 0; k < p->param->blocks * panels; k++) {
    int64_t block = k / panels, from = k % panels * PANEL, width = i64_min(PANEL, cols - from);
    double sum[PANEL] = {0};
    for (int64_t i = block * rows; i < (block + 1) * rows; i++) {
      double factor = (double)row_factor(p, i);
      const float *v = p->V + i * cols + from, *g = G + i * cols + from;
      for (int64_t j = 0; j < width; j++) sum[j] += factor * (double)v[j] * (double)g[j];
    }
    for (int64_t j = 0; j < width; j++) p->side[COL].d[block * cols + from + j] = (float)sum[j];
  }
}

/* dr_i = s sum_j c_j V_ij G_ij, for now without s, and then ds = sum_i r_i (the same). */
static void row_gradients(const Multiplied *p, const float *G) {
  int64_t rows = p->param->rows / p->param->blocks, cols = p->param->cols;
  float *d = p->side[ROW].d;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < p->param->rows; i++) {
    const float *c = columns_of(p, i), *v = p->V + i * cols, *g = G + i * cols;
    double sum = 0;
    for (int64_t j = 0; j < cols; j++) sum += (double)c[j] * (double)v[j] * (double)g[j];
    d[i] = (float)sum;
  }
  for (int block = 0; block < p->param->blocks; block++) {
    double sum = 0;
    for (int64_t i = block * rows; i < (block + 1) * rows; i++) {
      sum += (double)p->side[ROW].x[i] * (double)d[i];
      d[i] *= p->side[SCALAR].x[block];
    }
    p->side[SCALAR].d[block] = (float)sum;
  }
}

/* to_ij = s r_i c_j from_ij; the arrays may be the same. */
static void multiply(const Multiplied *p, float *to, const float *from) {
  int64_t cols = p->param->cols;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < p->param->rows; i++) {
    const float *c = columns_of(p, i);
    float factor = row_factor(p, i);
    for (int64_t j = 0; j < cols; j++) to[i * cols + j] = factor * c[j] * from[i * cols + j];
  }
}

/* ---- a step ---- */

void multipliers_enter(Multipliers *m, int64_t t) {
  for (int i = 0; m && i < m->count; i++) {
    const Multiplied *p = &m->params[i];
    size_t bytes = (size_t)param_size(p->param) * sizeof *p->V;
    if (t == 1) memcpy(p->V, p->param->w, bytes); /* all multipliers are 1 */
    column_gradients(p, p->param->g);
    row_gradients(p, p->param->g);
    multiply(p, p->param->g, p->param->g);
    memcpy(p->param->w, p->V, bytes);
  }
}

static void step(Side *side, const AdamStep *a, float keep) {
  if (!side->trained) return;
  adam(side->d, side->m, side->v, side->d, side->n, a);
  for (int64_t i = 0; i < side->n; i++) side->x[i] = keep * side->x[i] - side->d[i];
}

void multipliers_leave(Multipliers *m, int64_t t, double schedule) {
  if (!m) return;
  double rate = m->options->lr * schedule;
  const AdamStep a = adam_step(&ADAM, t, rate);
  for (int i = 0; i < m->count; i++) {
    Multiplied *p = &m->params[i];
    for (int k = 0; k < SIDES; k++) step(&p->side[k], &a, (float)(1 - rate * m->options->decay));
    memcpy(p->V, p->param->w, (size_t)param_size(p->param) * sizeof *p->V);
    multiply(p, p->param->w, p->V);
  }
}

const char *multipliers_describe(const Multipliers *m, const Param *param) {
  for (int i = 0; m && i < m->count; i++) {
    const Side *side = m->params[i].side;
    if (m->params[i].param != param) continue;
    if (side[SCALAR].trained) return "a scalar multiplier";
    return side[ROW].trained && side[COL].trained ? "row and column multipliers"
           : side[ROW].trained                    ? "row multipliers"
                                                  : "column multipliers";
  }
  return "";
}

void multipliers_visit(Multipliers *m,
                       void (*visit)(const char *name, int64_t floats, float *data, void *with),
                       void *with) {
  for (int i = 0; m && i < m->count; i++) {
    Multiplied *p = &m->params[i];
    char name[96];
    snprintf(name, sizeof name, "%s.unmultiplied", p->param->name);
    visit(name, param_size(p->param), p->V, with);
    for (int k = 0; k < SIDES; k++) {
      Side *side = &p->side[k];
      if (!side->trained) continue;
      snprintf(name, sizeof name, "%s.%s", p->param->name, names[k]);
      visit(name, side->n, side->x, with);
      snprintf(name, sizeof name, "%s.%s_m", p->param->name, names[k]);
      visit(name, side->n, side->m, with);
      snprintf(name, sizeof name, "%s.%s_v", p->param->name, names[k]);
      visit(name, side->n, side->v, with);
    }
  }
}
