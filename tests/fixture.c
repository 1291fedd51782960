#include "tests/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

static void stop(const char *message, const char *about) {
  fprintf(stderr, "%s: %s\n", about, message);
  exit(1);
}

static char *read_values(char *at, FixtureTensor *t) {
  t->values = malloc((size_t)(t->rows * t->cols) * sizeof *t->values);
  for (int64_t i = 0; i < t->rows * t->cols; i++) {
    char *end;
    t->values[i] = strtod(at, &end);
    if (end == at) stop("values are missing", t->name);
    at = end;
  }
  return at;
}

Fixture fixture_read(const char *path) {
  Fixture f = {0};
  char *text;
  size_t size;
  Err err;
  if (file_read(path, &text, &size, &err)) stop(err.text, "fixture");
  for (char *at = text; (at = strstr(at, "tensor "));) {
    FixtureTensor t = {0};
    long long rows, cols;
    int used = 0;
    if (sscanf(at, "tensor %79s %lld %lld%n", t.name, &rows, &cols, &used) != 3)
      stop("a tensor line is malformed", path);
    t.rows = rows;
    t.cols = cols;
    at = read_values(at + used, &t);
    f.tensors = realloc(f.tensors, (size_t)(f.count + 1) * sizeof t);
    f.tensors[f.count++] = t;
  }
  free(text);
  return f;
}

void fixture_free(Fixture *f) {
  for (int i = 0; i < f->count; i++) free(f->tensors[i].values);
  free(f->tensors);
}

const FixtureTensor *fixture_find(const Fixture *f, const char *name) {
  for (int i = 0; i < f->count; i++)
    if (strcmp(f->tensors[i].name, name) == 0) return &f->tensors[i];
  stop("is not in the fixture", name);
  return NULL;
}
