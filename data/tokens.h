/* A store of tokens: what `--data` or `--val` names, as segments of uint16 ids.

   Text files (tokenized here; several are joined by end-of-text) form one segment. Each token file
   is a segment of its own: llm.c's shards (1024-byte header, magic 20240520) and nanoGPT's raw
   uint16. Plain token files are mapped, not read, and may be larger than memory; gzipped files are
   unpacked into memory. Ids are little-endian in the files and in here. */
#ifndef DATA_TOKENS_H
#define DATA_TOKENS_H

#include <stdint.h>

#include "core/error.h"
#include "data/tokenizer.h"

typedef struct {
  char *name;          /* the file, for messages */
  const uint16_t *ids; /* (count) */
  int64_t count;
  int64_t start;       /* position of ids[0] in the file, counted in tokens: for messages */
  void *memory;        /* where ids stand; NULL when another segment owns them */
  size_t mapped;       /* bytes mapped at `memory`, or 0 when it is to be freed */
} Segment;

typedef struct {
  Segment *segments; /* (count) */
  int count;
  int64_t total; /* tokens in all segments */
  int vocab;     /* every id handed out is below it */
} Tokens;

/* Opens a file, several files separated by commas, a glob pattern, or a folder (its .txt, .txt.gz,
   .bin and .bin.gz in the order of their names). A file is a shard if it begins like one, raw ids
   if it is named .bin or .bin.gz, and text otherwise. `tokenizer` may be NULL, then text is an
   error. Errors: missing, unreadable, empty, truncated or damaged files, other kinds of binary
   files, text and token files together, ids not below vocab (looked for in everything that is in
   memory and in the first 64M tokens of a mapped file). `*t` is released with tokens_close. */
int tokens_open(Tokens *t, const char *paths, const Tokenizer *tokenizer, int vocab, Err *err);

/* A store of one segment from `count` documents in memory, joined by end-of-text. */
int tokens_from_text(Tokens *t, const char *name, const char *const *documents,
                     const size_t *sizes, int count, const Tokenizer *tokenizer, Err *err);

void tokens_close(Tokens *t);

/* Releases the segments of fewer than `least` tokens; returns how many. */
int tokens_leave_out(Tokens *t, int64_t least);

/* Moves the last n tokens, 0 <= n <= total, from t to `tail`. Where that cuts a segment in two, its
   memory stays with t, which must outlive the tail. Error: no memory. */
int tokens_split(Tokens *t, int64_t n, Tokens *tail, Err *err);

/* Copies ids at..at+n-1 of a segment to out (n). Error: an id that is not below the vocabulary. */
int tokens_copy(const Tokens *t, int segment, int64_t at, int64_t n, int32_t *out, Err *err);

/* CRC-32 of the counts and contents, chained from `crc`. Of a segment larger than 64 MB only the
   first and the last MiB are read. */
uint32_t tokens_fingerprint(const Tokens *t, uint32_t crc);

#endif
