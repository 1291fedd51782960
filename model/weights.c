#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "model/huggingface.h"
#include "model/llmc.h"

static int open_safetensors(Weights *w, Err *err) {
  if (safetensors_open(&w->tensors, w->path, err) ||
      (safetensors_has_sums(&w->tensors) && safetensors_verify(&w->tensors, err)))
    return -1;
  w->format = WEIGHTS_HUGGINGFACE;
  return huggingface_size(&w->tensors, &w->size, err);
}

static int open_folder(Weights *w, const char *folder, Err *err) {
  char config[sizeof w->path];
  snprintf(w->path, sizeof w->path, "%s/model.safetensors", folder);
  snprintf(config, sizeof config, "%s/config.json", folder);
  if (!file_exists(w->path))
    return fail(err,
                "%s: holds no model.safetensors; give the folder of a run, of a checkpoint or of "
                "a Hugging Face GPT-2",
                folder);
  if (open_safetensors(w, err)) return -1;
  return huggingface_config_read(config, &w->size, err);
}

static int open_file(Weights *w, const char *path, Err *err) {
  snprintf(w->path, sizeof w->path, "%s", path);
  if (map_open(&w->map, path, err)) return -1;
  if (llmc_is(w->map.bytes, w->map.size)) {
    w->format = WEIGHTS_LLMC;
    return llmc_size(&w->size, w->path, w->map.bytes, w->map.size, err);
  }
  map_close(&w->map);
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

int weights_check(const Weights *w, const ModelOptions *m, Err *err) {
  const ModelOptions *s = &w->size;
  if (s->L == m->L && s->C == m->C && s->V == m->V && s->context >= m->context &&
      (s->NH == m->NH || s->NH == 0))
    return 0;
  char heads[48] = "";
  if (s->NH) snprintf(heads, sizeof heads, "--heads %lld ", (long long)s->NH);
  return fail(err,
              "%s: does not fit the model: use --layers %lld %s--channels %lld --vocab %lld and "
              "--context up to %lld",
              w->path, (long long)s->L, heads, (long long)s->C, (long long)s->V,
              (long long)s->context);
}

int weights_load(const Weights *w, GPT2 *model, Err *err) {
  if (weights_check(w, &model->size, err)) return -1;
  if (w->format == WEIGHTS_LLMC)
    return llmc_load(model, w->path, w->map.bytes, w->map.size, err);
  return huggingface_load(model, &w->tensors, err);
}
