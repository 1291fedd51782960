/* model.safetensors.index.json, and one file that it may name: what follows the first zero byte. */
#include <string.h>

#include "model/formats/weights.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
  size_t index = zero ? (size_t)(zero - data) : size;
  Weights w;
  Err err;
  input_file("part", zero ? zero + 1 : data, zero ? size - index - 1 : 0);
  input_file("model.safetensors.index.json", data, index);
  if (weights_open(&w, "model.safetensors.index.json", &err) == 0) weights_close(&w);
  return 0;
}
