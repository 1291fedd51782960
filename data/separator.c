#include "data/separator.h"

#include <string.h>

#include "data/tokenizer.h"

size_t separator_find(const char *separator, const char *text, size_t size, size_t from,
                      char before, size_t *next) {
  size_t length = strlen(separator);
  const char *found = length > 0 ? memmem(text + from, size - from, separator, length) : NULL;
  *next = size;
  if (!found) return size;
  size_t at = (size_t)(found - text), end = at + length;
  int crlf = end + 1 < size && text[end] == '\r' && text[end + 1] == '\n';
  int begins = (at > 0 ? text[at - 1] : before) == '\n';
  int ends = end == size || text[end] == '\n' || crlf;
  *next = begins && ends && end < size ? end + 1 + (size_t)crlf : end;
  return at;
}

int separator_missing(const char *separator, const char *text, size_t size) {
  return !*separator && memmem(text, size, TOKENIZER_EOT, sizeof TOKENIZER_EOT - 1) != NULL;
}
