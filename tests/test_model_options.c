/* Dropout, no biases, exact GELU, an untied head and all of them against PyTorch in float64
   (tests/options_fixture.py made the numbers, the masks of dropout too), and in the formats of
   weights. Tests: model/dropout model/gelu model/formats/huggingface model/formats/llmc */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/file.h"
#include "model/classifier.h"
#include "model/decoder.h"
#include "model/formats/huggingface.h"
#include "model/formats/llmc.h"
#include "model/formats/weights.h"
#include "model/gelu.h"
#include "tests/check.h"
#include "tests/fixture.h"
#include "tests/program.h"

enum { B = 3, T = 8, V = 40, C = 24, STEP = 7, FIRST = 5 };
#define SIZES .L = 2, .NH = 3, .C = C, .context = T, .V = V

static const struct {
  const char *name;
  ModelOptions size;
} variants[] = {
    {"plain", {SIZES}},
    {"bias", {SIZES, .bias = BIAS_OFF}},
    {"gelu", {SIZES, .gelu = GELU_EXACT}},
    {"tie", {SIZES, .head = HEAD_UNTIED}},
    {"dropout", {SIZES, .dropout = 0.3}},
    {"all", {SIZES, .bias = BIAS_OFF, .gelu = GELU_EXACT, .head = HEAD_UNTIED, .dropout = 0.3}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static GPT2 *open_model(const ModelOptions *size, int training) {
  GPT2 *m;
  Err err;
  if (gpt2_open(&m, size, B, training, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
  return m;
}

static void set_weights(GPT2 *m) {
  for (int p = 0; p < m->place_count; p++) {
    Param *param = &m->places[p];
    int norm = strstr(param->name, "ln_") && strstr(param->name, ".weight");
    for (int64_t i = 0; param->w && i < param_size(param); i++)
      param->w[i] = (float)(0.15 * (double)check_value(1000 + (uint64_t)p, (uint64_t)i)) +
                    (norm ? 1.0f : 0.0f);
  }
}

static void set_batch(int32_t *x, int32_t *y) {
  for (int b = 0; b < B; b++)
    for (int t = 0; t <= T; t++) {
      uint64_t i = ((uint64_t)(2000 + STEP) << 32) + (uint64_t)(b * (T + 1) + t);
      int32_t token = (int32_t)(check_splitmix(i) % V);
      if (t < T) x[b * T + t] = token;
      if (t > 0) y[b * T + t - 1] = token;
    }
}

/* ---- against PyTorch ---- */

/* The norm of the gradient and its products with three directions. */
static void check_gradient(const char *variant, const Param *p, const Fixture *f) {
  char name[128];
  snprintf(name, sizeof name, "%s/%s", variant, p->name);
  const double *want = fixture_find(f, name)->values;
  double squares = 0, along[3] = {0};
  for (int64_t i = 0; i < param_size(p); i++) {
    squares += (double)p->g[i] * (double)p->g[i];
    for (uint64_t k = 0; k < 3; k++)
      along[k] += (double)p->g[i] * (double)check_value(3000 + k, (uint64_t)i);
  }
  double tolerance = 1e-5 * want[0] + 1e-8; /* the bias of the keys has a gradient of rounding */
  check(fabs(sqrt(squares) - want[0]) <= tolerance, "%s: norm %.9g, not %.9g", name,
        sqrt(squares), want[0]);
  for (int k = 0; k < 3; k++)
    check(fabs(along[k] - want[1 + k]) <= tolerance, "%s: along direction %d %.9g, not %.9g", name,
          k, along[k], want[1 + k]);
}

static void test_variant(int v, const Fixture *f) {
  int32_t x[B * T], y[B * T];
  char name[64];
  GPT2 *m = open_model(&variants[v].size, 1);
  Batch batch = {.x = x, .y = y, .B = B, .T = T, .step = STEP, .first = FIRST};
  set_weights(m);
  set_batch(x, y);
  m->dropout_seed = 0x123456789;
  snprintf(name, sizeof name, "%s/loss", variants[v].name);
  double loss = gpt2_loss_gradient(m, &batch, 1.0 / (B * T), 0);
  gpt2_backward(m);
  check_near(loss, fixture_find(f, name)->values[0], 1e-6, "%s", name);
  for (int p = 0; p < m->param_count; p++) check_gradient(variants[v].name, &m->params[p], f);
  gpt2_close(m);
}

/* ---- formats ---- */

/* The mean loss of rows by the decoder, which has no dropout. */
static double decoder_loss(const GPT2 *m, const int32_t *x, const int32_t *y) {
  Decoder *d;
  Err err;
  real logits[V];
  double loss = 0;
  if (decoder_open(&d, m, &err)) check(0, "%s", err.text);
  for (int i = 0; i < B * T; i++) {
    if (i % T == 0) decoder_clear(d);
    decoder_feed(d, x + i, 1, logits);
    loss += cross_entropy(logits, V, y + i, 1, V, 0) / (B * T);
  }
  decoder_close(d);
  return loss;
}

static void write_config(const GPT2 *m, const char *work) {
  char path[PATH_SIZE], *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  huggingface_config_write(out, &m->size, V - 1);
  fclose(out);
  program_write(program_path(path, "%s/config.json", work), text, size);
  free(text);
}

static int same_options(const ModelOptions *a, const ModelOptions *b) {
  return a->bias == b->bias && a->gelu == b->gelu && a->head == b->head &&
         fabs(a->dropout - b->dropout) < 1e-9;
}

/* A folder in Hugging Face's format keeps the options and the function. */
static void test_huggingface(int v, const char *work) {
  int32_t x[B * T], y[B * T];
  char folder[PATH_SIZE], path[PATH_SIZE];
  Err err = {""};
  Weights w;
  const Metadata none[] = {{0}};
  GPT2 *m = open_model(&variants[v].size, 0), *again;
  Batch batch = {.x = x, .y = y, .B = B, .T = T};
  set_weights(m);
  set_batch(x, y);
  program_path(folder, "%s", work);
  check(folder_make(folder, &err) == 0 &&
        huggingface_save(m, program_path(path, "%s/model.safetensors", work), DTYPE_F32, none,
                         &err) == 0, "%s", err.text);
  write_config(m, work);
  check(weights_open(&w, folder, &err) == 0, "%s: %s", variants[v].name, err.text);
  check(same_options(&w.size, &m->size), "%s: other options after reading", variants[v].name);
  again = open_model(&w.size, 0);
  check(weights_load(&w, again, &err) == 0, "%s: %s", variants[v].name, err.text);
  double loss = gpt2_loss(m, &batch);
  check(gpt2_loss(again, &batch) == loss, "%s: another loss after reading", variants[v].name);
  check_near(decoder_loss(again, x, y), loss, 1e-5, "%s: loss of the decoder", variants[v].name);
  weights_close(&w);
  gpt2_close(again);
  gpt2_close(m);
}

/* Loading into a model of another kind: works when the function stays the same. */
static void loads(const char *folder, const ModelOptions *size, const char *refusal) {
  Err err = {""};
  Weights w;
  GPT2 *m = open_model(size, 0);
  check(weights_open(&w, folder, &err) == 0, "%s", err.text);
  int status = weights_load(&w, m, &err);
  check(refusal ? status && strstr(err.text, refusal) : status == 0, "wanted \"%s\", got %d \"%s\"",
        refusal ? refusal : "success", status, err.text);
  weights_close(&w);
  gpt2_close(m);
}

static void test_llmc(int v, const char *path) {
  Err err = {""};
  GPT2 *m = open_model(&variants[v].size, 0);
  const ModelOptions *s = &m->size;
  int plain = s->bias == BIAS_ON && s->gelu == GELU_TANH && s->head == HEAD_TIED;
  int status = llmc_save(m, path, DTYPE_F32, &err);
  check(plain ? status == 0 : status != 0 && strstr(err.text, "holds only GPT-2") != NULL,
        "llm.c, %s: %d %s", variants[v].name, status, err.text);
  gpt2_close(m);
}

/* ---- exact GELU in float ---- */

static void test_gelu(void) {
  enum { N = 40001 };
  static float x[N], y[N], again[N], dy[N];
  double worst = 0, worst_slope = 0;
  for (int i = 0; i < N; i++) {
    x[i] = (float)(i - N / 2) / 2000;
    dy[i] = 1;
  }
  gelu_forward(y, x, N, GELU_EXACT);
  gelu_backward(again, dy, x, N, GELU_EXACT);
  for (int i = 0; i < N; i++) {
    double v = x[i], cdf = erfc(-v / sqrt(2)) / 2, density = exp(-v * v / 2) / sqrt(2 * acos(-1));
    worst = fmax(worst, fabs(y[i] - v * cdf) / fmax(1, fabs(v)));
    worst_slope = fmax(worst_slope, fabs(dy[i] - (cdf + v * density)));
    if (y[i] != again[i]) worst = INFINITY;
  }
  check(worst <= 3e-7, "exact GELU: off by %.2g", worst);
  check(worst_slope <= 5e-7, "slope of exact GELU: off by %.2g", worst_slope);
  float far[] = {-1e30f, 1e30f, -INFINITY, NAN, 0}, out[5];
  gelu_forward(out, far, 5, GELU_EXACT);
  check(out[0] == 0 && out[1] == far[1] && isnan(out[3]) && out[4] == 0, "exact GELU far from 0");
}

int main(void) {
  char path[PATH_SIZE], folder[PATH_SIZE];
  threads_start(0);
  Fixture f = fixture_read("tests/fixtures/options.txt.gz");
  program_folder("model_options");
  for (int v = 0; v < VARIANTS; v++) {
    test_variant(v, &f);
    test_huggingface(v, variants[v].name);
    test_llmc(v, program_path(path, "model.bin"));
  }
  program_path(folder, "all");
  loads(folder, &(ModelOptions){SIZES, .gelu = GELU_EXACT, .head = HEAD_UNTIED}, NULL);
  loads(folder, &(ModelOptions){SIZES, .bias = BIAS_OFF, .head = HEAD_UNTIED}, "use --gelu exact");
  loads(folder, &(ModelOptions){SIZES, .bias = BIAS_OFF, .gelu = GELU_EXACT}, "use --tie off");
  program_path(folder, "plain");
  loads(folder, &(ModelOptions){SIZES, .head = HEAD_UNTIED}, NULL); /* the head starts as wte */
  loads(folder, &(ModelOptions){SIZES, .bias = BIAS_OFF}, "use --bias on");
  loads(folder, &(ModelOptions){SIZES, .gelu = GELU_EXACT}, "use --gelu tanh");
  test_gelu();
  fixture_free(&f);
  return check_report("model options");
}
