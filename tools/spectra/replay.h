/* The steps that follow a checkpoint, repeated in memory while one matrix is watched: its gradient,
   its momentum, and the steps that Muon and AdamW make of the same gradients. */
#ifndef TOOLS_SPECTRA_REPLAY_H
#define TOOLS_SPECTRA_REPLAY_H

#include <stdint.h>

#include "core/error.h"
#include "core/option.h"

enum { REPLAY_GRADIENT, REPLAY_MOMENTUM, REPLAY_ADAMW, REPLAY_MUON, REPLAY_MATRICES };
extern const char *const replay_names[REPLAY_MATRICES];

typedef struct {
  char matrix[64]; /* "h.2.attn.c_proj"; a third of fused Q, K, V is "h.2.attn.c_attn.q" */
  char optimizer[32];
  int64_t step;    /* of the last gradient */
  int64_t rows, cols;
  float *X[REPLAY_MATRICES]; /* (rows,cols), each divided by its root mean square */
} Replay;

/* Continues a run or checkpoint for `steps` steps with its own method and data, and writes nothing.
   `matrix` names a matrix of a block; "": the attention's output in the middle block. `progress`
   is that of an Output. Errors: no checkpoint, other data, no such matrix, no memory. */
int replay_open(Replay *r, const char *run, const char *matrix, int64_t steps,
                void (*progress)(const char *what, double share), Err *err);
void replay_close(Replay *r);

#endif
