/* Weights from a file or folder, whichever of the formats it is in:
     a folder in Hugging Face's layout (config.json, model.safetensors), such as a checkpoint, or
     with several files and model.safetensors.index.json;
     a .safetensors file; an llm.c checkpoint of version 3 or 5. */
#ifndef MODEL_FORMATS_WEIGHTS_H
#define MODEL_FORMATS_WEIGHTS_H

#include "model/gpt2.h"
#include "model/formats/safetensors.h"

typedef enum { WEIGHTS_HUGGINGFACE, WEIGHTS_LLMC } WeightsFormat;

typedef struct {
  WeightsFormat format;
  ModelOptions size; /* NH is 0 where the file does not say: a .safetensors without config.json */
  char path[2048];   /* of the file */
  Map map;           /* of an llm.c checkpoint */
  Safetensors tensors;
} Weights;

/* Opens it and checks its structure, and its sums where it holds any. Errors: those of the formats;
   damage; a file of another kind, which the sentence names. */
int weights_open(Weights *w, const char *path, Err *err);
void weights_close(Weights *w);

/* Fills a model's weights; the model may have a shorter context. Errors: other sizes, with the
   options that fit; those of the formats. */
int weights_load(const Weights *w, GPT2 *model, Err *err);

#endif
