#include "data/meta.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/option.h"
#include "core/text.h"
#include "data/paths.h"
#include "data/unicode.h"

/* nanoGPT's meta.pkl: a pickled dictionary {'vocab_size': n, 'itos': {0: '\n', ...}, 'stoi': ...}.
   A pickle is a program for a stack machine (Python's Lib/pickletools.py documents it). This one
   knows numbers, strings, dictionaries and the memo, which is all that nanoGPT's scripts write. */
typedef enum { ITEM_MARK, ITEM_NUMBER, ITEM_TEXT, ITEM_DICTIONARY } ItemKind;

typedef struct {
  ItemKind kind;
  int64_t number;    /* a number, or the length of a text */
  const char *bytes; /* of a text */
} Item;

enum { STACK_MAX = 4 * CHARACTERS_MAX }; /* items: protocols 2 and later batch 1000 pairs */

typedef struct {
  const char *path;
  const unsigned char *bytes;
  size_t size, at;
  Item *stack, *memo; /* (room), each */
  int64_t room, depth, remembered;
  uint32_t *codes;    /* (CHARACTERS_MAX) by id; UNICODE_BAD: not seen */
  int64_t count;      /* ids seen */
} Pickle;

static int damaged(const Pickle *p, Err *err) {
  return fail(err, "%s: is damaged near byte %zu; write it again with nanoGPT's prepare.py",
              p->path, p->at);
}

/* The little-endian number of `width` bytes that follows; -1 at the file's end. */
static int64_t argument(Pickle *p, size_t width) {
  uint64_t value = 0;
  if (p->size - p->at < width) return -1;
  memcpy(&value, p->bytes + p->at, width);
  p->at += width;
  return value <= INT64_MAX ? (int64_t)value : -1;
}

static int push(Pickle *p, Item item) {
  if (p->depth == p->room) return -1;
  p->stack[p->depth++] = item;
  return 0;
}

static int push_number(Pickle *p, size_t width) {
  int64_t n = argument(p, width);
  return n < 0 ? -1 : push(p, (Item){ITEM_NUMBER, n, NULL});
}

static int push_text(Pickle *p, size_t width) {
  int64_t n = argument(p, width);
  if (n < 0 || (size_t)n > p->size - p->at) return -1;
  const char *bytes = (const char *)p->bytes + p->at;
  p->at += (size_t)n;
  return push(p, (Item){ITEM_TEXT, n, bytes});
}

static int remember(Pickle *p, int64_t place) {
  if (place < 0 || place >= p->room || p->depth == 0) return -1;
  p->memo[place] = p->stack[p->depth - 1];
  if (place >= p->remembered) p->remembered = place + 1;
  return 0;
}

static int recall(Pickle *p, int64_t place) {
  return place < 0 || place >= p->remembered ? -1 : push(p, p->memo[place]);
}

/* Pairs number: character are those of itos; all others are ignored. */
static int set_pair(Pickle *p, const Item *key, const Item *value) {
  uint32_t code;
  if (key->kind != ITEM_NUMBER || value->kind != ITEM_TEXT) return 0;
  if (key->number >= CHARACTERS_MAX || value->number < 1) return -1;
  int length = unicode_decode(value->bytes, (size_t)value->number, &code);
  if (code == UNICODE_BAD || length != value->number) return -1;
  p->count += p->codes[key->number] == UNICODE_BAD;
  p->codes[key->number] = code;
  return 0;
}

/* The dictionary is below the pairs: below a mark and all above it, or below one pair. */
static int set_items(Pickle *p, int marked) {
  int64_t first = p->depth - 2;
  if (marked)
    for (first = p->depth; first > 0 && p->stack[first - 1].kind != ITEM_MARK;) first--;
  int64_t dictionary = first - 1 - marked;
  if (dictionary < 0 || p->stack[dictionary].kind != ITEM_DICTIONARY || (p->depth - first) % 2)
    return -1;
  for (int64_t i = first; i < p->depth; i += 2)
    if (set_pair(p, &p->stack[i], &p->stack[i + 1])) return -1;
  p->depth = dictionary + 1;
  return 0;
}

/* Executes an opcode; 1 at the end of the program, -1 on an error. */
static int execute(Pickle *p, int code) {
  switch (code) {
    case 0x80: return argument(p, 1) < 0 ? -1 : 0;           /* PROTO */
    case 0x95: return argument(p, 8) < 0 ? -1 : 0;           /* FRAME */
    case '(': return push(p, (Item){ITEM_MARK, 0, NULL});
    case '}': return push(p, (Item){ITEM_DICTIONARY, 0, NULL});
    case 'K': return push_number(p, 1);
    case 'M': return push_number(p, 2);
    case 'J': return push_number(p, 4);
    case 0x8c: return push_text(p, 1);                       /* SHORT_BINUNICODE */
    case 'X': return push_text(p, 4);
    case 0x94: return remember(p, p->remembered);            /* MEMOIZE */
    case 'q': return remember(p, argument(p, 1));
    case 'r': return remember(p, argument(p, 4));
    case 'h': return recall(p, argument(p, 1));
    case 'j': return recall(p, argument(p, 4));
    case 's': return set_items(p, 0);
    case 'u': return set_items(p, 1);
    case '.': return 1;
    default: return -1;
  }
}

static int run(Pickle *p, Err *err) {
  int status = 0;
  while (status == 0 && p->at < p->size) status = execute(p, p->bytes[p->at++]);
  if (status != 1) return damaged(p, err);
  for (int64_t id = 0; id < p->count; id++)
    if (p->codes[id] == UNICODE_BAD) p->count = 0; /* ids with gaps */
  if (p->count > 0) return 0;
  return fail(err, "%s: holds no dictionary itos from 0, 1, 2, ... to characters", p->path);
}

int meta_read(Tokenizer **t, const char *path, Err *err) {
  char *text;
  size_t size;
  *t = NULL;
  if (file_read(path, &text, &size, err)) return -1;
  Pickle p = {.path = path, .bytes = (const unsigned char *)text, .size = size};
  p.room = size < STACK_MAX ? (int64_t)size + 1 : STACK_MAX; /* an item takes at least a byte */
  p.stack = malloc((size_t)p.room * sizeof *p.stack);
  p.memo = calloc((size_t)p.room, sizeof *p.memo);
  p.codes = malloc(CHARACTERS_MAX * sizeof *p.codes);
  int status = p.stack && p.memo && p.codes ? 0 : fail(err, "%s: no memory to read it", path);
  for (int i = 0; i < CHARACTERS_MAX && p.codes; i++) p.codes[i] = UNICODE_BAD;
  if (status == 0) status = run(&p, err);
  if (status == 0) status = tokenizer_open_characters(t, p.codes, p.count, err);
  free(p.stack);
  free(p.memo);
  free(p.codes);
  free(text);
  return status;
}

/* ---- writing: protocol 2 ---- */

static void put_number(FILE *out, unsigned char code, int width, uint32_t value) {
  fputc(code, out);
  for (; width > 0; width--, value >>= 8) fputc((int)(value & 0xFF), out);
}

static void put_text(FILE *out, const void *bytes, int length) {
  put_number(out, 'X', 4, (uint32_t)length);
  fwrite(bytes, 1, (size_t)length, out);
}

static void put_name(FILE *out, const char *name) { put_text(out, name, (int)strlen(name)); }

static void put_pairs(FILE *out, const Tokenizer *t, int by_id) {
  int length;
  fputs("}(", out);
  for (int id = 0; id < tokenizer_vocab(t); id++) {
    const unsigned char *bytes = tokenizer_bytes(t, id, &length);
    if (by_id) put_number(out, 'J', 4, (uint32_t)id);
    put_text(out, bytes, length);
    if (!by_id) put_number(out, 'J', 4, (uint32_t)id);
  }
  fputc('u', out);
}

char *meta_text(const Tokenizer *t, size_t *size) {
  char *text;
  FILE *out = open_memstream(&text, size);
  if (!out) return NULL;
  fputs("\x80\x02}(", out);
  put_name(out, "vocab_size");
  put_number(out, 'J', 4, (uint32_t)tokenizer_vocab(t));
  put_name(out, "itos");
  put_pairs(out, t, 1);
  put_name(out, "stoi");
  put_pairs(out, t, 0);
  fputs("u.", out);
  return fclose(out) == 0 ? text : NULL;
}

int meta_find(const char *data, char *path, size_t size) {
  char first[OPTION_TEXT];
  int length = snprintf(first, sizeof first, "%.*s", (int)strcspn(data, ","), data);
  if (!folder_exists(data)) {
    if (!path_of_tokens(first) && !text_ends(first, ".npy")) return 0;
    while (length > 0 && data[length - 1] != '/') length--;
  }
  int slash = length > 0 && data[length - 1] != '/';
  int used = snprintf(path, size, "%.*s%s" META_FILE, length, data, slash ? "/" : "");
  return used < (int)size && file_exists(path);
}
