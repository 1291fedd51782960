/* The embedded novels, and batches against their definition, on files made here. Tests: data/data
   data/embedded */
#include "data/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/tokens.h"
#include "tests/check.h"
#include "tests/token_files.h"

/* ---- Short forms ---- */

/* The sizes of both sets, as data_describe prints them. */
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

/* The rows of a step; data_batch must succeed. */
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

/* Warnings about <|endoftext|> in a text and about a separator. */
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

/* Segments without a window are ignored at any position, but their ids are checked. */
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

/* ---- The loader ---- */

/* Three files of ids 0..N-1 in order; the id is the position. */
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

/* 5 GiB of zeros in a sparse file, with a few marks. */
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
    printf("  skipped: no sparse file of 5 GiB in %s\n", in_folder(""));
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
  static const char *const folders[] = {"t", "s", "l", "o"};
  make_folders("test-data", folders, 4);
  test_embedded();
  test_separator();
  test_split();
  test_too_short();
  test_left_out();
  put_loader_files();
  test_sequential(1, 1);
  test_sequential(2, 8);
  test_sequential(4, 34); /* 136: exactly the second file */
  test_sequential(5, 20); /* the first file is 10 steps without the last target */
  test_sequential(3, 44);
  test_shuffle(1);
  test_shuffle(8);
  test_shuffle(50);
  test_parts(ORDER_SHUFFLE);
  test_parts(ORDER_SEQUENTIAL);
  test_uniform();
  test_validation(8); /* 1000: the first file is complete windows without the last target */
  test_validation(16);
  test_fraction();
  test_large_file();
  return check_report("data");
}
