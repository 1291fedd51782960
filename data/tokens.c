#include "data/tokens.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "core/map.h"
#include "core/text.h"
#include "data/meta.h"
#include "data/paths.h"
#include "data/separator.h"
#include "data/token_file.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "token files are little-endian and used without conversion"
#endif

enum {
  CHECKED_AT_OPEN = 1 << 26, /* tokens of a mapped file */
  FINGERPRINT_ALL = 1 << 25, /* tokens; of larger segments only the two ends are read */
  FINGERPRINT_END = 1 << 19, /* tokens */
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
                "a pattern in quotes, or the built-in \"austen\" or \"shakespeare\"",
                path);
  if (map_open(&map, path, err)) return -1;
  *b = (Block){(char *)map.bytes, map.size, map.size};
  return 0;
}

static int load_file(Block *b, const char *path, Err *err) {
  if (map_file(b, path, err)) return -1;
  if (!text_ends(path, ".gz")) return 0;
  int gzip = b->size >= 2 && memcmp(b->bytes, "\x1f\x8b", 2) == 0;
  block_release(b);
  if (!gzip) /* zlib would return it unchanged */
    return fail(err, "%s: is not gzip data; rename it without .gz, or fetch it again", path);
  if (file_read(path, &b->bytes, &b->size, err)) return -1;
  if (b->size > 0) return 0;
  block_release(b);
  return fail(err, "%s: the gzip file is empty; remove it or fill it", path);
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

/* out (n) = ids at..at+n-1 of a segment. Returns the largest; out has its
   lower 32 bits. */
static uint64_t get_ids(const Segment *s, int64_t at, int64_t n, int32_t *out) {
  uint64_t largest = 0;
  for (int64_t i = 0; i < n; i++) {
    uint64_t id = segment_id(s, at + i);
    out[i] = (int32_t)id;
    if (id > largest) largest = id;
  }
  return largest;
}

static uint64_t largest_id(const Segment *s, int64_t at, int64_t n) {
  enum { CHUNK = 4096 };
  int32_t ids[CHUNK];
  uint64_t largest = 0;
  for (int64_t done = 0; done < n; done += CHUNK) {
    uint64_t here = get_ids(s, at + done, n - done < CHUNK ? n - done : CHUNK, ids);
    if (here > largest) largest = here;
  }
  return largest;
}

/* `largest` is the largest of the ids from `at`; the message names the first beyond the vocabulary.
   */
static int beyond_vocabulary(const Tokens *t, const Segment *s, int64_t at, uint64_t largest,
                             Err *err) {
  char advice[128];
  while (segment_id(s, at) < (uint64_t)t->vocab) at++;
  uint64_t id = segment_id(s, at);
  long long shown = s->width == 4 ? (int32_t)id : (long long)id;
  if (shown < 0) snprintf(advice, sizeof advice, "an id is 0 or more; write the file again");
  else if (largest >= TOKENS_VOCAB_MAX)
    snprintf(advice, sizeof advice, "a vocabulary can have %d at most; tokenize the text again",
             TOKENS_VOCAB_MAX);
  else snprintf(advice, sizeof advice, "use --vocab %llu or more", (unsigned long long)largest + 1);
  return fail(err, "%s: holds token id %lld at position %lld; the vocabulary has %lld tokens: %s",
              s->name, shown, (long long)(s->start + at), (long long)t->vocab, advice);
}

static int check_ids(const Tokens *t, const Segment *s, int64_t at, int64_t n, Err *err) {
  uint64_t largest = largest_id(s, at, n);
  return largest < (uint64_t)t->vocab ? 0 : beyond_vocabulary(t, s, at, largest, err);
}

/* Takes ownership of the block, also on error. */
static int add_tokens(Tokens *t, Block *b, const TokenFile *f, const char *path, Err *err) {
  Segment s = {.ids = (unsigned char *)b->bytes + f->first, .width = f->width, .count = f->count,
               .memory = b->bytes, .mapped = b->mapped};
  if (add_segment(t, s, path, err)) {
    block_release(b);
    return -1;
  }
  int64_t checked = b->mapped && s.count > CHECKED_AT_OPEN ? CHECKED_AT_OPEN : s.count;
  return check_ids(t, &t->segments[t->count - 1], 0, checked, err);
}

/* Documents that are joined to one segment. */
typedef struct {
  uint16_t *ids;
  size_t count, room;
} Stream;

static int stream_grow(Stream *s, size_t need, const char *name, Err *err) {
  if (need <= s->room) return 0;
  s->room = need > s->room + s->room / 2 ? need : s->room + s->room / 2;
  uint16_t *more = realloc(s->ids, s->room * sizeof *more);
  if (!more) return fail(err, "%s: no memory for %zu tokens", name, s->room);
  s->ids = more;
  return 0;
}

/* Appends the documents of a text, except empty ones. A separator is longer than its token. */
static int stream_append(Stream *s, Tokens *t, const TextRules *rules, const char *name,
                         const char *text, size_t size, Err *err) {
  size_t added, stop, next;
  Err why;
  if (!rules)
    return fail(err, "%s: is text, for which --vocab must be from %d to %d", name,
                TOKENIZER_VOCAB_MIN, TOKENIZER_VOCAB_MAX);
  if (stream_grow(s, s->count + 1 + size, name, err)) return -1;
  t->texts++;
  t->spells_eot |= separator_missing(rules->separator, text, size);
  for (size_t at = 0; at < size; at = next) {
    stop = separator_find(rules->separator, text, size, at, '\n', &next);
    t->separators += stop < size;
    if (stop == at) continue;
    int eot = tokenizer_eot(rules->tokenizer);
    if (s->count > 0 && eot >= 0) s->ids[s->count++] = (uint16_t)eot;
    if (tokenizer_encode(rules->tokenizer, text + at, stop - at, s->ids + s->count, &added, &why))
      return fail(err, "%s: %s%s", name, why.text,
                  eot < 0 ? "; use --tokenizer bytes, or remove it" : "");
    s->count += added;
  }
  return 0;
}

/* Turns the stream into a segment of t, or releases it when `status` is an error. */
static int stream_finish(Stream *s, Tokens *t, const char *name, int status, Err *err) {
  if (status == 0 && t->texts > 0 && s->count == 0)
    status = fail(err, "%s: there is nothing between the separators", name);
  if (status == 0 && s->count > 0) {
    uint16_t *fitted = realloc(s->ids, s->count * sizeof *fitted);
    if (fitted) s->ids = fitted;
    Segment segment = {.ids = (unsigned char *)s->ids, .width = sizeof *s->ids,
                       .count = (int64_t)s->count, .memory = s->ids};
    status = add_segment(t, segment, name, err);
    if (status == 0) return 0;
  }
  free(s->ids);
  return status;
}

static int add_file(Tokens *t, Stream *texts, const char *path, const char *first,
                    const TextRules *rules, Err *err) {
  Block b = {0};
  TokenFile f;
  if (load_file(&b, path, err)) return -1;
  int status = token_file_read(&f, path, b.bytes, b.size, err), is_text = f.width == 0;
  if (status == 0 && (is_text ? t->count > 0 : t->texts > 0))
    status = fail(err, "%s and %s: text and token files cannot be mixed; use only one of them",
                  first, path);
  if (status == 0 && !is_text) return add_tokens(t, &b, &f, path, err);
  if (status == 0) status = stream_append(texts, t, rules, path, b.bytes, b.size, err);
  block_release(&b);
  return status;
}

int tokens_open(Tokens *t, const char *paths, const TextRules *rules, int64_t vocab, Err *err) {
  PathList list = {0};
  Stream texts = {0};
  *t = (Tokens){.vocab = vocab};
  int status = paths_list(&list, paths, err);
  for (int64_t i = 0; i < list.count && status == 0; i++)
    status = add_file(t, &texts, list.path[i], list.path[0], rules, err);
  status = stream_finish(&texts, t, paths, status, err);
  paths_free(&list);
  if (status) tokens_close(t);
  return status;
}

/* Adds the characters of a text; *token_file becomes 1 if it is a file of tokens. */
static int add_characters(Characters *c, const char *path, int *token_file, Err *err) {
  Block b = {0};
  TokenFile f;
  if (load_file(&b, path, err)) return -1;
  int status = token_file_read(&f, path, b.bytes, b.size, err);
  *token_file = status == 0 && f.width > 0;
  if (status == 0 && f.width == 0) status = characters_add(c, path, b.bytes, b.size, err);
  block_release(&b);
  return status;
}

int tokens_characters(Characters *c, const char *paths, Err *err) {
  PathList list = {0};
  int status = paths_list(&list, paths, err), token_file = 0;
  for (int64_t i = 0; i < list.count && status == 0 && !token_file; i++)
    status = add_characters(c, list.path[i], &token_file, err);
  if (token_file)
    status = fail(err,
                  "%s: holds token ids, and no " META_FILE " beside it names their characters; "
                  "use --tokenizer gpt2",
                  list.path[0]);
  paths_free(&list);
  return status;
}

int tokens_from_text(Tokens *t, const char *name, const char *const *documents,
                     const size_t *sizes, int64_t count, const TextRules *rules, Err *err) {
  Stream texts = {0};
  int status = 0;
  *t = (Tokens){.vocab = rules ? tokenizer_vocab(rules->tokenizer) : 0};
  for (int64_t i = 0; i < count && status == 0; i++)
    status = stream_append(&texts, t, rules, name, documents[i], sizes[i], err);
  return stream_finish(&texts, t, name, status, err);
}

static void segment_release(Segment *s) {
  Block b = {s->memory, 0, s->mapped};
  block_release(&b);
  free(s->name);
}

int64_t tokens_bytes(const Tokens *t) {
  int64_t bytes = 0;
  for (int64_t i = 0; i < t->count; i++) {
    const Segment *s = &t->segments[i];
    if (s->memory && !s->mapped) bytes += s->count * s->width;
  }
  return bytes;
}

int64_t tokens_leave_out(Tokens *t, int64_t least) {
  int64_t kept = 0, all = t->count;
  for (int64_t i = 0; i < all; i++) {
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
  for (int64_t i = 0; i < t->count; i++) segment_release(&t->segments[i]);
  free(t->segments);
  *t = (Tokens){0};
}

int tokens_split(Tokens *t, int64_t n, Tokens *tail, Err *err) {
  assert(0 <= n && n <= t->total);
  int64_t first = 0, keep = t->total - n; /* of segment `first`; those after it move as a whole */
  while (first < t->count && keep >= t->segments[first].count) keep -= t->segments[first++].count;
  size_t moved = (size_t)(t->count - first);
  const char *name = keep > 0 ? t->segments[first].name : "";
  char *copy = malloc(strlen(name) + 1);
  *tail = (Tokens){.vocab = t->vocab, .total = n, .count = (int64_t)moved};
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
  *s = (Segment){.name = strcpy(copy, name), .ids = s->ids + keep * s->width, .width = s->width,
                 .count = s->count - keep, .start = s->start + keep};
  return 0;
}

int tokens_copy(const Tokens *t, int64_t segment, int64_t at, int64_t n, int32_t *out, Err *err) {
  const Segment *s = &t->segments[segment];
  assert(0 <= at && n >= 0 && at + n <= s->count);
  uint64_t largest = get_ids(s, at, n, out);
  return largest < (uint64_t)t->vocab ? 0 : beyond_vocabulary(t, s, at, largest, err);
}

static uint32_t sum_ids(uint32_t crc, const Segment *s, int64_t at, int64_t n) {
  enum { CHUNK = 4096 };
  uint16_t ids[CHUNK];
  while (n > 0) {
    int64_t here = n < CHUNK ? n : CHUNK;
    for (int64_t i = 0; i < here; i++) ids[i] = (uint16_t)segment_id(s, at + i);
    crc = (uint32_t)crc32_z(crc, (const unsigned char *)ids, (size_t)here * sizeof *ids);
    at += here;
    n -= here;
  }
  return crc;
}

uint32_t tokens_fingerprint(const Tokens *t, uint32_t crc) {
  for (int64_t i = 0; i < t->count; i++) {
    const Segment *s = &t->segments[i];
    crc = (uint32_t)crc32_z(crc, (const unsigned char *)&s->count, sizeof s->count);
    if (s->count <= FINGERPRINT_ALL) {
      crc = sum_ids(crc, s, 0, s->count);
    } else {
      crc = sum_ids(crc, s, 0, FINGERPRINT_END);
      crc = sum_ids(crc, s, s->count - FINGERPRINT_END, FINGERPRINT_END);
    }
  }
  return crc;
}
