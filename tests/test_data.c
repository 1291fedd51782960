/* Token stores and the loader, against their definitions, on files made here. */
#include "data/data.h"

#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"
#include "data/tokens.h"
#include "tests/check.h"

/* ---- A folder of test files ---- */

static char folder[] = "/tmp/test_data_XXXXXX";

static void stop(const char *what) {
  printf("%s\n", what);
  exit(1);
}

static int delete_one(const char *path, const struct stat *s, int kind, struct FTW *place) {
  (void)s, (void)kind, (void)place;
  return remove(path);
}

static void delete_folder(void) { nftw(folder, delete_one, 16, FTW_DEPTH | FTW_PHYS); }

/* The path of a test file; the last eight stay valid. "a,b" becomes "FOLDER/a,FOLDER/b". */
static const char *in_folder(const char *names) {
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
static void put_bytes(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  int ok = file && fwrite(data, 1, size, file) == size;
  if (!file || fclose(file) != 0 || !ok) stop("a test file cannot be written");
}

/* Names that end in .gz are packed. */
static void put(const char *name, const void *data, size_t size) {
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

static void put_text(const char *name, const char *text) { put(name, text, strlen(text)); }

/* A shard of llm.c, or raw ids when magic is 0. */
static void put_tokens(const char *name, uint32_t magic, uint32_t version, const uint16_t *ids,
                       size_t count) {
  size_t header = magic ? 1024 : 0;
  unsigned char *bytes = calloc(1, header + 2 * count + 1);
  uint32_t words[3] = {magic, version, (uint32_t)count};
  if (magic) memcpy(bytes, words, sizeof words);
  memcpy(bytes + header, ids, 2 * count);
  put(name, bytes, header + 2 * count);
  free(bytes);
}

enum { MAGIC = 20240520 };

/* ids: (count) first, first+1, ...: the id is the place in the stream. */
static uint16_t *counting(size_t count, int first) {
  uint16_t *ids = malloc(count * sizeof *ids + 1);
  for (size_t i = 0; i < count; i++) ids[i] = (uint16_t)(first + (int)i);
  return ids;
}

static void put_counting(const char *name, size_t count, int first) {
  uint16_t *ids = counting(count, first);
  put_tokens(name, MAGIC, 1, ids, count);
  free(ids);
}

/* ---- Opening with less to write ---- */

static DataOptions options(const char *data, const char *val, int order, int64_t seed) {
  DataOptions o = {.val_fraction = 0.1, .order = order, .data_seed = seed};
  snprintf(o.data, sizeof o.data, "%s", data);
  snprintf(o.val, sizeof o.val, "%s", val);
  return o;
}

static Data *open_with(DataOptions o, int vocab, int B, int T) {
  Data *d;
  Err err;
  if (data_open(&d, &o, vocab, B, T, &err)) stop(err.text);
  return d;
}

/* The sizes of both sets, as data_describe tells them. */
static int64_t set_tokens(const Data *d, const char *what) {
  char line[4096];
  data_describe(d, line, sizeof line);
  char *at = strstr(line, what);
  if (!at) stop("data_describe does not tell the sizes");
  while (at > line && strchr("0123456789 ", at[-1])) at--;
  return strtoll(at, NULL, 10);
}

static int64_t train_tokens(const Data *d) { return set_tokens(d, "training tokens"); }

static int64_t val_tokens(const Data *d) { return set_tokens(d, "validation tokens"); }

/* The rows of a step; what data_batch says must be fine. */
static Batch batch_of(Data *d, int64_t step, int64_t first, int64_t count) {
  Batch batch = {0};
  Err err = {""};
  check(data_batch(d, step, first, count, &batch, &err) == 0 && batch.B == count, "%s", err.text);
  return batch;
}

static Batch val_batch_of(Data *d, int64_t first, int64_t count) {
  Batch batch = {0};
  Err err = {""};
  check(data_val_batch(d, first, count, &batch, &err) == 0 && batch.B == count, "%s", err.text);
  return batch;
}

/* Whether a sentence is one, with all the words (ended by NULL) in it. */
static int says(const char *text, va_list words) {
  size_t n = strlen(text);
  if (n < 10 || text[n - 1] == '\n' || text[n - 1] == '.') return 0;
  for (const char *word = va_arg(words, const char *); word; word = va_arg(words, const char *))
    if (!strstr(text, word)) return 0;
  return 1;
}

/* Opening these options must fail with a sentence in which all the words occur. */
static void check_refused(DataOptions o, int vocab, int T, ...) {
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

#define REFUSED(names, vocab, T, ...) \
  check_refused(options(in_folder(names), "austen", 0, 1), vocab, T, __VA_ARGS__, (char *)NULL)

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

/* ---- The embedded novels ---- */

static void decode(const Tokenizer *t, const int32_t *ids, int count, char *out) {
  for (int i = 0; i < count; i++) {
    int length;
    const unsigned char *bytes = tokenizer_bytes(t, ids[i], &length);
    memcpy(out, bytes, (size_t)length);
    out += length;
  }
  *out = 0;
}

/* end-of-text is between the novels, four times among the five. */
static void check_novel_starts(void) {
  enum { T = 1024 };
  Data *d = open_with(options("austen", "", ORDER_SEQUENTIAL, 1), 50257, 1, T);
  char text[64 * T];
  int found = 0;
  int64_t steps = (train_tokens(d) - 1) / T;
  for (int64_t step = 0; step < steps; step++) {
    Batch b = batch_of(d, step, 0, 1);
    decode(data_tokenizer(d), b.x, T, text);
    if (step == 0) check(strncmp(text, "SENSE AND SENSIBILITY\n", 22) == 0, "first novel");
    for (int i = 0; i < T; i++) found += b.x[i] == tokenizer_eot(data_tokenizer(d));
  }
  check(found == 4, "end-of-text between five novels: %d", found);
  check(data_epoch_rows(d) == steps, "an epoch of %lld rows", (long long)data_epoch_rows(d));
  data_close(d);
}

static void test_embedded(void) {
  Data *d = open_with(options("austen", "", ORDER_SEQUENTIAL, 1), 50257, 1, 256);
  check(train_tokens(d) == 878249 + 4, "%lld", (long long)train_tokens(d));
  check(val_tokens(d) == 115079, "%lld", (long long)val_tokens(d));
  check_near(data_val_bytes_per_token(d), 4.057, 2e-4, "bytes per token");
  check(data_val_rows(d) == 115078 / 256, "validation rows");
  char text[64 * 256], line[2048];
  decode(data_tokenizer(d), val_batch_of(d, 0, 1).x, 256, text);
  check(strncmp(text, "Persuasion\n\n\nby\n\nJane Austen", 28) == 0, "begins with: %.40s", text);
  check_novel_starts();
  data_describe(d, line, sizeof line);
  check(strstr(line, "austen") && strstr(line, "878253") && strstr(line, "Persuasion") &&
            strstr(line, "115079") && strstr(line, "50257") && strstr(line, "sequential"),
        "%s", line);
  uint32_t crc = data_fingerprint(d);
  data_close(d);
  d = open_with(options("austen", "", ORDER_SHUFFLE, 1), 257, 1, 256);
  check(train_tokens(d) + val_tokens(d) == 4025029 + 4, "bytes of the novels");
  check(data_fingerprint(d) != crc, "the fingerprint does not depend on the vocabulary");
  check_near(data_val_bytes_per_token(d), 1, 0, "bytes per byte");
  data_close(d);
  check_refused(options("austen", "", 0, 1), 256, 8, "--vocab", "257", "50257", (char *)NULL);
  check_refused(options("austen", "", 0, 1), 50304, 8, "--vocab", "257", "50257", (char *)NULL);
  check_refused(options("austen", "", 0, 1), 65537, 8, "--vocab", "65536", (char *)NULL);
  check_refused(options("austen", "", 0, 1), 50257, 1 << 20, "austen", "at least T+1 = 1048577",
                "--context 524288", (char *)NULL);
}

/* Remarks about <|endoftext|> in a text, and about a separator. */
static void test_separator(void) {
  static const struct {
    const char *separator, *remark;
  } cases[] = {
      {"", "--separator \"<|endoftext|>\""}, {"<|endoftext|>", NULL}, {"***", "does not occur"}};
  char line[4096];
  uint32_t crc[3];
  put_text("t/story.txt", "Once upon a time.<|endoftext|>\nTwice upon a time, and so on.\n");
  for (int i = 0; i < 3; i++) {
    DataOptions o = options(in_folder("t/story.txt"), "", ORDER_SEQUENTIAL, 1);
    snprintf(o.separator, sizeof o.separator, "%s", cases[i].separator);
    Data *d = open_with(o, 257, 1, 4);
    data_remark(d, line, sizeof line);
    check(cases[i].remark ? strstr(line, cases[i].remark) != NULL : !*line, "separator %s: %s",
          o.separator, line);
    crc[i] = data_fingerprint(d);
    data_close(d);
  }
  check(crc[0] == crc[2] && crc[0] != crc[1], "the separator does not change the tokens");
  put_text("t/none.txt", "<|endoftext|>\n<|endoftext|>\n");
  put_counting("t/some.bin", 100, 0);
  for (int i = 0; i < 2; i++) {
    DataOptions o = options(in_folder(i ? "t/some.bin" : "t/none.txt"), "", ORDER_SEQUENTIAL, 1);
    snprintf(o.separator, sizeof o.separator, "<|endoftext|>");
    check_refused(o, 257, 4, i ? "holds token ids already" : "nothing between", (char *)NULL);
  }
  remove(in_folder("t/story.txt"));
  remove(in_folder("t/none.txt"));
  remove(in_folder("t/some.bin"));
}

/* ---- What tokens_open takes ---- */

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
  snprintf(odd, sizeof odd, "%s/odd,[name]*.txt", folder);
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

/* One content in many wrappings: the same tokens, and the same fingerprint. */
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

static void test_split(void) {
  Tokens t, tail;
  Err err;
  put_counting("s/1.bin", 100, 0);
  put_counting("s/2.bin", 50, 100);
  put_counting("s/3.bin", 30, 150);
  for (int64_t n = 0; n <= 180; n++) {
    if (tokens_open(&t, in_folder("s"), NULL, 180, &err) || tokens_split(&t, n, &tail, &err))
      stop(err.text);
    int same = t.total == 180 - n && tail.total == n;
    int64_t at = 0;
    for (int half = 0; half < 2; half++)
      for (int i = 0; i < (half ? tail.count : t.count); i++) {
        const Segment *s = half ? &tail.segments[i] : &t.segments[i];
        same &= s->count > 0;
        for (int64_t k = 0; k < s->count; k++) same &= (int64_t)segment_id(s, k) == at++;
      }
    check(same && at == 180, "a tail of %lld", (long long)n);
    tokens_close(&tail);
    tokens_close(&t);
  }
}

/* ---- Refusals ---- */

static void test_missing(void) {
  REFUSED("none.bin", 50257, 8, "none.bin", "no such file");
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

/* Every truncation of every kind of file is noticed, raw ids cut at an even place excepted. */
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

static void test_too_short(void) {
  put_counting("l/12.bin", 12, 0);
  put_counting("l/129.bin", 129, 0);
  put_counting("l/1.bin", 1, 0);
  REFUSED("l/12.bin", 50257, 128, "l/12.bin: 12 tokens, at least T+1 = 129 are needed; "
                                  "use --context 8 or a larger file");
  REFUSED("l/1.bin,l/12.bin,l/1.bin", 50257, 128, "l/12.bin: 12 tokens", "--context 8");
  REFUSED("l/1.bin", 50257, 1, "l/1.bin: 1 tokens", "T+1 = 2", "larger file");
  check_refused(options(in_folder("l/129.bin"), in_folder("l/12.bin"), 0, 1), 50257, 128,
                "l/12.bin: 12 tokens", "--context 8", (char *)NULL);
  check_refused(options(in_folder("l/129.bin"), "", 0, 1), 50257, 128, "l/129.bin", "129 tokens",
                "258", "--val", "--context", (char *)NULL);
  DataOptions o = options(in_folder("l/129.bin"), in_folder("l/129.bin"), ORDER_SEQUENTIAL, 1);
  data_close(open_with(o, 50257, 1, 128));
  Data *d = NULL;
  Err err = {""};
  check(data_open(&d, &o, 50257, 2, 128, &err) == -1 && !d &&
            strstr(err.text, "l/129.bin: 129 tokens") && strstr(err.text, "B*T+1 = 257") &&
            strstr(err.text, "shuffle"),
        "%s", err.text);
}

/* Segments without a window are left out, wherever they are; their ids are still checked. */
static void test_left_out(void) {
  enum { T = 8 };
  put_counting("l/a.bin", 8, 1000);
  put_counting("l/b.bin", 40, 0);
  put_counting("l/c.bin", 1, 1008);
  put_counting("l/d.bin", 9, 40);
  put_counting("l/e.bin", 3, 1009);
  const char *names = in_folder("l/a.bin,l/b.bin,l/c.bin,l/d.bin,l/e.bin");
  char line[2048];
  for (int order = ORDER_SHUFFLE; order <= ORDER_SEQUENTIAL; order++)
    for (int tail = 0; tail < 2; tail++) {
      Data *d = open_with(options(names, tail ? "" : "austen", order, 1), 50257, 1, T);
      check(train_tokens(d) == 49 - 9 * tail, "%lld", (long long)train_tokens(d));
      check(!tail || val_tokens(d) == 9, "tail: %lld", (long long)val_tokens(d));
      for (int step = 0; step < 40; step++) {
        int32_t last = batch_of(d, step, 0, 1).y[T - 1];
        check(last < 49, "order %d: a token that was left out: %d", order, last);
      }
      data_describe(d, line, sizeof line);
      check(strstr(line, "(3 files of fewer than T+1 = 9 left out)") != NULL, "%s", line);
      data_close(d);
    }
  REFUSED("l/b.bin,l/a.bin", 1000, T, "l/a.bin: holds token id 1000");
  Data *d = open_with(options(in_folder("l/b.bin"), "austen", 0, 1), 50257, 1, T);
  data_describe(d, line, sizeof line);
  check(!strstr(line, "left out"), "%s", line);
  data_close(d);
}

/* The advice is the least vocabulary that takes every id that was looked at. */
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

/* ---- The loader ---- */

/* Three files of ids 0..N-1 in order; the id tells the place. */
enum { FILES = 3 };
static const int file_size[FILES] = {1000, 137, 263};

static void put_loader_files(void) {
  for (int i = 0, first = 0; i < FILES; first += file_size[i++]) {
    char name[32];
    snprintf(name, sizeof name, "o/%d.bin", i);
    put_counting(name, (size_t)file_size[i], first);
  }
}

static Data *open_loader(int order, int64_t seed, int B, int T) {
  return open_with(options(in_folder("o"), in_folder("o"), order, seed), 60000, B, T);
}

/* llm.c's loader, as its definition says. */
static void test_sequential(int B, int T) {
  Data *d = open_loader(ORDER_SEQUENTIAL, 1, B, T);
  int file = 0, first = 0, at = 0;
  for (int step = 0; step < 300; step++) {
    if (at + B * T + 1 > file_size[file]) {
      first = file == FILES - 1 ? 0 : first + file_size[file];
      file = (file + 1) % FILES;
      at = 0;
    }
    Batch b = batch_of(d, step, 0, B);
    int same = 1;
    for (int i = 0; i < B * T; i++)
      same &= b.x[i] == first + at + i && b.y[i] == first + at + i + 1;
    check(same, "sequential, B %d, T %d: step %d starts at %d, not %d", B, T, step, b.x[0],
          first + at);
    at += B * T;
  }
  data_close(d);
}

/* One epoch of shuffled windows; starts: room for (rows) where they begin. B is 1. */
static void shuffled_epoch(Data *d, int64_t epoch, int T, int32_t *starts) {
  int64_t count = data_epoch_rows(d);
  for (int64_t i = 0; i < count; i++) {
    Batch b = batch_of(d, epoch * count + i, 0, 1);
    starts[i] = b.x[0];
    for (int t = 0; t < T; t++)
      check(b.x[t] == b.x[0] + t && b.y[t] == b.x[t] + 1, "epoch %d: a torn window", (int)epoch);
  }
}

static int by_number(const void *a, const void *b) {
  return *(const int32_t *)a - *(const int32_t *)b;
}

/* The windows of an epoch, sorted, tile each file at one offset, without its first tokens and fewer
   than two windows at its end. */
static void check_tiling(const int32_t *sorted, int64_t count, int T) {
  int64_t i = 0;
  for (int file = 0, first = 0; file < FILES; first += file_size[file++]) {
    int end = first + file_size[file], begin = i < count ? sorted[i] : end;
    int32_t next = begin;
    for (; i < count && sorted[i] < end; i++, next += T)
      check(sorted[i] == next, "window %d is not at %d", sorted[i], next);
    check(begin - first + end - 1 - next < (next - begin == T ? file_size[file] : 2 * T),
          "file %d: windows of %d..%d in %d..%d", file, begin, next, first, end);
    check(next < end && next > begin, "file %d: the last window ends at %d of %d", file, next, end);
  }
  check(i == count, "windows beyond the files");
}

static void test_shuffle(int T) {
  Data *d = open_loader(ORDER_SHUFFLE, 1, 1, T), *other = open_loader(ORDER_SHUFFLE, 2, 1, T);
  int64_t count = data_epoch_rows(d);
  int32_t *starts = malloc((size_t)count * 3 * sizeof *starts);
  int32_t *again = starts + count, *sorted = again + count;
  int same_epoch = 0, same_seed = 0, in_order = 0, offsets = 0;
  for (int epoch = 0; epoch < 20; epoch++) {
    shuffled_epoch(d, epoch, T, starts);
    memcpy(sorted, starts, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, by_number);
    check_tiling(sorted, count, T);
    in_order += memcmp(starts, sorted, (size_t)count * sizeof *sorted) == 0;
    shuffled_epoch(d, epoch + 1, T, again);
    same_epoch += memcmp(starts, again, (size_t)count * sizeof *again) == 0;
    shuffled_epoch(other, epoch, T, again);
    same_seed += memcmp(starts, again, (size_t)count * sizeof *again) == 0;
    offsets |= 1 << sorted[0] % T % 30;
  }
  check(!in_order && !same_epoch && !same_seed, "T %d: %d epochs in order, %d alike, %d of seeds",
        T, in_order, same_epoch, same_seed);
  check(T == 1 || (offsets & (offsets - 1)), "T %d: always the same offset", T);
  free(starts);
  data_close(other);
  data_close(d);
}

/* However a step is split into micro-batches, and samples into steps, the rows are the same. */
static void test_parts(int order) {
  enum { B = 12, T = 8 };
  Data *d = open_loader(order, 3, B, T), *small = open_loader(order, 3, B / 3, T);
  int32_t x[B * T], y[B * T], px[B * T], py[B * T];
  for (int step = 0; step < 40; step++) {
    Batch whole = batch_of(d, step, 0, B);
    memcpy(x, whole.x, sizeof x);
    memcpy(y, whole.y, sizeof y);
    for (int part = 1; part <= B; part++) {
      for (int first = 0; first < B; first += part) {
        int count = first + part < B ? part : B - first;
        Batch b = batch_of(d, step, first, count);
        memcpy(px + first * T, b.x, (size_t)(count * T) * sizeof *px);
        memcpy(py + first * T, b.y, (size_t)(count * T) * sizeof *py);
      }
      check(memcmp(x, px, sizeof x) == 0 && memcmp(y, py, sizeof y) == 0,
            "order %d, step %d: %d rows at a time are other rows", order, step, part);
    }
    if (order == ORDER_SHUFFLE) {
      for (int i = 0; i < 3; i++)
        memcpy(px + i * T * B / 3, batch_of(small, 3 * step + i, 0, B / 3).x, sizeof x / 3);
      check(memcmp(x, px, sizeof x) == 0, "step %d: a smaller B gives other samples", step);
    }
  }
  data_close(small);
  data_close(d);
}

/* All 6 orders of 3 windows, and each of 50 windows as the first, are equally likely. */
static void test_uniform(void) {
  enum { EPOCHS = 6000, T = 4, N = 50 };
  int orders[27] = {0}, firsts[N] = {0};
  int32_t starts[N];
  put_counting("u3.bin", 4 * T, 0);
  put_counting("u50.bin", (N + 1) * T, 0);
  Data *d = open_with(options(in_folder("u3.bin"), in_folder("u3.bin"), 0, 7), 60000, 1, T);
  check(data_epoch_rows(d) == 3, "%d windows", (int)data_epoch_rows(d));
  for (int e = 0; e < EPOCHS; e++) {
    shuffled_epoch(d, e, T, starts);
    orders[starts[0] / T % 3 * 9 + starts[1] / T % 3 * 3 + starts[2] / T % 3]++;
  }
  int kinds = 0;
  double chi = 0;
  for (int i = 0; i < 27; i++) {
    kinds += orders[i] > 0;
    if (orders[i]) chi += pow(orders[i] - EPOCHS / 6., 2) / (EPOCHS / 6.);
  }
  check(kinds == 6 && chi < 30, "orders of 3 windows: %d, chi squared %.1f of 5", kinds, chi);
  data_close(d);
  d = open_with(options(in_folder("u50.bin"), in_folder("u50.bin"), 0, 7), 60000, 1, T);
  for (int e = 0; e < EPOCHS; e++) {
    int32_t window = batch_of(d, (int64_t)e * N, 0, 1).x[0] / T;
    firsts[window < N ? window : N - 1]++;
  }
  chi = 0;
  for (int i = 1; i < N - 1; i++) chi += pow(firsts[i] - EPOCHS / (double)N, 2) / (EPOCHS / 50.);
  check(data_epoch_rows(d) == N, "%d windows", (int)data_epoch_rows(d));
  check(chi < 100, "first of 50 windows: chi squared %.1f of 48", chi);
  data_close(d);
}

static void test_validation(int T) {
  Data *d = open_loader(ORDER_SHUFFLE, 1, 1, T);
  int32_t x[1400], y[1400];
  size_t row_size = (size_t)T * sizeof *x;
  int count = (int)data_val_rows(d), row = 0;
  check(count == 999 / T + 136 / T + 262 / T, "%d validation rows", count);
  Batch all = val_batch_of(d, 0, count);
  memcpy(x, all.x, (size_t)count * row_size);
  memcpy(y, all.y, (size_t)count * row_size);
  for (int file = 0, first = 0; file < FILES; first += file_size[file++])
    for (int at = first; at + T < first + file_size[file]; at += T, row++) {
      check(x[row * T] == at && y[row * T + T - 1] == at + T, "row %d: %d", row, x[row * T]);
      Batch one = val_batch_of(d, row, 1);
      check(memcmp(one.x, x + row * T, row_size) == 0 && memcmp(one.y, y + row * T, row_size) == 0,
            "row %d alone is another", row);
    }
  check(row == count, "%d rows, not %d", row, count);
  data_close(d);
}

/* Without --val the tail is kept, and no cut leaves less than a window in a file. */
static void test_fraction(void) {
  for (int T = 1; T <= 130; T += 43)
    for (int percent = 0; percent <= 90; percent += 3) {
      DataOptions o = options(in_folder("o"), "", ORDER_SEQUENTIAL, 1);
      o.val_fraction = percent / 100.;
      Data *d = open_with(o, 60000, 1, T);
      int64_t train = train_tokens(d), val = val_tokens(d), want = 14 * percent;
      check(train + val == 1400 && train > T && val > T, "T %d, %d %%: %d and %d", T, percent,
            (int)train, (int)val);
      check(llabs(val - want) <= 2 * T + 2, "T %d: %d of %d wanted", T, (int)val, (int)want);
      int32_t begin = val_batch_of(d, 0, 1).x[0];
      check(begin == train, "T %d: begins at %d", T, begin);
      data_close(d);
    }
}

/* ---- Large files ---- */

/* 5 GiB of zeros that take no room, with a few marks. */
static void test_large_file(void) {
  const char *path = in_folder("large.bin");
  const int64_t bytes = INT64_C(5) << 30, last = bytes / 2 - 1;
  const int64_t marks[] = {0, INT64_C(1) << 31, (INT64_C(1) << 31) + 999, last - 1023, last};
  FILE *file = fopen(path, "wb");
  int ok = file && ftruncate(fileno(file), (off_t)bytes) == 0;
  for (int i = 0; i < 5 && ok; i++) {
    uint16_t id = (uint16_t)(1000 + i);
    ok = fseeko(file, (off_t)(2 * marks[i]), SEEK_SET) == 0 && fwrite(&id, 2, 1, file) == 1;
  }
  if (file && fclose(file) != 0) ok = 0;
  if (!ok) {
    printf("  skipped: no sparse file of 5 GiB in %s\n", folder);
    remove(path);
    return;
  }
  enum { T = 1024 };
  Err err = {""};
  Data *d = open_with(options(path, "", ORDER_SEQUENTIAL, 1), 1003, 1, T);
  check(train_tokens(d) + val_tokens(d) == last + 1 && val_tokens(d) == 1 << 28,
        "%lld validation tokens", (long long)val_tokens(d));
  Batch b = batch_of(d, 0, 0, 1);
  check(b.x[0] == 1000 && b.x[1] == 0 && b.y[0] == 0, "the first token of a large file");
  b = batch_of(d, marks[1] / T, 0, 1);
  check(b.x[0] == 1001 && b.x[999] == 1002 && b.y[998] == 1002, "a token beyond 4 GiB");
  int status = data_val_batch(d, data_val_rows(d) - 1, 1, &b, &err);
  check(status == -1 && strstr(err.text, "token id 1003 at position 2684353536"), "%s", err.text);
  uint32_t crc = data_fingerprint(d);
  data_close(d);
  if (truncate(path, bytes - 2)) stop("a file cannot be cut");
  if (truncate(path, bytes)) stop("a file cannot be made longer");
  d = open_with(options(path, "", ORDER_SEQUENTIAL, 1), 1003, 1, T);
  check(data_fingerprint(d) != crc, "the fingerprint does not see the end of a large file");
  data_close(d);
  remove(path);
}

int main(void) {
  Err err;
  Tokenizer *bytes;
  static const char *const folders[] = {"t", "w", "w2", "s", "empty", "k", "c", "l", "v", "o"};
  if (!mkdtemp(folder)) stop("no temporary folder");
  atexit(delete_folder);
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (folder_make(in_folder(folders[i]), &err)) stop(err.text);
  if (tokenizer_open(&bytes, 257, &err)) stop(err.text);
  test_embedded();
  test_separator();
  test_texts(bytes);
  test_wrappings();
  test_widths();
  test_bad_npy();
  test_split();
  test_missing();
  test_wrong_kinds();
  test_named_kinds();
  test_truncated();
  test_too_short();
  test_left_out();
  test_large_ids();
  put_loader_files();
  test_sequential(1, 1);
  test_sequential(2, 8);
  test_sequential(4, 34); /* 136: exactly the second file */
  test_sequential(5, 20); /* the first file is 10 steps but for the last target */
  test_sequential(3, 44);
  test_shuffle(1);
  test_shuffle(8);
  test_shuffle(50);
  test_parts(ORDER_SHUFFLE);
  test_parts(ORDER_SEQUENTIAL);
  test_uniform();
  test_validation(8); /* 1000: the first file is whole windows but for the last target */
  test_validation(16);
  test_fraction();
  test_large_file();
  tokenizer_close(bytes);
  return check_report("data");
}
