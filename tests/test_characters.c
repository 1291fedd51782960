/* Vocabularies of characters: ids, nanoGPT's files, the built-in plays, and runs that use them. */
#include "data/characters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "data/data.h"
#include "data/embedded.h"
#include "data/meta.h"
#include "data/vocabulary.h"
#include "tests/check.h"
#include "tests/program.h"
#include "tests/token_files.h"

static char *path_to(const char *name) {
  static char paths[4][PATH_SIZE];
  static int next;
  return program_path(paths[next++ % 4], "%s", name);
}

/* Ids are those of sorted(set(text)) in Python: by code point, which for UTF-8 is by bytes. */
static void test_ids(void) {
  const char *sorted[] = {"\n", " ", "a", "b", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  const char text[] = "ba\xE2\x82\xAC\xF0\x9F\x98\x80 \xC3\xA9\nab";
  Tokenizer *t = characters_of(text);
  uint16_t ids[sizeof text];
  size_t count;
  Err err;
  check(tokenizer_vocab(t) == 7 && tokenizer_eot(t) == -1 && tokenizer_start(t) == 0, "sizes");
  for (int id = 0; id < 7; id++) check(is_token(t, id, sorted[id]), "character %d", id);
  static const uint16_t wanted[] = {3, 2, 5, 6, 1, 4, 0, 2, 3};
  check(tokenizer_encode(t, text, strlen(text), ids, &count, &err) == 0 && count == 9 &&
            memcmp(ids, wanted, sizeof wanted) == 0, "the ids of a text");
  check(tokenizer_encode(t, "abc", 3, ids, &count, &err) == -1 &&
            strstr(err.text, "\"c\" (U+0063)"),
        "a character outside: %s", err.text);
  check(tokenizer_encode(t, "a\xFF", 2, ids, &count, &err) == -1 && strstr(err.text, "UTF-8"),
        "not UTF-8: %s", err.text);
  tokenizer_close(t);
  t = characters_of("xyz");
  check(tokenizer_start(t) == 0, "without a line end, texts start with token 0");
  tokenizer_close(t);
  const uint32_t twice[] = {65, 66, 65}, surrogate[] = {0xD800};
  check(tokenizer_open_characters(&t, twice, 3, &err) == -1 && strstr(err.text, "twice"), "twice");
  check(tokenizer_open_characters(&t, surrogate, 1, &err) == -1 && !t, "a surrogate");
  check(tokenizer_open_characters(&t, twice, 0, &err) == -1 && !t, "no characters");
}

static char *text_of(void (*write)(FILE *, const Tokenizer *), const Tokenizer *t, size_t *size) {
  char *text;
  FILE *out = open_memstream(&text, size);
  write(out, t);
  fclose(out);
  return text;
}

/* vocab.json has the characters of a checkpoint. */
static void test_vocabulary(void) {
  Tokenizer *t = characters_of("\n \"\\azZ\xC3\xA9\xE2\x82\xAC"), *again;
  size_t size;
  Err err;
  char *json = text_of(vocabulary_json, t, &size), *path = path_to("vocab.json");
  program_write(path, json, size);
  free(json);
  check(vocabulary_open(&again, path, 9, &err) == 0 && again, "vocab.json is read");
  check(again && tokenizer_characters(again) &&
            memcmp(tokenizer_characters(again), tokenizer_characters(t), 9 * 4) == 0,
        "the same characters");
  tokenizer_close(again);
  check(vocabulary_open(&again, path, 300, &err) == 0 && again && tokenizer_eot(again) == 299,
        "a vocabulary of another size is the BPE's");
  tokenizer_close(again);
  check(vocabulary_open(&again, path_to("none.json"), 65, &err) == 0 && !again, "no vocabulary");
  char *merges = text_of(vocabulary_merges, t, &size);
  check(strcmp(merges, "#version: 0.2\n") == 0, "no merges");
  free(merges);
  tokenizer_close(t);
}

static Data *open_data(const char *data, int kind, int64_t vocab, int64_t T) {
  DataOptions o = {.val_fraction = 0.1, .tokenizer = kind, .data_seed = 1};
  Data *d;
  Err err;
  snprintf(o.data, sizeof o.data, "%s", data);
  if (data_open(&d, &o, vocab, 1, T, &err)) stop(err.text);
  return d;
}

static void check_sizes(Data *d, const char *train, const char *val, const char *what) {
  char line[2048];
  data_describe(d, line, sizeof line);
  check(strstr(line, train) && strstr(line, val), "%s: %s", what, line);
  data_close(d);
}

/* nanoGPT's published numbers of tokens, and the beginning of its val.bin. */
static void test_shakespeare(void) {
  Data *d = open_data("shakespeare", TOKENIZER_AUTO, 4096, 64);
  Batch b;
  Err err;
  check(data_vocab(d) == 65 && tokenizer_vocab(data_tokenizer(d)) == 65, "65 characters");
  check(is_token(data_tokenizer(d), 13, "A") && is_token(data_tokenizer(d), 64, "z"), "ids");
  static const int32_t begin[] = {12, 0, 0, 19, 30, 17, 25, 21, 27, 10, 0}; /* "?\n\nGREMIO:\n" */
  check(data_val_batch(d, 0, 1, &b, &err) == 0 && memcmp(b.x, begin, sizeof begin) == 0,
        "the validation text begins with ?, two line ends and GREMIO:");
  check_sizes(d, "1003854 training", "111540 validation", "characters");
  check_sizes(open_data("shakespeare", TOKENIZER_GPT2, 50257, 64), "301966 training",
              "36059 validation", "GPT-2's vocabulary");
  check_sizes(open_data("shakespeare", TOKENIZER_BYTES, 4096, 64), "1003854 training",
              "vocabulary 257", "bytes");
}

/* A folder as nanoGPT makes it: train.bin, val.bin, meta.pkl. */
static void test_folder(void) {
  uint16_t ids[200];
  char *text, *folder = path_to("nano");
  size_t size;
  Batch b;
  Err err;
  Tokenizer *t = characters_of("\nabc");
  program_run("mkdir -p %s", folder);
  for (int i = 0; i < 200; i++) ids[i] = (uint16_t)(i % 3);
  program_write(path_to("nano/train.bin"), ids, sizeof ids);
  for (int i = 0; i < 200; i++) ids[i] = 3;
  program_write(path_to("nano/val.bin"), ids, 60 * sizeof *ids);
  text = meta_text(t, &size);
  program_write(path_to("nano/meta.pkl"), text, size);
  free(text);
  Data *d = open_data(folder, TOKENIZER_AUTO, 4096, 8);
  check(data_vocab(d) == 4 && data_val_batch(d, 0, 1, &b, &err) == 0 && b.x[0] == 3,
        "val.bin is for validation");
  check_sizes(d, "200 training", "60 validation", "a folder of nanoGPT's");
  d = open_data(path_to("nano/train.bin"), TOKENIZER_AUTO, 4096, 8);
  check(data_vocab(d) == 4, "meta.pkl beside a file of tokens");
  data_close(d);
  d = open_data(folder, TOKENIZER_GPT2, 300, 8);
  check(data_vocab(d) == 300, "--tokenizer gpt2 ignores meta.pkl");
  data_close(d);
  tokenizer_close(t);
}

/* Windows of --order random start anywhere, and depend only on the seed and the row. */
static void test_random_order(void) {
  DataOptions o = {.order = ORDER_RANDOM, .data_seed = 1, .data = "shakespeare"};
  Data *d = NULL, *other = NULL;
  Batch a, b;
  Err err;
  int32_t first[64];
  if (data_open(&d, &o, 65, 4, 16, &err) || data_open(&other, &o, 65, 4, 16, &err)) stop(err.text);
  data_batch(d, 7, 0, 4, &a, &err);
  memcpy(first, a.x, sizeof first);
  data_batch(other, 7, 2, 2, &b, &err);
  check(memcmp(first + 32, b.x, 32 * sizeof *first) == 0, "a row does not depend on the batch");
  data_batch(d, 8, 0, 4, &a, &err);
  check(memcmp(first, a.x, sizeof first) != 0, "other steps have other windows");
  check(memcmp(a.x + 1, a.y, 15 * sizeof *a.x) == 0, "y is one token later");
  data_close(d);
  data_close(other);
}

/* The programs: a run, its checkpoint, tools that read it, and a run that starts from it. */
static void test_programs(void) {
  const char *f = program_folder("characters");
  check(program_run("printf 'ab\\303\\251 ba\\n%%.0s' $(seq 100) >%s/t.txt", f) == 0, "a text");
  check(program_run("./train --data %s/t.txt --tokenizer char --model nano --layers 1 --heads 2 "
                    "--channels 16 --context 8 --batch 2 --steps 3 --warmup 0 --threads 1 "
                    "--out %s/run", f, f) == 0, "a run: %s", program_output());
  check(program_run("tools/generate --from %s/run --prompt 'a' --tokens 9 --threads 1 2>/dev/null",
                    f) == 0 && strspn(program_output(), "ab\xC3\xA9 \n") == strlen(program_output()),
        "only characters of the text: %s", program_output());
  check(program_run("tools/generate --from %s/run --prompt xa", f) == 1 &&
            strstr(program_output(), "\"x\" (U+0078)"), "prompt: %s", program_output());
  check(program_run("tools/convert --from %s/run --to %s/hf && "
                    "tools/generate --from %s/hf --prompt a --tokens 9 2>/dev/null", f, f, f) == 0 &&
            strstr(program_output(), "a"), "a converted folder: %s", program_output());
  check(program_run("./train --resume %s/run --steps 4 --threads 1", f) == 0, "a resumed run");
  check(program_run("./train --init %s/run --data %s/t.txt --batch 2 --steps 2 --warmup 0 "
                    "--threads 1 --out %s/second && grep -x 'channels = 16' %s/second/config.txt",
                    f, f, f, f) == 0, "--init takes the sizes: %s", program_output());
  check(program_run("./train --init %s/run --data shakespeare --steps 2 --out %s/x", f, f) == 1 &&
            strstr(program_output(), "is not one of the 5"), "other text: %s", program_output());
  check(program_run("./train --data shakespeare --vocab 512 --out %s/x", f) == 2 &&
            strstr(program_output(), "--vocab has no effect"), "--vocab: %s", program_output());
}

static void test_tokenize(void) {
  const char *f = program_folder("characters");
  size_t size;
  check(program_run("mkdir -p %s/tok && tools/tokenize --from %s/t.txt --to %s/tok/train.bin "
                    "--tokenizer char --format nanogpt", f, f, f) == 0 &&
            strstr(program_output(), "meta.pkl: 5 characters"), "tokenize: %s", program_output());
  char *ids = program_read(path_to("tok/train.bin"), &size);
  check(size == 2 * 700 && ids[0] == 2 && ids[2] == 3 && ids[4] == 4 && ids[6] == 1,
        "ids without end-of-text: %zu bytes", size);
  free(ids);
  check(program_run("echo abx >%s/x.txt; tools/tokenize --from %s/x.txt --to %s/tok/val.bin "
                    "--tokenizer char --format nanogpt", f, f, f) == 1 &&
            strstr(program_output(), "x.txt: the character \"x\""),
        "the meta.pkl there is used: %s",
        program_output());
}

int main(void) {
  program_folder("characters");
  test_ids();
  test_vocabulary();
  test_shakespeare();
  test_folder();
  test_random_order();
  test_programs();
  test_tokenize();
  return check_report("characters");
}
