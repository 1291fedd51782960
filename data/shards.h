/* Writes files of tokens: llm.c's shards (a header of 256 int32: magic number, version, count; then
   uint16 ids), as many as are needed, or nanoGPT's one file of raw uint16. */
#ifndef DATA_SHARDS_H
#define DATA_SHARDS_H

#include <limits.h>
#include <stdint.h>

#include "core/writer.h"
#include "data/paths.h"

/* The header, in bytes; its magic number is one of core/kind.h. */
enum { SHARD_HEADER = 1024, SHARD_VERSION16 = 1, SHARD_VERSION32 = 7 };

typedef enum { SHARDS_LLMC, SHARDS_NANOGPT } ShardFormat;
#define SHARD_FORMATS "llm.c|nanogpt"

typedef struct {
  ShardFormat format;
  const char *name; /* the file of nanoGPT; what shards are named after */
  int64_t limit;    /* tokens of a shard */
  int64_t tokens;   /* in all */
  int64_t here;     /* in the file that is open */
  int64_t files;
  int overwrite;
  int64_t removed; /* shards of before, behind the last one written */
  int is_open;
  Writer writer;
} Shards;

/* Nothing is written before the first tokens come. With SHARDS_LLMC the files are NAME_000000.bin,
   NAME_000001.bin, ... of `limit` tokens each, the last of fewer. `name` must live as long.
   Errors: unless `overwrite`, files of that name, with SHARDS_LLMC of any number, since NAME_*.bin
   would take those behind the last one for new; always, that one of `inputs` would be lost. */
int shards_open(Shards *s, ShardFormat format, const char *name, int64_t limit,
                const PathList *inputs, int overwrite, Err *err);

/* Appends n tokens. Error: a file cannot be written; what is open is removed by shards_close. */
int shards_put(Shards *s, const uint16_t *ids, int64_t n, Err *err);

/* Finishes the last file; `status` as for writer_close. When all is well and `overwrite` was said,
   shards of before that stand behind the last one are removed. */
int shards_close(Shards *s, int status, Err *err);

#endif
