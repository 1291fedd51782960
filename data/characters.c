#include "data/characters.h"

#include <stdlib.h>
#include <string.h>

#include "data/unicode.h"

enum { CODE_POINTS = 0x110000 };

void characters_free(Characters *c) {
  free(c->seen);
  c->seen = NULL;
}

int characters_add(Characters *c, const char *name, const char *text, size_t size, Err *err) {
  uint32_t code;
  if (!c->seen) c->seen = calloc(CODE_POINTS / 8, 1);
  if (!c->seen) return fail(err, "%s: no memory for a list of its characters", name);
  for (size_t at = 0; at < size;) {
    int length = unicode_decode(text + at, size - at, &code);
    if (code == UNICODE_BAD)
      return fail(err,
                  "%s: byte %zu is not UTF-8, which --tokenizer char needs; convert the file with "
                  "iconv, or use --tokenizer bytes",
                  name, at);
    c->seen[code / 8] |= (unsigned char)(1u << code % 8);
    at += (size_t)length;
  }
  return 0;
}

int characters_tokenizer(Tokenizer **t, const Characters *c, Err *err) {
  uint32_t *codes = malloc(CODE_POINTS * sizeof *codes);
  int64_t count = 0;
  *t = NULL;
  if (!codes) return fail(err, "no memory for a vocabulary of characters");
  for (uint32_t code = 0; c->seen && code < CODE_POINTS; code++)
    if (c->seen[code / 8] >> code % 8 & 1) codes[count++] = code;
  int status = tokenizer_open_characters(t, codes, count, err);
  free(codes);
  return status;
}
