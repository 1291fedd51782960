/* Reads weights from a file or folder in any supported format:
     a folder in Hugging Face's format (config.json and model.safetensors, or several files and
     model.safetensors.index.json), such as a checkpoint;
     a .safetensors file; an llm.c checkpoint of version 3 or 5. */
#ifndef MODEL_FORMATS_WEIGHTS_H
#define MODEL_FORMATS_WEIGHTS_H

#include "model/gpt2.h"
#include "model/formats/safetensors.h"

typedef enum { WEIGHTS_HUGGINGFACE, WEIGHTS_LLMC } WeightsFormat;

typedef struct {
  WeightsFormat format;
  ModelOptions size; /* NH is 0 if unknown: a .safetensors without config.json */
  char path[2048];   /* of the file */
  Map map;           /* of an llm.c checkpoint */
  Safetensors tensors;
} Weights;

/* Opens a file or folder and checks its structure, and its checksums if it has any. Errors: those
   of the formats; damage; an unsupported type of file, which the message names. */
int weights_open(Weights *w, const char *path, Err *err);
void weights_close(Weights *w);

/* Reads the weights into a model, which may have a shorter context. Errors: other sizes (the
   message gives the options that match); those of the formats. */
int weights_load(const Weights *w, GPT2 *model, Err *err);

#endif
