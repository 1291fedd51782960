#include "run/export.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "core/int64.h"
#include "data/vocabulary.h"
#include "model/formats/huggingface.h"

const char *const export_files[] = {
    [EXPORT_CONFIG] = "config.json",
    [EXPORT_GENERATION] = "generation_config.json",
    [EXPORT_VOCAB] = "vocab.json",
    [EXPORT_MERGES] = "merges.txt",
    [EXPORT_TOKENIZER] = "tokenizer_config.json",
};

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

static void print(FILE *out, int which, const ModelOptions *m, const Tokenizer *t) {
  int64_t eot = t ? tokenizer_eot(t) : i64_min(m->V, TOKENIZER_VOCAB_MAX) - 1;
  switch (which) {
    case EXPORT_CONFIG: huggingface_config_write(out, m, eot); break;
    case EXPORT_GENERATION: huggingface_generation_write(out, eot); break;
    case EXPORT_VOCAB: vocabulary_json(out, t); break;
    case EXPORT_MERGES: vocabulary_merges(out, t); break;
    default: vocabulary_config(out, t, m->context);
  }
}

static int save(const char *folder, int which, const ModelOptions *m, const Tokenizer *tokenizer,
                char sum[EXPORT_SUM], Err *err) {
  char path[PATH_MAX], *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out) print(out, which, m, tokenizer);
  if (!out || fclose(out) != 0) return fail(err, "no memory for %s", export_files[which]);
  snprintf(sum, EXPORT_SUM, "%08lx", crc32_z(0, (const unsigned char *)text, size));
  snprintf(path, sizeof path, "%s/%s", folder, export_files[which]);
  int status = file_write(path, text, size, err);
  free(text);
  return status;
}

int export_save(const ModelOptions *m, const Tokenizer *tokenizer, const char *folder,
                char sums[EXPORT_FILES][EXPORT_SUM], Err *err) {
  for (int i = 0; i < EXPORT_FILES; i++) {
    sums[i][0] = 0;
    if ((i < EXPORT_VOCAB || tokenizer) && save(folder, i, m, tokenizer, sums[i], err)) return -1;
  }
  return 0;
}
