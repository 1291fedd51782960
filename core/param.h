/* A trainable array. Model and optimizers share only this type. */
#ifndef CORE_PARAM_H
#define CORE_PARAM_H

#include <stdint.h>

#include "core/real.h"

typedef enum {
  ROLE_EMBEDDING, /* token embedding that is also the head */
  ROLE_POSITION,  /* position embedding */
  ROLE_MATRIX,    /* a linear layer inside a block */
  ROLE_VECTOR,    /* biases, LayerNorm weights */
  ROLE_HEAD,      /* an untied head */
  ROLE_INPUT,     /* token embedding beside an untied head */
} Role;

typedef struct {
  char name[48];      /* as Hugging Face names it: h.0.attn.c_attn.weight */
  Role role;
  int layer;          /* 0..L-1, or -1 outside the blocks */
  int64_t rows, cols; /* fan_out, fan_in; a vector is one row */
  int blocks;         /* separate matrices stacked along the rows: 3 for fused Q, K, V, else 1 */
  int head_rows;      /* pieces along the rows when split by attention head: 3 NH for Q, K, V */
  int head_cols;      /* pieces along the columns when split by head: NH for the output matrix */
  int node;           /* of a decentralized run (optim/nodes.h), else 0 */
  int decay;          /* 1 if weight decay applies: parameters with two dimensions */
  real *w, *g;        /* (rows, cols) weights and gradient, row-major */
} Param;

/* "matrix", "vector", ... for messages and tables. */
const char *role_name(Role role);

static inline int64_t param_size(const Param *p) { return p->rows * p->cols; }

#endif
