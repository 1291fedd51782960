#include "data/unicode.h"

#include "data/unicode_table.h"

UnicodeClass unicode_class(uint32_t code) {
  if (code < 128) return (UnicodeClass)unicode_ascii[code];
  if (code > 0x10FFFF) return UNICODE_OTHER;
  size_t low = 0, high = sizeof unicode_changes / sizeof *unicode_changes;
  while (high - low > 1) { /* the last change at or before code is in low..high-1 */
    size_t middle = (low + high) / 2;
    if (unicode_changes[middle] >> 2 <= code)
      low = middle;
    else
      high = middle;
  }
  return (UnicodeClass)(unicode_changes[low] & 3);
}

/* The length a first byte announces, or 0 when no character starts with it. C0 and C1 would be
   overlong forms of ASCII, F5 and above lie beyond Unicode. */
static int announced_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

/* The range of the second byte is narrower after these four: no overlong forms, no surrogates,
   nothing above 10FFFF. */
static int continues(unsigned char first, int position, unsigned char byte) {
  unsigned low = 0x80, high = 0xBF;
  if (position == 1) {
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  return low <= byte && byte <= high;
}

int unicode_decode(const char *text, size_t size, uint32_t *code) {
  const unsigned char *p = (const unsigned char *)text;
  int length = announced_length(p[0]);
  *code = p[0];
  if (length == 1) return 1;
  *code = UNICODE_BAD;
  if (length == 0 || (size_t)length > size) return 1;
  uint32_t value = p[0] & (0x7Fu >> length);
  for (int i = 1; i < length; i++) {
    if (!continues(p[0], i, p[i])) return 1;
    value = value << 6 | (p[i] & 0x3Fu);
  }
  *code = value;
  return length;
}

int unicode_encode(uint32_t code, char out[4]) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
  int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
  out[0] = (char)(length == 1 ? code : (0xF00u >> length & 0xFF) | code);
  return length;
}

size_t unicode_whole(const char *text, size_t size) {
  const unsigned char *p = (const unsigned char *)text;
  for (size_t back = 1; back <= 3 && back <= size; back++) {
    size_t start = size - back;
    int length = announced_length(p[start]);
    if (length == 0) continue; /* a continuation byte: its character starts further back */
    if ((size_t)length <= back) return size;
    for (size_t i = 1; i < back; i++)
      if (!continues(p[start], (int)i, p[start + i])) return size;
    return start;
  }
  return size;
}
