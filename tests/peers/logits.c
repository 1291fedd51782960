/* Prints the logits of the token after each row of T ids: logits WEIGHTS IDS T, where IDS is a file
   of 16-bit ids. One number a line, row by row. For tests/peers/check.py. */
#include <stdio.h>
#include <stdlib.h>

#include "core/blas.h"
#include "core/file.h"
#include "model/decoder.h"
#include "model/formats/weights.h"

static int load(const char *from, int64_t T, int64_t B, GPT2 **model, Err *err) {
  Weights w;
  if (weights_open(&w, from, err)) return -1;
  w.size.context = T;
  int status = gpt2_open(model, &w.size, B, 0, err) || weights_load(&w, *model, err);
  weights_close(&w);
  return status ? -1 : 0;
}

static int run(const char *from, const char *ids_path, int64_t T, Err *err) {
  char *bytes;
  size_t size;
  GPT2 *model = NULL;
  if (file_read(ids_path, &bytes, &size, err)) return -1;
  const uint16_t *ids = (const uint16_t *)(const void *)bytes;
  int64_t B = (int64_t)(size / sizeof *ids) / T;
  if (load(from, T, B, &model, err)) return -1;
  int64_t V = model->size.V;
  int32_t *x = malloc((size_t)(B * T) * sizeof *x);
  float *logits = malloc((size_t)(B * V) * sizeof *logits);
  Decoder *decoder;
  if (decoder_open(&decoder, model, err)) return -1;
  for (int64_t i = 0; i < B * T; i++) x[i] = ids[i];
  for (int64_t b = 0; b < B; b++) {
    decoder_clear(decoder);
    decoder_feed(decoder, x + b * T, T, logits + b * V);
  }
  decoder_close(decoder);
  for (int64_t i = 0; i < B * V; i++) printf("%.9g\n", (double)logits[i]);
  gpt2_close(model);
  free(x), free(logits), free(bytes);
  return 0;
}

int main(int argc, char **argv) {
  Err err;
  if (argc != 4) return 2;
  threads_start(1);
  if (run(argv[1], argv[2], strtoll(argv[3], NULL, 10), &err) == 0) return 0;
  fprintf(stderr, "logits: %s\n", err.text);
  return 1;
}
