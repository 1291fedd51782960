/* Token files and texts in a folder of the test, for the tests of data/. */
#ifndef TESTS_TOKEN_FILES_H
#define TESTS_TOKEN_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "data/data.h"

void stop(const char *what); /* prints it and ends the test */

/* Makes the test's folder with these folders in it. */
void make_folders(const char *test, const char *const *folders, int count);

/* The path of a test file; the last eight stay valid. "a,b" becomes "FOLDER/a,FOLDER/b". */
const char *in_folder(const char *names);

/* Each writes a file; put packs it when its name ends in .gz. put_bytes takes a path, the others a
   name in the folder. */
void put_bytes(const char *path, const void *data, size_t size);
void put(const char *name, const void *data, size_t size);
void put_text(const char *name, const char *text);

/* ids (count) as a shard of llm.c, or as raw uint16 if magic is 0. */
enum { MAGIC = 20240520 };
void put_tokens(const char *name, uint32_t magic, uint32_t version, const uint16_t *ids,
                size_t count);

/* ids (count): first, first+1, ...: the id is the position in the stream. The caller frees it. */
uint16_t *counting(size_t count, int first);
void put_counting(const char *name, size_t count, int first); /* as a shard */

/* The tokenizer of the characters of a text, and whether a token's id is this text. */
Tokenizer *characters_of(const char *text);
int is_token(const Tokenizer *t, int id, const char *text);

DataOptions options(const char *data, const char *val, int order, int64_t seed);
Data *open_with(DataOptions o, int vocab, int B, int T); /* ends the test on an error */

/* Opening these options must fail with a sentence that contains all the words, which end with
   NULL. */
void check_refused(DataOptions o, int vocab, int T, ...);

#define REFUSED(names, vocab, T, ...) \
  check_refused(options(in_folder(names), "austen", 0, 1), vocab, T, __VA_ARGS__, (char *)NULL)

#endif
