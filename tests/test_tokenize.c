/* The program tools/tokenize. Tests: data/shards data/separator */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/threads.h"
#include "data/tokens.h"
#include "tests/check.h"
#include "tests/program.h"

static const char *folder;

static void check_ids(const char *path, const uint16_t *ids, size_t count) {
  Tokens t;
  Err err;
  if (tokens_open(&t, path, NULL, 65536, &err)) return check(0, "%s: %s", path, err.text);
  size_t at = 0;
  int same = t.total == (int64_t)count;
  for (int s = 0; s < t.count && same; s++) {
    same = memcmp(t.segments[s].ids, ids + at, (size_t)t.segments[s].count * sizeof *ids) == 0;
    at += (size_t)t.segments[s].count;
  }
  check(same, "%s: %lld ids, not the %zu wanted", path, (long long)t.total, count);
  tokens_close(&t);
}

static void test_token_fixtures(void) {
  uint16_t ids[1000];
  for (unsigned i = 0; i < 1000; i++) ids[i] = (uint16_t)(i * i % 257);
  check_ids("tests/fixtures/formats/squares_000000.bin", ids, 1000);
  check_ids("tests/fixtures/formats/squares.bin", ids, 1000);
}

/* Documents separated by a line, with end-of-text on either side, in shards and in one file. */
static void test_tokenize(void) {
  enum { DOCUMENTS = 300, ROOM = 1 << 20 };
  static char text[ROOM];
  static uint16_t before[ROOM], after[ROOM];
  size_t size = 0, n = 0, m = 0, count;
  Tokenizer *t;
  Err err;
  char path[PATH_SIZE];
  if (tokenizer_open(&t, 50257, &err)) return check(0, "%s", err.text);
  for (int i = 0; i < DOCUMENTS; i++) {
    size_t first = size;
    for (uint64_t w = 0; w < 20 + check_splitmix((uint64_t)i) % 200; w++)
      size += (size_t)sprintf(text + size, "%s%c", w % 7 ? "caf\xC3\xA9" : "it's  2024",
                              " \n"[check_splitmix(w) % 5 == 0]);
    if (text[size - 1] != '\n') text[size++] = '\n';
    before[n++] = 50256;
    if (tokenizer_encode(t, text + first, size - first, before + n, &count, &err)) return;
    memcpy(after + m, before + n, count * sizeof *after);
    n += count;
    m += count;
    after[m++] = 50256;
    if (i + 1 < DOCUMENTS) size += (size_t)sprintf(text + size, "=====\n");
  }
  program_write(program_path(path, "documents.txt"), text, size);
  int code = program_run("tools/tokenize --from %s --to %s/d --separator ===== "
                         "--shard-tokens 10000 --threads 2", path, folder);
  check(code == 0, "tokenize: %s", program_output());
  check_ids(program_path(path, "d_*.bin"), before, n);
  code = program_run("tools/tokenize --from %s/documents.txt --to %s/after.bin --separator ===== "
                     "--format nanogpt --eot after", folder, folder);
  check(code == 0, "tokenize: %s", program_output());
  check_ids(program_path(path, "after.bin"), after, m);
  code = program_run("tools/tokenize --from %s/documents.txt --to %s/none/x", folder, folder);
  check(code == 1 && strstr(program_output(), "cannot be written"), "%s", program_output());
  tokenizer_close(t);
}

/* tokenize --from FOLDER/from --to FOLDER/to: the exit code and a part of the output. */
static void tokenizes(const char *from, const char *to, const char *options, int want,
                      const char *says) {
  int code = program_run("tools/tokenize --from %s/%s --to %s/%s --vocab 257 %s", folder, from,
                         folder, to, options);
  check(code == want && strstr(program_output(), says), "%s to %s %s: exit code %d: %s", from, to,
        options, code, program_output());
}

/* Texts and existing output are never lost without a message. */
static void test_overwriting(void) {
  static const char nano[] = "--format nanogpt", nano_on[] = "--format nanogpt --overwrite on";
  char path[PATH_SIZE], kept[PATH_SIZE];
  program_write(program_path(path, "small.txt"), "abcdefgh", 8);
  program_write(program_path(kept, "kept.txt"), "abcdefgh", 8);
  program_write(program_path(path, "small.bin.tmp"), "abcdefgh", 8);
  program_run("cd %s && mkdir aside && ln -s ../small.txt aside/link.txt", folder);
  tokenizes("small.txt", "small.txt", nano, 1, "is an input");
  tokenizes("small.txt", "small.txt", nano_on, 1, "is an input");
  tokenizes("small.txt", "aside/../small.txt", nano_on, 1, "is an input");
  tokenizes("aside/link.txt", "small.txt", nano_on, 1, "is an input");
  tokenizes("small.bin.tmp", "small.bin", nano, 1, "is an input");
  check(program_same_bytes(program_path(path, "small.txt"), kept), "a text is lost");
  check(program_same_bytes(program_path(path, "small.bin.tmp"), kept), "a text named .tmp is lost");
  tokenizes("small.txt", "raw.bin", nano, 0, "9 tokens in 1 file");
  tokenizes("small.txt", "raw.bin", nano, 1, "already exists");
  tokenizes("small.txt", "raw.bin", nano_on, 0, "9 tokens in 1 file");
}

static int shards_are(const char *names) {
  program_run("cd %s && echo many_*", folder);
  return strcmp(program_output(), names) == 0;
}

/* Old shards must be removed: they would be read together with the new ones. */
static void test_old_shards(void) {
  static const char two[] = "--shard-tokens 5", one[] = "--shard-tokens 5 --overwrite on";
  char path[PATH_SIZE];
  program_write(program_path(path, "some.txt"), "abcdefghi", 9);
  tokenizes("some.txt", "many", "--shard-tokens 3", 0, "10 tokens in 4 files\n");
  tokenizes("some.txt", "many", two, 1, "already exists");
  program_run("cd %s && rm many_000000.bin many_000001.bin many_000003.bin", folder);
  tokenizes("some.txt", "many", two, 1, "many_000002.bin: already exists");
  check(shards_are("many_000002.bin\n"), "left: %s", program_output());
  program_run("cd %s && touch many_00002.bin many_000007.bin many_x.bin", folder);
  tokenizes("some.txt", "many", one, 0, "10 tokens in 2 files; removed 2 of an earlier run\n");
  check(shards_are("many_000000.bin many_000001.bin many_00002.bin many_x.bin\n"), "left: %s",
        program_output());
  program_run("cd %s && mv some.txt many_000001.bin && ln -s many_000001.bin some.txt", folder);
  tokenizes("some.txt", "many", one, 1, "is an input");
  program_run("cd %s && mv many_000001.bin many_000009.bin && ln -sf many_000009.bin some.txt",
              folder);
  tokenizes("some.txt", "many", one, 1, "is an input");
}

/* In `wanted`, | is end-of-text; without merges, each id is a byte. */
static size_t marked_ids(const char *wanted, uint16_t *ids) {
  size_t count = 0;
  Tokenizer *t;
  Err err;
  if (tokenizer_open(&t, 257, &err) ||
      tokenizer_encode(t, wanted, strlen(wanted), ids, &count, &err))
    check(0, "%s", err.text);
  tokenizer_close(t);
  for (size_t i = 0; i < count; i++)
    if (wanted[i] == '|') ids[i] = 256;
  return count;
}

/* Every occurrence separates documents; if it is alone on its line, the line's end ("\n" or "\r\n")
   belongs to it; empty documents are dropped. The size of the buffer does not matter. */
static void test_separators(void) {
  static const struct {
    const char *text, *separator, *wanted;
  } cases[] = {
      {"a\r\n==\r\nb\n==\nc ==\r\n==\r\r\n==\r\nd\r\n==\r\n", "==",
       "|a\r\n|b\n|c |\r\n|\r\r\n|d\r\n"},
      {"one <E>two<E>\n<E>\nthree\n", "<E>", "|one |two|\n|three\n"},
      {"<E><E>a<E><E>\n", "<E>", "|a|\n"},
      {"<E>\n\n<E>", "<E>", "|\n"},
      {"a <E <E", "<E>", "|a <E <E"},
      {"a\n<E>", "<E>", "|a\n"},
      {"x===y", "==", "|x|=y"},
      {"aXb", "X", "|a|b"},
      {"a b c", "", "|a b c"},
  };
  uint16_t ids[200];
  char path[PATH_SIZE], options[128];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t count = marked_ids(cases[i].wanted, ids);
    program_write(program_path(path, "separated.txt"), cases[i].text, strlen(cases[i].text));
    for (int buffer = 1; buffer <= 40; buffer += buffer < 12 ? 1 : 14) {
      snprintf(options, sizeof options,
               "--separator '%s' --format nanogpt --overwrite on --buffer %d", cases[i].separator,
               buffer);
      tokenizes("separated.txt", "separated.bin", options, 0, "in 1 file");
      check_ids(program_path(path, "separated.bin"), ids, count);
    }
    /* Training reads the same tokens, without the first end-of-text. */
    Tokenizer *t;
    Tokens tokens;
    Err err;
    if (tokenizer_open(&t, 257, &err)) return check(0, "%s", err.text);
    const TextRules rules = {t, cases[i].separator};
    if (tokens_open(&tokens, program_path(path, "separated.txt"), &rules, 257, &err))
      return check(0, "%s", err.text);
    check(tokens.total == (int64_t)count - 1 &&
              memcmp(tokens.segments[0].ids, ids + 1, (count - 1) * sizeof *ids) == 0,
          "case %zu: training has %lld other tokens", i, (long long)tokens.total);
    tokens_close(&tokens);
    tokenizer_close(t);
  }
  program_write(program_path(path, "story.txt"), "A<|endoftext|>B", 15);
  tokenizes("story.txt", "story", "--overwrite on", 0, "--separator \"<|endoftext|>\"");
  tokenizes("story.txt", "story", "--overwrite on --separator '<|endoftext|>'", 0, "4 tokens");
  check(!strstr(program_output(), "remark"), "%s", program_output());
  tokenizes("story.txt", "story", "--overwrite on --separator '==='", 0, "does not occur");
}

/* Text in which cuts are hard to place: runs of white space of one to three bytes, characters of up
   to four, bytes that are not UTF-8, words that are longer than a small buffer, and lines that
   begin or end like the separator. */
static size_t hard_text(char *text, size_t size) {
  static const char *const parts[] = {
      " ", "  ", "\n", "\r\n", "\t \n", "\xC2\xA0", "\xE2\x80\x83 ", " \xE3\x80\x80", "a", "word",
      " the", "'s", "'LL", "12", "\xC3\xA9t\xC3\xA9", "\xF0\x9F\x98\x80", "\xE2\x80", "\x85", "...",
      "= =", "\n= =", "\n= = \n", " = =\n", "\n= =\n", "\n= =\n= =\n", "\n\n= =\n\n", "\n= =\r\n",
      "pneumonoultramicroscopicsilicovolcanoconiosis-pneumonoultramicroscopicsilicovolcanoconiosis"};
  size_t used = 0, count = sizeof parts / sizeof *parts;
  for (uint64_t i = 0; used + 200 < size; i++) {
    uint64_t r = check_splitmix(i + 99) >> 7;
    if (i % 8 < 5) r %= 19; /* mostly without the separator */
    used += (size_t)sprintf(text + used, "%s", parts[r % count]);
  }
  return used;
}

/* Each error is reported and leaves no file. */
static void test_broken_texts(void) {
  static const char *const texts[][2] = {
      {"empty.txt", "is empty"}, {"zeros.txt", "zero bytes"}, {"short.txt.gz", "truncated"},
      {"wide.txt", "UTF-16 text"}};
  char path[PATH_SIZE];
  program_write(program_path(path, "empty.txt"), "", 0);
  program_write(program_path(path, "zeros.txt"), "a text\0b", 8);
  program_write(program_path(path, "wide.txt"), "\xFF\xFE" "a\0 \0b\0", 8);
  program_run("gzip -c tests/test_tokenize.c > %s/long.txt.gz", folder);
  program_run("head -c 2000 %s/long.txt.gz > %s/short.txt.gz", folder, folder);
  for (int i = 0; i < 4; i++) {
    int code = program_run("tools/tokenize --from %s/%s --to %s/broken", folder, texts[i][0],
                           folder);
    check(code == 1 && strstr(program_output(), texts[i][1]), "%s: exit code %d: %s", texts[i][0],
          code, program_output());
    check(program_run("ls %s/broken*", folder) != 0, "%s: %s", texts[i][0], program_output());
  }
}

/* The ids do not depend on how much of a text is in memory at a time. */
static void test_small_buffers(void) {
  enum { ROOM = 60000 };
  static const int buffers[] = {1, 2, 3, 5, 64, 1000, 59999, 60000, 70000};
  static const char *const options[] = {"", "--separator '= ='", "--separator '= =' --eot after"};
  static char text[ROOM];
  static uint16_t ids[ROOM + 1];
  char path[PATH_SIZE], whole[PATH_SIZE];
  size_t size = hard_text(text, ROOM), count;
  Tokenizer *t;
  Err err;
  if (tokenizer_open(&t, 50257, &err)) return check(0, "%s", err.text);
  ids[0] = 50256;
  if (tokenizer_encode(t, text, size, ids + 1, &count, &err)) return check(0, "%s", err.text);
  program_write(program_path(path, "hard.txt"), text, size);
  program_run("gzip -k %s", path);
  for (int i = 0; i < 3; i++) {
    program_run("tools/tokenize --from %s/hard.txt --to %s/whole.bin --format nanogpt "
                "--threads 1 --overwrite on %s", folder, folder, options[i]);
    program_path(whole, "whole.bin");
    if (i == 0) check_ids(whole, ids, count + 1);
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++) {
      int code = program_run("tools/tokenize --from %s/hard.txt%s --to %s/cut.bin --buffer %d "
                             "--format nanogpt --threads 1 --overwrite on %s", folder,
                             b % 2 ? ".gz" : "", folder, buffers[b], options[i]);
      check(code == 0, "--buffer %d: %s", buffers[b], program_output());
      check(program_same_bytes(program_path(path, "cut.bin"), whole), "--buffer %d %s: other ids",
            buffers[b], options[i]);
    }
  }
  tokenizer_close(t);
}

int main(void) {
  threads_start(1);
  folder = program_folder("test-tokenize");
  test_token_fixtures();
  test_tokenize();
  test_overwriting();
  test_old_shards();
  test_separators();
  test_small_buffers();
  test_broken_texts();
  return check_report("tokenize");
}
