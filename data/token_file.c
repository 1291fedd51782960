#include "data/token_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kind.h"
#include "data/paths.h"
#include "data/shards.h"

typedef struct {
  const char *path;
  const unsigned char *bytes;
  size_t size;
} Bytes;

static uint64_t number_at(const unsigned char *bytes, int width) {
  uint64_t n = 0;
  memcpy(&n, bytes, (size_t)width);
  return n;
}

/* ---- llm.c's shards ---- */

static int read_shard(TokenFile *f, const Bytes *b, uint64_t version, int width, Err *err) {
  if (b->size < SHARD_HEADER)
    return fail(err, "%s: ends within its header (%zu of %d bytes); fetch it again", b->path,
                b->size, SHARD_HEADER);
  uint64_t stored = number_at(b->bytes + 4, 4);
  if (stored != version)
    return fail(err, "%s: is a token shard of version %d; write it as version %d (uint%d)", b->path,
                (int)stored, (int)version, 8 * width);
  *f = (TokenFile){width, SHARD_HEADER, (int64_t)number_at(b->bytes + 8, 4)};
  int64_t want = SHARD_HEADER + width * f->count;
  if ((int64_t)b->size != want)
    return fail(err,
                "%s: the header says %lld tokens, which is %lld bytes, but the file has %zu; "
                "it is truncated or damaged: fetch it again",
                b->path, (long long)f->count, (long long)want, b->size);
  return f->count > 0 ? 0 : fail(err, "%s: the shard is empty (0 tokens); remove it", b->path);
}

/* ---- NumPy's .npy: a signature, a version, the length of a header, a Python dictionary ---- */

enum { NPY_LENGTH_AT = 8, NPY_HEADER_MOST = 4096 };

static const struct {
  const char *type;
  int width;
} npy_types[] = {{"'<u2'", 2}, {"'<u4'", 4}, {"'<i4'", 4}, {"'<u8'", 8}, {"'<i8'", 8}};

/* Copies the header to text, and sets f->first to the position after it. */
static int npy_header(TokenFile *f, const Bytes *b, char text[NPY_HEADER_MOST + 1], Err *err) {
  int width = b->size > 6 && b->bytes[6] == 1 ? 2 : 4; /* of the length, by the major version */
  size_t at = NPY_LENGTH_AT + (size_t)width;
  if (b->size < at) return fail(err, "%s: ends within its header; it is truncated", b->path);
  uint64_t length = number_at(b->bytes + NPY_LENGTH_AT, width);
  if (length > NPY_HEADER_MOST || length > b->size - at)
    return fail(err, "%s: a header of %llu bytes is not that of an array of ids, or the file is "
                "truncated", b->path, (unsigned long long)length);
  memcpy(text, b->bytes + at, (size_t)length);
  text[length] = 0;
  f->first = at + (size_t)length;
  return 0;
}

/* The text after a key of the dictionary, or an empty text. */
static const char *npy_value(const char *text, const char *key) {
  const char *at = strstr(text, key);
  if (!at) return "";
  at += strlen(key);
  return at + strspn(at, " :");
}

static int read_npy(TokenFile *f, const Bytes *b, Err *err) {
  char text[NPY_HEADER_MOST + 1], *end;
  if (npy_header(f, b, text, err)) return -1;
  const char *type = npy_value(text, "'descr'"), *shape = npy_value(text, "'shape'");
  for (size_t i = 0; i < sizeof npy_types / sizeof *npy_types; i++)
    if (strncmp(type, npy_types[i].type, strlen(npy_types[i].type)) == 0)
      f->width = npy_types[i].width;
  if (f->width == 0)
    return fail(err,
                "%s: an array of %.*s; token ids are uint16, int32, uint32, int64 or uint64, "
                "little-endian: save it with .astype('<u2')",
                b->path, (int)strcspn(type, ","), type);
  f->count = *shape == '(' ? strtoll(shape + 1, &end, 10) : 0;
  if (f->count <= 0 || strncmp(end, ",)", 2) != 0 ||
      strncmp(npy_value(text, "'fortran_order'"), "False", 5) != 0)
    return fail(err, "%s: an array of shape %.*s; one row of ids is needed: save it with .ravel()",
                b->path, (int)strcspn(shape, ")") + 1, shape);
  if (f->count > (int64_t)((b->size - f->first) / (size_t)f->width) ||
      b->size - f->first != (size_t)f->count * (size_t)f->width)
    return fail(err,
                "%s: the header says %lld ids of %d bytes, but %zu bytes follow; it is truncated "
                "or damaged",
                b->path, (long long)f->count, f->width, b->size - f->first);
  return 0;
}

/* ---- raw ids ---- */

/* Whether numbers of this width are ids: their part above 16 bits is at most 15 everywhere, and for
   at least a quarter of them less than the lower part. Of uint16 ids, of which two or four make
   such a number, the first holds only when all ids are below 16, and then the second does not. */
static int are_ids(const Bytes *b, int width) {
  enum { LOOKED_AT = 1 << 16, LEAST = 8 };
  size_t count = (b->size < LOOKED_AT ? b->size : LOOKED_AT) / (size_t)width, above = 0;
  uint64_t upper = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t here = number_at(b->bytes + i * (size_t)width, width) >> 16;
    if (here > upper) upper = here;
  }
  for (size_t i = 0; i < count; i++)
    above += number_at(b->bytes + i * (size_t)width, 2) > upper;
  return count >= LEAST && upper < 16 && 4 * above >= count;
}

static int read_raw(TokenFile *f, const Bytes *b, Err *err) {
  int width = are_ids(b, 8) ? 8 : are_ids(b, 4) ? 4 : 2;
  if (b->size % (size_t)width)
    return fail(err,
                "%s: %zu bytes cannot be tokens of uint%d, which take %d each; it is truncated, or "
                "is text to be named .txt",
                b->path, b->size, 8 * width, width);
  *f = (TokenFile){width, 0, (int64_t)(b->size / (size_t)width)};
  return 0;
}

/* ---- everything ---- */

static int wrong_kind(const char *path, const FileKind *is, Err *err) {
  return fail(err, "%s: is %s, not text or token ids; %s", path, is->name,
              is->advice ? is->advice : "give a text (.txt), or token ids (.bin or .npy)");
}

int token_file_check_text(const char *path, const void *bytes, size_t size, Err *err) {
  FileKind is = kind_of(bytes, size);
  if (is.kind != KIND_UNKNOWN && is.kind != KIND_TEXT) return wrong_kind(path, &is, err);
  if (!memchr(bytes, 0, size)) return 0;
  return fail(err, "%s: contains zero bytes, so it is not text; name a file of tokens .bin", path);
}

int token_file_read(TokenFile *f, const char *path, const void *bytes, size_t size, Err *err) {
  const Bytes b = {path, bytes, size};
  FileKind is = kind_of(bytes, size);
  *f = (TokenFile){0};
  switch (is.kind) {
    case KIND_LLMC_TOKENS16: return read_shard(f, &b, SHARD_VERSION16, 2, err);
    case KIND_LLMC_TOKENS32: return read_shard(f, &b, SHARD_VERSION32, 4, err);
    case KIND_NPY: return read_npy(f, &b, err);
    default: break;
  }
  if (!path_of_tokens(path)) return token_file_check_text(path, bytes, size, err);
  if (is.kind == KIND_UNKNOWN) return read_raw(f, &b, err);
  if (is.kind != KIND_TEXT) return wrong_kind(path, &is, err);
  return fail(err, "%s: is %s, not token ids; name it .txt", path, is.name);
}
