#include "core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  char *text, *at; /* at: the next character; the text ends with a zero */
  size_t size;
  Json *nodes;
  int used;
  Err *err;
} Reader;

static int wrong(const Reader *r, const char *what) {
  return fail(r->err, "%s: not valid JSON at byte %zu: %s", r->name, (size_t)(r->at - r->text),
              what);
}

static void skip_space(Reader *r) { r->at += strspn(r->at, " \t\n\r"); }

/* ---- strings ---- */

static int read_hex4(Reader *r, unsigned *code) {
  *code = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    char c = *r->at;
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                            : 16;
    if (digit == 16) return wrong(r, "\\u needs four hexadecimal digits");
    *code = *code << 4 | digit;
  }
  return 0;
}

static char *put_utf8(char *out, unsigned code) {
  if (code < 0x80) {
    *out++ = (char)code;
    return out;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const unsigned first[] = {0, 0xC0, 0xE0, 0xF0};
  *out++ = (char)(first[more] | code >> 6 * more);
  while (more-- > 0) *out++ = (char)(0x80 | (code >> 6 * more & 0x3F));
  return out;
}

/* Reads what follows "\u": one code unit, or two of a surrogate pair. */
static int read_unicode(Reader *r, char **out) {
  unsigned code, low;
  if (read_hex4(r, &code)) return -1;
  if (code == 0) return wrong(r, "a string contains a zero character");
  if (code >= 0xD800 && code < 0xE000) {
    if (code >= 0xDC00 || r->at[0] != '\\' || r->at[1] != 'u') return wrong(r, "lone surrogate");
    r->at += 2;
    if (read_hex4(r, &low)) return -1;
    if (low < 0xDC00 || low >= 0xE000) return wrong(r, "lone surrogate");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  *out = put_utf8(*out, code);
  return 0;
}

/* Unescapes in place: the result is never longer than the escape. */
static int read_string(Reader *r, const char **string) {
  static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t"; /* letter and character */
  if (*r->at != '"') return wrong(r, "a string is expected");
  char *out = ++r->at;
  *string = out;
  while (*r->at != '"') {
    unsigned char c = (unsigned char)*r->at++;
    if (c < 0x20) {
      r->at--;
      return wrong(r, "a string contains a control character or has no closing quote");
    }
    if (c != '\\') {
      *out++ = (char)c;
      continue;
    }
    c = (unsigned char)*r->at++;
    if (c == 'u') {
      if (read_unicode(r, &out)) return -1;
      continue;
    }
    size_t i = 0;
    while (escapes[i] && (unsigned char)escapes[i] != c) i += 2;
    if (c == 0 || !escapes[i]) {
      r->at--;
      return wrong(r, "unknown escape");
    }
    *out++ = escapes[i + 1];
  }
  r->at++;
  *out = 0;
  return 0;
}

/* ---- numbers and words ---- */

static int skip_digits(Reader *r) {
  size_t n = strspn(r->at, "0123456789");
  r->at += n;
  return n > 0 ? 0 : wrong(r, "a digit is expected");
}

/* read_list ends the number's text with a zero, after it has read the next character. */
static int read_number(Reader *r, Json *value) {
  value->type = JSON_NUMBER;
  value->text = r->at;
  if (*r->at == '-') r->at++;
  if (*r->at == '0') r->at++;
  else if (skip_digits(r)) return -1;
  if (*r->at == '.') {
    r->at++;
    if (skip_digits(r)) return -1;
  }
  if (*r->at == 'e' || *r->at == 'E') {
    r->at++;
    if (*r->at == '+' || *r->at == '-') r->at++;
    if (skip_digits(r)) return -1;
  }
  return 0;
}

static int read_word(Reader *r, Json *value) {
  static const char *const words[] = {"null", "false", "true"};
  for (int i = 0; i < 3; i++)
    if (strncmp(r->at, words[i], strlen(words[i])) == 0) {
      r->at += strlen(words[i]);
      value->type = (JsonType)i;
      return 0;
    }
  return wrong(r, "a value is expected");
}

/* ---- arrays and objects ---- */

static int by_key(const void *a, const void *b) {
  return strcmp((*(const Json *const *)a)->key, (*(const Json *const *)b)->key);
}

/* Parsers disagree on which of two equal keys counts, so duplicates are errors. */
static int check_keys(const Reader *r, const Json *object) {
  if (object->count < 2) return 0;
  const Json **members = malloc((size_t)object->count * sizeof *members);
  if (!members) return fail(r->err, "%s: no memory for %d JSON values", r->name, object->count);
  int n = 0, status = 0;
  for (const Json *m = object->first; m; m = m->next) members[n++] = m;
  qsort(members, (size_t)n, sizeof *members, by_key);
  for (int i = 1; i < n && status == 0; i++)
    if (strcmp(members[i - 1]->key, members[i]->key) == 0)
      status = fail(r->err, "%s: duplicate JSON key \"%.200s\"", r->name,
                    members[i]->key);
  free(members);
  return status;
}

static int read_value(Reader *r, Json *value, int depth);

static int read_member(Reader *r, Json *value, int in_object, int depth) {
  skip_space(r);
  if (in_object) {
    if (read_string(r, &value->key)) return -1;
    skip_space(r);
    if (*r->at != ':') return wrong(r, "a colon is expected");
    r->at++;
  }
  return read_value(r, value, depth);
}

/* `at` is after the opening bracket. */
static int read_list(Reader *r, Json *list, int depth) {
  int in_object = list->type == JSON_OBJECT;
  char end = in_object ? '}' : ']';
  const Json **link = &list->first;
  if (depth == JSON_DEPTH)
    return fail(r->err, "%s: JSON values are nested more than %d levels deep", r->name, JSON_DEPTH);
  skip_space(r);
  if (*r->at == end) {
    r->at++;
    return 0;
  }
  for (;;) {
    Json *value = &r->nodes[r->used++];
    *link = value;
    link = &value->next;
    list->count++;
    if (read_member(r, value, in_object, depth + 1)) return -1;
    skip_space(r);
    char c = *r->at;
    if (c != ',' && c != end)
      return wrong(r, in_object ? "a comma or } is expected" : "a comma or ] is expected");
    *r->at++ = 0; /* ends the text of a number */
    if (c == end) return in_object ? check_keys(r, list) : 0;
  }
}

static int read_value(Reader *r, Json *value, int depth) {
  skip_space(r);
  char c = *r->at;
  if (c == '"') {
    value->type = JSON_STRING;
    return read_string(r, &value->text);
  }
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, value);
  if (c != '{' && c != '[') return read_word(r, value);
  value->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
  r->at++;
  return read_list(r, value, depth);
}

/* An upper bound: each value except the first follows one of these characters. */
static size_t count_values(const char *text, size_t size) {
  size_t n = 1;
  for (size_t i = 0; i < size; i++) n += text[i] == '[' || text[i] == '{' || text[i] == ',';
  return n;
}

static int read_text(Reader *r) {
  if (memchr(r->text, 0, r->size))
    return fail(r->err, "%s: not JSON: it contains zero bytes", r->name);
  if (read_value(r, &r->nodes[r->used++], 0)) return -1;
  skip_space(r);
  if (*r->at) return wrong(r, "unexpected text after the value");
  return 0;
}

int json_read(JsonDocument *d, const char *name, const char *text, size_t size, Err *err) {
  size_t room = count_values(text, size);
  *d = (JsonDocument){0};
  if (room > JSON_VALUES_MAX)
    return fail(err, "%s: about %zu JSON values; at most %d are allowed", name, room,
                JSON_VALUES_MAX);
  d->root = calloc(room, sizeof *d->root);
  d->text = malloc(size + 1);
  if (!d->root || !d->text) {
    json_free(d);
    return fail(err, "%s: no memory for %zu JSON values", name, room);
  }
  memcpy(d->text, text, size);
  d->text[size] = 0;
  Reader r = {.name = name, .text = d->text, .at = d->text, .size = size, .nodes = d->root,
              .err = err};
  if (read_text(&r) == 0) return 0;
  json_free(d);
  return -1;
}

void json_free(JsonDocument *d) {
  free(d->root);
  free(d->text);
  *d = (JsonDocument){0};
}

const Json *json_member(const Json *object, const char *key) {
  if (!object || object->type != JSON_OBJECT) return NULL;
  for (const Json *m = object->first; m; m = m->next)
    if (strcmp(m->key, key) == 0) return m;
  return NULL;
}

int json_int(const Json *value, int64_t min, int64_t max, int64_t *out) {
  if (!value || value->type != JSON_NUMBER) return -1;
  char *end;
  errno = 0;
  long long x = strtoll(value->text, &end, 10);
  /* White space may follow the number. */
  if (errno || end[strspn(end, " \t\n\r")] != 0 || x < min || x > max) return -1;
  *out = x;
  return 0;
}
