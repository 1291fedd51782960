/* Models of other programs: fixtures made independently (tests/format_fixture.py), round trips
   between all formats with tools/convert, and models and files that are refused. Tests:
   model/formats/huggingface model/formats/llmc model/formats/weights
   model/formats/safetensors_index */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/half.h"
#include "model/decoder.h"
#include "model/formats/huggingface.h"
#include "model/formats/llmc.h"
#include "model/formats/weights.h"
#include "tests/check.h"
#include "tests/fixture.h"
#include "tests/program.h"

enum { B = 3, T = 8, V = 40, C = 24 };
static const ModelOptions SIZE = {.L = 2, .NH = 3, .C = C, .context = T, .V = V};
static const char formats[] = "tests/fixtures/formats";
static const char *folder;

static GPT2 *open_model(void) {
  GPT2 *m;
  Err err;
  if (gpt2_open(&m, &SIZE, B, 0, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
  return m;
}

/* The weights of the fixtures, before they were rounded to a format. */
static float wanted_weight(const Param *p, int index, int64_t i) {
  int norm = strstr(p->name, "ln_") && strstr(p->name, ".weight");
  float w = (float)(0.15 * (double)check_value(1000 + (uint64_t)index, (uint64_t)i));
  return norm ? w + 1.0f : w;
}

static float rounded(float x, const char *dtype) {
  if (strcmp(dtype, "f16") == 0) return float_from_f16(f16_from_float(x));
  if (strcmp(dtype, "bf16") == 0) return float_from_bf16(bf16_from_float(x));
  return x;
}

static GPT2 *load(const char *path) {
  GPT2 *m = open_model();
  Weights w;
  Err err = {""};
  int status = weights_open(&w, path, &err);
  if (status == 0) {
    status = weights_load(&w, m, &err);
    weights_close(&w);
  }
  check(status == 0, "%s: %s", path, err.text);
  return m;
}

static void check_weights(const char *path, const char *dtype) {
  GPT2 *m = load(path);
  for (int p = 0; p < m->param_count; p++) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < param_size(&m->params[p]); i++)
      wrong += m->params[p].w[i] != rounded(wanted_weight(&m->params[p], p, i), dtype);
    check(wrong == 0, "%s: %lld numbers of %s are wrong", path, (long long)wrong,
          m->params[p].name);
  }
  gpt2_close(m);
}

static void test_fixtures(void) {
  check_weights("tests/fixtures/formats/huggingface", "f32");
  check_weights("tests/fixtures/formats/huggingface/model.safetensors", "f32");
  check_weights("tests/fixtures/formats/plain.f16.safetensors", "f16");
  check_weights("tests/fixtures/formats/plain.bf16.safetensors", "bf16");
  check_weights("tests/fixtures/formats/llmc.v3.bin", "f32");
  check_weights("tests/fixtures/formats/llmc.v5.bin", "bf16");
}

/* PyTorch's logits, from weights read from Hugging Face's layout. */
static void test_logits(void) {
  Fixture f = fixture_read("tests/fixtures/gpt2.txt.gz");
  const FixtureTensor *want = fixture_find(&f, "logits");
  GPT2 *m = load("tests/fixtures/formats/huggingface");
  int32_t x[B * T];
  real logits[B * V];
  for (int b = 0; b < B; b++)
    for (int t = 0; t < T; t++)
      x[b * T + t] =
          (int32_t)(check_splitmix(((uint64_t)2000 << 32) + (uint64_t)(b * (T + 1) + t)) % V);
  Decoder *decoder;
  Err err;
  if (decoder_open(&decoder, m, &err)) return check(0, "%s", err.text);
  for (int b = 0; b < B; b++) {
    decoder_clear(decoder);
    decoder_feed(decoder, x + b * T, T, logits + b * V);
  }
  decoder_close(decoder);
  for (int b = 0; b < B; b++)
    for (int v = 0; v < V; v++)
      check_near((double)logits[b * V + v], want->values[(b * T + T - 1) * V + v], 1e-4,
                 "logit %d of row %d", v, b);
  gpt2_close(m);
  fixture_free(&f);
}

/* ---- round trips ---- */

/* Compares by name, without metadata: tensors of our writer with those written by numpy. */
static void check_tensors(const char *made, const char *wanted) {
  Safetensors x, y;
  Err err;
  if (safetensors_open(&x, made, &err) || safetensors_open(&y, wanted, &err))
    return check(0, "%s", err.text);
  check(x.count == y.count, "%s has %d tensors, %s has %d", made, (int)x.count, wanted,
        (int)y.count);
  for (int i = 0; i < y.count; i++) {
    const Tensor *t = safetensors_find(&x, y.tensors[i].name);
    check(t && t->rank == y.tensors[i].rank && t->dtype == y.tensors[i].dtype &&
              memcmp(t->shape, y.tensors[i].shape, sizeof t->shape) == 0 &&
              memcmp(t->data, y.tensors[i].data, t->bytes) == 0,
          "%s: %s is not as in %s", made, y.tensors[i].name, wanted);
  }
  safetensors_close(&x);
  safetensors_close(&y);
}

/* Each file is made from the one before it, and a repeated format must give the same file. */
static void test_round_trips(void) {
  static const struct {
    const char *from, *to, *options, *same_as;
  } steps[] = {
      {"", "a", "", NULL},
      {"a", "b.bin", "--format llm.c", "llmc.v3.bin"},
      {"b.bin", "c.safetensors", "--format safetensors", "a/model.safetensors"},
      {"c.safetensors", "d.bin", "--format llm.c --heads 3", "b.bin"},
      {"d.bin", "e.bin", "--format llm.c --dtype bf16", "llmc.v5.bin"},
      {"e.bin", "f", "--dtype bf16", NULL},
      {"f", "g.bin", "--format llm.c --dtype bf16", "e.bin"},
      {"g.bin", "h", "", NULL},
      {"h", "i", "--dtype bf16", "f/model.safetensors"},
      {"a", "j", "--dtype f16", NULL},
      {"j", "k", "", NULL},
      {"k", "l", "--dtype f16", "j/model.safetensors"},
  };
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    char made[PATH_SIZE], other[PATH_SIZE];
    int code = program_run("tools/convert --from %s/%s --to %s/%s %s",
                           *steps[i].from ? folder : formats,
                           *steps[i].from ? steps[i].from : "huggingface", folder, steps[i].to,
                           steps[i].options);
    check(code == 0, "convert to %s: %s", steps[i].to, program_output());
    if (!steps[i].same_as) continue;
    snprintf(other, sizeof other, "%s/%s", strncmp(steps[i].same_as, "llmc", 4) ? folder : formats,
             steps[i].same_as);
    program_path(made, "%s%s", steps[i].to, strchr(steps[i].to, '.') ? "" : "/model.safetensors");
    check(program_same_bytes(made, other), "%s is not %s", made, other);
  }
  char made[PATH_SIZE];
  check_tensors(program_path(made, "j/model.safetensors"),
                "tests/fixtures/formats/plain.f16.safetensors");
  check_tensors(program_path(made, "f/model.safetensors"),
                "tests/fixtures/formats/plain.bf16.safetensors");
  check(program_run("tools/convert --from %s/c.safetensors --to %s/x.bin --format llm.c", folder,
                    folder) == 1 && strstr(program_output(), "--heads"), "heads: %s",
        program_output());
}

static void test_init(void) {
  static const char setup[] = "--vocab 257 --layers 2 --heads 2 --channels 16 --context 8 "
                              "--batch 2 --steps 1 --warmup 0 --val-every 0 --threads 1";
  program_run("./train %s --out %s/first", setup, folder);
  int code = program_run("./train %s --lr 0 --weight-decay 0 --init %s/first --out "
                         "%s/second", setup, folder, folder);
  check(code == 0, "--init of a run: %s", program_output());
  for (int i = 0; i < 2; i++) {
    const char *run = i ? "second" : "first";
    program_run("tools/convert --from %s/%s --to %s/%s.st --format safetensors", folder, run,
                folder, run);
  }
  char a[PATH_SIZE], b[PATH_SIZE];
  check(program_same_bytes(program_path(a, "first.st"), program_path(b, "second.st")),
        "--init with a rate of 0 changes the weights");
  code = program_run("./train %s --init %s/llmc.v5.bin --out %s/third", setup, formats, folder);
  check(code == 1 && strstr(program_output(), "--channels 24"), "--init of another size: %s",
        program_output());
}

/* A GPT-2 file with one thing changed: text `from` becomes `to`, of the same length. */
static void test_wrong_models(void) {
  static const struct {
    const char *file, *from, *to, *says;
  } cases[] = {
      {"model.safetensors", "h.1.ln_2.bias", "h.1.ln_2.xxxx", "h.1.ln_2.bias is missing"},
      {"model.safetensors", "h.1.attn.bias", "h.1.attn.mask", "unknown tensor"},
      {"model.safetensors", "\"shape\":[24,72]", "\"shape\":[72,24]", "not (24, 72)"},
      {"model.safetensors", "\"shape\":[40,24]", "\"shape\":[24,40]", "channels"},
      {"config.json", "\"n_layer\": 2", "\"n_layer\": 3", "n_layer is 3"},
      {"config.json", "\"n_head\": 3", "\"n_head\": 5", "does not divide"},
      {"config.json", "\"n_head\": 3", "\"n_heat\": 3", "n_head is missing"},
      {"config.json", "\"vocab_size\": 40", "\"vocab_size\": 41", "vocab_size is 41"},
      {"config.json", "gelu_new", "gelu_old", "activation_function is gelu_old"},
      {"config.json", "\"gelu_new\"", "\"gelu\"    ", "another GELU; use --gelu exact"},
      {"config.json", "\"attn_pdrop\": 0.1", "\"n_inner\": 64    ",
       "n_inner is 64; only 4 n_embd = 96"},
      {"config.json", "\"attn_pdrop\": 0.1", "\"n_inner\": \"x\"   ", "n_inner is 0;"},
      {"config.json", "1e-05", "1e-06", "layer_norm_epsilon"},
      {"config.json", "\"gpt2\"", "\"gpt3\"", "model_type"},
      {"config.json", "\"n_ctx\"", "\"n_embd\"", "JSON"},
      {"config.json", "\"layer_norm_epsilon\": 1e-05", "\"scale_attn_weights\": false",
       "scale_attn_weights is not true"},
      {"config.json", "\"attn_pdrop\": 0.1,\n  \"bos_token_id\": 39",
       "\"scale_attn_by_inverse_layer_idx\": true", "layer_idx is not false"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[PATH_SIZE], model[PATH_SIZE];
    size_t size, length = strlen(cases[i].from);
    program_run("rm -rf %s/wrong && cp -r %s/huggingface %s/wrong", folder, formats, folder);
    char *data = program_read(program_path(path, "wrong/%s", cases[i].file), &size);
    for (size_t at = 0; at + length <= size; at++)
      if (memcmp(data + at, cases[i].from, length) == 0) memcpy(data + at, cases[i].to, length);
    program_write(path, data, size);
    free(data);
    GPT2 *m = open_model();
    Weights w;
    Err err = {""};
    int status = weights_open(&w, program_path(model, "wrong"), &err);
    if (status == 0) {
      status = weights_load(&w, m, &err);
      weights_close(&w);
    }
    check(status && strstr(err.text, cases[i].says), "%s -> %s: %s", cases[i].from, cases[i].to,
          status ? err.text : "accepted");
    gpt2_close(m);
  }
}

/* ---- models of others ---- */

/* Writes tensors as safetensors, with `prefix` before each name and numbers as `dtype` (F32 or
   F64); with `part` 1 or 2 only one half of the list. lm_head.weight, which equals wte, is left out
   (head 0), kept (1) or changed (-1). */
static void put_model(const char *path, const char *prefix, const char *dtype, int part, int head) {
  Safetensors s;
  Err err;
  char *header, *data;
  size_t header_size, data_size;
  int wide = strcmp(dtype, "F64") == 0;
  if (safetensors_open(&s, "tests/fixtures/formats/huggingface/model.safetensors", &err) ||
      huggingface_names(&s, &err))
    return check(0, "%s", err.text);
  FILE *text = open_memstream(&header, &header_size), *numbers = open_memstream(&data, &data_size);
  for (int64_t i = 0; i < s.count; i++) {
    const Tensor *t = &s.tensors[i];
    int is_head = strcmp(t->name, "lm_head.weight") == 0;
    if ((part == 1 && i >= s.count / 2) || (part == 2 && i < s.count / 2)) continue;
    if (is_head && head == 0) continue;
    long before = ftell(numbers);
    for (int64_t k = 0; k < t->count; k++) {
      float x;
      tensor_read(t, k, 1, &x);
      if (is_head && head < 0 && k == 7) x += 1;
      double y = x;
      fwrite(wide ? (void *)&y : (void *)&x, wide ? 8 : 4, 1, numbers);
    }
    fprintf(text, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[", ftell(text) ? "," : "{", prefix,
            t->name, dtype);
    for (int k = 0; k < t->rank; k++) fprintf(text, "%s%d", k ? "," : "", (int)t->shape[k]);
    fprintf(text, "],\"data_offsets\":[%ld,%ld]}", before, ftell(numbers));
  }
  fputc('}', text);
  fclose(text);
  fclose(numbers);
  FILE *file = fopen(path, "wb");
  uint64_t length = header_size;
  check(file && fwrite(&length, 8, 1, file) == 1 &&
            fwrite(header, header_size, 1, file) == 1 && fwrite(data, data_size, 1, file) == 1 &&
            fclose(file) == 0, "%s is not written", path);
  free(header);
  free(data);
  safetensors_close(&s);
}

/* weights_open and weights_load fail, with that in the sentence. */
static void refuses(const char *path, const char *says) {
  GPT2 *m = open_model();
  Weights w;
  Err err = {""};
  int status = weights_open(&w, path, &err);
  if (status == 0) {
    status = weights_load(&w, m, &err);
    weights_close(&w);
  }
  check(status && strstr(err.text, says), "%s: %s", path, status ? err.text : "accepted");
  gpt2_close(m);
}

static void test_foreign_models(void) {
  static const char *const prefixes[] = {"", "transformer.", "_orig_mod.", "module.",
                                         "_orig_mod.transformer.", "module._orig_mod.transformer."};
  static const char *const gelus[] = {"gelu_pytorch_tanh", "gelu_fast"};
  char path[PATH_SIZE];
  program_path(path, "foreign.safetensors");
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    put_model(path, prefixes[i], i % 2 ? "F32" : "F64", 0, i > 1);
    check_weights(path, "f32");
  }
  put_model(path, "module.", "F32", 0, -1);
  refuses(path, "lm_head.weight differs from wte.weight");
  for (int i = 0; i < 2; i++) {
    program_run("rm -rf %s/gelu && cp -r %s/huggingface %s/gelu && sed -i "
                "'s/gelu_new/%s/; s/\"attn_pdrop\": 0.1/\"n_inner\": %s/' %s/gelu/config.json",
                folder, formats, folder, gelus[i], i ? "96" : "null", folder);
    check_weights(program_path(path, "gelu"), "f32");
  }
}

static void put_index(const char *name, const char *from, const char *to) {
  char path[PATH_SIZE], *text, *at;
  size_t size;
  Safetensors s;
  Err err;
  if (safetensors_open(&s, "tests/fixtures/formats/huggingface/model.safetensors", &err) ||
      huggingface_names(&s, &err))
    return check(0, "%s", err.text);
  FILE *out = open_memstream(&text, &size);
  fprintf(out, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
  for (int64_t i = 0; i < s.count; i++)
    fprintf(out, "%s\"transformer.%s\":\"model-0000%d-of-00002.safetensors\"", i ? "," : "",
            s.tensors[i].name, i < s.count / 2 ? 1 : 2);
  fprintf(out, "}}");
  fclose(out);
  safetensors_close(&s);
  if (from && (at = strstr(text, from))) memcpy(at, to, strlen(to));
  program_write(program_path(path, "%s", name), text, size);
  free(text);
}

/* A model in two files with an index: complete, named by its folder or its index, and damaged. */
static void test_sharded(void) {
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"model-00002", "model-00003", "model-00003-of-00002.safetensors"},
      {"model-00001-of", "model-00002-of", "does not hold"},
      {"model-00001-of", "/etc/00001-of", "not in its folder"},
      {"\"weight_map\"", "\"weight_nap\"", "no weight_map"},
      {"{\"transformer.h.0", "[\"transformer.h.0", "JSON"},
      {"\"transformer.wte.weight\"", "\"transformer.wxe.weight\"", "does not hold"},
  };
  char path[PATH_SIZE], index[PATH_SIZE];
  program_run("mkdir %s/sharded && cp %s/huggingface/config.json %s/sharded", folder, formats,
              folder);
  for (int part = 1; part <= 2; part++)
    put_model(program_path(path, "sharded/model-0000%d-of-00002.safetensors", part),
              "transformer.", "F32", part, 1);
  program_path(index, "sharded/model.safetensors.index.json");
  put_index("sharded/model.safetensors.index.json", NULL, NULL);
  check_weights(program_path(path, "sharded"), "f32");
  check_weights(index, "f32");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    put_index("sharded/model.safetensors.index.json", cases[i].from, cases[i].to);
    refuses(path, cases[i].says);
  }
  put_index("sharded/model.safetensors.index.json", NULL, NULL);
  put_model(program_path(index, "sharded/model-00002-of-00002.safetensors"), "transformer.", "F32",
            0, 1);
  refuses(path, "its files hold");
}

/* A file that is not a model is named by its type. */
static void test_wrong_files(void) {
  static const struct {
    const char *name, *bytes;
    size_t size;
    const char *says;
  } cases[] = {
      {"a.txt", "It is a truth universally acknowledged", 38, "is text, not a model; give a run"},
      {"a.png", "\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16, "is a PNG image, not a model"},
      {"a.gz", "\x1F\x8B\x08\0\0\0\0\0\0\x03", 10, "is gzip data"},
      {"a.gguf", "GGUF\x03\0\0\0", 8, "is a GGUF file"},
      {"a.npy", "\x93NUMPY\x01\0v\0{", 11, "is a NumPy array"},
      {"a.bin", "\x80\x02\x8A\nl\xFC\x9C\x46\xF9 j\xA8P\x19.", 15, "PyTorch checkpoint (pickle)"},
      {"b.bin", "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl", 46,
       "PyTorch checkpoint (ZIP), not a model; save it as safetensors"},
      {"c.bin", "\x88\xD8\x34\x01\x01\0\0\0", 8, "is a token shard of llm.c, not a model"},
      {"d.bin", "\1\2\3\4\5\6\7\10\11\12\13", 11, "not a safetensors file"},
      {"pickled/pytorch_model.bin", "PK\3\4", 4, "safetensors"},
  };
  char path[PATH_SIZE];
  program_run("mkdir %s/pickled", folder);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    program_write(program_path(path, "%s", cases[i].name), cases[i].bytes, cases[i].size);
    refuses(path, cases[i].says);
  }
  refuses(program_path(path, "pickled"), "pickled/pytorch_model.bin: is a PyTorch checkpoint");
}

static void test_llmc_damage(void) {
  size_t size;
  char path[PATH_SIZE];
  char *data = program_read("tests/fixtures/formats/llmc.v3.bin", &size);
  ModelOptions sizes;
  Err err = {""};
  check(llmc_size(&sizes, "whole", data, size, &err) == 0, "%s", err.text);
  for (int i = 0; i < 200; i++) {
    size_t cut = check_splitmix((uint64_t)i) % size;
    check(llmc_size(&sizes, "cut", data, cut, &err) != 0, "cut to %zu bytes", cut);
  }
  for (int place = 0; place < 8; place++)
    for (int k = 0; k < 6; k++) {
      static const int32_t values[] = {0, -1, INT32_MIN, INT32_MAX, 1000000, 7};
      int32_t kept;
      if (place == 3 && values[k] == 7) continue; /* fewer tokens, padded alike */
      memcpy(&kept, data + 4 * place, 4);
      memcpy(data + 4 * place, &values[k], 4);
      check(llmc_size(&sizes, "changed", data, size, &err) != 0, "place %d is %d", place,
            values[k]);
      memcpy(data + 4 * place, &kept, 4);
    }
  program_write(program_path(path, "short.bin"), data, size - 1);
  Weights w;
  check(weights_open(&w, path, &err) != 0 && strstr(err.text, "truncated"), "%s", err.text);
  free(data);
}

int main(void) {
  threads_start(1);
  folder = program_folder("test-formats");
  test_fixtures();
  test_logits();
  test_round_trips();
  test_init();
  test_wrong_models();
  test_foreign_models();
  test_sharded();
  test_wrong_files();
  test_llmc_damage();
  return check_report("formats");
}
