/* The part of Unicode that GPT-2's tokenizer needs: UTF-8, and the class of a code point, one of
   four. The classes are those of Unicode 15.0 in every locale. */
#ifndef DATA_UNICODE_H
#define DATA_UNICODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  UNICODE_OTHER,
  UNICODE_LETTER, /* \p{L} */
  UNICODE_NUMBER, /* \p{N} */
  UNICODE_SPACE,  /* \s: the 25 code points with the property White_Space */
} UnicodeClass;

/* What a byte that is part of no character decodes to. Its class is UNICODE_OTHER. */
#define UNICODE_BAD 0xFFFFFFFFu

UnicodeClass unicode_class(uint32_t code);

/* Decodes the character at the start of text (size >= 1 bytes) and returns its length, 1 to 4.
   Where no well-formed character starts (a stray or missing continuation byte, an overlong form, a
   surrogate, the end of the text), the first byte alone is UNICODE_BAD, of length 1. */
int unicode_decode(const char *text, size_t size, uint32_t *code);

/* Writes a code point as UTF-8 and returns its length, 1 to 4; 0 for one that is no character (a
   surrogate, or above U+10FFFF). */
int unicode_encode(uint32_t code, char out[4]);

/* How many leading bytes of text can be printed now: all, except the beginning of a character whose
   last bytes are still to come (at most 3). Bad bytes count as printable: they wait for nothing. */
size_t unicode_whole(const char *text, size_t size);

#endif
