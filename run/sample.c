#include "run/sample.h"

#include <math.h>
#include <stdlib.h>

static const double TEMPERATURE = 0.8;

/* Draws from softmax(logits / TEMPERATURE). */
static int32_t draw(const float *logits, int64_t V, Random *random) {
  double max = logits[0], sum = 0;
  for (int64_t i = 0; i < V; i++) max = logits[i] > max ? logits[i] : max;
  for (int64_t i = 0; i < V; i++) sum += exp((logits[i] - max) / TEMPERATURE);
  double left = random_uniform(random) * sum;
  for (int64_t i = 0; i < V; i++) {
    left -= exp((logits[i] - max) / TEMPERATURE);
    if (left < 0) return (int32_t)i;
  }
  return (int32_t)(V - 1);
}

static void print_token(const Tokenizer *tokenizer, int32_t id, FILE *out) {
  int length;
  if (!tokenizer) {
    fprintf(out, "%d ", id);
    return;
  }
  const unsigned char *bytes = tokenizer_bytes(tokenizer, id, &length);
  fwrite(bytes, 1, (size_t)length, out);
}

int sample_text(GPT2 *m, const Tokenizer *tokenizer, int count, Random *random, FILE *out,
                Err *err) {
  int64_t V = m->size.V;
  float *logits = malloc((size_t)V * sizeof *logits);
  int32_t *x = malloc((size_t)m->size.context * sizeof *x);
  if (!logits || !x) {
    free(logits);
    free(x);
    return fail(err, "no memory for a sample of %d tokens", count);
  }
  x[0] = tokenizer ? tokenizer_eot(tokenizer) : 0;
  for (int64_t n = 1; n <= count && n < m->size.context; n++) {
    gpt2_next_logits(m, x, 1, n, logits);
    x[n] = draw(logits, V, random);
    if (tokenizer && x[n] == tokenizer_eot(tokenizer)) break;
    print_token(tokenizer, x[n], out);
  }
  free(logits);
  free(x);
  return 0;
}
