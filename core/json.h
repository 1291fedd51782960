/* A strict JSON reader (RFC 8259) with limits: no comments, no trailing commas, no duplicate keys,
   no zero characters. Bytes above 127 are not checked: paths in our own files may contain any. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum {
  JSON_DEPTH = 32,           /* nested arrays and objects */
  JSON_VALUES_MAX = 1 << 22, /* in one text */
};

typedef enum {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_NUMBER,
  JSON_STRING,
  JSON_ARRAY,
  JSON_OBJECT,
} JsonType;

typedef struct Json Json;
struct Json {
  JsonType type;
  int count;         /* values in an array or object */
  const char *key;   /* of a member of an object, else NULL */
  const char *text;  /* a string, unescaped, in UTF-8; a number as it is written */
  const Json *first; /* the first value in an array or object */
  const Json *next;  /* the next value in the same array or object */
};

typedef struct {
  Json *root;
  char *text; /* holds keys and strings */
} JsonDocument;

/* Reads a text of `size` bytes; `name` is for messages. The result is freed with json_free.
   Errors: not JSON (with the position), a duplicate key, a limit exceeded, no memory. */
int json_read(JsonDocument *d, const char *name, const char *text, size_t size, Err *err);
void json_free(JsonDocument *d);

/* The member of an object with that key; NULL if there is none or `object` is not an object. */
const Json *json_member(const Json *object, const char *key);

/* Sets *out to a whole number between min and max. Returns -1 if the value is anything else. */
int json_int(const Json *value, int64_t min, int64_t max, int64_t *out);

#endif
