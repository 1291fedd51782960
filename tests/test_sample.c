/* Generation: the cache changes nothing, draws follow their distribution, only complete characters
   are printed. Tests: model/decoder run/sample */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "data/unicode.h"
#include "model/decoder.h"
#include "run/sample.h"
#include "tests/check.h"
#include "tests/program.h"

enum { T = 150, V = 300 };
static const ModelOptions SIZE = {.L = 3, .NH = 4, .C = 32, .context = T, .V = V, .init_sd = 0.02};

static GPT2 *open_model(const ModelOptions *size) {
  GPT2 *m;
  Err err;
  if (gpt2_open(&m, size, 1, 0, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
  gpt2_init(m, 3);
  for (int p = 0; p < m->param_count; p++) /* larger, so that tokens matter to each other */
    for (int64_t i = 0; i < param_size(&m->params[p]); i++)
      m->params[p].w[i] *= m->params[p].role == ROLE_VECTOR ? 1 : 8;
  return m;
}

/* The logits after n tokens, fed at once. */
static void next_logits(const GPT2 *m, const int32_t *x, int64_t n, float *logits) {
  Decoder *d;
  Err err;
  if (decoder_open(&d, m, &err)) return check(0, "%s", err.text);
  decoder_feed(d, x, n, logits);
  decoder_close(d);
}

/* Logits of every length are the same, whether tokens come one by one or in parts of any size. */
static void test_logits(const GPT2 *m, const GPT2 *plain, int part) {
  Decoder *d;
  Err err;
  int32_t x[T];
  real cached[V], whole[V];
  if (decoder_open(&d, m, &err)) return check(0, "%s", err.text);
  for (int i = 0; i < T; i++) x[i] = (int32_t)(check_splitmix((uint64_t)i) % V);
  for (int round = 0; round < 2; round++, decoder_clear(d))
    for (int at = 0; at < T;) {
      int n = at + part < T ? part : T - at;
      decoder_feed(d, x + at, n, cached);
      at += n;
      next_logits(plain, x, at, whole);
      double worst = 0;
      for (int v = 0; v < V; v++)
        worst = fmax(worst, fabs((double)cached[v] - (double)whole[v]));
      check(worst < 1e-4, "parts of %d, length %d: logits off by %.2g", part, at, worst);
    }
  decoder_close(d);
}

/* The same tokens with the same seed, as long as the context lasts. */
static void test_tokens(GPT2 *m, const SampleOptions *o) {
  char *text;
  size_t size;
  Err err;
  int32_t x[T] = {0};
  float logits[V];
  char scratch[V * 8];
  Random random = random_stream(5, RANDOM_SAMPLE, 0, 0), again = random;
  FILE *out = open_memstream(&text, &size);
  SampleReport report;
  check(sample_text(m, NULL, o, &random, out, &report, &err) == 0, "%s", err.text);
  fclose(out);
  check(report.tokens == o->tokens, "%lld tokens", (long long)report.tokens);
  char *at = text;
  for (int n = 1; n < T && n <= o->tokens; n++) {
    next_logits(m, x, n, logits);
    x[n] = sample_draw(o, logits, V, scratch, &again);
    long id = strtol(at, &at, 10);
    check(id == x[n], "token %d: %ld with the cache, %d without", n, id, x[n]);
  }
  free(text);
}

/* Frequencies of many draws against the probabilities that temperature, top-k and top-p leave. */
static void test_draw(const SampleOptions *o) {
  enum { N = 8, DRAWS = 40000 };
  static const float logits[N] = {0.5f, 2, -1, 1, 2, 0, -3, 1.5f};
  static const int order[N] = {1, 4, 7, 3, 0, 5, 2, 6}; /* the more probable first; ties by id */
  double p[N], wanted[N] = {0}, all = 0, sum = 0;
  int count[N] = {0};
  char scratch[N * 8];
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  int most = o->top_k > 0 && o->top_k < N ? (int)o->top_k : N;
  for (int i = 0; i < most; i++) all += p[i] = exp((double)logits[order[i]] / o->temperature);
  for (int i = 0; i < most && sum < o->top_p * all; i++) sum += wanted[order[i]] = p[i];
  for (int i = 0; i < DRAWS; i++) count[sample_draw(o, logits, N, scratch, &random)]++;
  for (int i = 0; i < N; i++) {
    double expected = DRAWS * wanted[i] / sum, sd = sqrt(expected + 1);
    check(wanted[i] > 0 ? fabs(count[i] - expected) < 5 * sd : count[i] == 0,
          "temperature %g, top-k %lld, top-p %g: token %d drawn %d times, not %.0f",
          o->temperature, (long long)o->top_k, o->top_p, i, count[i], expected);
  }
}

static void test_draws(void) {
  static const SampleOptions cases[] = {
      {.temperature = 1, .top_p = 1},
      {.temperature = 0.5, .top_p = 1},
      {.temperature = 1, .top_p = 1, .top_k = 3},
      {.temperature = 1, .top_p = 1, .top_k = 1},
      {.temperature = 2, .top_p = 1, .top_k = 99},
      {.temperature = 1, .top_p = 0.5},
      {.temperature = 1, .top_p = 0.9},
      {.temperature = 1, .top_p = 0.6, .top_k = 4},
  };
  static const float logits[4] = {1, 3, 3, 2};
  char scratch[64];
  SampleOptions greedy = {.temperature = 0, .top_p = 1};
  Random random = random_stream(1, RANDOM_TEST, 0, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) test_draw(&cases[i]);
  check(sample_draw(&greedy, logits, 4, scratch, &random) == 1, "temperature 0");
}

/* A byte-level model generates many invalid bytes; the output must still be UTF-8. */
static void test_characters(void) {
  ModelOptions size = {.L = 1, .NH = 1, .C = 8, .context = 16, .V = 257, .init_sd = 0.02};
  GPT2 *m = open_model(&size);
  Tokenizer *t;
  Err err;
  char *text;
  size_t length;
  SampleOptions o = {.tokens = 3000, .temperature = 50, .top_p = 1, .prompt = "caf\xC3\xA9"};
  if (tokenizer_open(&t, 257, &err)) return check(0, "%s", err.text);
  for (uint64_t seed = 0; seed < 5; seed++) {
    Random random = random_stream(seed, RANDOM_SAMPLE, 0, 0);
    FILE *out = open_memstream(&text, &length);
    check(sample_text(m, t, &o, &random, out, NULL, &err) == 0, "%s", err.text);
    fclose(out);
    for (size_t at = 0; at < length;) {
      uint32_t code;
      at += (size_t)unicode_decode(text + at, length - at, &code);
      check(code != UNICODE_BAD, "byte %zu of %zu does not begin a character", at, length);
    }
    free(text);
  }
  tokenizer_close(t);
  gpt2_close(m);
}

/* A separator anywhere in the prompt becomes end-of-text; without --separator it is text, with a
   warning. */
static void test_prompt_separator(const char *folder) {
  static const struct {
    const char *options, *tokens;
  } cases[] = {
      {"--prompt 'ab<E>c' --separator '<E>'", "prompt: 4 tokens"},
      {"--prompt '<E>ab' --separator '<E>'", "prompt: 3 tokens"},
      {"--prompt 'ab<E><E>' --separator '<E>'", "prompt: 4 tokens"},
      {"--prompt '<|endoftext|>' --separator '<|endoftext|>'", "prompt: 1 tokens"},
      {"--prompt '<|>'", "prompt: 3 tokens"},
  };
  char wanted[4096];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int code = program_run("tools/generate --from %s/run %s --tokens 1 --threads 1", folder,
                           cases[i].options);
    check(code == 0 && strstr(program_output(), cases[i].tokens) &&
              !strstr(program_output(), "remark"), "%s: %s", cases[i].options, program_output());
  }
  program_run("tools/generate --from %s/run --tokens 9 --threads 1 2>/dev/null", folder);
  snprintf(wanted, sizeof wanted, "<|endoftext|>%s", program_output());
  program_run("tools/generate --from %s/run --tokens 9 --threads 1 --prompt '<|endoftext|>' "
              "--separator '<|endoftext|>' 2>/dev/null", folder);
  check(strcmp(wanted, program_output()) == 0, "end-of-text is not how a document begins: %s",
        program_output());
  program_run("tools/generate --from %s/run --tokens 1 --threads 1 --prompt 'a<|endoftext|>'",
              folder);
  check(strstr(program_output(), "remark: --prompt") != NULL, "%s", program_output());
}

static void test_program(void) {
  const char *folder = program_folder("test-sample");
  program_run("./train --vocab 300 --layers 1 --heads 2 --channels 16 --context 16 --batch 2 "
              "--steps 1 --warmup 0 --val-every 0 --threads 1 --out %s/run", folder);
  char first[4096] = "";
  for (int i = 0; i < 3; i++) {
    int code = program_run("tools/generate --from %s/run --prompt 'It is' --tokens 50 --top-k 40 "
                           "--seed %d --threads 1 2>/dev/null", folder, i == 2 ? 8 : 7);
    check(code == 0 && strncmp(program_output(), "It is", 5) == 0, "%s", program_output());
    if (i == 0) snprintf(first, sizeof first, "%s", program_output());
    else check((strcmp(first, program_output()) == 0) == (i == 1), "seed %s", i == 1 ? "7" : "8");
  }
  test_prompt_separator(folder);
  int code = program_run("tools/generate --from %s/run --tokens 20 --threads 1 2>&1 >/dev/null",
                         folder);
  check(code == 0 && strstr(program_output(), "tokens/s"), "%s", program_output());
  code = program_run("tools/generate --from %s/nothing", folder);
  check(code == 1 && strstr(program_output(), "nothing"), "%s", program_output());
}

int main(void) {
  threads_start(1);
  GPT2 *m = open_model(&SIZE), *plain = open_model(&SIZE);
  static const int parts[] = {1, 7, 63, 64, 65, T};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) test_logits(m, plain, parts[i]);
  SampleOptions o = {.tokens = 120, .temperature = 0.9, .top_p = 1};
  test_tokens(plain, &o);
  o.top_k = 20;
  o.top_p = 0.9;
  test_tokens(plain, &o);
  o.tokens = 3 * T; /* the context slides */
  test_tokens(plain, &o);
  gpt2_close(m);
  gpt2_close(plain);
  test_draws();
  test_characters();
  test_program();
  return check_report("sample");
}
