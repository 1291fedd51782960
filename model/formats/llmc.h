/* llm.c's checkpoint: a header of 256 int32, then each kind of tensor for all layers. Version 3 is
   float32, version 5 bfloat16. */
#ifndef MODEL_FORMATS_LLMC_H
#define MODEL_FORMATS_LLMC_H

#include <stddef.h>

#include "model/gpt2.h"
#include "model/formats/numbers.h"

/* Reads the model's sizes from a checkpoint of `size` bytes; `name` is for messages. Errors: wrong
   magic or version, invalid or inconsistent sizes, a file that is longer or shorter than them. */
int llmc_size(ModelOptions *model, const char *name, const void *bytes, size_t size, Err *err);

/* Reads the weights into a model with the checkpoint's sizes or a shorter context. Ignores the
   padding rows of the vocabulary. Errors: those of llmc_size; other sizes; biases off, exact GELU
   or an untied head, which the format cannot hold. */
int llmc_load(GPT2 *model, const char *name, const void *bytes, size_t size, Err *err);

/* Writes a checkpoint of type DTYPE_F32 or DTYPE_BF16; pads the vocabulary with zeros to a multiple
   of 128. Errors: it cannot be written; a model that the format cannot hold. */
int llmc_save(const GPT2 *model, const char *path, Dtype dtype, Err *err);

#endif
