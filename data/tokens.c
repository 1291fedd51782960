#include "data/tokens.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "core/map.h"
#include "data/paths.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "token files are little-endian and used as they stand"
#endif

enum {
  SHARD_MAGIC = 20240520,
  SHARD_HEADER = 1024,       /* bytes */
  CHECKED_AT_OPEN = 1 << 26, /* tokens of a mapped file */
  FINGERPRINT_ALL = 1 << 26, /* bytes; of larger segments only the two ends are read */
  FINGERPRINT_END = 1 << 20, /* bytes */
};

/* ---- The bytes of one file ---- */

typedef struct {
  char *bytes;
  size_t size, mapped; /* mapped: as in Segment */
} Block;

static void block_release(Block *b) {
  if (b->mapped) map_close(&(Map){(unsigned char *)b->bytes, b->mapped});
  else free(b->bytes);
  *b = (Block){0};
}

static int map_file(Block *b, const char *path, Err *err) {
  Map map;
  if (!file_taken(path))
    return fail(err,
                "%s: there is no such file; give a file, several with commas, a folder, "
                "a pattern in quotes, or \"austen\" for the built-in novels",
                path);
  if (map_open(&map, path, err)) return -1;
  *b = (Block){(char *)map.bytes, map.size, map.size};
  return 0;
}

static int load_file(Block *b, const char *path, Err *err) {
  if (map_file(b, path, err)) return -1;
  if (!path_ends(path, ".gz")) return 0;
  int gzip = b->size >= 2 && memcmp(b->bytes, "\x1f\x8b", 2) == 0;
  block_release(b);
  if (!gzip) /* zlib would hand it out as it is */
    return fail(err, "%s: is not gzip data; rename it without .gz, or fetch it again", path);
  if (file_read(path, &b->bytes, &b->size, err)) return -1;
  if (b->size > 0) return 0;
  block_release(b);
  return fail(err, "%s: nothing is packed in this file; remove it or fill it", path);
}

/* ---- What a file holds ---- */

typedef enum { KIND_TEXT, KIND_SHARD, KIND_RAW } Kind;

static uint32_t header_word(const Block *b, int index) {
  uint32_t word;
  memcpy(&word, b->bytes + 4 * index, sizeof word);
  return word;
}

/* Files of the same family that are given by mistake. Their magic numbers cannot begin a raw token
   file: read as ids, they lie above GPT-2's vocabulary. */
static const struct {
  uint32_t magic;
  const char *what;
} strangers[] = {
    {20240326, "a model checkpoint of llm.c"},
    {20240327, "a debug state of llm.c"},
    {20240328, "a tokenizer of llm.c"},
    {20240522, "an evaluation set of llm.c (multiple choice)"},
    {20240527, "an optimizer state of llm.c"},
    {20240801, "a shard of LLaMA-3 tokens (uint32)"},
};

static int find_kind(Kind *kind, const Block *b, const char *path, Err *err) {
  uint32_t magic = b->size >= 4 ? header_word(b, 0) : 0;
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
    if (magic == strangers[i].magic)
      return fail(err, "%s: is %s, not data for GPT-2; give text or uint16 tokens (magic %d)",
                  path, strangers[i].what, SHARD_MAGIC);
  *kind = magic == SHARD_MAGIC ? KIND_SHARD : path_of_tokens(path) ? KIND_RAW : KIND_TEXT;
  if (*kind == KIND_TEXT && memchr(b->bytes, 0, b->size))
    return fail(err, "%s: holds zero bytes, so it is not text; name a file of tokens .bin", path);
  return 0;
}

static int check_shard(const Block *b, const char *path, int64_t *count, Err *err) {
  if (b->size < SHARD_HEADER)
    return fail(err, "%s: ends within its header (%zu of %d bytes); fetch it again", path, b->size,
                SHARD_HEADER);
  if (header_word(b, 1) != 1)
    return fail(err, "%s: is a token shard of version %d; write it as version 1 (uint16)", path,
                (int)header_word(b, 1));
  *count = header_word(b, 2);
  int64_t want = SHARD_HEADER + 2 * *count;
  if ((int64_t)b->size != want)
    return fail(err,
                "%s: the header says %lld tokens, which is %lld bytes, but the file has %zu; "
                "it is truncated or damaged: fetch it again",
                path, (long long)*count, (long long)want, b->size);
  return *count > 0 ? 0 : fail(err, "%s: the shard is empty (0 tokens); remove it", path);
}

static int check_raw(const Block *b, const char *path, int64_t *count, Err *err) {
  if (b->size % 2)
    return fail(err,
                "%s: an odd size (%zu bytes) cannot be uint16 tokens; it is truncated, or is text "
                "to be named .txt",
                path, b->size);
  *count = (int64_t)(b->size / 2);
  return 0;
}

/* ---- The store ---- */

static int add_segment(Tokens *t, Segment segment, const char *name, Err *err) {
  Segment *more = realloc(t->segments, (size_t)(t->count + 1) * sizeof *more);
  if (more) t->segments = more;
  segment.name = malloc(strlen(name) + 1);
  if (!more || !segment.name) {
    free(segment.name);
    return fail(err, "%s: no memory to open this many files", name);
  }
  strcpy(segment.name, name);
  t->segments[t->count++] = segment;
  t->total += segment.count;
  return 0;
}

static int check_ids(const Tokens *t, const Segment *s, int64_t at, int64_t n, Err *err) {
  unsigned largest = 0;
  for (int64_t i = at; i < at + n; i++)
    if (s->ids[i] > largest) largest = s->ids[i];
  if (largest < (unsigned)t->vocab) return 0;
  while (s->ids[at] < t->vocab) at++;
  int id = s->ids[at];
  return fail(err,
              "%s: holds token id %d at position %lld; the vocabulary has %d tokens: "
              "use --vocab %d",
              s->name, id, (long long)(s->start + at), t->vocab,
              id < TOKENIZER_VOCAB_MAX ? TOKENIZER_VOCAB_MAX : 65536);
}

/* Takes the block over, also when it fails. */
static int add_tokens(Tokens *t, Block *b, Kind kind, const char *path, Err *err) {
  Segment s = {.memory = b->bytes, .mapped = b->mapped};
  int status = kind == KIND_SHARD ? check_shard(b, path, &s.count, err)
                                  : check_raw(b, path, &s.count, err);
  s.ids = (const uint16_t *)(b->bytes + (kind == KIND_SHARD ? SHARD_HEADER : 0));
  if (status == 0) status = add_segment(t, s, path, err);
  if (status) {
    block_release(b);
    return -1;
  }
  int64_t checked = b->mapped && s.count > CHECKED_AT_OPEN ? CHECKED_AT_OPEN : s.count;
  return check_ids(t, &t->segments[t->count - 1], 0, checked, err);
}

/* Documents that become one segment. */
typedef struct {
  uint16_t *ids;
  size_t count, room;
} Stream;

static int stream_append(Stream *s, const Tokenizer *tokenizer, const char *name, const char *text,
                         size_t size, Err *err) {
  size_t need = s->count + 1 + size, added;
  if (!tokenizer)
    return fail(err, "%s: is text, for which --vocab must be from %d to %d", name,
                TOKENIZER_VOCAB_MIN, TOKENIZER_VOCAB_MAX);
  if (need > s->room) {
    s->room = need > s->room + s->room / 2 ? need : s->room + s->room / 2;
    uint16_t *more = realloc(s->ids, s->room * sizeof *more);
    if (!more) return fail(err, "%s: no memory for %zu tokens", name, s->room);
    s->ids = more;
  }
  if (s->count > 0) s->ids[s->count++] = (uint16_t)tokenizer_eot(tokenizer);
  if (tokenizer_encode(tokenizer, text, size, s->ids + s->count, &added, err)) return -1;
  s->count += added;
  return 0;
}

/* Turns the stream into a segment of t, or releases it when `status` is an error. */
static int stream_finish(Stream *s, Tokens *t, const char *name, int status, Err *err) {
  if (status == 0 && s->count > 0) {
    uint16_t *fitted = realloc(s->ids, s->count * sizeof *fitted);
    if (fitted) s->ids = fitted;
    Segment segment = {.ids = s->ids, .count = (int64_t)s->count, .memory = s->ids};
    status = add_segment(t, segment, name, err);
    if (status == 0) return 0;
  }
  free(s->ids);
  return status;
}

static int add_file(Tokens *t, Stream *texts, const char *path, const char *first,
                    const Tokenizer *tokenizer, Err *err) {
  Block b = {0};
  Kind kind = KIND_TEXT;
  if (load_file(&b, path, err)) return -1;
  int status = find_kind(&kind, &b, path, err);
  if (status == 0 && (kind == KIND_TEXT ? t->count > 0 : texts->count > 0))
    status = fail(err, "%s and %s: text and token files cannot be mixed; give one kind only",
                  first, path);
  if (status == 0 && kind != KIND_TEXT) return add_tokens(t, &b, kind, path, err);
  if (status == 0) status = stream_append(texts, tokenizer, path, b.bytes, b.size, err);
  block_release(&b);
  return status;
}

int tokens_open(Tokens *t, const char *paths, const Tokenizer *tokenizer, int vocab, Err *err) {
  PathList list = {0};
  Stream texts = {0};
  *t = (Tokens){.vocab = vocab};
  int status = paths_list(&list, paths, err);
  for (int i = 0; i < list.count && status == 0; i++)
    status = add_file(t, &texts, list.path[i], list.path[0], tokenizer, err);
  status = stream_finish(&texts, t, paths, status, err);
  paths_free(&list);
  if (status) tokens_close(t);
  return status;
}

int tokens_from_text(Tokens *t, const char *name, const char *const *documents,
                     const size_t *sizes, int count, const Tokenizer *tokenizer, Err *err) {
  Stream texts = {0};
  int status = 0;
  *t = (Tokens){.vocab = tokenizer ? tokenizer_vocab(tokenizer) : 0};
  for (int i = 0; i < count && status == 0; i++)
    status = stream_append(&texts, tokenizer, name, documents[i], sizes[i], err);
  return stream_finish(&texts, t, name, status, err);
}

static void segment_release(Segment *s) {
  Block b = {s->memory, 0, s->mapped};
  block_release(&b);
  free(s->name);
}

int tokens_leave_out(Tokens *t, int64_t least) {
  int kept = 0, all = t->count;
  for (int i = 0; i < all; i++) {
    Segment *s = &t->segments[i];
    if (s->count >= least) {
      t->segments[kept++] = *s;
      continue;
    }
    t->total -= s->count;
    segment_release(s);
  }
  t->count = kept;
  return all - kept;
}

void tokens_close(Tokens *t) {
  for (int i = 0; i < t->count; i++) segment_release(&t->segments[i]);
  free(t->segments);
  *t = (Tokens){0};
}

int tokens_split(Tokens *t, int64_t n, Tokens *tail, Err *err) {
  assert(0 <= n && n <= t->total);
  int first = 0;
  int64_t keep = t->total - n; /* of segment `first`; the segments behind it move as a whole */
  while (first < t->count && keep >= t->segments[first].count) keep -= t->segments[first++].count;
  size_t moved = (size_t)(t->count - first);
  const char *name = keep > 0 ? t->segments[first].name : "";
  char *copy = malloc(strlen(name) + 1);
  *tail = (Tokens){.vocab = t->vocab, .total = n, .count = (int)moved};
  tail->segments = malloc((moved + 1) * sizeof *tail->segments);
  if (!tail->segments || !copy) {
    free(tail->segments);
    free(copy);
    *tail = (Tokens){0};
    return fail(err, "no memory to split the data into training and validation");
  }
  memcpy(tail->segments, t->segments + first, moved * sizeof *tail->segments);
  t->count = first;
  t->total -= n;
  if (keep == 0) {
    free(copy);
    return 0;
  }
  t->segments[t->count++].count = keep;
  Segment *s = tail->segments;
  *s = (Segment){.name = strcpy(copy, name), .ids = s->ids + keep, .count = s->count - keep,
                 .start = s->start + keep};
  return 0;
}

int tokens_copy(const Tokens *t, int segment, int64_t at, int64_t n, int32_t *out, Err *err) {
  const Segment *s = &t->segments[segment];
  assert(0 <= at && n >= 0 && at + n <= s->count);
  if (check_ids(t, s, at, n, err)) return -1;
  for (int64_t i = 0; i < n; i++) out[i] = s->ids[at + i];
  return 0;
}

uint32_t tokens_fingerprint(const Tokens *t, uint32_t crc) {
  for (int i = 0; i < t->count; i++) {
    const Segment *s = &t->segments[i];
    const unsigned char *bytes = (const unsigned char *)s->ids;
    size_t size = (size_t)s->count * sizeof *s->ids;
    crc = (uint32_t)crc32_z(crc, (const unsigned char *)&s->count, sizeof s->count);
    if (size <= FINGERPRINT_ALL) {
      crc = (uint32_t)crc32_z(crc, bytes, size);
    } else {
      crc = (uint32_t)crc32_z(crc, bytes, FINGERPRINT_END);
      crc = (uint32_t)crc32_z(crc, bytes + size - FINGERPRINT_END, FINGERPRINT_END);
    }
  }
  return crc;
}
