/* What the standard library lacks on strings. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <string.h>

static inline int text_ends(const char *text, const char *ending) {
  size_t n = strlen(text), m = strlen(ending);
  return n >= m && strcmp(text + n - m, ending) == 0;
}

#endif
