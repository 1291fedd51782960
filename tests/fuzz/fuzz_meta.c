/* nanoGPT's meta.pkl. */
#include "data/meta.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Tokenizer *t;
  Err err;
  if (meta_read(&t, input_file("meta.pkl", data, size), &err)) return 0;
  tokenizer_close(t);
  return 0;
}
