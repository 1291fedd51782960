/* config.json of a Hugging Face folder. */
#include "model/formats/huggingface.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ModelOptions model = {0};
  Err err;
  huggingface_config_read(input_file("config.json", data, size), &model, &err);
  return 0;
}
