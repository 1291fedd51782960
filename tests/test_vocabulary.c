/* vocab.json and merges.txt: those that GPT-2 was published with, and smaller ones. */
#include "data/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "tests/check.h"
#include "tests/program.h"

static void check_sum(char *text, size_t size, const char *wanted, const char *what) {
  char path[PATH_SIZE];
  program_write(program_path(path, "text"), text, size);
  program_run("sha256sum %s", path);
  check(strncmp(program_output(), wanted, 64) == 0, "%s: SHA-256 %s, not %s", what,
        program_output(), wanted);
  free(text);
}

static char *text_of(void (*print)(FILE *, const Tokenizer *), const Tokenizer *t, size_t *size) {
  char *text;
  FILE *out = open_memstream(&text, size);
  print(out, t);
  fclose(out);
  return text;
}

static void test_vocabulary(void) {
  Tokenizer *t;
  Err err;
  size_t size;
  if (tokenizer_open(&t, 50257, &err)) return check(0, "%s", err.text);
  char *text = text_of(vocabulary_json, t, &size);
  check_sum(text, size, "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
            "vocab.json");
  text = text_of(vocabulary_merges, t, &size);
  check_sum(text, size, "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
            "merges.txt");
  tokenizer_close(t);
  /* The nested ones begin with the same tokens, and their JSON is complete. */
  for (int vocab = 257; vocab <= 4096; vocab += 3839) {
    JsonDocument d;
    int64_t id = 0;
    if (tokenizer_open(&t, vocab, &err)) return check(0, "%s", err.text);
    text = text_of(vocabulary_json, t, &size);
    check(json_read(&d, "vocab.json", text, size, &err) == 0, "vocabulary %d: %s", vocab, err.text);
    check(d.root->count == vocab, "vocabulary %d has %d names", vocab, d.root->count);
    check(json_int(json_member(d.root, "<|endoftext|>"), 0, vocab, &id) == 0 && id == vocab - 1,
          "vocabulary %d: end-of-text is %lld", vocab, (long long)id);
    json_free(&d);
    free(text);
    text = text_of(vocabulary_merges, t, &size);
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    check(lines == vocab - 257 + 1, "vocabulary %d: %d lines of merges", vocab, lines);
    free(text);
    text = text_of(vocabulary_tokens, t, &size);
    lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    check(lines == vocab && strstr(text, "\n<|endoftext|>\n"), "vocabulary %d: %d tokens", vocab,
          lines);
    free(text);
    tokenizer_close(t);
  }
}

int main(void) {
  program_folder("test-vocabulary");
  test_vocabulary();
  return check_report("vocabulary");
}
