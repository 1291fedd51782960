/* A run opened at a checkpoint to compute gradients in memory; nothing of it is written. */
#ifndef TOOLS_SPECTRA_SESSION_H
#define TOOLS_SPECTRA_SESSION_H

#include "run/config.h"

typedef struct {
  Config config;
  Data *data;
  GPT2 *model;
  OptimizerState *optimizer;
  int64_t rows, from; /* sequences per pass; step of the checkpoint */
} Session;

/* Opens a run's newest checkpoint, or a checkpoint, with the run's model, data and optimizer.
   Errors: no checkpoint, other data, no memory. session_close must follow either way. */
int session_open(Session *s, const char *run, Err *err);
void session_close(Session *s);

/* The gradient of step t of the run at the present weights, in the model's params and not clipped,
   and its norm. Error: it is not finite. */
int session_gradient(Session *s, int64_t t, double *norm, Err *err);

/* The matrices of the blocks, fused Q, K, V as three. Returns their number; to be freed. */
typedef struct {
  char name[64]; /* "h.2.attn.c_proj", "h.2.attn.c_attn.q" */
  int layer;
  int64_t rows, cols;
  const float *g; /* (rows,cols) in the model's gradient */
} SessionMatrix;
int session_matrices(const Session *s, SessionMatrix **matrices);

#endif
