/* The tokens of --data or --val, as segments of ids.

   Text files (tokenized here; several are joined by end-of-text, if the tokenizer has one) form
   one segment of uint16. Each token file (data/token_file.h) is a segment, of ids of 2, 4 or
   8 bytes. Plain token files are mapped, not read, and may be larger than memory;
   gzipped files are unpacked into memory. Ids are little-endian in the files and in here. */
#ifndef DATA_TOKENS_H
#define DATA_TOKENS_H

#include <stdint.h>
#include <string.h>

#include "core/error.h"
#include "data/characters.h"
#include "data/tokenizer.h"

enum { TOKENS_VOCAB_MAX = 65536 };

typedef struct {
  char *name;               /* the file, for messages */
  const unsigned char *ids; /* (count) numbers of `width` bytes, not aligned */
  int width;                /* 2, 4 or 8 */
  int64_t count;
  int64_t start;            /* position of the first id in the file, counted in tokens */
  void *memory;             /* where ids are; NULL when another segment owns them */
  size_t mapped;            /* bytes mapped at `memory`, or 0 when it is to be freed */
} Segment;

/* How texts become tokens. */
typedef struct {
  const Tokenizer *tokenizer;
  const char *separator; /* of documents within a text (data/separator.h), or "" */
} TextRules;

typedef struct {
  Segment *segments; /* (count) */
  int64_t count;
  int64_t total; /* tokens in all segments */
  int64_t vocab; /* all ids are below it */
  int64_t texts, separators; /* number read */
  int spells_eot; /* a text contains <|endoftext|>, and no separator was given */
} Tokens;

/* Opens a file, several files separated by commas, a glob pattern, or a folder (its .txt, .txt.gz,
   .bin, .bin.gz and .npy in the order of their names). `rules` may be NULL, then text is an
   error. Errors: those of token_file_read; missing, unreadable or empty files, text and token files
   together, ids not below vocab (looked for in everything that is in memory and in the first 64M
   tokens of a mapped file). `*t` is released with tokens_close. */
int tokens_open(Tokens *t, const char *paths, const TextRules *rules, int64_t vocab, Err *err);

/* Adds the characters of texts, named as for tokens_open. Errors: those of tokens_open; a file of
   tokens; text that is not UTF-8. */
int tokens_characters(Characters *c, const char *paths, Err *err);

/* A store of one segment from `count` documents in memory, joined by end-of-text. */
int tokens_from_text(Tokens *t, const char *name, const char *const *documents,
                     const size_t *sizes, int64_t count, const TextRules *rules, Err *err);

void tokens_close(Tokens *t);

/* Bytes of memory of all segments; mapped files need none. */
int64_t tokens_bytes(const Tokens *t);

/* Releases the segments of fewer than `least` tokens and returns their number. */
int64_t tokens_leave_out(Tokens *t, int64_t least);

/* Moves the last n tokens, 0 <= n <= total, from t to `tail`. If that splits a segment, its memory
   stays with t, which must outlive the tail. Error: no memory. */
int tokens_split(Tokens *t, int64_t n, Tokens *tail, Err *err);

/* Copies ids at..at+n-1 of a segment to out (n). Error: an id that is not below the vocabulary. */
int tokens_copy(const Tokens *t, int64_t segment, int64_t at, int64_t n, int32_t *out, Err *err);

/* The id at a place of a segment. */
static inline uint64_t segment_id(const Segment *s, int64_t at) {
  uint16_t id2;
  uint32_t id4;
  uint64_t id8;
  switch (s->width) {
    case 2: return memcpy(&id2, s->ids + 2 * at, sizeof id2), id2;
    case 4: return memcpy(&id4, s->ids + 4 * at, sizeof id4), id4;
    default: return memcpy(&id8, s->ids + 8 * at, sizeof id8), id8;
  }
}

/* CRC-32 of the counts and contents as uint16 for every width, chained from `crc`. Of a segment
   of more than 32M tokens only the first and the last 512K are read. */
uint32_t tokens_fingerprint(const Tokens *t, uint32_t crc);

#endif
