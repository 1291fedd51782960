/* GGUF files, read back by a reader in this test: metadata, vocabulary, shapes, alignment,
   numbers. */
#include "model/formats/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "tests/check.h"
#include "tests/program.h"

enum { B = 1, T = 8, V = 40, C = 24, L = 2 };
static const ModelOptions SIZE = {.L = L, .NH = 3, .C = C, .context = T, .V = V};

typedef struct {
  const char *bytes, *at;
  size_t size;
} Reading;

static uint64_t number(Reading *r, size_t size) {
  uint64_t x = 0;
  memcpy(&x, r->at, size);
  r->at += size;
  return x;
}

/* The next string; valid until the next call. */
static const char *string(Reading *r) {
  static char text[256];
  size_t length = number(r, 8);
  snprintf(text, sizeof text, "%.*s", (int)length, r->at);
  r->at += length;
  return text;
}

/* Reads a value as text; of a list, the number of its elements and the last. */
static const char *value(Reading *r, uint32_t type) {
  static char text[256], last[128];
  float number4;
  if (type == 8) return string(r);
  if (type == 9) {
    uint32_t of = (uint32_t)number(r, 4);
    uint64_t count = number(r, 8);
    for (uint64_t i = 0; i < count; i++) snprintf(last, sizeof last, "%.100s", value(r, of));
    snprintf(text, sizeof text, "%d of %.100s", (int)count, count ? last : "");
    return text;
  }
  uint32_t x = (uint32_t)number(r, 4);
  memcpy(&number4, &x, sizeof number4);
  if (type == 6) snprintf(text, sizeof text, "%g", (double)number4);
  else snprintf(text, sizeof text, "%u", x);
  return text;
}

static const struct {
  const char *key, *value;
} wanted[] = {
    {"general.architecture", "gpt2"},
    {"general.type", "model"},
    {"general.name", "a name"},
    {"gpt2.block_count", "2"},
    {"gpt2.context_length", "8"},
    {"gpt2.embedding_length", "24"},
    {"gpt2.feed_forward_length", "96"},
    {"gpt2.attention.head_count", "3"},
    {"gpt2.attention.layer_norm_epsilon", "1e-05"},
    {"tokenizer.ggml.model", "gpt2"},
    {"tokenizer.ggml.pre", "gpt-2"},
    {"tokenizer.ggml.tokens", "3 of <|endoftext|>"},
    {"tokenizer.ggml.token_type", "3 of 3"},
    {"tokenizer.ggml.merges", "1 of a b"},
    {"tokenizer.ggml.bos_token_id", "2"},
    {"tokenizer.ggml.eos_token_id", "2"},
};
enum { WANTED = sizeof wanted / sizeof *wanted };

static void check_metadata(Reading *r, uint64_t entries) {
  int found = 0;
  for (uint64_t i = 0; i < entries; i++) {
    char key[128];
    snprintf(key, sizeof key, "%.100s", string(r));
    const char *is = value(r, (uint32_t)number(r, 4));
    for (int k = 0; k < WANTED; k++) {
      if (strcmp(wanted[k].key, key) != 0) continue;
      check(strcmp(wanted[k].value, is) == 0, "%s is %s", key, is);
      found++;
    }
  }
  check(found == WANTED, "%d of %d keys", found, WANTED);
}

typedef struct {
  char name[64];
  uint64_t dims, shape[2], place;
  uint32_t type;
} Info;

static float number_of(const char *bytes, uint32_t type, int64_t i) {
  float x;
  uint16_t half;
  if (type == 0) return memcpy(&x, bytes + 4 * i, 4), x;
  memcpy(&half, bytes + 2 * i, 2);
  return type == 1 ? float_from_f16(half) : float_from_bf16(half);
}

static float rounded(float x, uint32_t type) {
  if (type == 1) return float_from_f16(f16_from_float(x));
  return type == 30 ? float_from_bf16(bf16_from_float(x)) : x;
}

/* The numbers are the parameter's, in its order: rows of `shape[0]`. */
static void check_tensor(const Reading *r, const Info *t, const char *data, const Param *p) {
  int64_t wrong = 0;
  check(t->shape[0] == (uint64_t)p->cols && (t->dims == 1 || t->shape[1] == (uint64_t)p->rows),
        "shape of %s", t->name);
  check(t->place % 32 == 0, "%s begins at %d", t->name, (int)t->place);
  check(data + t->place + (size_t)param_size(p) * (t->type == 0 ? 4 : 2) <= r->bytes + r->size,
        "%s is in the file", t->name);
  for (int64_t i = 0; i < param_size(p); i++)
    wrong += number_of(data + t->place, t->type, i) != rounded((float)p->w[i], t->type);
  check(wrong == 0, "%d numbers of %s", (int)wrong, t->name);
}

static const Info *find(const Info *infos, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(infos[i].name, name) == 0) return &infos[i];
  check(0, "no tensor %s", name);
  return infos;
}

static void check_tensors(Reading *r, const GPT2 *m, int count, uint32_t type) {
  static const struct {
    const char *name;
    int index;
  } in_block[] = {
      {"attn_norm.weight", LN1W}, {"attn_norm.bias", LN1B},   {"attn_qkv.weight", QKVW},
      {"attn_qkv.bias", QKVB},    {"attn_output.weight", ATTW}, {"attn_output.bias", ATTB},
      {"ffn_norm.weight", LN2W},  {"ffn_norm.bias", LN2B},    {"ffn_up.weight", FCW},
      {"ffn_up.bias", FCB},       {"ffn_down.weight", PROJW}, {"ffn_down.bias", PROJB},
  };
  Info *infos = calloc((size_t)count, sizeof *infos);
  for (int i = 0; i < count; i++) {
    snprintf(infos[i].name, sizeof infos[i].name, "%.60s", string(r));
    infos[i].dims = number(r, 4);
    for (uint64_t k = 0; k < infos[i].dims; k++) infos[i].shape[k & 1] = number(r, 8);
    infos[i].type = (uint32_t)number(r, 4);
    infos[i].place = number(r, 8);
  }
  const char *data = r->bytes + (r->at - r->bytes + 31) / 32 * 32;
  check_tensor(r, find(infos, count, "token_embd.weight"), data, &m->params[WTE]);
  check_tensor(r, find(infos, count, "position_embd.weight"), data, &m->params[WPE]);
  check(find(infos, count, "token_embd.weight")->type == type, "type of the embedding");
  check(find(infos, count, "position_embd.weight")->type == 0, "positions are float32");
  for (int l = 0; l <= L; l++)
    for (int k = 0; k < (l < L ? BLOCK_PARAMS : 2); k++) {
      char name[64];
      if (l < L) snprintf(name, sizeof name, "blk.%d.%s", l, in_block[k].name);
      else snprintf(name, sizeof name, "output_norm.%s", k ? "bias" : "weight");
      check_tensor(r, find(infos, count, name), data,
                   &gpt2_block(m, l)[l < L ? in_block[k].index : k]);
    }
  check(find(infos, count, "blk.1.ffn_up.weight")->type == type, "type of a matrix");
  check(find(infos, count, "blk.1.ffn_up.bias")->type == 0, "biases are float32");
  free(infos);
}

static void test_file(Dtype dtype, uint32_t type) {
  GPT2 *m;
  Err err = {""};
  char path[PATH_SIZE];
  GgufVocabulary v = {.tokens = "a\nb\n<|endoftext|>\n", .merges = "a b\n", .eot = 2};
  if (gpt2_open(&m, &SIZE, B, 0, &err)) return check(0, "%s", err.text);
  gpt2_init(m, 1);
  int status = gguf_save(m, program_path(path, "model.gguf"), "a name", dtype, &v, &err);
  check(status == 0, "%s", err.text);
  Reading r = {0};
  char *bytes = program_read(path, &r.size);
  r.bytes = r.at = bytes;
  check(memcmp(bytes, "GGUF\3\0\0\0", 8) == 0, "magic and version");
  r.at += 8;
  int tensors = (int)number(&r, 8);
  check(tensors == m->param_count, "%d tensors", tensors);
  check_metadata(&r, number(&r, 8));
  check_tensors(&r, m, tensors, type);
  free(bytes);
  gpt2_close(m);
}

static void test_convert(void) {
  char path[PATH_SIZE];
  size_t size;
  int code = program_run("tools/convert tests/fixtures/formats/huggingface --to %s --dtype f16",
                         program_path(path, "own.gguf"));
  check(code == 0, "%s", program_output());
  char *bytes = program_read(path, &size);
  check(memcmp(bytes, "GGUF", 4) == 0, "the name's ending chooses the format");
  free(bytes);
  check(program_run("tools/convert tests/fixtures/formats/huggingface --to %s", path) == 1 &&
            strstr(program_output(), "already exists"),
        "not replaced: %s", program_output());
}

int main(void) {
  program_folder("test-gguf");
  test_file(DTYPE_F32, 0);
  test_file(DTYPE_F16, 1);
  test_file(DTYPE_BF16, 30);
  test_convert();
  return check_report("gguf");
}
