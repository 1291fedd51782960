#include "tests/token_files.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "data/characters.h"
#include "tests/check.h"
#include "tests/program.h"

static const char *folder;

void stop(const char *what) {
  printf("%s\n", what);
  exit(1);
}

void make_folders(const char *test, const char *const *folders, int count) {
  Err err;
  folder = program_folder(test);
  for (int i = 0; i < count; i++)
    if (folder_make(in_folder(folders[i]), &err)) stop(err.text);
}

/* The path of a test file; the last eight stay valid. "a,b" becomes "FOLDER/a,FOLDER/b". */
const char *in_folder(const char *names) {
  static char paths[8][OPTION_TEXT];
  static int next;
  char *path = paths[next++ % 8];
  size_t n = 0;
  for (const char *at = names;; at++) {
    size_t length = strcspn(at, ",");
    n += (size_t)snprintf(path + n, OPTION_TEXT - n, "%s/%.*s", folder, (int)length, at);
    at += length;
    if (*at == 0) return path;
    path[n++] = ',';
  }
}

/* Writes to the disk's cache: file_write would wait for the disk, hundreds of times. */
void put_bytes(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  int ok = file && fwrite(data, 1, size, file) == size;
  if (!file || fclose(file) != 0 || !ok) stop("a test file cannot be written");
}

/* Names that end in .gz are packed. */
void put(const char *name, const void *data, size_t size) {
  const char *path = in_folder(name);
  size_t n = strlen(name);
  if (n < 3 || strcmp(name + n - 3, ".gz") != 0) {
    put_bytes(path, data, size);
    return;
  }
  gzFile file = gzopen(path, "wb");
  int ok = file && (size == 0 || gzwrite(file, data, (unsigned)size) == (int)size);
  if (!ok || gzclose(file) != Z_OK) stop("a gzip file cannot be written");
}

void put_text(const char *name, const char *text) { put(name, text, strlen(text)); }

/* A shard of llm.c, or raw ids when magic is 0. */
void put_tokens(const char *name, uint32_t magic, uint32_t version, const uint16_t *ids,
                       size_t count) {
  size_t header = magic ? 1024 : 0;
  unsigned char *bytes = calloc(1, header + 2 * count + 1);
  uint32_t words[3] = {magic, version, (uint32_t)count};
  if (magic) memcpy(bytes, words, sizeof words);
  memcpy(bytes + header, ids, 2 * count);
  put(name, bytes, header + 2 * count);
  free(bytes);
}

/* ids: (count) first, first+1, ...: the id is the position in the stream. */
uint16_t *counting(size_t count, int first) {
  uint16_t *ids = malloc(count * sizeof *ids + 1);
  for (size_t i = 0; i < count; i++) ids[i] = (uint16_t)(first + (int)i);
  return ids;
}

void put_counting(const char *name, size_t count, int first) {
  uint16_t *ids = counting(count, first);
  put_tokens(name, MAGIC, 1, ids, count);
  free(ids);
}

DataOptions options(const char *data, const char *val, int order, int64_t seed) {
  DataOptions o = {.val_fraction = 0.1, .order = order, .data_seed = seed};
  snprintf(o.data, sizeof o.data, "%s", data);
  snprintf(o.val, sizeof o.val, "%s", val);
  return o;
}

Data *open_with(DataOptions o, int vocab, int B, int T) {
  Data *d;
  Err err;
  if (data_open(&d, &o, vocab, B, T, &err)) stop(err.text);
  return d;
}

/* Whether a text is a sentence that contains all the words, which end with NULL. */
static int says(const char *text, va_list words) {
  size_t n = strlen(text);
  if (n < 10 || text[n - 1] == '\n' || text[n - 1] == '.') return 0;
  for (const char *word = va_arg(words, const char *); word; word = va_arg(words, const char *))
    if (!strstr(text, word)) return 0;
  return 1;
}

/* Opening these options must fail with a sentence that contains all the words. */
void check_refused(DataOptions o, int vocab, int T, ...) {
  Data *d = NULL;
  Err err = {""};
  va_list words;
  va_start(words, T);
  int status = data_open(&d, &o, vocab, 1, T, &err);
  check(status == -1 && !d && says(err.text, words), "--data %s --val %s: %d, \"%s\"", o.data,
        o.val, status, err.text);
  va_end(words);
  data_close(d);
}

Tokenizer *characters_of(const char *text) {
  Characters c = {0};
  Tokenizer *t = NULL;
  Err err;
  if (characters_add(&c, "text", text, strlen(text), &err) || characters_tokenizer(&t, &c, &err))
    stop(err.text);
  characters_free(&c);
  return t;
}

int is_token(const Tokenizer *t, int id, const char *text) {
  int length;
  if (id >= tokenizer_vocab(t)) return 0;
  const unsigned char *bytes = tokenizer_bytes(t, id, &length);
  return (size_t)length == strlen(text) && memcmp(bytes, text, (size_t)length) == 0;
}
