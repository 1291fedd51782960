/* Texts and token files: the same tokens in every kind of file, and files that are refused. Tests:
   data/tokens data/token_file data/paths */
#include "data/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/token_files.h"

static uint32_t store_crc(const char *paths, const Tokenizer *tokenizer, int vocab,
                          int64_t *total) {
  const TextRules rules = {tokenizer, ""};
  Tokens t;
  Err err;
  if (tokens_open(&t, paths, tokenizer ? &rules : NULL, vocab, &err)) stop(err.text);
  uint32_t crc = tokens_fingerprint(&t, 0);
  if (total) *total = t.total;
  tokens_close(&t);
  return crc;
}

static void test_texts(const Tokenizer *t) {
  put_text("t/b.txt", "Second.\n");
  put_text("t/a.txt", "First, with \xE2\x82\xAC and \xFF.\n");
  put_text("t/c.txt.gz", "Third.");
  put_text("t/.hidden.txt", "not this");
  put_text("t/notes.md", "nor this");
  Tokens all;
  Err err;
  const char *text = "First, with \xE2\x82\xAC and \xFF.\nSecond.\nThird.";
  const TextRules rules = {t, ""};
  if (tokens_open(&all, in_folder("t"), &rules, 257, &err)) stop(err.text);
  const Segment *s = all.segments;
  check(all.count == 1 && s->count == (int64_t)strlen(text) + 2, "a folder of three texts");
  size_t at = 0;
  int ends = 0, same = 1, length;
  for (int64_t i = 0; i < s->count; i++) {
    int id = (int)segment_id(s, i);
    const unsigned char *bytes = tokenizer_bytes(t, id, &length);
    if (id == 256) ends++;
    same &= id == 256 || (length == 1 && *bytes == (unsigned char)text[at++]);
  }
  check(same && ends == 2, "the texts in order, joined by end-of-text (%d)", ends);
  tokens_close(&all);
  uint32_t crc = store_crc(in_folder("t"), t, 257, NULL);
  check(store_crc(in_folder("t/"), t, 257, NULL) == crc, "folder with a slash");
  check(store_crc(in_folder("t/a.txt,t/b.txt,t/c.txt.gz"), t, 257, NULL) == crc, "with commas");
  check(store_crc(in_folder("t/?.txt*"), t, 257, NULL) == crc, "pattern");
  check(store_crc(in_folder("t/[ab].txt,t/c*"), t, 257, NULL) == crc, "two patterns");
  check(store_crc(in_folder("t/b.txt,t/a.txt,t/c.txt.gz"), t, 257, NULL) != crc, "other order");
  char odd[OPTION_TEXT];
  int64_t total;
  snprintf(odd, sizeof odd, "%sodd,[name]*.txt", in_folder(""));
  put_bytes(odd, "x y z", 5);
  store_crc(odd, t, 257, &total);
  check(total == 5, "a name with a comma and brackets");
}

/* Ids as numbers of `width` bytes, after `size` bytes of a header. */
static void put_wide(const char *name, const void *header, size_t size, int width,
                     const uint16_t *ids, size_t count) {
  unsigned char *bytes = calloc(1, size + (size_t)width * count + 1);
  memcpy(bytes, header, size);
  for (size_t i = 0; i < count; i++) memcpy(bytes + size + i * (size_t)width, &ids[i], sizeof *ids);
  put(name, bytes, size + (size_t)width * count);
  free(bytes);
}

/* As numpy.save writes it, with the dictionary given. */
static void put_npy(const char *name, int version, const char *dictionary, int width,
                    const uint16_t *ids, size_t count) {
  char header[512];
  int lengths = version == 1 ? 2 : 4, text = 128 - 8 - lengths;
  memcpy(header, "\x93NUMPY", 6);
  header[6] = (char)version;
  header[7] = 0;
  memcpy(header + 8, &text, (size_t)lengths);
  snprintf(header + 8 + lengths, sizeof header - 12, "%-*s\n", text - 1, dictionary);
  put_wide(name, header, 128, width, ids, count);
}

#define NPY(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }"

/* One content in many file formats: the same tokens and the same fingerprint. */
static void test_wrappings(void) {
  static const uint32_t llama[256] = {20240801, 7, 5000};
  uint16_t *ids = counting(5000, 0);
  put_tokens("w/shard.bin", MAGIC, 1, ids, 5000);
  put_tokens("w/shard.bin.gz", MAGIC, 1, ids, 5000);
  put_tokens("w/raw.bin", 0, 0, ids, 5000);
  put_tokens("w/raw.bin.gz", 0, 0, ids, 5000);
  put_tokens("w/shard.dat", MAGIC, 1, ids, 5000);
  put_wide("w/raw32.bin", "", 0, 4, ids, 5000);
  put_wide("w/raw64.bin", "", 0, 8, ids, 5000);
  put_wide("w/raw32.bin.gz", "", 0, 4, ids, 5000);
  put_wide("w/llama.bin", llama, sizeof llama, 4, ids, 5000);
  put_npy("w/u2.npy", 1, NPY("<u2", "(5000,)"), 2, ids, 5000);
  put_npy("w/i4.npy", 1, NPY("<i4", "(5000,)"), 4, ids, 5000);
  put_npy("w/u4.bin", 2, NPY("<u4", "(5000,)"), 4, ids, 5000);
  put_npy("w/i8.npy", 3, NPY("<i8", "(5000,)"), 8, ids, 5000);
  put_npy("w/u8.dat", 1, NPY("<u8", "(5000,)"), 8, ids, 5000);
  static const char *const names[] = {
      "w/shard.bin", "w/shard.bin.gz", "w/raw.bin", "w/raw.bin.gz", "w/shard.dat", "w/raw32.bin",
      "w/raw64.bin", "w/raw32.bin.gz", "w/llama.bin", "w/u2.npy", "w/i4.npy", "w/u4.bin",
      "w/i8.npy", "w/u8.dat"};
  enum { NAMES = sizeof names / sizeof *names };
  int64_t total;
  uint32_t crc = store_crc(in_folder(names[0]), NULL, 5000, &total);
  check(total == 5000, "shard: %lld tokens", (long long)total);
  for (int i = 1; i < NAMES; i++) {
    Tokens t;
    Err err;
    int32_t id = 0;
    check(store_crc(in_folder(names[i]), NULL, 5000, &total) == crc && total == 5000,
          "%s: other tokens", names[i]);
    if (tokens_open(&t, in_folder(names[i]), NULL, 5000, &err)) stop(err.text);
    check((t.segments[0].mapped == 0) == (strstr(names[i], ".gz") != NULL), "%s: not mapped",
          names[i]);
    check(tokens_copy(&t, 0, 4321, 1, &id, &err) == 0 && id == 4321, "%s: token 4321 is %d",
          names[i], id);
    tokens_close(&t);
  }
  char line[4096];
  Data *d = open_with(options(in_folder("w/raw32.bin"), "", 0, 1), 5000, 1, 8);
  data_describe(d, line, sizeof line);
  check(strstr(line, "4500 training tokens (uint32)") != NULL, "%s", line);
  data_close(d);
  store_crc(in_folder("w"), NULL, 5000, &total);
  check(total == (NAMES - 2) * 5000, "the folder's token files: %lld", (long long)total);
  ids[4321] ^= 1;
  put_tokens("w/other.bin", MAGIC, 1, ids, 5000);
  check(store_crc(in_folder("w/other.bin"), NULL, 5000, NULL) != crc, "one bit, same fingerprint");
  free(ids);
}

/* Which width raw ids have: a share of small ids and zeros does not mislead, and files of uint16
   that are all zeros, or constant, or of two tokens, stay what they were. */
static void test_widths(void) {
  enum { COUNT = 4000 };
  static const int vocabularies[] = {2, 10, 65, 257, 50257};
  static const int widths[] = {2, 4, 8};
  uint16_t ids[COUNT];
  int64_t total;
  for (int v = 0; v < 5; v++)
    for (int w = 0; w < 3; w++)
      for (int constant = 0; constant <= (widths[w] == 2); constant++) {
        for (uint64_t i = 0; i < COUNT; i++)
          ids[i] = (uint16_t)(constant ? vocabularies[v] - 2
                                       : (int)(check_splitmix(i) % (uint64_t)vocabularies[v]));
        put_wide("w2/raw.bin", "", 0, widths[w], ids, COUNT);
        store_crc(in_folder("w2/raw.bin"), NULL, 50257, &total);
        check(total == COUNT, "%d tokens of uint%d: %lld seen", vocabularies[v], 8 * widths[w],
              (long long)total);
      }
  static const uint32_t large[] = {128000, 271, 791, 4339, 374, 264, 128001, 9906, 0, 1};
  put("w2/llama.bin", large, sizeof large);
  REFUSED("w2/llama.bin", 50257, 8, "token id 128000 at position 0", "65536 at most");
  put("w2/cut.bin", large + 1, 4 * 8 + 2);
  static const uint32_t few[] = {791, 4339, 374, 264, 9906, 271, 1, 2, 3};
  put("w2/cut.bin", few, sizeof few - 2);
  REFUSED("w2/cut.bin", 50257, 8, "34 bytes", "uint32", "truncated");
  static const int64_t negative[] = {5, 6, 7, -100, 8, 9, 10, 11, 12, 13};
  put_npy("w2/n.npy", 1, NPY("<i8", "(10,)"), 2, NULL, 0);
  char bytes[128 + sizeof negative];
  FILE *file = fopen(in_folder("w2/n.npy"), "rb");
  if (!file || fread(bytes, 1, 128, file) != 128) stop("a test file cannot be read");
  fclose(file);
  memcpy(bytes + 128, negative, sizeof negative);
  put("w2/n.npy", bytes, sizeof bytes);
  REFUSED("w2/n.npy", 50257, 8, "token id -100 at position 3", "0 or more");
}

static void test_bad_npy(void) {
  static const struct {
    const char *dictionary, *says;
  } cases[] = {
      {NPY("<f4", "(100,)"), "'<f4'"},
      {NPY("<i2", "(100,)"), "'<i2'"},
      {NPY(">u4", "(100,)"), "'>u4'"},
      {NPY("|u1", "(100,)"), "'|u1'"},
      {NPY("<u4", "(10, 10)"), "shape (10, 10)"},
      {NPY("<u4", "()"), "shape ()"},
      {NPY("<u4", "(0,)"), "shape (0,)"},
      {NPY("<u4", "(-100,)"), "shape (-100,)"},
      {NPY("<u4", "(101,)"), "101 ids of 4 bytes, but 400 bytes follow"},
      {NPY("<u4", "(99,)"), "99 ids of 4 bytes"},
      {NPY("<u4", "(9223372036854775807,)"), "truncated or damaged"},
      {"{'descr': '<u4', 'fortran_order': True, 'shape': (100,), }", "one row"},
      {"{'descr': [('a', '<u4')], 'fortran_order': False, 'shape': (100,), }", "an array of"},
      {"{}", "an array of"},
  };
  uint16_t *ids = counting(100, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    put_npy("w2/bad.npy", 1, cases[i].dictionary, 4, ids, 100);
    REFUSED("w2/bad.npy", 50257, 8, "w2/bad.npy", cases[i].says);
  }
  put_npy("w2/bad.npy", 1, NPY("<u4", "(100,)"), 4, ids, 100);
  for (int cut = 527; cut > 0; cut -= cut > 130 ? 17 : 1) {
    if (truncate(in_folder("w2/bad.npy"), cut)) stop("a file cannot be cut");
    REFUSED("w2/bad.npy", 65536, 8, "w2/bad.npy");
  }
  free(ids);
}

static void test_missing(void) {
  REFUSED("none.bin", 50257, 8, "none.bin", "no such file");
  put_counting("s/1.bin", 100, 0);
  REFUSED("s/1.bin,none.txt", 50257, 8, "none.txt", "no such file");
  REFUSED("none*.bin", 50257, 8, "none*.bin", "no file matches");
  put_text("empty/readme.md", "nothing to train on");
  REFUSED("empty", 50257, 8, "empty", "holds no data", ".txt", ".bin");
  check_refused(options("a.txt,,b.txt", "", 0, 1), 257, 8, "a.txt,,b.txt", "comma", (char *)NULL);
  check_refused(options("", "", 0, 1), 257, 8, "missing", (char *)NULL);
  put("nil.txt", "", 0);
  put("nil.bin", "", 0);
  put("nil.txt.gz", "", 0);
  REFUSED("nil.txt", 50257, 8, "nil.txt", "empty");
  REFUSED("nil.bin", 50257, 8, "nil.bin", "empty");
  REFUSED("nil.txt.gz", 50257, 8, "nil.txt.gz", "gzip file is empty");
  put_text("secret.txt", "x");
  chmod(in_folder("secret.txt"), 0);
  if (access(in_folder("secret.txt"), R_OK) != 0) /* root may read everything */
    REFUSED("secret.txt", 50257, 8, "secret.txt", "ermission");
  check_refused(options("/dev/null", "", 0, 1), 257, 8, "/dev/null", "ordinary file",
                (char *)NULL);
}

static void test_wrong_kinds(void) {
  uint16_t *ids = counting(2000, 0);
  put_tokens("k/llama.bin", 20240801, 6, ids, 2000);
  put_tokens("k/eval.bin", 20240522, 1, ids, 2000);
  put_tokens("k/model.bin", 20240326, 3, ids, 2000);
  put_tokens("k/model.dat", 20240326, 3, ids, 2000);
  put_tokens("k/version.bin", MAGIC, 2, ids, 2000);
  put_tokens("k/none.bin", MAGIC, 1, ids, 0);
  put_tokens("k/good.bin", MAGIC, 1, ids, 2000);
  put_tokens("k/raw.dat", 0, 0, ids, 2000);
  put("k/odd.bin", ids, 1001);
  put_text("k/text.txt", "words and words and words");
  REFUSED("k/llama.bin", 65536, 8, "k/llama.bin", "version 6", "version 7 (uint32)");
  REFUSED("k/eval.bin", 65536, 8, "k/eval.bin", "evaluation set", ".npy");
  REFUSED("k/model.bin", 65536, 8, "k/model.bin", "model checkpoint", ".npy");
  REFUSED("k/model.dat", 65536, 8, "k/model.dat", "model checkpoint");
  REFUSED("k/version.bin", 65536, 8, "k/version.bin", "version 2", "version 1");
  REFUSED("k/none.bin", 65536, 8, "k/none.bin", "empty");
  REFUSED("k/odd.bin", 65536, 8, "k/odd.bin", "1001 bytes", "truncated");
  REFUSED("k/raw.dat", 50257, 8, "k/raw.dat", "not text", ".bin");
  REFUSED("k/good.bin,k/text.txt", 50257, 8, "k/good.bin", "k/text.txt", "mixed");
  REFUSED("k/text.txt,k/good.bin", 50257, 8, "k/good.bin", "k/text.txt", "mixed");
  REFUSED("k/text.txt", 65536, 8, "k/text.txt", "--vocab", "50257");
  free(ids);
}

/* Files of other kinds, under the names of texts and of tokens. */
static void test_named_kinds(void) {
  static const char utf16[] = "\xFF\xFEI\0t\0 \0i\0s\0 \0a\0 \0t\0r\0u\0t\0h\0";
  static const char unmarked[] = "\0I\0t\0 \0i\0s\0 \0a\0 \0t\0r\0u\0t\0h\0 \0t\0h\0a\0t";
  static const struct {
    const char *bytes;
    size_t size;
    const char *says, *advice;
  } cases[] = {
      {utf16, sizeof utf16 - 1, "UTF-16 text", "iconv -f UTF-16LE"},
      {unmarked, sizeof unmarked - 1, "UTF-16 text", "iconv -f UTF-16BE"},
      {"\x1F\x8B\x08\0\0\0\0\0\0\x03\x4B\0", 12, "gzip data", "add .gz to its name"},
      {"PAR1\x15\x04\x15\x10", 8, "a Parquet table", ".txt"},
      {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txt", 35,
       "a ZIP archive", "unpack"},
      {"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16, "a PNG image", "(.txt)"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int tokens = 0; tokens < 2; tokens++) {
      const char *name = tokens ? "k/kind.bin" : "k/kind.txt";
      put(name, cases[i].bytes, cases[i].size);
      REFUSED(name, 65536, 8, name, cases[i].says, cases[i].advice);
    }
  put_text("k/prose.bin", "A text that is named as if it were tokens, of even length.");
  REFUSED("k/prose.bin", 65536, 8, "k/prose.bin: is text, not token ids; name it .txt");
  put_text("k/lfs.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  REFUSED("k/lfs.txt", 50257, 8, "k/lfs.txt", "Git LFS", "git lfs pull");
}

/* Every truncation of every kind of file is detected, except of raw ids at an even place. */
static void test_truncated(void) {
  static const char *const names[] = {"c/s.bin", "c/s.bin.gz", "c/r.bin.gz", "c/t.txt.gz"};
  char bytes[4096];
  put_counting("c/s.bin", 30, 0);
  put_counting("c/s.bin.gz", 30, 0);
  uint16_t *ids = counting(30, 0);
  put_tokens("c/r.bin.gz", 0, 0, ids, 30);
  put_text("c/t.txt.gz", "It was the best of times, it was the worst of times");
  for (int i = 0; i < 4; i++) {
    FILE *file = fopen(in_folder(names[i]), "rb"); /* file_read would unpack it */
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 1; cut < size; cut++) {
      put_bytes(in_folder(names[i]), bytes, cut);
      REFUSED(names[i], 50257, 8, names[i]);
    }
    for (size_t flip = 10; i > 0 && flip < size; flip++) { /* the data, their CRC and length */
      if (flip == size - 9) continue; /* the last bits of the data may be padding */
      bytes[flip] ^= 0x10;
      put_bytes(in_folder(names[i]), bytes, size);
      REFUSED(names[i], 50257, 8, names[i]);
      bytes[flip] ^= 0x10;
    }
  }
  put_bytes(in_folder("c/plain.txt.gz"), "never packed", 12);
  REFUSED("c/plain.txt.gz", 50257, 8, "c/plain.txt.gz", "not gzip");
  put_counting("c/s.bin", 30, 0);
  if (truncate(in_folder("c/s.bin"), 1024 + 2 * 29)) stop("a file cannot be cut");
  REFUSED("c/s.bin", 50257, 8, "c/s.bin", "30 tokens", "1084 bytes", "1082", "truncated");
  if (truncate(in_folder("c/s.bin"), 1024 + 2 * 31)) stop("a file cannot be made longer");
  REFUSED("c/s.bin", 50257, 8, "c/s.bin", "30 tokens", "1084 bytes", "1086");
  free(ids);
}

/* The message names the smallest vocabulary that contains every id that was checked. */
static void test_large_ids(void) {
  uint16_t ids[3000];
  for (int i = 0; i < 3000; i++) ids[i] = (uint16_t)(i == 17 ? 5000 : i % 4096);
  put_tokens("v/shard.bin", MAGIC, 1, ids, 3000);
  put_tokens("v/raw.bin.gz", 0, 0, ids, 3000);
  REFUSED("v/shard.bin", 4096, 8,
          "v/shard.bin: holds token id 5000 at position 17; the vocabulary has 4096 tokens: "
          "use --vocab 5001 or more");
  REFUSED("v/raw.bin.gz", 5000, 8, "v/raw.bin.gz: holds token id 5000 at position 17");
  ids[2999] = 6000;
  put_tokens("v/shard.bin", MAGIC, 1, ids, 3000);
  REFUSED("v/shard.bin", 4096, 8, "token id 5000 at position 17", "use --vocab 6001 or more");
  REFUSED("v/shard.bin", 6000, 8, "token id 6000 at position 2999", "use --vocab 6001 or more");
  ids[17] = 60000;
  put_tokens("v/shard.bin", MAGIC, 1, ids, 3000);
  REFUSED("v/shard.bin", 50257, 8, "60000", "use --vocab 60001 or more");
  store_crc(in_folder("v/shard.bin"), NULL, 60001, NULL);
}

int main(void) {
  static const char *const folders[] = {"t", "w", "w2", "s", "empty", "k", "c", "v"};
  Tokenizer *bytes;
  Err err;
  make_folders("test-tokens", folders, 8);
  if (tokenizer_open(&bytes, 257, &err)) stop(err.text);
  test_texts(bytes);
  test_wrappings();
  test_widths();
  test_bad_npy();
  test_missing();
  test_wrong_kinds();
  test_named_kinds();
  test_truncated();
  test_large_ids();
  tokenizer_close(bytes);
  return check_report("tokens");
}
