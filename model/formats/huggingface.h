/* GPT-2 in Hugging Face's format: a folder with config.json and model.safetensors, or the latter
   alone. Its matrices are Conv1D (in,out), the transpose of ours. */
#ifndef MODEL_FORMATS_HUGGINGFACE_H
#define MODEL_FORMATS_HUGGINGFACE_H

#include <stdio.h>

#include "model/gpt2.h"
#include "model/formats/safetensors.h"

/* Removes the prefixes "transformer.", "_orig_mod." and "module.", in any combination, so that
   tensors have the names of GPT2Model. Call it before the functions below. Error: two tensors get
   the same name. */
int huggingface_names(Safetensors *s, Err *err);

/* Derives the model's sizes from the tensors' names and shapes, and whether it has biases and an
   untied head. They do not tell the number of heads: NH stays 0. Error: not a GPT-2. */
int huggingface_size(const Safetensors *s, ModelOptions *size, Err *err);

/* Reads config.json, compares it with the sizes of the tensors in `size`, and sets the number of
   heads, bias, gelu, dropout and the head. Errors: not strict JSON; another architecture,
   activation function, epsilon or MLP width than ours; a size that is missing or differs. */
int huggingface_config_read(const char *path, ModelOptions *size, Err *err);

/* Print the texts of config.json and generation_config.json; `eot` is the id of the end-of-text
   token, or -1. */
void huggingface_config_write(FILE *out, const ModelOptions *size, int64_t eot);
void huggingface_generation_write(FILE *out, int64_t eot);

/* Reads the weights into a model with the file's sizes or a shorter context. Ignores attention
   masks and, if the model has none, an lm_head equal to wte and biases of zero; without an lm_head,
   an untied head becomes a copy of wte. Errors: a tensor that is missing, unknown, of the wrong
   shape or not F64, F32, F16 or BF16; an lm_head or biases that the model cannot hold. */
int huggingface_load(GPT2 *model, const Safetensors *s, Err *err);

/* Writes the weights to a .safetensors file, with zeros for the biases of a model without, so that
   it is a complete GPT-2; `metadata` ends with {0}. Error: it cannot be written. */
int huggingface_save(const GPT2 *model, const char *path, Dtype dtype, const Metadata *metadata,
                     Err *err);

#endif
