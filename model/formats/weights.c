#include "model/formats/weights.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/kind.h"
#include "core/text.h"
#include "model/gelu.h"
#include "model/formats/huggingface.h"
#include "model/formats/llmc.h"

static const char index_name[] = "model.safetensors.index.json";

/* `opened`: the result of opening w->path. */
static int take_safetensors(Weights *w, int opened, Err *err) {
  Safetensors *s = &w->tensors;
  if (opened || (safetensors_has_sums(s) && safetensors_verify(s, err))) return -1;
  w->format = WEIGHTS_HUGGINGFACE;
  return huggingface_names(s, err) ? -1 : huggingface_size(s, &w->size, err);
}

static int open_safetensors(Weights *w, Err *err) {
  return take_safetensors(w, text_ends(w->path, ".index.json")
                                 ? safetensors_open_index(&w->tensors, w->path, err)
                                 : safetensors_open(&w->tensors, w->path, err), err);
}

static int no_weights(const char *folder, Err *err) {
  static const char *const pickles[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
  char path[PATH_MAX];
  for (int i = 0; i < 2; i++)
    if (snprintf(path, sizeof path, "%s/%s", folder, pickles[i]) < (int)sizeof path &&
        file_exists(path))
      return fail(err,
                  "%s: is a PyTorch checkpoint, a pickle, which can run any program and is not "
                  "read; save the model as safetensors, with save_pretrained of Hugging Face's "
                  "transformers",
                  path);
  return fail(err,
              "%s: contains no model.safetensors; give the folder of a run, a checkpoint or a "
              "Hugging Face GPT-2",
              folder);
}

static int open_folder(Weights *w, const char *folder, Err *err) {
  char config[sizeof w->path];
  snprintf(config, sizeof config, "%s/config.json", folder);
  snprintf(w->path, sizeof w->path, "%s/model.safetensors", folder);
  if (!file_exists(w->path)) snprintf(w->path, sizeof w->path, "%s/%s", folder, index_name);
  if (!file_exists(w->path)) return no_weights(folder, err);
  if (open_safetensors(w, err)) return -1;
  return huggingface_config_read(config, &w->size, err);
}

static int wrong_kind(const char *path, const FileKind *is, Err *err) {
  return fail(err, "%s: is %s, not a model; %s", path, is->name,
              is->advice ? is->advice : "give a run, a checkpoint, a Hugging Face folder or "
                                        ".safetensors, or an llm.c checkpoint");
}

static int open_file(Weights *w, const char *path, Err *err) {
  snprintf(w->path, sizeof w->path, "%s", path);
  if (text_ends(path, ".index.json")) return open_safetensors(w, err);
  if (map_open(&w->map, path, err)) return -1;
  FileKind is = kind_of(w->map.bytes, w->map.size);
  if (is.kind == KIND_LLMC_MODEL) {
    w->format = WEIGHTS_LLMC;
    return llmc_size(&w->size, w->path, w->map.bytes, w->map.size, err);
  }
  map_close(&w->map);
  if (is.kind != KIND_UNKNOWN && is.kind != KIND_SAFETENSORS) return wrong_kind(path, &is, err);
  return open_safetensors(w, err);
}

int weights_open(Weights *w, const char *path, Err *err) {
  *w = (Weights){0};
  if (strlen(path) + 32 >= sizeof w->path)
    return fail(err, "%.100s...: the path is too long", path);
  int status = folder_exists(path) ? open_folder(w, path, err) : open_file(w, path, err);
  if (status) weights_close(w);
  return status;
}

void weights_close(Weights *w) {
  map_close(&w->map);
  safetensors_close(&w->tensors);
}

static int check_fit(const Weights *w, const ModelOptions *m, Err *err) {
  const ModelOptions *s = &w->size;
  if (s->L == m->L && s->C == m->C && s->V == m->V && s->context >= m->context &&
      (s->NH == m->NH || s->NH == 0)) {
    if (s->NH == 0 || s->gelu == m->gelu) return 0; /* without config.json it is unknown */
    return fail(err, "%s: was trained with another GELU; use --gelu %s", w->path,
                s->gelu == GELU_EXACT ? "exact" : "tanh");
  }
  char heads[48] = "";
  if (s->NH) snprintf(heads, sizeof heads, "--heads %lld ", (long long)s->NH);
  return fail(err,
              "%s: does not fit the model: use --layers %lld %s--channels %lld --vocab %lld and "
              "--context up to %lld",
              w->path, (long long)s->L, heads, (long long)s->C, (long long)s->V,
              (long long)s->context);
}

int weights_load(const Weights *w, GPT2 *model, Err *err) {
  if (check_fit(w, &model->size, err)) return -1;
  if (w->format == WEIGHTS_LLMC)
    return llmc_load(model, w->path, w->map.bytes, w->map.size, err);
  return huggingface_load(model, &w->tensors, err);
}
