#include "run/export.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "data/vocabulary.h"
#include "model/formats/huggingface.h"

const char *const export_files[] = {"config.json", "vocab.json", "merges.txt"};

void export_vocabulary_path(const char *weights, char *path, size_t size) {
  const char *slash = strrchr(weights, '/');
  snprintf(path, size, "%.*s%s", slash ? (int)(slash - weights) + 1 : 0, weights,
           export_files[EXPORT_VOCAB]);
}

int export_tokenizer(Tokenizer **t, const char *weights, int64_t vocab, Err *err) {
  char path[PATH_MAX];
  export_vocabulary_path(weights, path, sizeof path);
  return vocabulary_open(t, path, vocab, err);
}

/* Frees the text. */
static int save(const char *folder, int which, char *text, size_t size,
                char sums[EXPORT_FILES][EXPORT_SUM], Err *err) {
  char path[PATH_MAX];
  if (!text) return fail(err, "no memory for %s", export_files[which]);
  snprintf(sums[which], EXPORT_SUM, "%08lx", crc32_z(0, (const unsigned char *)text, size));
  snprintf(path, sizeof path, "%s/%s", folder, export_files[which]);
  int status = file_write(path, text, size, err);
  free(text);
  return status;
}

int export_save(const ModelOptions *m, const Tokenizer *tokenizer, const char *folder,
                char sums[EXPORT_FILES][EXPORT_SUM], Err *err) {
  size_t size;
  for (int i = 0; i < EXPORT_FILES; i++) sums[i][0] = 0;
  char *text = huggingface_config_text(m, &size);
  if (save(folder, EXPORT_CONFIG, text, size, sums, err)) return -1;
  if (!tokenizer) return 0;
  text = vocabulary_json(tokenizer, &size);
  if (save(folder, EXPORT_VOCAB, text, size, sums, err)) return -1;
  text = vocabulary_merges(tokenizer, &size);
  return save(folder, EXPORT_MERGES, text, size, sums, err);
}
