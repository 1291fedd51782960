/* Identifies a file by its first bytes, so that a reader can name a file of the wrong kind. */
#ifndef CORE_KIND_H
#define CORE_KIND_H

#include <stddef.h>

/* The int32 at the start of llm.c's files. */
enum {
  MAGIC_LLMC_MODEL = 20240326,
  MAGIC_LLMC_TOKENS16 = 20240520, /* uint16, GPT-2 */
  MAGIC_LLMC_TOKENS32 = 20240801, /* uint32, Llama 3 */
};

typedef enum {
  KIND_UNKNOWN,
  KIND_TEXT, /* UTF-8 or a single-byte encoding */
  KIND_LLMC_MODEL,
  KIND_LLMC_TOKENS16,
  KIND_LLMC_TOKENS32,
  KIND_NPY,
  KIND_SAFETENSORS,
  KIND_OTHER, /* recognized, but not supported */
} Kind;

typedef struct {
  Kind kind;
  const char *name;   /* "a PNG image": for "is %s" */
  const char *advice; /* what to do with it, or NULL */
} FileKind;

/* Identifies bytes (size), a file or its beginning; reads at most the first 4096 bytes. To keep
   binary token files from matching by chance, a signature has at least three bytes, text at least
   32 bytes, and UTF-16 without a byte order mark at least 16 printable characters with spaces. */
FileKind kind_of(const void *bytes, size_t size);

#endif
