/* core/kind: a table of file starts, and data that must not be recognized as any of them. */
#include "core/kind.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

#define BYTES(text) text, sizeof text - 1
static const struct {
  const char *bytes;
  size_t size;
  Kind kind;
  const char *name;
} cases[] = {
    {BYTES("It is a truth universally acknowledged"), KIND_TEXT, "text"},
    {BYTES("PAR1 is how this text begins, and it is a text"), KIND_TEXT, "text"},
    {BYTES("\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xBD\xA0\xE5\xA5\xBD"
           "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xBD\xA0\xE5\xA5\xBD"), KIND_TEXT,
     "text"},
    {BYTES("Latin-1: d\xE9j\xE0 vu, vu et revu, na\xEFve"), KIND_TEXT, "text"},
    {BYTES("<!DOCTYPE html>\n<html><head><title>404</title>"), KIND_TEXT, "a page of HTML"},
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:4d"), KIND_OTHER, "Git LFS"},
    {BYTES("\x93NUMPY\x01\0v\0{'descr': '<u2'"), KIND_NPY, ".npy"},
    {BYTES("\x1F\x8B\x08\0\0\0\0\0\0\x03"), KIND_OTHER, "gzip data"},
    {BYTES("\xFD" "7zXZ\0\0\x04"), KIND_OTHER, "xz data"},
    {BYTES("\x28\xB5\x2F\xFD\x04\0"), KIND_OTHER, "zstd data"},
    {BYTES("BZh91AY&SY\0\x01"), KIND_OTHER, "bzip2 data"},
    {BYTES("PAR1\x15\x04\x15"), KIND_OTHER, "Parquet"},
    {BYTES("ARROW1\0\0\xFF"), KIND_OTHER, "Arrow"},
    {BYTES("GGUF\x03\0\0\0"), KIND_OTHER, "GGUF"},
    {BYTES("\x89HDF\r\n\x1A\n\0"), KIND_OTHER, "HDF5"},
    {BYTES("\x89PNG\r\n\x1A\n\0\0\0\rIHDR"), KIND_OTHER, "a PNG image"},
    {BYTES("\xFF\xD8\xFF\xE0\0\x10JFIF"), KIND_OTHER, "JPEG"},
    {BYTES("%PDF-1.5\n%\xBF\xF7\xA2\xFE\x01"), KIND_OTHER, "PDF"},
    {BYTES("\x7F" "ELF\x02\x01\x01"), KIND_OTHER, "a program"},
    {BYTES("PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x13\0archive/data.pklFB"),
     KIND_OTHER, "PyTorch checkpoint (ZIP)"},
    {BYTES("PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0ids.npy"), KIND_OTHER,
     "(.npz)"},
    {BYTES("PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txtx"), KIND_OTHER,
     "a ZIP archive"},
    {BYTES("\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19.\x80\x02M"), KIND_OTHER, "(pickle)"},
    {BYTES("\x80\x04\x95\x03\0\0\0\0\0\0\0]."), KIND_UNKNOWN, NULL}, /* a frame beyond the end */
    {BYTES("\x80\x04\x95\x02\0\0\0\0\0\0\0]."), KIND_OTHER, "a Python pickle"},
    {BYTES("\x02\0\0\0\0\0\0\0{}"), KIND_SAFETENSORS, "a safetensors file"},
    {BYTES("\x03\0\0\0\0\0\0\0{}"), KIND_UNKNOWN, NULL}, /* a header beyond the end */
    {BYTES("\xC6\xD7\x34\x01\x03\0\0\0"), KIND_LLMC_MODEL, "a model checkpoint of llm.c"},
    {BYTES("\x88\xD8\x34\x01\x01\0\0\0"), KIND_LLMC_TOKENS16, "a token shard of llm.c"},
    {BYTES("\xA1\xD9\x34\x01\x07\0\0\0"), KIND_LLMC_TOKENS32, "a token shard of llm.c"},
    {BYTES("\x8A\xD8\x34\x01\x01\0\0\0"), KIND_OTHER, "an evaluation set of llm.c"},
    {BYTES("\xFF\xFEH\0i\0"), KIND_OTHER, "UTF-16 text"},
    {BYTES("\xFE\xFF\0H\0i"), KIND_OTHER, "UTF-16 text"},
    {BYTES("\xFF\xFE\0\0H\0\0\0"), KIND_UNKNOWN, NULL},
    {BYTES("\xFF\xFE\x07\0\x09\0"), KIND_UNKNOWN, NULL}, /* ids of a vocabulary of 65536 */
    {BYTES(""), KIND_UNKNOWN, NULL},
    {BYTES("short"), KIND_UNKNOWN, NULL},
};

static void test_table(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    FileKind is = kind_of(cases[i].bytes, cases[i].size);
    check(is.kind == cases[i].kind, "case %zu: kind %d, not %d", i, is.kind, cases[i].kind);
    check(cases[i].name ? is.name && strstr(is.name, cases[i].name) != NULL : !is.name,
          "case %zu: %s", i, is.name ? is.name : "no name");
  }
}

/* Every prefix of every case is read within its bounds: the sanitizers look. */
static void test_prefixes(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t size = 0; size <= cases[i].size; size++) {
      char *exact = malloc(size + !size);
      memcpy(exact, cases[i].bytes, size);
      FileKind is = kind_of(exact, size);
      check(size >= 2 || is.kind == KIND_UNKNOWN, "case %zu: %zu bytes are enough", i, size);
      free(exact);
    }
}

static size_t utf16(const char *text, int big, unsigned high, char *out) {
  size_t n = 0;
  for (; *text; text++) {
    unsigned code = (unsigned char)*text + (*text == ' ' || *text == '\n' ? 0 : high);
    out[n++] = (char)(big ? code >> 8 : code);
    out[n++] = (char)(big ? code : code >> 8);
  }
  return n;
}

/* Without a mark, in both orders; letters from another block, as of Greek, between spaces. */
static void test_utf16(void) {
  static const char text[] = "it is a truth universally acknowledged, that\r\n a single man";
  char bytes[2 * sizeof text];
  for (int big = 0; big < 2; big++)
    for (unsigned high = 0; high <= 0x350; high += 0x350) {
      FileKind is = kind_of(bytes, utf16(text, big, high, bytes));
      check(is.name && strstr(is.name, "UTF-16") && strstr(is.advice, big ? "16BE" : "16LE"),
            "big %d, high %x: %s", big, high, is.name ? is.name : "not seen");
    }
}

/* A file of uint16 that is padded with one token whose bytes are not control characters. */
static void test_padding(void) {
  uint16_t ids[2048];
  for (size_t i = 0; i < 2048; i++) ids[i] = 50256;
  check(kind_of(ids, sizeof ids).kind == KIND_UNKNOWN, "end-of-text tokens are recognized as text");
}

/* Token ids are not recognized as any format: real text, small vocabularies, counting numbers. */
static void test_ids(void) {
  uint16_t ids[600];
  static const int vocabularies[] = {2, 65, 128, 256, 257, 4096, 50257, 65536};
  for (size_t v = 0; v < sizeof vocabularies / sizeof *vocabularies; v++)
    for (uint64_t round = 0; round < 2000; round++) {
      size_t count = 20 + check_splitmix(round) % 580;
      for (size_t i = 0; i < count; i++)
        ids[i] = (uint16_t)(check_splitmix(round << 32 | i) % (uint64_t)vocabularies[v]);
      FileKind is = kind_of(ids, count * sizeof *ids);
      check(is.kind == KIND_UNKNOWN, "vocabulary %d, round %d: %s", vocabularies[v], (int)round,
            is.name);
    }
}

int main(void) {
  test_table();
  test_prefixes();
  test_utf16();
  test_padding();
  test_ids();
  return check_report("kind");
}
