/* The container, its sums, and what becomes of it as a GPT-2. */
#include "model/formats/huggingface.h"
#include "tests/fuzz/input.h"

static int is_small(const ModelOptions *m) {
  return m->L <= 8 && m->C <= 64 && m->context <= 64 && m->V <= 512;
}

static void load(const Safetensors *s, const ModelOptions *size) {
  GPT2 *model;
  Err err;
  if (gpt2_open(&model, size, 1, 0, &err)) return;
  huggingface_load(model, s, &err);
  gpt2_close(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Safetensors s;
  ModelOptions model;
  Err err;
  float number;
  if (safetensors_parse(&s, "input", data, size, &err)) return 0;
  safetensors_verify(&s, &err);
  for (int64_t i = 0; i < s.count; i++)
    if (s.tensors[i].dtype != DTYPE_OTHER && s.tensors[i].count > 0)
      tensor_read(&s.tensors[i], s.tensors[i].count - 1, 1, &number);
  model.NH = 1;
  if (huggingface_names(&s, &err) == 0 && huggingface_size(&s, &model, &err) == 0 &&
      is_small(&model)) {
    model.NH = 1;
    load(&s, &model);
  }
  safetensors_close(&s);
  return 0;
}
