/* Weights from a file or folder, whichever of the formats it is in:
     a folder in Hugging Face's layout (config.json, model.safetensors), such as a checkpoint;
     a .safetensors file; an llm.c checkpoint of version 3 or 5. */
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "model/gpt2.h"
#include "model/safetensors.h"

typedef enum { WEIGHTS_HUGGINGFACE, WEIGHTS_LLMC } WeightsFormat;

typedef struct {
  WeightsFormat format;
  ModelOptions size; /* NH is 0 where the file does not say: a .safetensors without config.json */
  char path[2048];   /* of the file */
  Map map;           /* of an llm.c checkpoint */
  Safetensors tensors;
} Weights;

/* Opens it and checks its structure, and its sums where it holds any. Errors: those of the formats;
   damage; a format that is not known. */
int weights_open(Weights *w, const char *path, Err *err);
void weights_close(Weights *w);

/* Whether the weights fit a model of that size; else the sentence names the options that do. */
int weights_check(const Weights *w, const ModelOptions *size, Err *err);

/* Fills a model's weights; the model may have a shorter context. */
int weights_load(const Weights *w, GPT2 *model, Err *err);

#endif
