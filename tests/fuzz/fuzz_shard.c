/* Files of tokens: llm.c's shards and NumPy's arrays, which their first bytes tell, and raw ids. */
#include "data/tokens.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Tokens t;
  Err err;
  int32_t id;
  if (tokens_open(&t, input_file("input.bin", data, size), NULL, 50257, &err)) return 0;
  for (int i = 0; i < t.count; i++)
    if (t.segments[i].count > 0) tokens_copy(&t, i, t.segments[i].count - 1, 1, &id, &err);
  tokens_fingerprint(&t, 0);
  tokens_close(&t);
  return 0;
}
