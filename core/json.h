/* JSON (RFC 8259), read strictly and within limits: no comments, no trailing commas, no duplicate
   keys, no zero characters. Bytes above 127 are passed on as they are, UTF-8 or not, since paths in
   our own files may hold any. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum {
  JSON_DEPTH = 32,           /* arrays and objects within each other */
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
  const Json *next;  /* the value behind this one in the same array or object */
};

typedef struct {
  Json *root;
  char *text; /* where keys and strings stand */
} JsonDocument;

/* Reads a text of `size` bytes; `name` is for messages. The result is freed with json_free.
   Errors: anything that is not JSON (the sentence says where), a duplicate key, the limits. */
int json_read(JsonDocument *d, const char *name, const char *text, size_t size, Err *err);
void json_free(JsonDocument *d);

/* The member of an object with that key; NULL when there is none or it is no object. */
const Json *json_member(const Json *object, const char *key);

/* A whole number between min and max. Returns 0, or -1 when the value is anything else. */
int json_int(const Json *value, int64_t min, int64_t max, int64_t *out);

#endif
