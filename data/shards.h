/* Writes files of tokens: llm.c's shards (a header of 256 int32: magic number, version, count; then
   uint16 ids), as many as are needed, or nanoGPT's one file of raw uint16. */
#ifndef DATA_SHARDS_H
#define DATA_SHARDS_H

#include <limits.h>
#include <stdint.h>

#include "core/writer.h"
#include "data/paths.h"

/* Size of the header in bytes, and versions; core/kind.h has the magic numbers. */
enum { SHARD_HEADER = 1024, SHARD_VERSION16 = 1, SHARD_VERSION32 = 7 };

typedef enum { SHARDS_LLMC, SHARDS_NANOGPT } ShardFormat;
#define SHARD_FORMATS "llm.c|nanogpt"

typedef struct {
  ShardFormat format;
  const char *name; /* of nanoGPT's file; prefix of the shards */
  int64_t limit;    /* tokens per shard */
  int64_t tokens;   /* total */
  int64_t here;     /* in the file that is open */
  int64_t files;
  int overwrite;
  int64_t removed; /* old shards with higher numbers than the last one written */
  int is_open;
  Writer writer;
} Shards;

/* Prepares writing; the first shards_put creates the first file. With SHARDS_LLMC the files are
   NAME_000000.bin, NAME_000001.bin, ... of `limit` tokens each, the last with fewer. `name` must
   stay valid. Errors: without `overwrite`, a file of that name exists (with SHARDS_LLMC of any
   number, since NAME_*.bin would match old shards too); an output would replace one of `inputs`. */
int shards_open(Shards *s, ShardFormat format, const char *name, int64_t limit,
                const PathList *inputs, int overwrite, Err *err);

/* Appends n tokens. Error: a file cannot be written; shards_close then removes the open file. */
int shards_put(Shards *s, const uint16_t *ids, int64_t n, Err *err);

/* Finishes the last file; `status` as for writer_close. On success, and with `overwrite`, removes
   old shards with higher numbers. Errors: a file cannot be written or removed. */
int shards_close(Shards *s, int status, Err *err);

#endif
