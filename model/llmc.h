/* llm.c's checkpoint: 256 int32 of header, then each kind of tensor for all layers together. */
#ifndef MODEL_LLMC_H
#define MODEL_LLMC_H

#include "model/gpt2.h"

/* Fills the weights from a version 3 (float32) checkpoint. The vocabulary's padding rows in the
   file are passed over; of its positions the first `context` are taken. Errors: wrong magic or
   version, sizes other than the model's (the sentence says which options fit), truncated. */
int llmc_load(GPT2 *model, const char *path, Err *err);

#endif
