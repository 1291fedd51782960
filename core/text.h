/* A string function that the standard library lacks. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <string.h>

/* Whether text ends with `ending`. */
static inline int text_ends(const char *text, const char *ending) {
  size_t n = strlen(text), m = strlen(ending);
  return n >= m && strcmp(text + n - m, ending) == 0;
}

#endif
