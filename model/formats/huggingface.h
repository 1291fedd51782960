/* GPT-2 as Hugging Face stores it: a folder with config.json and model.safetensors, or the latter
   alone. Its matrices are Conv1D, (in, out), the transpose of ours. */
#ifndef MODEL_FORMATS_HUGGINGFACE_H
#define MODEL_FORMATS_HUGGINGFACE_H

#include "model/gpt2.h"
#include "model/formats/safetensors.h"

/* Makes the tensors' names those of GPT2Model: without "transformer.", "_orig_mod." and "module.",
   in any combination. To be called before the functions below. Error: two tensors have the same
   name then. */
int huggingface_names(Safetensors *s, Err *err);

/* The sizes of the model in an open file, from its tensors' names and shapes. The number of heads
   stands in none of them: NH stays 0. Error: not a GPT-2. */
int huggingface_size(const Safetensors *s, ModelOptions *size, Err *err);

/* Reads config.json. Errors: not strict JSON, another architecture, another activation function,
   epsilon or width of the MLP than ours, a size missing or contradicting what `size` holds, which is
   that of the tensors; its NH is filled in. */
int huggingface_config_read(const char *path, ModelOptions *size, Err *err);

/* The text of config.json for a model; freed by the caller. NULL when there is no memory. */
char *huggingface_config_text(const ModelOptions *size, size_t *length);

/* Fills the weights of a model that has the file's sizes, or a shorter context. Attention masks are
   passed over, and an lm_head that equals wte. Errors: a tensor missing, not known, of another
   shape or of a type that is not F64, F32, F16 or BF16; another lm_head. */
int huggingface_load(GPT2 *model, const Safetensors *s, Err *err);

/* Writes the weights as model.safetensors; `metadata` ends with {0}. */
int huggingface_save(const GPT2 *model, const char *path, Dtype dtype, const Metadata *metadata,
                     Err *err);

#endif
