/* llm.c's checkpoints. */
#include "model/formats/llmc.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ModelOptions sizes;
  GPT2 *model;
  Err err;
  if (llmc_size(&sizes, "input", data, size, &err) || gpt2_open(&model, &sizes, 1, 0, &err))
    return 0;
  llmc_load(model, "input", data, size, &err);
  gpt2_close(model);
  return 0;
}
