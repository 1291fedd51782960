#include "model/formats/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/gelu.h"

enum { ALIGNMENT = 32 }; /* of the tensors, the default */

/* Types of metadata. */
enum { GGUF_U32 = 4, GGUF_I32 = 5, GGUF_F32 = 6, GGUF_STRING = 8, GGUF_ARRAY = 9 };

/* Types of tensors, and of whole files. */
static const uint32_t tensor_types[] = {[DTYPE_F32] = 0, [DTYPE_F16] = 1, [DTYPE_BF16] = 30};
static const uint32_t file_types[] = {[DTYPE_F32] = 0, [DTYPE_F16] = 1, [DTYPE_BF16] = 32};

static const struct {
  const char *ours, *name;
} names[] = {
    {"wte.", "token_embd."},        {"wpe.", "position_embd."},
    {"ln_1.", "attn_norm."},        {"attn.c_attn.", "attn_qkv."},
    {"attn.c_proj.", "attn_output."}, {"ln_2.", "ffn_norm."},
    {"mlp.c_fc.", "ffn_up."},       {"mlp.c_proj.", "ffn_down."},
    {"ln_f.", "output_norm."},      {"lm_head.", "output."},
};

/* "h.3.ln_1.bias" is "blk.3.attn_norm.bias". */
static void tensor_name(const char *ours, char out[64]) {
  int used = 0;
  if (strncmp(ours, "h.", 2) == 0) {
    int length = (int)strcspn(ours + 2, ".") + 1; /* of the number and its dot */
    used = snprintf(out, 64, "blk.%.*s", length, ours + 2);
    ours += 2 + length;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i].ours);
    if (strncmp(ours, names[i].ours, length) != 0) continue;
    snprintf(out + used, 64 - (size_t)used, "%s%s", names[i].name, ours + length);
  }
}

static Dtype stored_as(const Param *p, Dtype dtype) {
  return p->role == ROLE_VECTOR || p->role == ROLE_POSITION ? DTYPE_F32 : dtype;
}

/* The biases of a model without biases are zeros in the file, since llama.cpp needs them. */
static int is_stored(const Param *p) { return p->w || p->role != ROLE_HEAD; }

static int64_t aligned(int64_t at) { return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* ---- metadata ---- */

/* The metadata is printed first, since it begins with the number of its entries. */
typedef struct {
  FILE *out;
  int64_t count, tensors;
} Entries;

static void put_u32(FILE *out, uint32_t x) { fwrite(&x, sizeof x, 1, out); }
static void put_u64(FILE *out, uint64_t x) { fwrite(&x, sizeof x, 1, out); }

static void put_bytes(FILE *out, const char *text, size_t length) {
  put_u64(out, length);
  fwrite(text, 1, length, out);
}

static void add_key(Entries *e, const char *key, uint32_t type) {
  put_bytes(e->out, key, strlen(key));
  put_u32(e->out, type);
  e->count++;
}

static void add_text(Entries *e, const char *key, const char *text) {
  add_key(e, key, GGUF_STRING);
  put_bytes(e->out, text, strlen(text));
}

static void add_number(Entries *e, const char *key, int64_t x) {
  add_key(e, key, GGUF_U32);
  put_u32(e->out, (uint32_t)x);
}

static uint64_t line_count(const char *lines) {
  uint64_t n = 0;
  for (; *lines; lines++) n += *lines == '\n';
  return n;
}

static void add_lines(Entries *e, const char *key, const char *lines) {
  add_key(e, key, GGUF_ARRAY);
  put_u32(e->out, GGUF_STRING);
  put_u64(e->out, line_count(lines));
  for (size_t length; *lines; lines += length + 1) {
    length = strcspn(lines, "\n");
    put_bytes(e->out, lines, length);
  }
}

static void add_vocabulary(Entries *e, const GgufVocabulary *v) {
  enum { NORMAL = 1, CONTROL = 3 }; /* types of tokens */
  add_text(e, "tokenizer.ggml.model", v->tokens ? "gpt2" : "no_vocab");
  if (!v->tokens) return;
  uint64_t count = line_count(v->tokens);
  add_text(e, "tokenizer.ggml.pre", "gpt-2");
  add_lines(e, "tokenizer.ggml.tokens", v->tokens);
  add_key(e, "tokenizer.ggml.token_type", GGUF_ARRAY);
  put_u32(e->out, GGUF_I32);
  put_u64(e->out, count);
  for (uint64_t id = 0; id < count; id++)
    put_u32(e->out, (int64_t)id == v->eot ? CONTROL : NORMAL);
  add_lines(e, "tokenizer.ggml.merges", v->merges);
  if (v->eot < 0) return;
  add_number(e, "tokenizer.ggml.bos_token_id", v->eot);
  add_number(e, "tokenizer.ggml.eos_token_id", v->eot);
}

static void add_entries(Entries *e, const GPT2 *m, const char *name, Dtype dtype,
                        const GgufVocabulary *v) {
  const ModelOptions *s = &m->size;
  const float epsilon = 1e-5f;
  add_text(e, "general.architecture", "gpt2");
  add_text(e, "general.type", "model");
  add_text(e, "general.name", name);
  add_number(e, "general.file_type", file_types[dtype]);
  add_number(e, "general.quantization_version", 2);
  add_number(e, "gpt2.block_count", s->L);
  add_number(e, "gpt2.context_length", s->context);
  add_number(e, "gpt2.embedding_length", s->C);
  add_number(e, "gpt2.feed_forward_length", 4 * s->C);
  add_number(e, "gpt2.attention.head_count", s->NH);
  add_number(e, "gpt2.vocab_size", s->V);
  add_key(e, "gpt2.attention.layer_norm_epsilon", GGUF_F32);
  fwrite(&epsilon, sizeof epsilon, 1, e->out);
  add_vocabulary(e, v);
}

/* Name, shape with the fastest dimension first, type and position. */
static void add_tensors(Entries *e, const GPT2 *m, Dtype dtype) {
  FILE *out = e->out;
  int64_t at = 0;
  for (int i = 0; i < m->place_count; i++) {
    const Param *p = &m->places[i];
    if (!is_stored(p)) continue;
    Dtype type = stored_as(p, dtype);
    char name[64] = "";
    tensor_name(p->name, name);
    put_bytes(out, name, strlen(name));
    put_u32(out, p->role == ROLE_VECTOR ? 1 : 2);
    put_u64(out, (uint64_t)p->cols);
    if (p->role != ROLE_VECTOR) put_u64(out, (uint64_t)p->rows);
    put_u32(out, tensor_types[type]);
    put_u64(out, (uint64_t)at);
    at = aligned(at + param_size(p) * dtype_bytes(type));
    e->tensors++;
  }
}

/* ---- the file ---- */

static void put_padding(Writer *w, int64_t at) {
  static const char zeros[ALIGNMENT];
  writer_put(w, zeros, (size_t)(aligned(at) - at));
}

static int put_header(Writer *w, const GPT2 *m, const char *name, Dtype dtype,
                      const GgufVocabulary *v, Err *err) {
  char *text = NULL;
  size_t size = 0;
  Entries entries = {.out = open_memstream(&text, &size)};
  if (!entries.out) return fail(err, "%s: no memory for the header", w->path);
  add_entries(&entries, m, name, dtype, v);
  add_tensors(&entries, m, dtype);
  int status = fclose(entries.out) == 0 ? 0 : fail(err, "%s: no memory for the header", w->path);
  writer_put(w, "GGUF", 4);
  writer_put(w, &(uint32_t){3}, sizeof(uint32_t));
  writer_put(w, &(uint64_t){(uint64_t)entries.tensors}, sizeof(uint64_t));
  writer_put(w, &(uint64_t){(uint64_t)entries.count}, sizeof(uint64_t));
  writer_put(w, text, size);
  put_padding(w, 24 + (int64_t)size);
  free(text);
  return status;
}

int gguf_save(const GPT2 *m, const char *path, const char *name, Dtype dtype,
              const GgufVocabulary *vocabulary, Err *err) {
  Writer w;
  if (m->size.gelu == GELU_EXACT)
    return fail(err, "%s: llama.cpp computes GPT-2 with the GELU by tanh, and this model has the "
                "exact one; use a folder in Hugging Face's format", path);
  if (writer_open(&w, path, err)) return -1;
  int status = put_header(&w, m, name, dtype, vocabulary, err);
  for (int i = 0; i < m->place_count && status == 0; i++) {
    const Param *p = &m->places[i];
    if (!is_stored(p)) continue;
    Dtype type = stored_as(p, dtype);
    numbers_write(&w, type, numbers_of_param, p, param_size(p));
    put_padding(&w, param_size(p) * dtype_bytes(type));
  }
  return writer_close(&w, status, err);
}
