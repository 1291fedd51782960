#include "core/json.h"
#include "tests/fuzz/input.h"

static int64_t count(const Json *value) {
  int64_t n = 1, number;
  json_int(value, INT64_MIN, INT64_MAX, &number);
  for (const Json *v = value->first; v; v = v->next) n += count(v);
  return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  JsonDocument d;
  Err err;
  if (json_read(&d, "input", (const char *)data, size, &err)) return 0;
  count(d.root);
  json_member(d.root, "name");
  json_free(&d);
  return 0;
}
