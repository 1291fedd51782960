/* What the measurements train: a model, an optimizer with its default options, and one batch of
   random tokens. */
#ifndef TOOLS_MEASURE_TRAINER_H
#define TOOLS_MEASURE_TRAINER_H

#include "core/error.h"
#include "model/gpt2.h"
#include "optim/optim.h"

typedef struct {
  GPT2 *model;
  OptimizerState *optimizer;
  OptimizerOptions common;
  void *options; /* the method's own */
  int32_t *tokens;
  Batch batch;
  int64_t t; /* steps so far */
} Trainer;

/* Seconds of a step's thirds. */
typedef struct {
  double forward, backward, optimizer;
} StepSeconds;

/* Opens a trainer for B rows of the model's whole context, and makes the step that touches all of
   its memory. Errors: no memory. */
int trainer_open(Trainer *t, const ModelOptions *size, int64_t B, const Optimizer *method,
                 Err *err);
void trainer_close(Trainer *t);

/* One training step: forward, backward, the gradient's norm, the optimizer. */
StepSeconds trainer_step(Trainer *t);

/* FLOPs of such a step that count as useful: those of the network. */
double trainer_flops(const Trainer *t);

/* Bytes that model and optimizer took. */
double trainer_bytes(const Trainer *t);

#endif
