#include "model/llmc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

enum { HEADER = 256, MAGIC = 20240326, VERSION = 3 };
enum { MAX_T = 2, VOCAB, LAYERS, HEADS, CHANNELS, PADDED_VOCAB }; /* places in the header */

/* The order of tensors in the file, by the ends of their names. */
static const char *const kinds[] = {
    "wte.weight",       "wpe.weight",      "ln_1.weight",        "ln_1.bias",
    "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias",
    "ln_2.weight",      "ln_2.bias",       "mlp.c_fc.weight",    "mlp.c_fc.bias",
    "mlp.c_proj.weight", "mlp.c_proj.bias", "ln_f.weight",        "ln_f.bias",
};

static int check_header(const GPT2 *m, const char *path, const int32_t *h, Err *err) {
  const ModelOptions *s = &m->size;
  if (h[0] != MAGIC)
    return fail(err, "%s: not an llm.c checkpoint (magic %d, not %d)", path, h[0], MAGIC);
  if (h[1] != VERSION)
    return fail(err, "%s: llm.c checkpoint of version %d; only version 3 (float32) can be read",
                path, h[1]);
  if (h[LAYERS] != s->L || h[HEADS] != s->NH || h[CHANNELS] != s->C || h[VOCAB] != s->V ||
      h[MAX_T] < s->context || h[PADDED_VOCAB] < h[VOCAB])
    return fail(err,
                "%s: does not fit the model: use --layers %d --heads %d --channels %d --vocab %d "
                "and --context up to %d",
                path, h[LAYERS], h[HEADS], h[CHANNELS], h[VOCAB], h[MAX_T]);
  return 0;
}

/* How many numbers the file has for this parameter, padding and positions not wanted included. */
static int64_t stored_size(const Param *p, const int32_t *h) {
  if (p->role == ROLE_EMBEDDING) return (int64_t)h[PADDED_VOCAB] * p->cols;
  if (p->role == ROLE_POSITION) return (int64_t)h[MAX_T] * p->cols;
  return param_size(p);
}

static int is_kind(const Param *p, const char *kind) {
  size_t name = strlen(p->name), length = strlen(kind);
  return name >= length && strcmp(p->name + name - length, kind) == 0;
}

static int load_weights(GPT2 *m, const char *path, const char *data, size_t size, Err *err) {
  const int32_t *header = (const int32_t *)(const void *)data;
  size_t at = HEADER * sizeof *header;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (int i = 0; i < m->param_count; i++) {
      Param *p = &m->params[i];
      if (!is_kind(p, kinds[k])) continue;
      size_t bytes = (size_t)stored_size(p, header) * sizeof(float);
      if (size - at < bytes)
        return fail(err, "%s: truncated: it ends inside %s", path, p->name);
      const float *stored = (const float *)(const void *)(data + at);
      for (int64_t j = 0; j < param_size(p); j++) p->w[j] = (real)stored[j];
      at += bytes;
    }
  if (at != size)
    return fail(err, "%s: %zu bytes are left behind the last tensor: the file is damaged", path,
                size - at);
  return 0;
}

int llmc_load(GPT2 *m, const char *path, Err *err) {
  char *data;
  size_t size;
  if (file_read(path, &data, &size, err)) return -1;
  int status;
  if (size < HEADER * sizeof(int32_t))
    status = fail(err, "%s: not an llm.c checkpoint: %zu bytes, its header alone has 1024", path,
                  size);
  else
    status = check_header(m, path, (const int32_t *)(const void *)data, err) ||
             load_weights(m, path, data, size, err);
  free(data);
  return status ? -1 : 0;
}
