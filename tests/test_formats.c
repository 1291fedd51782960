/* The files of other programs: fixtures made independently (tests/format_fixture.py), round trips
   between all formats, hostile headers, the published vocabulary, and the programs convert and
   tokenize. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/half.h"
#include "core/json.h"
#include "data/tokens.h"
#include "data/vocabulary.h"
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

/* Name for name, whatever the metadata: those of our writer with those written by numpy. */
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

static int same_bytes(const char *a, const char *b) {
  size_t x_size, y_size;
  char *x = program_read(a, &x_size), *y = program_read(b, &y_size);
  int same = x_size == y_size && memcmp(x, y, x_size) == 0;
  free(x);
  free(y);
  return same;
}

/* Each file is made from the one before it, and a repeated format has to be the same file. */
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
    check(same_bytes(made, other), "%s is not %s", made, other);
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
  check(same_bytes(program_path(a, "first.st"), program_path(b, "second.st")),
        "--init with a rate of 0 changes the weights");
  code = program_run("./train %s --init %s/llmc.v5.bin --out %s/third", setup, formats, folder);
  check(code == 1 && strstr(program_output(), "--channels 24"), "--init of another size: %s",
        program_output());
}

/* ---- 16-bit numbers ---- */

static void test_halves(void) {
  int wrong_f16 = 0, wrong_bf16 = 0;
  for (unsigned h = 0; h < 0x10000; h++) {
    float f = float_from_f16((uint16_t)h), b = float_from_bf16((uint16_t)h);
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    double want = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    if (h >> 15) want = -want;
    if (exponent < 31) wrong_f16 += (double)f != want;
    else wrong_f16 += fraction ? !isnan(f) : !isinf(f);
    if (isnan(f)) wrong_f16 += !isnan(float_from_f16(f16_from_float(f)));
    else wrong_f16 += f16_from_float(f) != h;
    if (isnan(b)) wrong_bf16 += !isnan(float_from_bf16(bf16_from_float(b)));
    else wrong_bf16 += bf16_from_float(b) != h;
  }
  check(wrong_f16 == 0, "binary16: %d of 65536 are wrong", wrong_f16);
  check(wrong_bf16 == 0, "bfloat16: %d of 65536 are wrong", wrong_bf16);
  /* Ties go to even, and what is too large to infinity. */
  check(f16_from_float(1 + 0x1p-11f) == 0x3C00 && f16_from_float(1 + 0x3p-11f) == 0x3C02, "ties");
  check(f16_from_float(0x1p-25f) == 0 && f16_from_float(0x3p-25f) == 2, "subnormal ties");
  check(f16_from_float(65519.9f) == 0x7BFF && f16_from_float(-65520) == 0xFC00, "overflow");
  check(bf16_from_float(1 + 0x1p-8f) == 0x3F80 && bf16_from_float(1 + 0x3p-8f) == 0x3F82, "ties");
}

/* ---- JSON ---- */

static void test_json(void) {
  static const char *const good[] = {
      "0", "-0.5e+3", "[]", "{}", " [1, 2 ,3 ] ", "{\"a\":{\"b\":[null,true,false]},\"c\":\"\"}",
      "\"\\u00e9\\ud83d\\ude00\\n\\/\"", "[[],[]]",
  };
  static const char *const bad[] = {
      "", " ", "01", "-", "1.", ".5", "1e", "+1", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}", "[1 2]",
      "{\"a\" 1}", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ude00\"", "\"\\u0000\"",
      "\"\n\"", "nul", "truee", "[1]]", "{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"\\u0061\":3}",
      "NaN", "Infinity", "// x\n1", "'a'", "[", "{", "{\"a\":", ("\xEF\xBB\xBF" "1"),
      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
  };
  JsonDocument d;
  Err err;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    check(json_read(&d, "text", good[i], strlen(good[i]), &err) == 0, "%s: %s", good[i], err.text);
    json_free(&d);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    check(json_read(&d, "text", bad[i], strlen(bad[i]), &err) != 0, "accepted: %s", bad[i]);
  check(json_read(&d, "text", "[1\0]", 4, &err) != 0, "accepted: a zero byte");
  const char *text = good[6];
  json_read(&d, "text", text, strlen(text), &err);
  check(strcmp(d.root->text, "\xC3\xA9\xF0\x9F\x98\x80\n/") == 0, "unescaped: %s", d.root->text);
  json_free(&d);
  int64_t n = 0;
  text = "{\"a\": 9007199254740993 , \"b\":1e2}";
  json_read(&d, "text", text, strlen(text), &err);
  check(json_int(json_member(d.root, "a"), 0, INT64_MAX, &n) == 0 && n == 9007199254740993,
        "2^53 + 1: %lld", (long long)n);
  check(json_int(json_member(d.root, "b"), 0, INT64_MAX, &n) != 0, "1e2 is taken for whole");
  check(json_int(json_member(d.root, "a"), 0, 1000, &n) != 0, "a limit does not hold");
  json_free(&d);
}

/* ---- hostile headers ---- */

static int parse(uint64_t length, const char *header, size_t data, Err *err) {
  size_t text = strlen(header), size = 8 + text + data;
  unsigned char *bytes = calloc(1, size);
  Safetensors s;
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
  memcpy(bytes + 8, header, text);
  int status = safetensors_parse(&s, "hostile", bytes, size, err);
  if (status == 0) safetensors_close(&s);
  free(bytes);
  return status;
}

#define ENTRY(dtype, shape, offsets) \
  "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void test_hostile(void) {
  static const struct {
    const char *header;
    size_t data;
    const char *says; /* NULL: it is fine */
  } cases[] = {
      {ENTRY("\"F32\"", "[2,1]", "[0,8]"), 8, NULL},
      {ENTRY("\"F32\"", "[]", "[0,4]") "     ", 4, NULL},
      {ENTRY("\"BF16\"", "[3,0]", "[0,0]"), 0, NULL},
      {"{}", 0, NULL},
      {"{\"__metadata__\":{\"x\":\"y\"}}", 0, NULL},
      {ENTRY("\"F32\"", "[2]", "[0,8]"), 7, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,8]"), 9, "fill 8 of 9"},
      {ENTRY("\"F32\"", "[3]", "[0,8]"), 8, "its shape"},
      {ENTRY("\"F32\"", "[2]", "[8,0]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[-8,0]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,8,9]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,8.0]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "\"0,8\""), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,99999999999999999999]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[4,12]"), 12, "hole"},
      {ENTRY("\"F32\"", "[-2]", "[0,8]"), 8, "shape"},
      {ENTRY("\"F32\"", "[4294967296,4294967296]", "[0,8]"), 8, "shape"},
      {ENTRY("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "shape"},
      {ENTRY("\"F31\"", "[2]", "[0,8]"), 8, "unknown type"},
      {ENTRY("32", "[2]", "[0,8]"), 8, "unknown type"},
      {"{\"a\":7}", 0, "unknown type"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
       "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6, "overlap"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
       "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "twice"},
      {"{\"__metadata__\":{\"x\":1}}", 0, "__metadata__"},
      {"{\"__metadata__\":[]}", 0, "__metadata__"},
      {"[1]", 0, "not safetensors"},
      {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]", 0, "brackets"},
  };
  Err err;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    err.text[0] = 0;
    int status = parse(strlen(cases[i].header), cases[i].header, cases[i].data, &err);
    if (cases[i].says)
      check(status && strstr(err.text, cases[i].says), "%s: %s", cases[i].header, err.text);
    else
      check(status == 0, "%s: %s", cases[i].header, err.text);
  }
  static const uint64_t lengths[] = {0, 1, 3, 100, 100000001, UINT64_MAX, UINT64_MAX - 7,
                                     (uint64_t)1 << 63};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    check(parse(lengths[i], "{}", 0, &err) != 0, "a header of %llu bytes",
          (unsigned long long)lengths[i]);
}

/* 10,000 names are read, and found not to be a GPT-2. */
static void test_many_names(void) {
  char *header = malloc(1 << 20);
  size_t used = 1;
  header[0] = '{';
  for (int i = 0; i < 10000; i++)
    used += (size_t)sprintf(header + used, "%s\"n%d\":{\"dtype\":\"U8\",\"shape\":[0],"
                            "\"data_offsets\":[0,0]}", i ? "," : "", i);
  strcpy(header + used, "}");
  Err err = {""};
  check(parse(used + 1, header, 0, &err) == 0, "10,000 names: %s", err.text);
  header[used - 1] = ',';
  check(parse(used + 1, header, 0, &err) != 0, "10,000 names, the last one not whole");
  char path[PATH_SIZE];
  unsigned char length[8];
  header[used - 1] = '}';
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)(used + 1) >> 8 * i);
  memmove(header + 8, header, used + 1);
  memcpy(header, length, 8);
  program_write(program_path(path, "names.safetensors"), header, used + 9);
  Weights w;
  check(weights_open(&w, path, &err) != 0 && strstr(err.text, "not a GPT-2"), "%s", err.text);
  free(header);
}

/* A GPT-2 file with one thing changed: text `from` becomes `to`, of the same length. */
static void test_wrong_models(void) {
  static const struct {
    const char *file, *from, *to, *says;
  } cases[] = {
      {"model.safetensors", "h.1.ln_2.bias", "h.1.ln_2.xxxx", "h.1.ln_2.bias is missing"},
      {"model.safetensors", "h.1.attn.bias", "h.1.attn.mask", "none of this"},
      {"model.safetensors", "\"shape\":[24,72]", "\"shape\":[72,24]", "not (24, 72)"},
      {"model.safetensors", "\"shape\":[40,24]", "\"shape\":[24,40]", "channels"},
      {"config.json", "\"n_layer\": 2", "\"n_layer\": 3", "n_layer is 3"},
      {"config.json", "\"n_head\": 3", "\"n_head\": 5", "does not divide"},
      {"config.json", "\"n_head\": 3", "\"n_heat\": 3", "n_head is missing"},
      {"config.json", "\"vocab_size\": 40", "\"vocab_size\": 41", "vocab_size is 41"},
      {"config.json", "gelu_new", "gelu_old", "activation_function is gelu_old"},
      {"config.json", "\"gelu_new\"", "\"gelu\"    ", "is gelu, the exact one by erf"},
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

/* Writes tensors as safetensors, each name after `prefix`, its numbers as `dtype` (F32 or F64);
   with `part` 1 or 2 only those of one half of the list. lm_head.weight, which equals wte, is left out
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

/* A model in two files with an index: whole, named by its folder or its index, and damaged. */
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

/* What is no model is named for what it is. */
static void test_wrong_files(void) {
  static const struct {
    const char *name, *bytes;
    size_t size;
    const char *says;
  } cases[] = {
      {"a.txt", "It is a truth universally acknowledged", 38, "is text, not a model; give a run"},
      {"a.png", "\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16, "is a PNG image, not a model"},
      {"a.gz", "\x1F\x8B\x08\0\0\0\0\0\0\x03", 10, "is gzip data"},
      {"a.gguf", "GGUF\x03\0\0\0", 8, "is a GGUF model"},
      {"a.npy", "\x93NUMPY\x01\0v\0{", 11, "is a NumPy array"},
      {"a.bin", "\x80\x02\x8A\nl\xFC\x9C\x46\xF9 j\xA8P\x19.", 15, "PyTorch checkpoint (pickle)"},
      {"b.bin", "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl", 46,
       "PyTorch checkpoint (ZIP), not a model; save it as safetensors"},
      {"c.bin", "\x88\xD8\x34\x01\x01\0\0\0", 8, "is a token shard of llm.c, not a model"},
      {"d.bin", "\1\2\3\4\5\6\7\10\11\12\13", 11, "not safetensors, nor"},
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

/* ---- the vocabulary ---- */

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* SHA-256 (FIPS 180-4) as hexadecimal digits. */
static void sha256(const char *data, size_t size, char out[65]) {
  static uint32_t k[64];
  uint32_t h[8], w[64];
  int primes = 0;
  for (uint32_t n = 2; primes < 64; n++) { /* the first 32 bits behind the point of the roots */
    int prime = 1;
    for (uint32_t d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    if (primes < 8) h[primes] = (uint32_t)(int64_t)(fmod(sqrt(n), 1) * 0x1p32);
    k[primes++] = (uint32_t)(int64_t)(fmodl(cbrtl(n), 1) * 0x1p32L);
  }
  size_t padded = (size + 8) / 64 * 64 + 64;
  unsigned char *text = calloc(1, padded);
  memcpy(text, data, size);
  text[size] = 0x80;
  for (size_t i = 0; i < 8; i++) text[padded - 1 - i] = (unsigned char)(size * 8 >> 8 * i);
  for (size_t at = 0; at < padded; at += 64) {
    uint32_t s[8];
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
      const unsigned char *p = text + at + 4 * i;
      if (i < 16) w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
      else
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
      uint32_t a = s[0], e = s[4];
      uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                    ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
      uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                    ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
      memmove(s + 1, s, 7 * sizeof *s);
      s[4] += t1;
      s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
  }
  free(text);
  for (int i = 0; i < 8; i++) sprintf(out + 8 * i, "%08x", h[i]);
}

static void check_sum(char *text, size_t size, const char *wanted, const char *what) {
  char sum[65];
  sha256(text, size, sum);
  check(strcmp(sum, wanted) == 0, "%s: SHA-256 %s, not %s", what, sum, wanted);
  free(text);
}

static void test_vocabulary(void) {
  Tokenizer *t;
  Err err;
  size_t size;
  char *text = strdup("abc");
  check_sum(text, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
  if (tokenizer_open(&t, 50257, &err)) return check(0, "%s", err.text);
  text = vocabulary_json(t, &size);
  check_sum(text, size, "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
            "vocab.json");
  text = vocabulary_merges(t, &size);
  check_sum(text, size, "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
            "merges.txt");
  tokenizer_close(t);
  /* The nested ones begin alike, and their JSON is whole. */
  for (int vocab = 257; vocab <= 4096; vocab += 3839) {
    JsonDocument d;
    int64_t id = 0;
    if (tokenizer_open(&t, vocab, &err)) return check(0, "%s", err.text);
    text = vocabulary_json(t, &size);
    check(json_read(&d, "vocab.json", text, size, &err) == 0, "vocabulary %d: %s", vocab, err.text);
    check(d.root->count == vocab, "vocabulary %d has %d names", vocab, d.root->count);
    check(json_int(json_member(d.root, "<|endoftext|>"), 0, vocab, &id) == 0 && id == vocab - 1,
          "vocabulary %d: end-of-text is %lld", vocab, (long long)id);
    json_free(&d);
    free(text);
    text = vocabulary_merges(t, &size);
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    check(lines == vocab - 257 + 1, "vocabulary %d: %d lines of merges", vocab, lines);
    free(text);
    tokenizer_close(t);
  }
}

/* ---- files of tokens ---- */

static void check_ids(const char *path, const uint16_t *ids, size_t count) {
  Tokens t;
  Err err;
  if (tokens_open(&t, path, NULL, 65536, &err)) return check(0, "%s: %s", path, err.text);
  size_t at = 0;
  int same = t.total == (int64_t)count;
  for (int s = 0; s < t.count && same; s++) {
    same = memcmp(t.segments[s].ids, ids + at, (size_t)t.segments[s].count * sizeof *ids) == 0;
    at += (size_t)t.segments[s].count;
  }
  check(same, "%s: %lld ids, not the %zu wanted", path, (long long)t.total, count);
  tokens_close(&t);
}

static void test_token_fixtures(void) {
  uint16_t ids[1000];
  for (unsigned i = 0; i < 1000; i++) ids[i] = (uint16_t)(i * i % 257);
  check_ids("tests/fixtures/formats/squares_000000.bin", ids, 1000);
  check_ids("tests/fixtures/formats/squares.bin", ids, 1000);
}

/* Documents parted by a line, with end-of-text on either side, in shards and in one file. */
static void test_tokenize(void) {
  enum { DOCUMENTS = 300, ROOM = 1 << 20 };
  static char text[ROOM];
  static uint16_t before[ROOM], after[ROOM];
  size_t size = 0, n = 0, m = 0, count;
  Tokenizer *t;
  Err err;
  char path[PATH_SIZE];
  if (tokenizer_open(&t, 50257, &err)) return check(0, "%s", err.text);
  for (int i = 0; i < DOCUMENTS; i++) {
    size_t first = size;
    for (uint64_t w = 0; w < 20 + check_splitmix((uint64_t)i) % 200; w++)
      size += (size_t)sprintf(text + size, "%s%c", w % 7 ? "caf\xC3\xA9" : "it's  2024",
                              " \n"[check_splitmix(w) % 5 == 0]);
    if (text[size - 1] != '\n') text[size++] = '\n';
    before[n++] = 50256;
    if (tokenizer_encode(t, text + first, size - first, before + n, &count, &err)) return;
    memcpy(after + m, before + n, count * sizeof *after);
    n += count;
    m += count;
    after[m++] = 50256;
    if (i + 1 < DOCUMENTS) size += (size_t)sprintf(text + size, "=====\n");
  }
  program_write(program_path(path, "documents.txt"), text, size);
  int code = program_run("tools/tokenize --from %s --to %s/d --separator ===== "
                         "--shard-tokens 10000 --threads 2", path, folder);
  check(code == 0, "tokenize: %s", program_output());
  check_ids(program_path(path, "d_*.bin"), before, n);
  code = program_run("tools/tokenize --from %s/documents.txt --to %s/after.bin --separator ===== "
                     "--format nanogpt --eot after", folder, folder);
  check(code == 0, "tokenize: %s", program_output());
  check_ids(program_path(path, "after.bin"), after, m);
  code = program_run("tools/tokenize --from %s/documents.txt --to %s/none/x", folder, folder);
  check(code == 1 && strstr(program_output(), "cannot be written"), "%s", program_output());
  tokenizer_close(t);
}

/* tokenize --from FOLDER/from --to FOLDER/to: the exit code and a part of what is said. */
static void tokenizes(const char *from, const char *to, const char *options, int want,
                      const char *says) {
  int code = program_run("tools/tokenize --from %s/%s --to %s/%s --vocab 257 %s", folder, from,
                         folder, to, options);
  check(code == want && strstr(program_output(), says), "%s to %s %s: exit code %d: %s", from, to,
        options, code, program_output());
}

/* A text, and what was written before, are not lost without a word. */
static void test_overwriting(void) {
  static const char nano[] = "--format nanogpt", nano_on[] = "--format nanogpt --overwrite on";
  char path[PATH_SIZE], kept[PATH_SIZE];
  program_write(program_path(path, "small.txt"), "abcdefgh", 8);
  program_write(program_path(kept, "kept.txt"), "abcdefgh", 8);
  program_write(program_path(path, "small.bin.tmp"), "abcdefgh", 8);
  program_run("cd %s && mkdir aside && ln -s ../small.txt aside/link.txt", folder);
  tokenizes("small.txt", "small.txt", nano, 1, "is an input");
  tokenizes("small.txt", "small.txt", nano_on, 1, "is an input");
  tokenizes("small.txt", "aside/../small.txt", nano_on, 1, "is an input");
  tokenizes("aside/link.txt", "small.txt", nano_on, 1, "is an input");
  tokenizes("small.bin.tmp", "small.bin", nano, 1, "is an input");
  check(same_bytes(program_path(path, "small.txt"), kept), "a text is lost");
  check(same_bytes(program_path(path, "small.bin.tmp"), kept), "a text named .tmp is lost");
  tokenizes("small.txt", "raw.bin", nano, 0, "9 tokens in 1 file");
  tokenizes("small.txt", "raw.bin", nano, 1, "already exists");
  tokenizes("small.txt", "raw.bin", nano_on, 0, "9 tokens in 1 file");
}

static int shards_are(const char *names) {
  program_run("cd %s && echo many_*", folder);
  return strcmp(program_output(), names) == 0;
}

/* Shards of before, wherever they stand, would be trained on with the new ones. */
static void test_old_shards(void) {
  static const char two[] = "--shard-tokens 5", one[] = "--shard-tokens 5 --overwrite on";
  char path[PATH_SIZE];
  program_write(program_path(path, "some.txt"), "abcdefghi", 9);
  tokenizes("some.txt", "many", "--shard-tokens 3", 0, "10 tokens in 4 files\n");
  tokenizes("some.txt", "many", two, 1, "already exists");
  program_run("cd %s && rm many_000000.bin many_000001.bin many_000003.bin", folder);
  tokenizes("some.txt", "many", two, 1, "many_000002.bin: already exists");
  check(shards_are("many_000002.bin\n"), "left: %s", program_output());
  program_run("cd %s && touch many_00002.bin many_000007.bin many_x.bin", folder);
  tokenizes("some.txt", "many", one, 0, "10 tokens in 2 files; removed 2 of an earlier run\n");
  check(shards_are("many_000000.bin many_000001.bin many_00002.bin many_x.bin\n"), "left: %s",
        program_output());
  program_run("cd %s && mv some.txt many_000001.bin && ln -s many_000001.bin some.txt", folder);
  tokenizes("some.txt", "many", one, 1, "is an input");
  program_run("cd %s && mv many_000001.bin many_000009.bin && ln -sf many_000009.bin some.txt",
              folder);
  tokenizes("some.txt", "many", one, 1, "is an input");
}

/* `wanted` is a text in which | is end-of-text; without merges an id is a byte's. */
static size_t marked_ids(const char *wanted, uint16_t *ids) {
  size_t count = 0;
  Tokenizer *t;
  Err err;
  if (tokenizer_open(&t, 257, &err) ||
      tokenizer_encode(t, wanted, strlen(wanted), ids, &count, &err))
    check(0, "%s", err.text);
  tokenizer_close(t);
  for (size_t i = 0; i < count; i++)
    if (wanted[i] == '|') ids[i] = 256;
  return count;
}

/* Every occurrence separates; one that is alone on its line takes the line's end with it, "\n" or
   "\r\n"; documents without text are none. Whatever the size of the buffer. */
static void test_separators(void) {
  static const struct {
    const char *text, *separator, *wanted;
  } cases[] = {
      {"a\r\n==\r\nb\n==\nc ==\r\n==\r\r\n==\r\nd\r\n==\r\n", "==",
       "|a\r\n|b\n|c |\r\n|\r\r\n|d\r\n"},
      {"one <E>two<E>\n<E>\nthree\n", "<E>", "|one |two|\n|three\n"},
      {"<E><E>a<E><E>\n", "<E>", "|a|\n"},
      {"<E>\n\n<E>", "<E>", "|\n"},
      {"a <E <E", "<E>", "|a <E <E"},
      {"a\n<E>", "<E>", "|a\n"},
      {"x===y", "==", "|x|=y"},
      {"aXb", "X", "|a|b"},
      {"a b c", "", "|a b c"},
  };
  uint16_t ids[200];
  char path[PATH_SIZE], options[128];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t count = marked_ids(cases[i].wanted, ids);
    program_write(program_path(path, "separated.txt"), cases[i].text, strlen(cases[i].text));
    for (int buffer = 1; buffer <= 40; buffer += buffer < 12 ? 1 : 14) {
      snprintf(options, sizeof options,
               "--separator '%s' --format nanogpt --overwrite on --buffer %d", cases[i].separator,
               buffer);
      tokenizes("separated.txt", "separated.bin", options, 0, "in 1 file");
      check_ids(program_path(path, "separated.bin"), ids, count);
    }
    /* Training reads the same, without the first end-of-text. */
    Tokenizer *t;
    Tokens tokens;
    Err err;
    if (tokenizer_open(&t, 257, &err)) return check(0, "%s", err.text);
    const TextRules rules = {t, cases[i].separator};
    if (tokens_open(&tokens, program_path(path, "separated.txt"), &rules, 257, &err))
      return check(0, "%s", err.text);
    check(tokens.total == (int64_t)count - 1 &&
              memcmp(tokens.segments[0].ids, ids + 1, (count - 1) * sizeof *ids) == 0,
          "case %zu: training has %lld other tokens", i, (long long)tokens.total);
    tokens_close(&tokens);
    tokenizer_close(t);
  }
  program_write(program_path(path, "story.txt"), "A<|endoftext|>B", 15);
  tokenizes("story.txt", "story", "--overwrite on", 0, "--separator \"<|endoftext|>\"");
  tokenizes("story.txt", "story", "--overwrite on --separator '<|endoftext|>'", 0, "4 tokens");
  check(!strstr(program_output(), "remark"), "%s", program_output());
  tokenizes("story.txt", "story", "--overwrite on --separator '==='", 0, "does not occur");
}

/* Text in which cuts are hard to place: runs of white space of one to three bytes, characters of up
   to four, bytes that are no UTF-8, words that are longer than a small buffer, and lines that begin
   or end as the one that parts documents. */
static size_t hard_text(char *text, size_t size) {
  static const char *const parts[] = {
      " ", "  ", "\n", "\r\n", "\t \n", "\xC2\xA0", "\xE2\x80\x83 ", " \xE3\x80\x80", "a", "word",
      " the", "'s", "'LL", "12", "\xC3\xA9t\xC3\xA9", "\xF0\x9F\x98\x80", "\xE2\x80", "\x85", "...",
      "= =", "\n= =", "\n= = \n", " = =\n", "\n= =\n", "\n= =\n= =\n", "\n\n= =\n\n", "\n= =\r\n",
      "pneumonoultramicroscopicsilicovolcanoconiosis-pneumonoultramicroscopicsilicovolcanoconiosis"};
  size_t used = 0, count = sizeof parts / sizeof *parts;
  for (uint64_t i = 0; used + 200 < size; i++) {
    uint64_t r = check_splitmix(i + 99) >> 7;
    if (i % 8 < 5) r %= 19; /* mostly without the separator */
    used += (size_t)sprintf(text + used, "%s", parts[r % count]);
  }
  return used;
}

/* Each is told in a sentence, and leaves no file. */
static void test_broken_texts(void) {
  static const char *const texts[][2] = {
      {"empty.txt", "is empty"}, {"zeros.txt", "zero bytes"}, {"short.txt.gz", "truncated"},
      {"wide.txt", "UTF-16 text"}};
  char path[PATH_SIZE];
  program_write(program_path(path, "empty.txt"), "", 0);
  program_write(program_path(path, "zeros.txt"), "a text\0b", 8);
  program_write(program_path(path, "wide.txt"), "\xFF\xFE" "a\0 \0b\0", 8);
  program_run("gzip -c tests/test_formats.c > %s/long.txt.gz", folder);
  program_run("head -c 2000 %s/long.txt.gz > %s/short.txt.gz", folder, folder);
  for (int i = 0; i < 4; i++) {
    int code = program_run("tools/tokenize --from %s/%s --to %s/broken", folder, texts[i][0],
                           folder);
    check(code == 1 && strstr(program_output(), texts[i][1]), "%s: exit code %d: %s", texts[i][0],
          code, program_output());
    check(program_run("ls %s/broken*", folder) != 0, "%s: %s", texts[i][0], program_output());
  }
}

/* The ids do not depend on how much of a text is held at a time. */
static void test_small_buffers(void) {
  enum { ROOM = 60000 };
  static const int buffers[] = {1, 2, 3, 5, 64, 1000, 59999, 60000, 70000};
  static const char *const options[] = {"", "--separator '= ='", "--separator '= =' --eot after"};
  static char text[ROOM];
  static uint16_t ids[ROOM + 1];
  char path[PATH_SIZE], whole[PATH_SIZE];
  size_t size = hard_text(text, ROOM), count;
  Tokenizer *t;
  Err err;
  if (tokenizer_open(&t, 50257, &err)) return check(0, "%s", err.text);
  ids[0] = 50256;
  if (tokenizer_encode(t, text, size, ids + 1, &count, &err)) return check(0, "%s", err.text);
  program_write(program_path(path, "hard.txt"), text, size);
  program_run("gzip -k %s", path);
  for (int i = 0; i < 3; i++) {
    program_run("tools/tokenize --from %s/hard.txt --to %s/whole.bin --format nanogpt "
                "--threads 1 --overwrite on %s", folder, folder, options[i]);
    program_path(whole, "whole.bin");
    if (i == 0) check_ids(whole, ids, count + 1);
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++) {
      int code = program_run("tools/tokenize --from %s/hard.txt%s --to %s/cut.bin --buffer %d "
                             "--format nanogpt --threads 1 --overwrite on %s", folder,
                             b % 2 ? ".gz" : "", folder, buffers[b], options[i]);
      check(code == 0, "--buffer %d: %s", buffers[b], program_output());
      check(same_bytes(program_path(path, "cut.bin"), whole), "--buffer %d %s: other ids",
            buffers[b], options[i]);
    }
  }
  tokenizer_close(t);
}

int main(void) {
  threads_start(1);
  folder = program_folder("test-formats");
  test_fixtures();
  test_logits();
  test_round_trips();
  test_init();
  test_halves();
  test_json();
  test_hostile();
  test_many_names();
  test_wrong_models();
  test_foreign_models();
  test_sharded();
  test_wrong_files();
  test_llmc_damage();
  test_vocabulary();
  test_token_fixtures();
  test_tokenize();
  test_overwriting();
  test_old_shards();
  test_separators();
  test_small_buffers();
  test_broken_texts();
  return check_report("formats");
}
