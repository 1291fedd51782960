#include "model/formats/llmc.h"

#include <stdlib.h>
#include <string.h>

#include "core/int64.h"
#include "core/kind.h"
#include "core/text.h"

enum { HEADER = 256, PAD = 128 };
enum { MAX_T = 2, VOCAB, LAYERS, HEADS, CHANNELS, PADDED_VOCAB }; /* indices in the header */

/* The order of tensors in the file, by the last part of their names. */
static const char *const kinds[] = {
    "wte.weight",         "wpe.weight",       "ln_1.weight",        "ln_1.bias",
    "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias",
    "ln_2.weight",        "ln_2.bias",        "mlp.c_fc.weight",    "mlp.c_fc.bias",
    "mlp.c_proj.weight",  "mlp.c_proj.bias",  "ln_f.weight",        "ln_f.bias",
};
enum { KINDS = sizeof kinds / sizeof *kinds };

enum { VERSION_F32 = 3, VERSION_BF16 = 5 };

static int32_t word(const void *bytes, int place) {
  int32_t x;
  memcpy(&x, (const char *)bytes + (size_t)place * sizeof x, sizeof x);
  return x;
}

static Dtype dtype_of(const void *header) {
  return word(header, 1) == VERSION_F32 ? DTYPE_F32 : DTYPE_BF16;
}

static int is_checkpoint(const void *bytes, size_t size) {
  return size >= 4 && word(bytes, 0) == MAGIC_LLMC_MODEL;
}

/* ---- reading ---- */

static int in_range(int32_t x, int32_t most) { return x >= 1 && x <= most; }

static int check_sizes(const char *name, const void *h, Err *err) {
  if (in_range(word(h, MAX_T), 1 << 24) && in_range(word(h, VOCAB), 1 << 24) &&
      in_range(word(h, LAYERS), 1 << 16) && in_range(word(h, CHANNELS), 1 << 20) &&
      in_range(word(h, HEADS), word(h, CHANNELS)) &&
      word(h, CHANNELS) % word(h, HEADS) == 0 && word(h, PADDED_VOCAB) >= word(h, VOCAB) &&
      in_range(word(h, PADDED_VOCAB), 1 << 25))
    return 0;
  return fail(err,
              "%s: invalid sizes: %d positions, %d tokens padded to %d, %d layers, %d "
              "heads, %d channels",
              name, word(h, MAX_T), word(h, VOCAB), word(h, PADDED_VOCAB), word(h, LAYERS),
              word(h, HEADS), word(h, CHANNELS));
}

/* In double: the product of sizes in a malicious header may overflow 64 bits. */
static double expected_bytes(const void *h) {
  double C = word(h, CHANNELS), L = word(h, LAYERS);
  double numbers = C * ((double)word(h, PADDED_VOCAB) + word(h, MAX_T)) +
                   L * (12 * C * C + 13 * C) + 2 * C;
  return HEADER * 4 + numbers * (double)dtype_bytes(dtype_of(h));
}

int llmc_size(ModelOptions *m, const char *name, const void *bytes, size_t size, Err *err) {
  if (size < HEADER * sizeof(int32_t))
    return fail(err, "%s: not an llm.c checkpoint: %zu bytes, its header alone has 1024", name,
                size);
  if (!is_checkpoint(bytes, size))
    return fail(err, "%s: not an llm.c checkpoint (magic %d, not %d)", name, word(bytes, 0),
                MAGIC_LLMC_MODEL);
  if (word(bytes, 1) != VERSION_F32 && word(bytes, 1) != VERSION_BF16)
    return fail(err,
                "%s: llm.c checkpoint version %d is not supported; use 3 (float32) or 5 "
                "(bfloat16)",
                name, word(bytes, 1));
  if (check_sizes(name, bytes, err)) return -1;
  if (expected_bytes(bytes) != (double)size)
    return fail(err, "%s: has %zu bytes instead of %.0f: it is truncated or damaged", name,
                size, expected_bytes(bytes));
  *m = (ModelOptions){.L = word(bytes, LAYERS), .NH = word(bytes, HEADS),
                      .C = word(bytes, CHANNELS), .context = word(bytes, MAX_T),
                      .V = word(bytes, VOCAB)};
  return 0;
}

/* How many numbers the file has for this parameter, with padding and unused positions. */
static int64_t stored_size(const Param *p, const void *h) {
  if (p->role == ROLE_EMBEDDING) return (int64_t)word(h, PADDED_VOCAB) * p->cols;
  if (p->role == ROLE_POSITION) return (int64_t)word(h, MAX_T) * p->cols;
  return param_size(p);
}

static void copy_numbers(Param *p, Dtype dtype, const void *stored) {
  float numbers[256];
  for (int64_t at = 0, n; at < param_size(p); at += n) {
    n = i64_min(param_size(p) - at, 256);
    numbers_read(dtype, stored, at, n, numbers);
    for (int64_t i = 0; i < n; i++) p->w[at + i] = (real)numbers[i];
  }
}

int llmc_load(GPT2 *m, const char *name, const void *bytes, size_t size, Err *err) {
  ModelOptions stored;
  if (gpt2_check_plain(&m->size, name, err) || llmc_size(&stored, name, bytes, size, err))
    return -1;
  if (stored.L != m->size.L || stored.C != m->size.C || stored.V != m->size.V ||
      stored.context < m->size.context)
    return fail(err, "%s: its sizes are not those of the model", name);
  const unsigned char *at = (const unsigned char *)bytes + HEADER * sizeof(int32_t);
  Dtype dtype = dtype_of(bytes);
  for (int k = 0; k < KINDS; k++)
    for (int i = 0; i < m->param_count; i++) {
      Param *p = &m->params[i];
      if (!text_ends(p->name, kinds[k])) continue;
      copy_numbers(p, dtype, at);
      at += stored_size(p, bytes) * dtype_bytes(dtype);
    }
  return 0;
}

/* ---- writing ---- */

static void put_padding(Writer *w, int64_t bytes) {
  static const char zeros[4096];
  for (; bytes > 0; bytes -= (int64_t)sizeof zeros)
    writer_put(w, zeros, bytes < (int64_t)sizeof zeros ? (size_t)bytes : sizeof zeros);
}

int llmc_save(const GPT2 *m, const char *path, Dtype dtype, Err *err) {
  Writer w;
  const ModelOptions *s = &m->size;
  int64_t padded = (s->V + PAD - 1) / PAD * PAD;
  int32_t header[HEADER] = {MAGIC_LLMC_MODEL, dtype == DTYPE_F32 ? VERSION_F32 : VERSION_BF16,
                            (int32_t)s->context, (int32_t)s->V, (int32_t)s->L, (int32_t)s->NH,
                            (int32_t)s->C, (int32_t)padded};
  if (gpt2_check_plain(s, path, err) || writer_open(&w, path, err)) return -1;
  writer_put(&w, header, sizeof header);
  for (int k = 0; k < KINDS; k++)
    for (int i = 0; i < m->param_count; i++) {
      const Param *p = &m->params[i];
      if (!text_ends(p->name, kinds[k])) continue;
      numbers_write(&w, dtype, numbers_of_param, p, param_size(p));
      if (p->role == ROLE_EMBEDDING)
        put_padding(&w, (padded - s->V) * s->C * dtype_bytes(dtype));
    }
  return writer_close(&w, 0, err);
}
