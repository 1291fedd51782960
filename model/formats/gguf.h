/* GGUF, the format of llama.cpp: magic, version 3, metadata, the tensors' names and shapes, the
   tensors. Keys and names are those that llama.cpp's convert_hf_to_gguf.py writes for a GPT-2. */
#ifndef MODEL_FORMATS_GGUF_H
#define MODEL_FORMATS_GGUF_H

#include "model/formats/numbers.h"
#include "model/gpt2.h"

typedef struct {
  const char *tokens, *merges; /* lines, in the form of merges.txt; NULL without a tokenizer */
  int64_t eot;                 /* id of the end-of-text token, or -1 */
} GgufVocabulary;

/* Writes a model named `name`. Matrices and the token embedding have the type `dtype`, the rest
   float32. Errors: the file cannot be written; exact GELU, which llama.cpp does not have. */
int gguf_save(const GPT2 *model, const char *path, const char *name, Dtype dtype,
              const GgufVocabulary *vocabulary, Err *err);

#endif
