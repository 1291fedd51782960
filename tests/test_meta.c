/* nanoGPT's meta.pkl: files written by Python, damaged files, and files written here. */
#include "data/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/characters.h"
#include "tests/check.h"
#include "tests/program.h"
#include "tests/token_files.h"

/* The output of Python's pickle.dumps for {'vocab_size': 3, 'itos': {0: 'b', 1: 'a', 2: 'é'},
   'stoi': {'b': 0, 'a': 1, 'é': 2}}, in protocol 4 and 2. */
#define PICKLE_4                                                                                 \
  "\x80\x04\x95\x4f\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\nvocab_size\x94K\x03\x8c\x04itos\x94}" \
  "\x94(K\x00\x8c\x01" "b\x94K\x01\x8c\x01" "a\x94K\x02\x8c\x02\xc3\xa9\x94u\x8c\x04stoi\x94}"   \
  "\x94(h\x04K\x00h\x05K\x01h\x06K\x02uu."
#define PICKLE_2                                                                                 \
  "\x80\x02}q\x00(X\n\x00\x00\x00vocab_sizeq\x01K\x03X\x04\x00\x00\x00itosq\x02}q\x03(K\x00X"    \
  "\x01\x00\x00\x00" "bq\x04K\x01X\x01\x00\x00\x00" "aq\x05K\x02X\x02\x00\x00\x00\xc3\xa9q\x06u" \
  "X\x04\x00\x00\x00stoiq\x07}q\x08(h\x04K\x00h\x05K\x01h\x06K\x02uu."

static void check_meta(const char *bytes, size_t size, const char *refused) {
  Tokenizer *t = NULL;
  Err err = {""};
  char path[PATH_SIZE];
  program_write(program_path(path, "meta.pkl"), bytes, size);
  int status = meta_read(&t, path, &err);
  if (refused) check(status == -1 && !t && strstr(err.text, refused), "%s: %s", refused, err.text);
  else check(status == 0 && tokenizer_vocab(t) == 3 && is_token(t, 0, "b") && is_token(t, 1, "a") &&
                 is_token(t, 2, "\xC3\xA9"), "the order of meta.pkl is kept: %s", err.text);
  tokenizer_close(t);
}

int main(void) {
  program_folder("meta");
  check_meta(PICKLE_4, sizeof PICKLE_4 - 1, NULL);
  check_meta(PICKLE_2, sizeof PICKLE_2 - 1, NULL);
  for (size_t size = 0; size < sizeof PICKLE_4 - 1; size++) {
    check_meta(PICKLE_4, size, "damaged");
    check_meta(PICKLE_2, size < sizeof PICKLE_2 - 1 ? size : 0, "damaged");
  }
  check_meta("\x80\x04}\x94.", 5, "no dictionary itos");
  check_meta("\x80\x04}\x94K\x01\x8c\x01" "as.", 11, "no dictionary itos"); /* id 0 is missing */
  check_meta("\x80\x04" "cos\nsystem\n.", 15, "damaged"); /* nothing is executed */
  Tokenizer *t = characters_of("\nab\xC3\xA9"), *again;
  size_t size;
  Err err;
  char *text = meta_text(t, &size), path[PATH_SIZE];
  program_write(program_path(path, "meta.pkl"), text, size);
  free(text);
  check(meta_read(&again, path, &err) == 0 && tokenizer_vocab(again) == 4 &&
            is_token(again, 1, "a"),
        "what is written is read");
  tokenizer_close(again);
  tokenizer_close(t);
  return check_report("meta");
}
