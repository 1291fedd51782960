#include "data/tokenizer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/embedded.h"
#include "data/unicode.h"

enum {
  SHORT_PIECE = 64,    /* bytes; up to here a linear search for the next merge beats a heap */
  CACHED_PIECE = 15,   /* bytes; fits 16 together with its length, and holds most words */
  CACHE_BITS = 13,     /* 8192 pieces of 48 bytes: stays in a second-level cache */
  CHUNK = 1 << 18,     /* bytes of text that one thread encodes at a time */
};

#define NO_MERGE 0xFFFFu /* no id: the largest is 50256 */

struct Tokenizer {
  int vocab;
  uint16_t byte_id[256];
  uint32_t *start;      /* (vocab + 1): token id is bytes[start[id]] to bytes[start[id + 1] - 1] */
  unsigned char *bytes; /* of all tokens, end to end */
  uint64_t *merges;     /* hash table of (left << 16 | right) << 16 | id; 0 is an empty slot */
  uint32_t mask;        /* slots - 1 */
  uint32_t *characters; /* (vocab) code points by id; NULL for BPE */
  uint64_t *sorted;     /* (vocab) code point << 16 | id, ascending */
};

/* Pieces that were encoded before. Text repeats its words, so most pieces are found here. */
typedef struct {
  uint64_t key[2]; /* the piece padded with zeros; the last byte is its length */
  uint16_t count, ids[CACHED_PIECE];
} Cached;

/* ---- The vocabulary ---- */

/* The ids of merge k's two parts. */
static void merge_parts(int k, unsigned *left, unsigned *right) {
  const unsigned char *p = embedded_merges + 4 * (size_t)k;
  *left = p[0] | (unsigned)p[1] << 8;
  *right = p[2] | (unsigned)p[3] << 8;
  assert(*left < 256u + (unsigned)k && *right < 256u + (unsigned)k);
}

/* Ids 0..255: first the bytes that are visible characters in Latin-1, then the others. */
void tokenizer_byte_order(unsigned char order[256]) {
  int id = 0;
  for (int visible = 1; visible >= 0; visible--)
    for (int b = 0; b < 256; b++)
      if (visible == ((b > 32 && b < 127) || (b > 160 && b != 173)))
        order[id++] = (unsigned char)b;
}

/* A token's bytes are those of its two parts. */
static int spell_tokens(Tokenizer *t) {
  unsigned left, right;
  t->start = malloc(((size_t)t->vocab + 1) * sizeof *t->start);
  if (!t->start) return -1;
  for (int id = 0; id <= 256; id++) t->start[id] = (uint32_t)id;
  for (int id = 256; id < t->vocab - 1; id++) {
    merge_parts(id - 256, &left, &right);
    t->start[id + 1] = t->start[id] + (t->start[left + 1] - t->start[left]) +
                       (t->start[right + 1] - t->start[right]);
  }
  t->start[t->vocab] = t->start[t->vocab - 1];
  t->bytes = malloc(t->start[t->vocab]);
  if (!t->bytes) return -1;
  tokenizer_byte_order(t->bytes);
  for (int id = 0; id < 256; id++) t->byte_id[t->bytes[id]] = (uint16_t)id;
  for (int id = 256; id < t->vocab - 1; id++) {
    merge_parts(id - 256, &left, &right);
    uint32_t n = t->start[left + 1] - t->start[left];
    memcpy(t->bytes + t->start[id], t->bytes + t->start[left], n);
    memcpy(t->bytes + t->start[id] + n, t->bytes + t->start[right],
           t->start[right + 1] - t->start[right]);
  }
  return 0;
}

static uint32_t first_slot(const Tokenizer *t, uint32_t pair) {
  return (pair * 0x9E3779B1u >> 12) & t->mask;
}

static int index_merges(Tokenizer *t) {
  uint32_t count = (uint32_t)t->vocab - 257, slots = 1;
  while (slots < 2 * count + 1) slots *= 2;
  t->mask = slots - 1;
  t->merges = calloc(slots, sizeof *t->merges);
  if (!t->merges) return -1;
  for (uint32_t k = 0; k < count; k++) {
    unsigned left, right;
    merge_parts((int)k, &left, &right);
    uint32_t pair = left << 16 | right, i = first_slot(t, pair);
    while (t->merges[i]) i = (i + 1) & t->mask;
    t->merges[i] = (uint64_t)pair << 16 | (256 + k);
  }
  return 0;
}

/* The token that two adjacent tokens merge into, or NO_MERGE. Ids are ranks, lowest first. */
static unsigned merged(const Tokenizer *t, unsigned left, unsigned right) {
  uint32_t pair = left << 16 | right;
  for (uint32_t i = first_slot(t, pair);; i = (i + 1) & t->mask) {
    uint64_t slot = t->merges[i];
    if (slot == 0) return NO_MERGE;
    if (slot >> 16 == pair) return slot & 0xFFFF;
  }
}

int tokenizer_open(Tokenizer **out, int64_t vocab, Err *err) {
  *out = NULL;
  if (vocab < TOKENIZER_VOCAB_MIN || vocab > TOKENIZER_VOCAB_MAX)
    return fail(err,
                "vocabulary %lld: the tokenizer has %d (single bytes) to %d tokens (all of "
                "GPT-2's)",
                (long long)vocab, TOKENIZER_VOCAB_MIN, TOKENIZER_VOCAB_MAX);
  assert(embedded_merges_size == 4 * (TOKENIZER_VOCAB_MAX - 257));
  Tokenizer *t = calloc(1, sizeof *t);
  if (!t) return fail(err, "no memory for the tokenizer");
  t->vocab = (int)vocab;
  if (spell_tokens(t) || index_merges(t)) {
    tokenizer_close(t);
    return fail(err, "no memory for a vocabulary of %lld tokens", (long long)vocab);
  }
  *out = t;
  return 0;
}

void tokenizer_close(Tokenizer *t) {
  if (!t) return;
  free(t->start);
  free(t->bytes);
  free(t->merges);
  free(t->characters);
  free(t->sorted);
  free(t);
}

int tokenizer_vocab(const Tokenizer *t) { return t->vocab; }

int tokenizer_eot(const Tokenizer *t) { return t->characters ? -1 : t->vocab - 1; }

const uint32_t *tokenizer_characters(const Tokenizer *t) { return t->characters; }

void tokenizer_parts(int id, int *left, int *right) {
  unsigned first, second;
  merge_parts(id - 256, &first, &second);
  *left = (int)first;
  *right = (int)second;
}

const unsigned char *tokenizer_bytes(const Tokenizer *t, int id, int *length) {
  assert(0 <= id && id < t->vocab);
  *length = (int)(t->start[id + 1] - t->start[id]);
  return t->bytes + t->start[id];
}

/* ---- Characters ---- */

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static int list_characters(Tokenizer *t, const uint32_t *codes, Err *err) {
  size_t n = (size_t)t->vocab;
  t->characters = malloc(n * sizeof *t->characters);
  t->sorted = malloc(n * sizeof *t->sorted);
  t->start = malloc((n + 1) * sizeof *t->start);
  t->bytes = malloc(4 * n);
  if (!t->characters || !t->sorted || !t->start || !t->bytes)
    return fail(err, "no memory for a vocabulary of %zu characters", n);
  t->start[0] = 0;
  for (size_t id = 0; id < n; id++) {
    int length = unicode_encode(codes[id], (char *)t->bytes + t->start[id]);
    if (length == 0)
      return fail(err, "vocabulary: token %zu is U+%04X, which is no character", id, codes[id]);
    t->start[id + 1] = t->start[id] + (uint32_t)length;
    t->characters[id] = codes[id];
    t->sorted[id] = (uint64_t)codes[id] << 16 | id;
  }
  qsort(t->sorted, n, sizeof *t->sorted, by_number);
  for (size_t i = 1; i < n; i++)
    if (t->sorted[i] >> 16 == t->sorted[i - 1] >> 16)
      return fail(err, "vocabulary: the character U+%04X is listed twice",
                  (unsigned)(t->sorted[i] >> 16));
  return 0;
}

int tokenizer_open_characters(Tokenizer **out, const uint32_t *codes, int64_t count, Err *err) {
  *out = NULL;
  if (count < 1 || count > CHARACTERS_MAX)
    return fail(err, "a vocabulary of %lld characters: 1 to %d are possible", (long long)count,
                CHARACTERS_MAX);
  Tokenizer *t = calloc(1, sizeof *t);
  if (!t) return fail(err, "no memory for the tokenizer");
  t->vocab = (int)count;
  if (list_characters(t, codes, err)) {
    tokenizer_close(t);
    return -1;
  }
  *out = t;
  return 0;
}

/* The id of a character, or -1. */
static int character_id(const Tokenizer *t, uint32_t code) {
  int64_t low = 0, high = t->vocab;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (t->sorted[middle] >> 16 < code) low = middle + 1;
    else high = middle;
  }
  return low < t->vocab && t->sorted[low] >> 16 == code ? (int)(t->sorted[low] & 0xFFFF) : -1;
}

int tokenizer_start(const Tokenizer *t) {
  int newline = t->characters ? character_id(t, '\n') : -1;
  return !t->characters ? tokenizer_eot(t) : newline < 0 ? 0 : newline;
}

static int encode_characters(const Tokenizer *t, const char *text, size_t size, uint16_t *ids,
                             size_t *count, Err *err) {
  uint32_t code;
  *count = 0;
  for (size_t at = 0; at < size;) {
    int length = unicode_decode(text + at, size - at, &code);
    int id = code == UNICODE_BAD ? -1 : character_id(t, code);
    if (code == UNICODE_BAD)
      return fail(err, "byte 0x%02X is not UTF-8 text", (unsigned)(unsigned char)text[at]);
    if (id < 0)
      return fail(err, "the character \"%.*s\" (U+%04X) is not one of the %d in the vocabulary",
                  length, text + at, code, t->vocab);
    ids[(*count)++] = (uint16_t)id;
    at += (size_t)length;
  }
  return 0;
}

/* ---- Text to pieces: GPT-2's regular expression by hand ----

   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */

static UnicodeClass class_at(const char *text, size_t size, size_t *length) {
  uint32_t code;
  *length = (size_t)unicode_decode(text, size, &code);
  return unicode_class(code);
}

/* The length of 's 't 'm 'd 're 've 'll at the start of text, or 0. */
static size_t contraction(const char *text, size_t size) {
  if (size < 2 || text[0] != '\'') return 0;
  char a = text[1], b = size > 2 ? text[2] : 0;
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/* The length of the piece at the start of text (size >= 1). */
static size_t piece_length(const char *text, size_t size) {
  size_t length = contraction(text, size), begin = 0, last = 0;
  if (length) return length;
  UnicodeClass class = class_at(text, size, &length);
  if (text[0] == ' ' && size > 1) { /* one space belongs to the word after it */
    UnicodeClass next = class_at(text + 1, size - 1, &length);
    if (next != UNICODE_SPACE) {
      class = next;
      begin = 1;
    }
  }
  size_t end = begin;
  while (end < size && class_at(text + end, size - end, &length) == class) {
    last = end;
    end += length;
  }
  /* \s+(?!\S): of several white spaces before a word, the last belongs to the word. */
  return class == UNICODE_SPACE && end < size && last > 0 ? last : end;
}

/* Whether the character that ends before text[at] is white space. UTF-8 is self-synchronizing: if
   a whole character ends there, looking back from it finds the same one as reading forward. */
static int space_before(const char *text, size_t at) {
  size_t length;
  for (size_t back = 1; back <= 3 && back <= at; back++) /* no white space takes 4 bytes */
    if (class_at(text + at - back, back, &length) == UNICODE_SPACE && length == back) return 1;
  return 0;
}

size_t tokenizer_cut(const char *text, size_t size, size_t near) {
  size_t length;
  for (size_t at = near > 0 ? near : 1; at < size; at++)
    if (class_at(text + at, size - at, &length) == UNICODE_SPACE && !space_before(text, at))
      return at;
  return size;
}

/* ---- Pieces to ids: merges adjacent tokens, lowest rank first, then leftmost ---- */

/* ids: (n) on entry those of single bytes. Returns how many are left. O(n^2), for small n. */
static size_t merge_short(const Tokenizer *t, uint16_t *ids, size_t n) {
  uint16_t rank[SHORT_PIECE]; /* rank[i]: of the pair at i, i + 1 */
  for (size_t i = 0; i + 1 < n; i++) rank[i] = (uint16_t)merged(t, ids[i], ids[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; i++)
      if (rank[i] < rank[best]) best = i;
    if (rank[best] == NO_MERGE) break;
    ids[best] = rank[best];
    n--;
    memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
    memmove(rank + best, rank + best + 1, (n - best - 1) * sizeof *rank);
    if (best > 0) rank[best - 1] = (uint16_t)merged(t, ids[best - 1], ids[best]);
    if (best + 1 < n) rank[best] = (uint16_t)merged(t, ids[best], ids[best + 1]);
  }
  return n;
}

/* A long piece is a linked list of ids, and a heap of candidates rank << 48 | position. */
typedef struct {
  const Tokenizer *t;
  uint16_t *ids;
  size_t *next, *previous; /* (n); next is n at the end */
  uint64_t *heap;          /* (2 n): every merge takes one candidate and adds at most two */
  size_t n, heap_size;
} LongPiece;

static void heap_push(LongPiece *p, uint64_t candidate) {
  size_t i = p->heap_size++;
  for (; i > 0 && p->heap[(i - 1) / 2] > candidate; i = (i - 1) / 2)
    p->heap[i] = p->heap[(i - 1) / 2];
  p->heap[i] = candidate;
}

static uint64_t heap_pop(LongPiece *p) {
  uint64_t top = p->heap[0], moved = p->heap[--p->heap_size];
  size_t i = 0;
  for (size_t child = 1; child < p->heap_size; child = 2 * i + 1) {
    if (child + 1 < p->heap_size && p->heap[child + 1] < p->heap[child]) child++;
    if (p->heap[child] >= moved) break;
    p->heap[i] = p->heap[child];
    i = child;
  }
  p->heap[i] = moved;
  return top;
}

static unsigned pair_at(const LongPiece *p, size_t i) {
  return p->next[i] < p->n ? merged(p->t, p->ids[i], p->ids[p->next[i]]) : NO_MERGE;
}

static void consider(LongPiece *p, size_t i) {
  unsigned rank = pair_at(p, i);
  if (rank != NO_MERGE) heap_push(p, (uint64_t)rank << 48 | i);
}

static void merge_all(LongPiece *p) {
  for (size_t i = 0; i < p->n; i++) {
    p->next[i] = i + 1;
    p->previous[i] = i - 1;
  }
  for (size_t i = 0; i < p->n; i++) consider(p, i);
  while (p->heap_size > 0) {
    uint64_t candidate = heap_pop(p);
    size_t i = candidate & 0xFFFFFFFFFFFF;
    unsigned rank = (unsigned)(candidate >> 48);
    /* A candidate stays in the heap when a merge next to it changes its pair. */
    if (p->next[i] == 0 || pair_at(p, i) != rank) continue;
    size_t gone = p->next[i], after = p->next[gone];
    p->ids[i] = (uint16_t)rank;
    p->next[i] = after;
    p->next[gone] = 0; /* marks it as no longer in the list */
    if (after < p->n) p->previous[after] = i;
    consider(p, i);
    if (i > 0) consider(p, p->previous[i]);
  }
}

/* Like merge_short, in O(n log n). Returns 0 if there is no memory. */
static size_t merge_long(const Tokenizer *t, uint16_t *ids, size_t n) {
  LongPiece p = {.t = t, .ids = ids, .n = n};
  p.next = malloc(n * sizeof *p.next);
  p.previous = malloc(n * sizeof *p.previous);
  p.heap = malloc(2 * n * sizeof *p.heap);
  size_t count = 0;
  if (p.next && p.previous && p.heap) {
    merge_all(&p);
    for (size_t i = 0; i < n; i = p.next[i]) ids[count++] = ids[i];
  }
  free(p.next);
  free(p.previous);
  free(p.heap);
  return count;
}

static size_t merge_piece(const Tokenizer *t, const char *text, size_t n, uint16_t *ids) {
  for (size_t i = 0; i < n; i++) ids[i] = t->byte_id[(unsigned char)text[i]];
  return n <= SHORT_PIECE ? merge_short(t, ids, n) : merge_long(t, ids, n);
}

/* ---- Whole texts ---- */

static size_t encode_piece(const Tokenizer *t, Cached *cache, const char *text, size_t n,
                           uint16_t *ids) {
  if (n > CACHED_PIECE) return merge_piece(t, text, n, ids);
  unsigned char bytes[16] = {0};
  uint64_t key[2];
  memcpy(bytes, text, n);
  bytes[15] = (unsigned char)n;
  memcpy(key, bytes, sizeof key);
  uint64_t hash = (key[0] ^ key[1] * 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
  Cached *c = &cache[hash >> (64 - CACHE_BITS)];
  if (c->key[0] != key[0] || c->key[1] != key[1]) {
    memcpy(c->key, key, sizeof key);
    c->count = (uint16_t)merge_piece(t, text, n, c->ids);
  }
  memcpy(ids, c->ids, c->count * sizeof *ids);
  return c->count;
}

/* Returns 0, or -1 when there is no memory. */
static int encode_chunk(const Tokenizer *t, Cached *cache, const char *text, size_t size,
                        uint16_t *ids, size_t *count) {
  *count = 0;
  for (size_t at = 0; at < size;) {
    size_t length = piece_length(text + at, size - at);
    size_t added = encode_piece(t, cache, text + at, length, ids + *count);
    if (added == 0) return -1;
    *count += added;
    at += length;
  }
  return 0;
}

/* Encodes text[begin[c]] to text[begin[c + 1] - 1] into ids + begin[c], for every chunk c. */
static int encode_chunks(const Tokenizer *t, const char *text, const size_t *begin, size_t chunks,
                         uint16_t *ids, size_t *count) {
  int failed = 0;
#pragma omp parallel if (chunks > 1) reduction(| : failed)
  {
    Cached *cache = calloc((size_t)1 << CACHE_BITS, sizeof *cache);
    failed |= !cache;
#pragma omp for schedule(dynamic)
    for (size_t c = 0; c < chunks; c++)
      if (cache)
        failed |= encode_chunk(t, cache, text + begin[c], begin[c + 1] - begin[c],
                               ids + begin[c], &count[c]) != 0;
    free(cache);
  }
  return failed ? -1 : 0;
}

int tokenizer_encode(const Tokenizer *t, const char *text, size_t size, uint16_t *ids,
                     size_t *count, Err *err) {
  if (t->characters) return encode_characters(t, text, size, ids, count, err);
  size_t chunks = size / CHUNK + 1;
  size_t *begin = malloc((2 * chunks + 1) * sizeof *begin), *added = begin + chunks + 1;
  *count = 0;
  if (!begin) return fail(err, "no memory to encode a text of %zu bytes", size);
  begin[0] = 0;
  for (size_t c = 1; c < chunks; c++) {
    size_t near = c * CHUNK;
    begin[c] = tokenizer_cut(text, size, near > begin[c - 1] ? near : begin[c - 1]);
  }
  begin[chunks] = size;
  int status = encode_chunks(t, text, begin, chunks, ids, added);
  for (size_t c = 0; c < chunks && status == 0; c++) { /* close the gaps */
    memmove(ids + *count, ids + begin[c], added[c] * sizeof *ids);
    *count += added[c];
  }
  free(begin);
  return status ? fail(err, "no memory to encode a text of %zu bytes", size) : 0;
}
