#include "core/kind.h"

#include <stdint.h>
#include <string.h>

enum { LOOKED_AT = 4096, TEXT_LEAST = 32, UTF16_LEAST = 16 };

typedef struct {
  const unsigned char *bytes;
  size_t size; /* at most LOOKED_AT */
} Start;

static const char unpack[] = "unpack it and use its contents";
static const char fetch[] = "the download failed; download it again";
static const char to_safetensors[] =
    "save it as safetensors, with save_pretrained of Hugging Face's transformers";

/* ---- signatures ---- */

static const struct {
  size_t at, length;
  const char *bytes;
  FileKind is;
} signatures[] = {
#define BYTES(text) sizeof text - 1, text
    {0, BYTES("\x93NUMPY"), {KIND_NPY, "a NumPy array (.npy)", NULL}},
    {0, BYTES("\x1f\x8b\x08"), {KIND_OTHER, "gzip data", "add .gz to its name"}},
    {0, BYTES("\xFD" "7zXZ\0"), {KIND_OTHER, "xz data", unpack}},
    {0, BYTES("\x28\xB5\x2F\xFD"), {KIND_OTHER, "zstd data", unpack}},
    {4, BYTES("1AY&SY"), {KIND_OTHER, "bzip2 data", unpack}},
    {0, BYTES("7z\xBC\xAF\x27\x1C"), {KIND_OTHER, "a 7z archive", unpack}},
    {257, BYTES("ustar"), {KIND_OTHER, "a tar archive", unpack}},
    {0, BYTES("PAR1"), {KIND_OTHER, "a Parquet table", "export its text column as a .txt file"}},
    {0, BYTES("ARROW1"), {KIND_OTHER, "an Arrow table", "export its text column as a .txt file"}},
    {0, BYTES("GGUF"), {KIND_OTHER, "a GGUF file", "use the model it was converted from"}},
    {0, BYTES("\x89HDF\r\n\x1A\n"), {KIND_OTHER, "an HDF5 file", NULL}},
    {0, BYTES("SQLite format 3"), {KIND_OTHER, "an SQLite database", NULL}},
    {0, BYTES("\x89PNG\r\n\x1A\n"), {KIND_OTHER, "a PNG image", NULL}},
    {0, BYTES("\xFF\xD8\xFF"), {KIND_OTHER, "a JPEG image", NULL}},
    {0, BYTES("%PDF-"), {KIND_OTHER, "a PDF document", "convert it to plain text"}},
    {0, BYTES("\x7F" "ELF"), {KIND_OTHER, "a program", NULL}},
    {0, BYTES("\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19."),
     {KIND_OTHER, "a PyTorch checkpoint (pickle)", to_safetensors}},
#undef BYTES
};

static int has(const Start *s, size_t at, const char *bytes, size_t length) {
  return s->size >= at + length && memcmp(s->bytes + at, bytes, length) == 0;
}

static const struct {
  uint32_t magic;
  FileKind is;
} llmc[] = {
    {MAGIC_LLMC_MODEL, {KIND_LLMC_MODEL, "a model checkpoint of llm.c", NULL}},
    {MAGIC_LLMC_TOKENS16, {KIND_LLMC_TOKENS16, "a token shard of llm.c", NULL}},
    {MAGIC_LLMC_TOKENS32, {KIND_LLMC_TOKENS32, "a token shard of llm.c", NULL}},
    {20240327, {KIND_OTHER, "a debug state of llm.c", NULL}},
    {20240328, {KIND_OTHER, "a tokenizer of llm.c", NULL}},
    {20240522, {KIND_OTHER, "an evaluation set of llm.c (multiple choice)", NULL}},
    {20240527, {KIND_OTHER, "an optimizer state of llm.c", NULL}},
};

static FileKind by_signature(const Start *s) {
  uint32_t word;
  for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
    if (has(s, signatures[i].at, signatures[i].bytes, signatures[i].length))
      return signatures[i].is;
  if (s->size >= sizeof word) memcpy(&word, s->bytes, sizeof word);
  for (size_t i = 0; s->size >= sizeof word && i < sizeof llmc / sizeof *llmc; i++)
    if (word == llmc[i].magic) return llmc[i].is;
  return (FileKind){KIND_UNKNOWN, NULL, NULL};
}

/* ---- formats without a fixed signature ---- */

/* The name of the first entry of a ZIP archive identifies its type. */
static FileKind by_zip(const Start *s) {
  enum { LENGTH_AT = 26, NAME_AT = 30 };
  if (!has(s, 0, "PK\x03\x04", 4) || s->size < NAME_AT) return (FileKind){0};
  size_t length = s->bytes[LENGTH_AT] | (size_t)s->bytes[LENGTH_AT + 1] << 8;
  if (length > s->size - NAME_AT) length = s->size - NAME_AT;
  const char *name = (const char *)s->bytes + NAME_AT;
  if (length >= 8 && memcmp(name + length - 8, "data.pkl", 8) == 0)
    return (FileKind){KIND_OTHER, "a PyTorch checkpoint (ZIP)", to_safetensors};
  if (length >= 4 && memcmp(name + length - 4, ".npy", 4) == 0)
    return (FileKind){KIND_OTHER, "several NumPy arrays (.npz)", "save one of them as .npy"};
  return (FileKind){KIND_OTHER, "a ZIP archive", unpack};
}

static uint64_t little_endian(const unsigned char *bytes, int count) {
  uint64_t n = 0;
  while (count-- > 0) n = n << 8 | bytes[count];
  return n;
}

/* Pickle protocols 4 and 5 begin with a frame opcode and the frame's length. */
static FileKind by_pickle(const Start *s, size_t whole) {
  if (s->size < 11 || s->bytes[0] != 0x80 || s->bytes[1] < 4 || s->bytes[1] > 5 ||
      s->bytes[2] != 0x95 || little_endian(s->bytes + 3, 8) > whole - 11)
    return (FileKind){0};
  return (FileKind){KIND_OTHER, "a Python pickle", to_safetensors};
}

/* A safetensors file begins with the length of a JSON object and the object. */
static FileKind by_safetensors(const Start *s, size_t whole) {
  if (s->size < 10 || s->bytes[8] != '{' || (s->bytes[9] != '"' && s->bytes[9] != '}') ||
      little_endian(s->bytes, 8) > whole - 8)
    return (FileKind){0};
  return (FileKind){KIND_SAFETENSORS, "a safetensors file", NULL};
}

/* ---- text ---- */

/* Control characters that text does not contain: tab, LF, FF, CR and escape are allowed. */
static int is_control(unsigned code) {
  const unsigned text = 1u << '\t' | 1u << '\n' | 1u << '\f' | 1u << '\r' | 1u << 0x1B;
  return (code < 0x20 && !(text >> code & 1)) || code == 0x7F;
}

/* Checks only that each lead byte has the right number of continuation bytes. */
static int is_utf8(const Start *s) {
  int due = 0;
  for (size_t i = 0; i < s->size; i++) {
    unsigned char c = s->bytes[i];
    int continues = (c & 0xC0) == 0x80;
    if (continues != (due > 0) || c >= 0xF8) return 0;
    due = continues ? due - 1 : c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
  }
  return 1;
}

/* Text that is not UTF-8 but has white space is Latin-1 or similar. */
static FileKind by_text(const Start *s) {
  size_t spaces = 0;
  if (s->size < TEXT_LEAST) return (FileKind){0};
  for (size_t i = 0; i < s->size; i++) {
    if (is_control(s->bytes[i])) return (FileKind){0};
    spaces += s->bytes[i] == ' ' || s->bytes[i] == '\n';
  }
  if (64 * spaces < s->size && !is_utf8(s)) return (FileKind){0};
  if (has(s, 0, "version https://git-lfs", 23))
    return (FileKind){KIND_OTHER, "a pointer of Git LFS, not the file itself",
                      "fetch the file with git lfs pull"};
  if (has(s, 0, "<!DOCTYPE html", 14) || has(s, 0, "<!doctype html", 14) || has(s, 0, "<html", 5))
    return (FileKind){KIND_TEXT, "a page of HTML", fetch};
  return (FileKind){KIND_TEXT, "text", NULL};
}

/* Without a byte order mark, 1 in 8 characters must be printable ASCII and 1 in 64 a space: token
   ids, even of a small vocabulary, do not match this. */
static int is_utf16(const Start *s, int big, int marked) {
  size_t count = s->size / 2, ascii = 0, spaces = 0;
  for (size_t i = (size_t)marked; i < count; i++) {
    unsigned code = (unsigned)s->bytes[2 * i + (size_t)!big] << 8 | s->bytes[2 * i + (size_t)big];
    if (is_control(code) || (code > 0x7F && code < 0xA0)) return 0;
    ascii += code >= 0x20 && code < 0x7F;
    spaces += code == ' ' || code == '\n';
  }
  return marked || (count >= UTF16_LEAST && 8 * ascii >= count && 64 * spaces >= count);
}

static FileKind by_utf16(const Start *s) {
  static const FileKind kinds[] = {
      {KIND_OTHER, "UTF-16 text", "convert it: iconv -f UTF-16LE -t UTF-8"},
      {KIND_OTHER, "UTF-16 text", "convert it: iconv -f UTF-16BE -t UTF-8"},
  };
  for (int big = 0; big < 2; big++)
    if (is_utf16(s, big, has(s, 0, big ? "\xFE\xFF" : "\xFF\xFE", 2))) return kinds[big];
  return (FileKind){0};
}

/* Text first: it may begin with the letters of another format's signature. */
FileKind kind_of(const void *bytes, size_t size) {
  Start s = {bytes, size < LOOKED_AT ? size : LOOKED_AT};
  FileKind is = by_text(&s);
  if (!is.kind) is = by_signature(&s);
  if (!is.kind) is = by_zip(&s);
  if (!is.kind) is = by_pickle(&s, size);
  if (!is.kind) is = by_safetensors(&s, size);
  if (!is.kind) is = by_utf16(&s);
  return is;
}
