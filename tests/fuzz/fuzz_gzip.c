/* gzipped text, from memory and from a file, and its tokens. */
#include <stdlib.h>

#include "core/file.h"
#include "data/tokens.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Tokenizer *tokenizer;
  Tokens t;
  Err err;
  char *text;
  size_t length;
  if (!tokenizer && tokenizer_open(&tokenizer, 512, &err)) abort();
  if (file_inflate("input", data, size, &text, &length, &err) == 0) free(text);
  const char *path = input_file("input.txt.gz", data, size);
  if (file_read(path, &text, &length, &err) == 0) free(text);
  const TextRules rules = {tokenizer, "=="};
  if (tokens_open(&t, path, &rules, 512, &err) == 0) tokens_close(&t);
  return 0;
}
