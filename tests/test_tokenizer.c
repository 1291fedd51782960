/* The tokenizer against three independent references: recorded results of other implementations,
   the published checksums of GPT-2's own vocabulary files, and a slow BPE written differently.
   Tests: data/tokenizer data/unicode */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/file.h"
#include "core/random.h"
#include "data/embedded.h"
#include "data/tokenizer.h"
#include "data/unicode.h"
#include "tests/check.h"

/* kind TAB hex of the text TAB ids. gpt-tokenizer, gpt-3-encoder and js-tiktoken agree on every
   line; the texts of kind "plan" come from gpt-tokenizer's tests (MIT licence). */
#define VECTORS "tests/fixtures/tokenizer_vectors.tsv.gz"

static Tokenizer *open_tokenizer(int vocab) {
  Tokenizer *t;
  Err err;
  if (tokenizer_open(&t, vocab, &err)) {
    printf("%s\n", err.text);
    exit(1);
  }
  return t;
}

/* Fresh memory with exactly `size` places, so that a sanitizer sees one id too many. */
static uint16_t *encode(const Tokenizer *t, const char *text, size_t size, size_t *count) {
  Err err;
  uint16_t *ids = malloc(size * sizeof *ids + !size);
  if (!ids || tokenizer_encode(t, text, size, ids, count, &err)) {
    printf("%s\n", ids ? err.text : "no memory");
    exit(1);
  }
  return ids;
}

static int decodes_to(const Tokenizer *t, const uint16_t *ids, size_t count, const char *text,
                      size_t size) {
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    int length;
    const unsigned char *bytes = tokenizer_bytes(t, ids[i], &length);
    if ((size_t)length > size - at || memcmp(bytes, text + at, (size_t)length) != 0) return 0;
    at += (size_t)length;
  }
  return at == size;
}

/* ---- SHA-256 (FIPS 180-4) ---- */

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_block(uint32_t h[8], const unsigned char *p, const uint32_t k[64]) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 |
           p[4 * i + 3];
  for (int i = 16; i < 64; i++)
    w[i] = w[i - 16] + w[i - 7] +
           (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
           (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
  memcpy(s, h, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = s[4], a = s[0];
    uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                  ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
    uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                  ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += s[i];
}

/* The first 32 bits of the fraction of a root of a prime, by integer bisection: the constants of
   SHA-256 are square roots (power 2) and cube roots (power 3). */
static uint32_t root_fraction(uint64_t prime, int power) {
  unsigned __int128 low = 0, high = (unsigned __int128)1 << 40;
  while (high - low > 1) { /* low^power <= prime * 2^(32 power) < high^power */
    unsigned __int128 m = (low + high) / 2, p = power == 2 ? m * m : m * m * m;
    if (p <= (unsigned __int128)prime << (32 * power))
      low = m;
    else
      high = m;
  }
  return (uint32_t)low;
}

static void sha256(const void *data, size_t size, char hex[65]) {
  uint32_t h[8], k[64];
  int primes = 0;
  for (uint64_t p = 2; primes < 64; p++) {
    int prime = 1;
    for (uint64_t q = 2; q * q <= p; q++) prime &= p % q != 0;
    if (!prime) continue;
    if (primes < 8) h[primes] = root_fraction(p, 2);
    k[primes++] = root_fraction(p, 3);
  }
  unsigned char last[128] = {0};
  size_t whole = size / 64 * 64, rest = size - whole, padded = rest < 56 ? 64 : 128;
  memcpy(last, (const char *)data + whole, rest);
  last[rest] = 0x80;
  for (int i = 0; i < 8; i++) last[padded - 1 - (size_t)i] = (unsigned char)(size * 8 >> 8 * i);
  for (size_t i = 0; i < whole; i += 64) sha256_block(h, (const unsigned char *)data + i, k);
  for (size_t i = 0; i < padded; i += 64) sha256_block(h, last + i, k);
  for (int i = 0; i < 8; i++) sprintf(hex + 8 * i, "%08x", (unsigned)h[i]);
}

/* ---- The vocabulary is GPT-2's ---- */

static void check_file_of(const char *name, const char *text, size_t size, const char *published) {
  char hex[65];
  sha256(text, size, hex);
  check(strcmp(hex, published) == 0, "%s (%zu bytes): sha256 %s", name, size, hex);
}

static size_t base64(const unsigned char *p, int n, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *o = out;
  for (int i = 0; i < n; i += 3) {
    uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)(i + 1 < n ? p[i + 1] : 0) << 8 |
                 (i + 2 < n ? p[i + 2] : 0);
    *o++ = digits[v >> 18];
    *o++ = digits[v >> 12 & 63];
    *o++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
    *o++ = i + 2 < n ? digits[v & 63] : '=';
  }
  return (size_t)(o - out);
}

/* tiktoken's r50k_base.tiktoken: a line "base64 rank" for every token but end-of-text. */
static void test_tiktoken_file(const Tokenizer *t) {
  char *text = malloc(1 << 21), *at = text;
  for (int id = 0; id < 50256; id++) {
    int length;
    const unsigned char *bytes = tokenizer_bytes(t, id, &length);
    at += base64(bytes, length, at);
    at += sprintf(at, " %d\n", id);
  }
  check_file_of("r50k_base.tiktoken", text, (size_t)(at - text),
                "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930");
  free(text);
}

/* GPT-2 spells a byte as a visible character: itself, or U+0100 and up. */
static char *spell(const Tokenizer *t, unsigned id, char *out) {
  int length, one;
  const unsigned char *bytes = tokenizer_bytes(t, (int)id, &length);
  for (int i = 0; i < length; i++) {
    unsigned code = bytes[i];
    for (int hidden = 188; hidden < 256; hidden++)
      if (*tokenizer_bytes(t, hidden, &one) == bytes[i]) code = 256 + (unsigned)hidden - 188;
    if (code >= 128) *out++ = (char)(0xC0 | code >> 6);
    *out++ = (char)(code < 128 ? code : 0x80 | (code & 63));
  }
  return out;
}

/* OpenAI's vocab.bpe: a line "left right" for every merge. */
static void test_merge_file(const Tokenizer *t) {
  char *text = malloc(1 << 20), *at = text;
  at += sprintf(at, "#version: 0.2\n");
  for (uint32_t k = 0; k < embedded_merges_size / 4; k++) {
    const unsigned char *p = embedded_merges + 4 * k;
    at = spell(t, p[0] | (unsigned)p[1] << 8, at);
    *at++ = ' ';
    at = spell(t, p[2] | (unsigned)p[3] << 8, at);
    *at++ = '\n';
  }
  check_file_of("vocab.bpe", text, (size_t)(at - text),
                "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5");
  free(text);
}

/* ---- Recorded results ---- */

static size_t from_hex(const char *hex, size_t digits, char *out) {
  for (size_t i = 0; i < digits / 2; i++) {
    unsigned byte;
    sscanf(hex + 2 * i, "%2x", &byte);
    out[i] = (char)byte;
  }
  return digits / 2;
}

/* One line of the fixture, terminated; `number` is for the message. */
static void check_vector(const Tokenizer *t, char *line, int number) {
  char *hex = strchr(line, '\t') + 1, *want = strchr(hex, '\t') + 1;
  char *text = malloc(strlen(hex) + 1);
  size_t size = from_hex(hex, (size_t)(want - 1 - hex), text), count, wanted = 0;
  uint16_t *ids = encode(t, text, size, &count);
  int same = 1;
  for (char *end = want; *want; want = end, wanted++) {
    long id = strtol(want, &end, 10);
    if (end == want) break;
    same &= wanted < count && ids[wanted] == id;
  }
  check(same && wanted == count, "line %d (%.*s): wrong ids, %zu instead of %zu", number,
        (int)strcspn(line, "\t"), line, count, wanted);
  check(decodes_to(t, ids, count, text, size), "line %d: does not decode to its text", number);
  free(ids);
  free(text);
}

static void test_vectors(const Tokenizer *t) {
  char *text;
  size_t size;
  Err err = {""};
  int lines = 0;
  if (file_read(VECTORS, &text, &size, &err)) {
    check(0, "%s", err.text);
    return;
  }
  for (char *line = text; line < text + size; line += strlen(line) + 1) {
    line[strcspn(line, "\n")] = 0;
    check_vector(t, line, ++lines);
  }
  check(lines == 1296, "%s has %d lines", VECTORS, lines);
  free(text);
}

/* ---- A slow BPE: looks whole tokens up by their bytes ---- */

enum { SLOTS = 1 << 17 };

static uint32_t hash_bytes(const unsigned char *p, int n) {
  uint32_t h = 2166136261u;
  for (int i = 0; i < n; i++) h = (h ^ p[i]) * 16777619u;
  return h % SLOTS;
}

/* slots: (SLOTS) id + 1 of each token, by the hash of its bytes. */
static int rank_of(const Tokenizer *t, const int *slots, const unsigned char *p, int n) {
  for (uint32_t i = hash_bytes(p, n); slots[i]; i = (i + 1) % SLOTS) {
    int length;
    const unsigned char *bytes = tokenizer_bytes(t, slots[i] - 1, &length);
    if (length == n && memcmp(bytes, p, (size_t)n) == 0) return slots[i] - 1;
  }
  return -1;
}

/* Encodes one piece: joins the neighbours that form the token of lowest rank. */
static size_t slow_encode(const Tokenizer *t, const int *slots, const char *text, int n,
                          uint16_t *ids) {
  int *end = malloc((size_t)n * sizeof *end), parts = n; /* part i is end[i - 1] to end[i] */
  const unsigned char *p = (const unsigned char *)text;
  for (int i = 0; i < n; i++) end[i] = i + 1;
  for (;;) {
    int best = -1, best_rank = 0;
    for (int i = 0; i + 1 < parts; i++) {
      int begin = i ? end[i - 1] : 0, rank = rank_of(t, slots, p + begin, end[i + 1] - begin);
      if (rank >= 0 && (best < 0 || rank < best_rank)) {
        best = i;
        best_rank = rank;
      }
    }
    if (best < 0) break;
    memmove(end + best, end + best + 1, (size_t)(--parts - best) * sizeof *end);
  }
  for (int i = 0, begin = 0; i < parts; begin = end[i++])
    ids[i] = (uint16_t)rank_of(t, slots, p + begin, end[i] - begin);
  free(end);
  return (size_t)parts;
}

/* Pieces on both sides of the length where the search becomes a heap. */
static void test_long_pieces(const Tokenizer *t) {
  static const char *const alphabets[] = {"a", "ab", "etaoinshr", "!?.-", "0123456789", "=-"};
  int *slots = calloc(SLOTS, sizeof *slots);
  Random r = random_stream(1, RANDOM_TEST, 0, 0);
  for (int id = 0; id < tokenizer_eot(t); id++) {
    int length;
    const unsigned char *bytes = tokenizer_bytes(t, id, &length);
    uint32_t i = hash_bytes(bytes, length);
    while (slots[i]) i = (i + 1) % SLOTS;
    slots[i] = id + 1;
  }
  for (int round = 0; round < 300; round++) {
    const char *alphabet = alphabets[round % 6];
    char text[400];
    uint16_t want[400];
    int n = 1 + (int)random_below(&r, round % 3 ? 100 : 400);
    for (int i = 0; i < n; i++) text[i] = alphabet[random_below(&r, (uint32_t)strlen(alphabet))];
    size_t wanted = slow_encode(t, slots, text, n, want), count;
    uint16_t *ids = encode(t, text, (size_t)n, &count);
    check(count == wanted && memcmp(ids, want, count * sizeof *ids) == 0,
          "vocab %d: piece %.*s: %zu ids, the slow way %zu", tokenizer_vocab(t), n, text, count,
          wanted);
    free(ids);
  }
  free(slots);
}

/* ---- Any bytes ---- */

/* Letters, digits, signs, several white spaces, contractions, and bytes that are not UTF-8. */
static const char *const atoms[] = {
    " ",        "\n",       "\t",       "\xC2\xA0", "\xE2\x80\x83", "\xC2\x85", "\xE3\x80\x80",
    "'",        "'s",       "'ll",      "'r",       "e",            "a",        "Z",
    "\xC3\xA9", "\xE4\xB8\x96", "\xF0\x9F\x98\x80", "7", "\xC2\xBD", "!",       "--",
    "\x80",     "\xE2",     "\xE2\x80", "\xC0\x80", "\xED\xA0\x80", "\xFF",     "\xF0\x9F",
};

static size_t random_text(Random *r, char *text, size_t room) {
  size_t size = 0, want = random_below(r, (uint32_t)room - 4);
  int bytes = random_below(r, 4) == 0;
  while (size < want) {
    const char *atom = atoms[random_below(r, sizeof atoms / sizeof *atoms)];
    if (bytes) {
      text[size++] = (char)random_u32(r);
    } else {
      memcpy(text + size, atom, strlen(atom));
      size += strlen(atom);
    }
  }
  return size;
}

static void test_round_trip(const Tokenizer *t) {
  Random r = random_stream(2, RANDOM_TEST, 0, 0);
  for (int round = 0; round < 2000; round++) {
    char text[300];
    size_t size = random_text(&r, text, sizeof text), count;
    uint16_t *ids = encode(t, text, size, &count);
    int eot = 0;
    for (size_t i = 0; i < count; i++) eot |= ids[i] >= tokenizer_eot(t);
    check(decodes_to(t, ids, count, text, size) && !eot,
          "vocab %d, round %d: %zu bytes do not come back", tokenizer_vocab(t), round, size);
    free(ids);
  }
}

/* A text cut at the place that tokenizer_cut returns has the same ids. */
static void test_cuts(const Tokenizer *t) {
  Random r = random_stream(3, RANDOM_TEST, 0, 0);
  for (int round = 0; round < 2000; round++) {
    char text[120];
    size_t size = random_text(&r, text, sizeof text), whole, left, right, last = 0;
    uint16_t *ids = encode(t, text, size, &whole);
    for (size_t near = 0; near <= size; near++) {
      size_t cut = tokenizer_cut(text, size, near);
      check(cut >= near && cut >= last && cut <= size, "round %d: cut %zu near %zu", round, cut,
            near);
      if (cut == last) continue;
      last = cut;
      uint16_t *a = encode(t, text, cut, &left), *b = encode(t, text + cut, size - cut, &right);
      check(left + right == whole && memcmp(ids, a, left * sizeof *a) == 0 &&
                memcmp(ids + left, b, right * sizeof *b) == 0,
            "round %d: cutting at %zu of %zu changes the ids", round, cut, size);
      free(a);
      free(b);
    }
    free(ids);
  }
  check(tokenizer_cut("ab cd", 5, 0) == 2 && tokenizer_cut("ab  cd", 6, 3) == 6, "simple cuts");
}

/* ---- Nested vocabularies ---- */

/* Merges are applied by rank, so a smaller vocabulary only stops earlier: its tokens are parts of
   the larger one's. */
static void test_nested(const Tokenizer *large, const char *text, size_t size) {
  static const int vocabs[] = {257, 258, 300, 1024, 4096, 20000, 50256};
  size_t count, fewer;
  uint16_t *ids = encode(large, text, size, &count);
  for (size_t v = 0; v < sizeof vocabs / sizeof *vocabs; v++) {
    Tokenizer *small = open_tokenizer(vocabs[v]);
    uint16_t *parts = encode(small, text, size, &fewer);
    int same = 1, crossing = 0, a, b;
    for (int id = 0; id < vocabs[v] - 1; id++) {
      const unsigned char *p = tokenizer_bytes(small, id, &a), *q = tokenizer_bytes(large, id, &b);
      same &= a == b && memcmp(p, q, (size_t)a) == 0;
    }
    size_t i = 0;
    long ahead = 0; /* bytes of the large token that its parts have not covered */
    for (size_t k = 0; k < count; k++) {
      tokenizer_bytes(large, ids[k], &a);
      for (ahead += a; ahead > 0 && i < fewer; ahead -= b) tokenizer_bytes(small, parts[i++], &b);
      crossing |= ahead != 0;
    }
    check(same, "vocab %d: the tokens are not the first of GPT-2's", vocabs[v]);
    check(!crossing && i == fewer, "vocab %d: tokens cross those of GPT-2", vocabs[v]);
    check(decodes_to(small, parts, fewer, text, size), "vocab %d: round trip", vocabs[v]);
    tokenizer_bytes(small, tokenizer_eot(small), &a);
    check(tokenizer_eot(small) == vocabs[v] - 1 && a == 0, "vocab %d: end-of-text", vocabs[v]);
    check(vocabs[v] != 257 || fewer == size, "vocab 257 is not bytes: %zu of %zu", fewer, size);
    free(parts);
    tokenizer_close(small);
  }
  free(ids);
}

static void test_limits(void) {
  static const int wrong[] = {-1, 0, 256, 50258, 65536};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Tokenizer *t;
    Err err = {""};
    int status = tokenizer_open(&t, wrong[i], &err);
    check(status == -1 && !t && strstr(err.text, "257") && strstr(err.text, "50257"),
          "vocab %d: %s", wrong[i], err.text);
  }
}

/* ---- Threads, and long pieces ---- */

static void test_threads(const Tokenizer *t, const char *text, size_t size) {
  size_t count, again;
  threads_start(1);
  uint16_t *ids = encode(t, text, size, &count);
  for (int threads = 2; threads <= 5; threads++) {
    threads_start(threads);
    uint16_t *same = encode(t, text, size, &again);
    check(again == count && memcmp(ids, same, count * sizeof *ids) == 0,
          "%d threads: other ids (%zu, not %zu)", threads, again, count);
    free(same);
  }
  free(ids);
}

/* A piece of 4 MB. The method for short pieces is quadratic, and has room for 64 bytes only. */
static void test_long_piece(const Tokenizer *t, const char *what, const char *repeated) {
  enum { LONG = 4 << 20 };
  char *text = malloc(LONG);
  size_t n = strlen(repeated), count;
  for (size_t i = 0; i < LONG; i++) text[i] = repeated[i % n];
  uint16_t *ids = encode(t, text, LONG, &count);
  check(decodes_to(t, ids, count, text, LONG), "%s: 4 MB do not come back", what);
  free(ids);
  free(text);
}

/* ---- Unicode ---- */

static void test_classes(void) {
  int counts[4] = {0};
  for (uint32_t code = 0; code < 0x110000; code++) counts[unicode_class(code)]++;
  check(counts[UNICODE_LETTER] == 136104, "%d letters", counts[UNICODE_LETTER]);
  check(counts[UNICODE_NUMBER] == 1831, "%d numbers", counts[UNICODE_NUMBER]);
  check(counts[UNICODE_SPACE] == 25, "%d white spaces", counts[UNICODE_SPACE]);
  static const struct {
    uint32_t code;
    UnicodeClass class;
  } cases[] = {{'a', UNICODE_LETTER},    {'5', UNICODE_NUMBER},    {'_', UNICODE_OTHER},
               {0x1C, UNICODE_OTHER},    {0x85, UNICODE_SPACE},    {0xA0, UNICODE_SPACE},
               {0xBD, UNICODE_NUMBER},   {0x301, UNICODE_OTHER},   {0x180E, UNICODE_OTHER},
               {0x200B, UNICODE_OTHER},  {0x3000, UNICODE_SPACE},  {0x4E16, UNICODE_LETTER},
               {0xFEFF, UNICODE_OTHER},  {0x1F600, UNICODE_OTHER}, {0x323AF, UNICODE_LETTER},
               {0x323B0, UNICODE_OTHER}, {UNICODE_BAD, UNICODE_OTHER}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(unicode_class(cases[i].code) == cases[i].class, "class of U+%04X", cases[i].code);
}

static size_t utf8(uint32_t code, char *out) {
  int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 63));
  out[0] = (char)(length == 1 ? code : (0xF00u >> length & 0xFF) | code);
  return (size_t)length;
}

/* Every code point is read back, except surrogates; every beginning of one is incomplete. */
static void test_utf8(void) {
  int wrong = 0;
  for (uint32_t code = 0; code < 0x110000; code++) {
    char text[5] = "x";
    uint32_t got;
    size_t length = utf8(code, text + 1);
    int surrogate = code >= 0xD800 && code < 0xE000;
    wrong += unicode_decode(text + 1, length, &got) != (surrogate ? 1 : (int)length);
    wrong += got != (surrogate ? UNICODE_BAD : code);
    wrong += unicode_whole(text, 1 + length) != 1 + length;
    for (size_t part = 1; part < length; part++) {
      wrong += unicode_decode(text + 1, part, &got) != 1 || got != UNICODE_BAD;
      wrong += unicode_whole(text, 1 + part) != (surrogate && part > 1 ? 1 + part : 1);
    }
  }
  check(wrong == 0, "UTF-8: %d of all code points are wrong", wrong);
  static const char *const bad[] = {"\x80",         "\xC0\x80",         "\xC1\xBF",
                                    "\xE0\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                                    "\xF5\x80\x80", "\xFF",             "\xE2\x28\xA1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint32_t code;
    int length = unicode_decode(bad[i], strlen(bad[i]), &code);
    check(length == 1 && code == UNICODE_BAD, "bad UTF-8 %zu is accepted", i);
    check(unicode_whole(bad[i], strlen(bad[i])) == strlen(bad[i]), "bad UTF-8 %zu waits", i);
  }
}

int main(void) {
  char *novels;
  size_t size;
  Err err = {""};
  Tokenizer *gpt2 = open_tokenizer(50257), *small = open_tokenizer(1024);
  if (file_inflate("the novels", embedded_austen, embedded_austen_size, &novels, &size, &err)) {
    printf("%s\n", err.text);
    return 1;
  }
  test_classes();
  test_utf8();
  test_tiktoken_file(gpt2);
  test_merge_file(gpt2);
  test_vectors(gpt2);
  test_long_pieces(gpt2);
  test_long_pieces(small);
  test_round_trip(gpt2);
  test_round_trip(small);
  test_cuts(gpt2);
  test_nested(gpt2, novels, 200000);
  test_limits();
  test_threads(gpt2, novels, size);
  test_long_piece(gpt2, "one letter", "a");
  test_long_piece(gpt2, "spaces", " ");
  test_long_piece(gpt2, "letters", "thequickbrownfoxjumpsoverthelazydog");
  test_long_piece(gpt2, "bad bytes", "\x80");
  test_long_piece(gpt2, "ideographs", "\xE4\xB8\x96\xE7\x95\x8C");
  size_t count;
  free(encode(gpt2, novels, size, &count));
  check(count == 993328, "the novels have %zu tokens, not 993328", count);
  free(novels);
  tokenizer_close(small);
  tokenizer_close(gpt2);
  return check_report("tokenizer");
}
