#include "data/vocabulary.h"

#include <stdio.h>

/* GPT-2 shows every byte as a visible character: those that are one in Latin-1 as themselves, the
   others, in ascending order, as U+0100 and on. Ids 0..255 are numbered in that same order. */
static unsigned shown_as(const Tokenizer *t, unsigned char byte) {
  enum { VISIBLE = 188 };
  for (int id = 0; id < 256; id++) {
    int length;
    if (*tokenizer_bytes(t, id, &length) == byte)
      return id < VISIBLE ? byte : 0x100u + (unsigned)(id - VISIBLE);
  }
  return 0;
}

static void number_bytes(const Tokenizer *t, unsigned shown[256]) {
  for (int byte = 0; byte < 256; byte++) shown[byte] = shown_as(t, (unsigned char)byte);
}

/* As Python's json.dumps writes it: ASCII only. */
static void put_escaped(FILE *out, const Tokenizer *t, int id, const unsigned shown[256]) {
  int length;
  const unsigned char *bytes = tokenizer_bytes(t, id, &length);
  for (int i = 0; i < length; i++) {
    unsigned c = shown[bytes[i]];
    if (c == '"' || c == '\\') fprintf(out, "\\%c", (int)c);
    else if (c < 0x80) fputc((int)c, out);
    else fprintf(out, "\\u%04x", c);
  }
}

/* In UTF-8; all are below U+0800. */
static void put_utf8(FILE *out, const Tokenizer *t, int id, const unsigned shown[256]) {
  int length;
  const unsigned char *bytes = tokenizer_bytes(t, id, &length);
  for (int i = 0; i < length; i++) {
    unsigned c = shown[bytes[i]];
    if (c >= 0x80) fputc((int)(0xC0 | c >> 6), out);
    fputc((int)(c < 0x80 ? c : 0x80 | (c & 0x3F)), out);
  }
}

char *vocabulary_json(const Tokenizer *t, size_t *size) {
  char *text;
  unsigned shown[256];
  FILE *out = open_memstream(&text, size);
  if (!out) return NULL;
  number_bytes(t, shown);
  for (int id = 0; id < tokenizer_eot(t); id++) {
    fputs(id == 0 ? "{\"" : ", \"", out);
    put_escaped(out, t, id, shown);
    fprintf(out, "\": %d", id);
  }
  fprintf(out, ", \"" TOKENIZER_EOT "\": %d}", tokenizer_eot(t));
  return fclose(out) == 0 ? text : NULL;
}

char *vocabulary_merges(const Tokenizer *t, size_t *size) {
  char *text;
  unsigned shown[256];
  FILE *out = open_memstream(&text, size);
  if (!out) return NULL;
  number_bytes(t, shown);
  fputs("#version: 0.2\n", out);
  for (int id = 256; id < tokenizer_eot(t); id++) {
    int left, right;
    tokenizer_parts(id, &left, &right);
    put_utf8(out, t, left, shown);
    fputc(' ', out);
    put_utf8(out, t, right, shown);
    fputc('\n', out);
  }
  return fclose(out) == 0 ? text : NULL;
}
