/* unpack: what data/get-corpus.sh downloads, as plain text. Two formats need more than gzip:
   modules of SWORD (Bibles and commentaries: verses in blocks packed with zlib) and HTML. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

/* ---- text: white space ---- */

/* Collects text; a run of white space becomes one space, or the line ends that tags ask for. */
typedef struct {
  FILE *out;
  int space, lines, started, verbatim; /* verbatim > 0: inside <pre> */
} Text;

static void text_break(Text *t, int lines) {
  if (t->lines < lines) t->lines = lines;
}

static void text_put(Text *t, char c) {
  if (c == '\r') return;
  if (c == '\n' && t->verbatim) {
    t->lines = t->lines < 2 ? t->lines + 1 : 2;
    t->space = 0;
  } else if (c == ' ' || c == '\t' || c == '\n' || c == '\f') {
    t->space++;
  } else {
    if (t->started)
      for (int i = 0; i < t->lines; i++) fputc('\n', t->out);
    if (t->space && (t->verbatim || (t->started && !t->lines)))
      for (int i = 0; i < (t->verbatim ? t->space : 1); i++) fputc(' ', t->out);
    fputc(c, t->out);
    t->space = t->lines = 0;
    t->started = 1;
  }
}

static void text_code_point(Text *t, uint32_t c) {
  if (c == 0xA0) c = ' ';
  if (c == 0xB6 || c == 0 || c > 0x10FFFF) return; /* the King James's pilcrows are no text */
  if (c < 0x80) {
    text_put(t, (char)c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint32_t lead[] = {0, 0xC0, 0xE0, 0xF0};
  text_put(t, (char)(lead[more] | c >> 6 * more));
  for (int i = more - 1; i >= 0; i--) text_put(t, (char)(0x80 | (c >> 6 * i & 0x3F)));
}

/* ---- markup: tags and entities ---- */

typedef struct {
  const char *dropped;    /* elements whose content is no text: " note script " */
  const char *block, *row; /* tags before and behind which a paragraph, a line ends */
  int keeps_lines;        /* line ends are meant */
} Markup;

static const Markup osis = {" note ", " chapter ", " lb br l p div lg title head item ", 1};
static const Markup html = {
    " script style nav head svg math select button footer ",
    " p div h1 h2 h3 h4 h5 h6 ul ol dl table hr pre blockquote section article title ",
    " li tr br dt dd ", 0};

/* Whether " name " is among the words. */
static int among(const char *words, const char *name) {
  char word[40];
  snprintf(word, sizeof word, " %s ", name);
  return strstr(words, word) != NULL;
}

/* OSIS: headings that editors added stand in the page's margin, not in the text. */
static int is_dropped(const Markup *m, const char *name, const char *tag, size_t length) {
  static const char *const added[] = {"type=\"main", "type=\"x-", "type=\"parallel"};
  if (among(m->dropped, name)) return 1;
  if (m != &osis || strcmp(name, "title") != 0) return 0;
  for (int i = 0; i < 3; i++)
    if (memmem(tag, length, added[i], strlen(added[i]))) return 1;
  return 0;
}

/* The end of the element that was opened before `at`, or of the text. */
static const char *skip_element(const char *at, const char *name) {
  size_t length = strlen(name);
  for (int depth = 1; (at = strchr(at, '<')); at++) {
    int closes = at[1] == '/';
    const char *word = at + 1 + closes, *end = strchr(at, '>');
    if (!end) break;
    if (strncasecmp(word, name, length) != 0 || !strchr(" \t\n/>", word[length])) continue;
    if (!closes && end[-1] != '/') depth++;
    if (closes && --depth == 0) return end + 1;
  }
  return NULL;
}

/* Reads the tag at `at`; returns what follows it, NULL at the end of the text. */
static const char *read_tag(Text *t, const Markup *m, const char *at) {
  char name[32] = "";
  const char *end = strncmp(at, "<!--", 4) == 0 ? strstr(at, "-->") : strchr(at, '>');
  int closes = at[1] == '/', n = 0;
  if (!end) return NULL;
  if (at[1] == '!' || at[1] == '?') return end + (*end == '-' ? 3 : 1);
  for (const char *c = at + 1 + closes; n < 31 && !strchr(" \t\r\n/>", *c); c++)
    name[n++] = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
  name[n] = 0;
  if (among(m->block, name)) text_break(t, 2);
  if (among(m->row, name)) text_break(t, 1);
  if (m == &html && (strcmp(name, "td") == 0 || strcmp(name, "th") == 0)) text_put(t, ' ');
  if (m == &html && strcmp(name, "pre") == 0) t->verbatim = !closes;
  if (!closes && end[-1] != '/' && is_dropped(m, name, at, (size_t)(end - at)))
    return skip_element(end + 1, name);
  return end + 1;
}

/* Reads the entity at `at`; one that is not known stays as it is. */
static const char *read_entity(Text *t, const char *at) {
  static const struct { const char *name; uint32_t code; } known[] = {
      {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},
      {"apos", '\''},    {"nbsp", ' '},     {"mdash", 0x2014}, {"ndash", 0x2013},
      {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D},
      {"hellip", 0x2026}, {"copy", 0xA9},   {"eacute", 0xE9},  {"sect", 0xA7}};
  size_t length = strcspn(at + 1, "; \n<&");
  if (at[1 + length] == ';' && at[1] == '#') {
    int hexadecimal = at[2] == 'x' || at[2] == 'X';
    text_code_point(t, (uint32_t)strtoul(at + 2 + hexadecimal, NULL, hexadecimal ? 16 : 10));
    return at + length + 2;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known && at[1 + length] == ';'; i++)
    if (strlen(known[i].name) == length && strncmp(at + 1, known[i].name, length) == 0) {
      text_code_point(t, known[i].code);
      return at + length + 2;
    }
  text_put(t, '&');
  return at + 1;
}

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Bytes of a character in UTF-8; 0 when it is none, which then is a byte of Latin-1. */
static int utf8_length(const char *at) {
  unsigned char c = (unsigned char)*at;
  int n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3
          : c >= 0xF0 && c < 0xF5 ? 4 : 0;
  for (int i = 1; i < n; i++)
    if (((unsigned char)at[i] & 0xC0) != 0x80) return 0;
  return n;
}

/* Adds the text in the markup, which ends with a zero byte. */
static void text_add(Text *t, const Markup *m, const char *at) {
  while (at && *at) {
    int length = utf8_length(at);
    if (*at == '<' && (is_letter(at[1]) || strchr("/!?", at[1]))) {
      at = read_tag(t, m, at);
    } else if (*at == '&') {
      at = read_entity(t, at);
    } else if (*at == '\n' && m->keeps_lines) {
      text_break(t, 1);
      at++;
    } else if (length == 2 && memcmp(at, "\xC2\xB6", 2) == 0) {
      at += 2;
    } else if (length == 0) {
      text_code_point(t, (unsigned char)*at++);
    } else {
      for (int i = 0; i < length; i++) text_put(t, *at++);
    }
  }
}

/* ---- HTML ---- */

enum { SHORTEST_PAGE = 400 }; /* bytes; shorter ones only lead to others */

static int unpack_page(const char *path, Err *err) {
  char *page, *text;
  size_t page_size, size;
  if (file_read(path, &page, &page_size, err)) return -1;
  Text t = {.out = open_memstream(&text, &size)};
  text_add(&t, &html, page);
  fclose(t.out);
  if (size > SHORTEST_PAGE) printf("%s\n\n", text);
  free(page);
  free(text);
  return 0;
}

/* ---- SWORD ---- */

/* One testament of a module: blocks (where packed, packed size, size), verses (block, where in it,
   size) and the packed blocks themselves. */
typedef struct {
  char *blocks, *verses, *packed;
  size_t blocks_size, verses_size, packed_size;
  size_t verse_bytes; /* 10: the size has 16 bits; 12 */
} Testament;

static uint32_t number_at(const char *bytes, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; i++) value |= (uint32_t)(unsigned char)bytes[i] << 8 * i;
  return value;
}

/* Entries of 10 bytes when they all name a block that is there. */
static void choose_verse_bytes(Testament *m) {
  m->verse_bytes = m->verses_size % 10 == 0 ? 10 : 12;
  for (size_t at = 0; at + 10 <= m->verses_size && m->verse_bytes == 10; at += 10)
    if (number_at(m->verses + at, 4) >= m->blocks_size / 12) m->verse_bytes = 12;
}

/* Returns the block unpacked, with a zero byte behind it, or NULL with a message. */
static char *unpack_block(const Testament *m, uint32_t block, const char *path, size_t *size,
                          Err *err) {
  const char *entry = m->blocks + 12 * (size_t)block;
  uint32_t start = number_at(entry, 4), packed = number_at(entry + 4, 4);
  uLongf length = number_at(entry + 8, 4);
  if ((uint64_t)start + packed > m->packed_size) {
    fail(err, "%s: block %u lies behind the end of the file: it is truncated", path, block);
    return NULL;
  }
  char *text = malloc((size_t)length + 1);
  if (!text || uncompress((Bytef *)text, &length, (const Bytef *)m->packed + start, packed)) {
    fail(err, "%s: block %u cannot be unpacked: the file is damaged", path, block);
    free(text);
    return NULL;
  }
  text[length] = 0;
  *size = length;
  return text;
}

/* Verses that stand for a whole passage are listed more than once, one behind the other. */
static int write_verses(const Testament *m, const char *path, Text *t, Err *err) {
  const char *last = NULL;
  char *block = NULL;
  size_t size = 0;
  uint32_t opened = UINT32_MAX;
  int status = 0;
  for (size_t i = 0; i + m->verse_bytes <= m->verses_size; i += m->verse_bytes) {
    const char *verse = m->verses + i;
    uint32_t number = number_at(verse, 4), start = number_at(verse + 4, 4);
    uint32_t length = number_at(verse + 8, (int)m->verse_bytes - 8);
    if (length == 0 || (last && memcmp(last, verse, m->verse_bytes) == 0)) continue;
    last = verse;
    if (number >= m->blocks_size / 12) continue;
    if (number != opened) {
      free(block);
      block = unpack_block(m, number, path, &size, err);
      opened = number;
    }
    status = !block ? -1 : (uint64_t)start + length > size
             ? fail(err, "%s: a verse lies behind the end of block %u", path, number) : 0;
    if (status) break;
    char *text = strndup(block + start, length);
    text_add(t, &osis, text);
    text_break(t, 1);
    free(text);
  }
  free(block);
  return status;
}

/* Reads FOLDER/ot.bzs, .bzv, .bzz; the first letter of the ending tells what a block is. Returns 1
   when the testament is not there. */
static int unpack_testament(const char *folder, const char *name, Text *t, Err *err) {
  Testament m = {0};
  char path[4096];
  char **bytes[] = {&m.blocks, &m.verses, &m.packed};
  size_t *sizes[] = {&m.blocks_size, &m.verses_size, &m.packed_size};
  int status = 1;
  for (const char *kind = "bcv"; *kind && status == 1; kind++) {
    snprintf(path, sizeof path, "%s/%s.%czs", folder, name, *kind);
    if (file_exists(path)) status = 0;
  }
  size_t end = strlen(path) - 1;
  for (int i = 0; i < 3 && status == 0; i++) {
    path[end] = "svz"[i];
    status = file_read(path, bytes[i], sizes[i], err);
  }
  if (status == 0) {
    choose_verse_bytes(&m);
    status = write_verses(&m, path, t, err);
  }
  for (int i = 0; i < 3; i++) free(*bytes[i]);
  return status;
}

static int unpack_module(const char *folder, Err *err) {
  Text t = {.out = stdout};
  int old = unpack_testament(folder, "ot", &t, err);
  if (old < 0) return -1;
  int new = unpack_testament(folder, "nt", &t, err);
  if (new < 0) return -1;
  if (old && new)
    return fail(err, "%s: holds no ot.bzs or nt.bzs: it is not a module of zText or zCom", folder);
  putchar('\n');
  return 0;
}

int main(int argc, char **argv) {
  Err err;
  int status = 0;
  if (argc < 3 || (strcmp(argv[1], "html") != 0 && strcmp(argv[1], "sword") != 0)) {
    fprintf(stderr, "usage: tools/unpack html FILES     or: tools/unpack sword FOLDER\n"
                    "Writes their text. data/get-corpus.sh calls it.\n");
    return USAGE;
  }
  for (int i = 2; i < argc && status == 0; i++)
    status = argv[1][0] == 'h' ? unpack_page(argv[i], &err) : unpack_module(argv[i], &err);
  if (status) fprintf(stderr, "unpack: %s\n", err.text);
  return status == 0 && fflush(stdout) == 0 ? DONE : FAILED;
}
