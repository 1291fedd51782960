/* What kind of file some bytes are, by how they begin: so that a reader which was given the wrong
   file can say what it is. */
#ifndef CORE_KIND_H
#define CORE_KIND_H

#include <stddef.h>

/* llm.c's files begin with an int32 that says what they are. */
enum {
  MAGIC_LLMC_MODEL = 20240326,
  MAGIC_LLMC_TOKENS16 = 20240520, /* uint16, GPT-2 */
  MAGIC_LLMC_TOKENS32 = 20240801, /* uint32, Llama 3 */
};

typedef enum {
  KIND_UNKNOWN,
  KIND_TEXT, /* UTF-8, or an encoding of one byte for a character */
  KIND_LLMC_MODEL,
  KIND_LLMC_TOKENS16,
  KIND_LLMC_TOKENS32,
  KIND_NPY,
  KIND_SAFETENSORS,
  KIND_OTHER, /* known by name, read by no part of this program */
} Kind;

typedef struct {
  Kind kind;
  const char *name;   /* "a PNG image": for "is %s" */
  const char *advice; /* what to do with it, or NULL */
} FileKind;

/* bytes (size): a file, or the beginning of one; at most its first 4096 bytes are looked at, and
   text is recognised only from 32 bytes on. Only what numbers of a token file cannot be by chance
   counts: signatures of three bytes and more, and for UTF-16 without a byte order mark at least 16
   characters, all of them printable, with spaces between them. */
FileKind kind_of(const void *bytes, size_t size);

#endif
