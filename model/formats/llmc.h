/* llm.c's checkpoint: 256 int32 of header, then each kind of tensor for all layers together.
   Version 3 holds float32, version 5 bfloat16. */
#ifndef MODEL_FORMATS_LLMC_H
#define MODEL_FORMATS_LLMC_H

#include <stddef.h>

#include "model/gpt2.h"

enum { LLMC_F32 = 3, LLMC_BF16 = 5 }; /* versions */

/* The sizes of the model in a checkpoint of `size` bytes. Errors: wrong magic or version, sizes
   that no model has or that do not follow each other, a file that is longer or shorter than they
   say. `name` is for messages. */
int llmc_size(ModelOptions *model, const char *name, const void *bytes, size_t size, Err *err);

/* Fills the weights of a model that has the checkpoint's sizes, or a shorter context. The padding
   rows of the vocabulary are passed over. Errors: as llmc_size. */
int llmc_load(GPT2 *model, const char *name, const void *bytes, size_t size, Err *err);

/* Writes a checkpoint, the vocabulary padded with zeros to a multiple of 128. */
int llmc_save(const GPT2 *model, const char *path, int version, Err *err);

#endif
