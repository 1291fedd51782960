#include "data/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"
#include "data/unicode.h"

/* GPT-2 shows every byte as a visible character: those that are one in Latin-1 as themselves, the
   others, in ascending order, as U+0100 and on. Ids 0..255 are numbered in that same order. */
static void show_bytes(unsigned shown[256]) {
  enum { VISIBLE = 188 };
  unsigned char order[256];
  tokenizer_byte_order(order);
  for (unsigned id = 0; id < 256; id++)
    shown[order[id]] = id < VISIBLE ? order[id] : 0x100u + id - VISIBLE;
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

static void put_utf8(FILE *out, const Tokenizer *t, int id, const unsigned shown[256]) {
  int length;
  const unsigned char *bytes = tokenizer_bytes(t, id, &length);
  for (int i = 0; i < length; i++) {
    char utf8[4];
    fwrite(utf8, 1, (size_t)unicode_encode(shown[bytes[i]], utf8), out);
  }
}

/* The number of tokens with text: all except end-of-text. */
static int text_tokens(const Tokenizer *t) {
  int eot = tokenizer_eot(t);
  return eot < 0 ? tokenizer_vocab(t) : eot;
}

void vocabulary_json(FILE *out, const Tokenizer *t) {
  unsigned shown[256];
  int count = text_tokens(t);
  show_bytes(shown);
  for (int id = 0; id < count; id++) {
    fputs(id == 0 ? "{\"" : ", \"", out);
    put_escaped(out, t, id, shown);
    fprintf(out, "\": %d", id);
  }
  if (count < tokenizer_vocab(t)) fprintf(out, ", \"" TOKENIZER_EOT "\": %d", count);
  fputc('}', out);
}

void vocabulary_merges(FILE *out, const Tokenizer *t) {
  unsigned shown[256];
  show_bytes(shown);
  fputs("#version: 0.2\n", out);
  for (int id = 256; id < tokenizer_eot(t); id++) {
    int left, right;
    tokenizer_parts(id, &left, &right);
    put_utf8(out, t, left, shown);
    fputc(' ', out);
    put_utf8(out, t, right, shown);
    fputc('\n', out);
  }
}

void vocabulary_tokens(FILE *out, const Tokenizer *t) {
  unsigned shown[256];
  int count = text_tokens(t);
  show_bytes(shown);
  for (int id = 0; id < count; id++) {
    put_utf8(out, t, id, shown);
    fputc('\n', out);
  }
  if (count < tokenizer_vocab(t)) fputs(TOKENIZER_EOT "\n", out);
}

/* Without the last option, older versions of transformers remove spaces before punctuation. */
void vocabulary_config(FILE *out, const Tokenizer *t, int64_t context) {
  const char *eot = tokenizer_eot(t) < 0 ? "null" : "\"" TOKENIZER_EOT "\"";
  fprintf(out,
          "{\n  \"tokenizer_class\": \"GPT2Tokenizer\",\n  \"model_max_length\": %lld,\n"
          "  \"bos_token\": %s,\n  \"eos_token\": %s,\n  \"unk_token\": %s,\n"
          "  \"add_prefix_space\": false,\n  \"clean_up_tokenization_spaces\": false\n}\n",
          (long long)context, eot, eot, eot);
}

/* ---- reading ---- */

/* The byte that a character of vocab.json shows, or -1. */
static int byte_shown(const unsigned shown[256], uint32_t code) {
  for (int byte = 0; byte < 256; byte++)
    if (shown[byte] == code) return byte;
  return -1;
}

/* The only character of a token of vocab.json, or UNICODE_BAD. */
static uint32_t only_character(const char *key, const unsigned shown[256]) {
  char bytes[4];
  size_t count = 0;
  uint32_t code = UNICODE_BAD;
  for (size_t left = strlen(key); left > 0;) {
    int length = unicode_decode(key, left, &code), byte = byte_shown(shown, code);
    if (byte < 0 || count == sizeof bytes) return UNICODE_BAD;
    bytes[count++] = (char)byte;
    key += length;
    left -= (size_t)length;
  }
  if (count == 0 || unicode_decode(bytes, count, &code) != (int)count) return UNICODE_BAD;
  return code;
}

/* codes (vocab) = the character of each token; -1 if some token is not a character. */
static int list_codes(const Json *tokens, int64_t vocab, uint32_t *codes) {
  unsigned shown[256];
  int64_t id;
  show_bytes(shown);
  for (int64_t i = 0; i < vocab; i++) codes[i] = UNICODE_BAD;
  for (const Json *token = tokens->first; token; token = token->next) {
    if (json_int(token, 0, vocab - 1, &id) || codes[id] != UNICODE_BAD) return -1;
    codes[id] = only_character(token->key, shown);
    if (codes[id] == UNICODE_BAD) return -1;
  }
  return 0;
}

static int open_characters(Tokenizer **t, const Json *tokens, int64_t vocab, Err *err) {
  uint32_t *codes = calloc((size_t)vocab, sizeof *codes);
  if (!codes) return fail(err, "no memory for a vocabulary of %lld tokens", (long long)vocab);
  int status = list_codes(tokens, vocab, codes) ? 0
                                                : tokenizer_open_characters(t, codes, vocab, err);
  free(codes);
  return status;
}

/* Sets *t to a tokenizer of characters if the file lists `vocab` of them. */
static int read_characters(Tokenizer **t, const char *path, int64_t vocab, Err *err) {
  char *text;
  size_t size;
  JsonDocument document;
  if (file_read(path, &text, &size, err)) return -1;
  int status = json_read(&document, path, text, size, err);
  free(text);
  if (status) return -1;
  const Json *root = document.root;
  if (root->type == JSON_OBJECT && root->count == vocab && !json_member(root, TOKENIZER_EOT))
    status = open_characters(t, root, vocab, err);
  json_free(&document);
  return status;
}

int vocabulary_open(Tokenizer **t, const char *path, int64_t vocab, Err *err) {
  *t = NULL;
  if (vocab <= CHARACTERS_MAX && file_exists(path) && read_characters(t, path, vocab, err))
    return -1;
  if (*t || vocab < TOKENIZER_VOCAB_MIN || vocab > TOKENIZER_VOCAB_MAX) return 0;
  return tokenizer_open(t, vocab, err);
}
