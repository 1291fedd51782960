#include "model/formats/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/kind.h"
#include "core/memory.h"

enum {
  LENGTH = 8,              /* bytes of N */
  HEADER_MAX = 100000000,  /* the limit of the reference implementation */
};

/* Our headers begin with this and their CRC-32, computed with zeros in its place. */
static const char sum_prefix[] = "{\"__metadata__\":{\"crc32\":\"";
static const char no_sum[] = "00000000";
enum { SUM_AT = sizeof sum_prefix - 1, SUM = sizeof no_sum - 1 };

/* The names of Dtype, then those of types that can only be skipped, and the bytes of a number. */
static const struct {
  const char *name;
  int bytes;
} dtypes[] = {
    {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8}, {"U64", 8}, {"I32", 4},
    {"U32", 4}, {"I16", 2}, {"U16", 2},  {"I8", 1},  {"U8", 1},  {"BOOL", 1},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* ---- reading ---- */

static int read_dtype(const Safetensors *s, const Json *value, Tensor *t, int *size, Err *err) {
  const char *name = value && value->type == JSON_STRING ? value->text : "(none)";
  for (int i = 0; i < DTYPES; i++)
    if (strcmp(dtypes[i].name, name) == 0) {
      t->dtype = i < DTYPE_OTHER ? (Dtype)i : DTYPE_OTHER;
      *size = dtypes[i].bytes;
      return 0;
    }
  return fail(err, "%s: tensor %.100s: unknown type %.100s; F64, F32, F16 and BF16 can be read",
              s->path, t->name, name);
}

static int read_shape(const Safetensors *s, const Json *value, Tensor *t, Err *err) {
  const int64_t most = (int64_t)1 << 48;
  if (!value || value->type != JSON_ARRAY || value->count > TENSOR_RANK)
    return fail(err, "%s: tensor %.100s: the shape is not a list of at most %d numbers", s->path,
                t->name, TENSOR_RANK);
  t->count = 1;
  for (const Json *v = value->first; v; v = v->next) {
    int64_t n;
    if (json_int(v, 0, most, &n) || (n > 0 && t->count > most / n))
      return fail(err, "%s: tensor %.100s: the shape has an invalid size", s->path, t->name);
    t->shape[t->rank++] = n;
    t->count *= n;
  }
  return 0;
}

/* `room` is the size of the data after the header. */
static int read_offsets(const Safetensors *s, const Json *value, Tensor *t, int size, size_t room,
                        Err *err) {
  int64_t from, to;
  if (!value || value->type != JSON_ARRAY || value->count != 2 ||
      json_int(value->first, 0, INT64_MAX, &from) ||
      json_int(value->first->next, 0, INT64_MAX, &to) || from > to || (uint64_t)to > room)
    return fail(err,
                "%s: tensor %.100s: its offsets are not two positions within the file's %zu bytes "
                "of data; the file is truncated or damaged",
                s->path, t->name, room);
  if (to - from != t->count * size)
    return fail(err, "%s: tensor %.100s: has %lld bytes, but its shape and type need %lld", s->path,
                t->name, (long long)(to - from), (long long)(t->count * size));
  t->first = (size_t)from;
  t->bytes = (size_t)(to - from);
  return 0;
}

static int read_tensor(const Safetensors *s, const Json *entry, Tensor *t, size_t room, Err *err) {
  int size = 0;
  *t = (Tensor){.name = entry->key};
  if (read_dtype(s, json_member(entry, "dtype"), t, &size, err) ||
      read_shape(s, json_member(entry, "shape"), t, err))
    return -1;
  return read_offsets(s, json_member(entry, "data_offsets"), t, size, room, err);
}

static int by_place(const void *a, const void *b) {
  const Tensor *x = a, *y = b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}

/* Checks that the tensors fill the data without holes or overlaps. */
static int check_places(const Safetensors *s, size_t room, Err *err) {
  size_t at = 0;
  qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_place);
  for (int64_t i = 0; i < s->count; i++) {
    const Tensor *t = &s->tensors[i];
    if (t->first != at)
      return fail(err, "%s: tensor %.100s begins at byte %zu of the data, not at %zu: tensors %s",
                  s->path, t->name, t->first, at, t->first < at ? "overlap" : "leave a hole");
    at += t->bytes;
  }
  if (at != room)
    return fail(err, "%s: the tensors fill %zu of %zu bytes: the file is truncated or damaged",
                s->path, at, room);
  return 0;
}

static int check_metadata(const Safetensors *s, Err *err) {
  const Json *metadata = json_member(s->header.root, "__metadata__");
  if (!metadata) return 0;
  int strings = metadata->type == JSON_OBJECT;
  for (const Json *m = metadata->first; m; m = m->next) strings &= m->type == JSON_STRING;
  return strings ? 0 : fail(err, "%s: __metadata__ is not a list of strings by name", s->path);
}

static int read_tensors(Safetensors *s, const unsigned char *data, size_t room, Err *err) {
  const Json *root = s->header.root;
  if (root->type != JSON_OBJECT) return fail(err, "%s: the header is not a JSON object", s->path);
  if (check_metadata(s, err)) return -1;
  s->tensors = calloc((size_t)root->count + 1, sizeof *s->tensors);
  if (!s->tensors) return fail(err, "%s: no memory for %d tensors", s->path, root->count);
  for (const Json *entry = root->first; entry; entry = entry->next) {
    if (strcmp(entry->key, "__metadata__") == 0) continue;
    if (read_tensor(s, entry, &s->tensors[s->count++], room, err)) return -1;
  }
  if (check_places(s, room, err)) return -1;
  for (int64_t i = 0; i < s->count; i++) s->tensors[i].data = data + s->tensors[i].first;
  qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_name);
  return 0;
}

static uint64_t read_length(const unsigned char *bytes) {
  uint64_t n;
  memcpy(&n, bytes, sizeof n);
  return n;
}

static int not_safetensors(const Safetensors *s, Err *err) {
  FileKind is = kind_of(s->bytes, s->size);
  if (!is.name) return fail(err, "%s: not a safetensors file, and of unknown type", s->path);
  return fail(err, "%s: is %s, not safetensors%s%s", s->path, is.name, is.advice ? "; " : "",
              is.advice ? is.advice : "");
}

static int parse(Safetensors *s, Err *err) {
  const unsigned char *bytes = s->bytes;
  size_t size = s->size;
  if (size < LENGTH + 2)
    return not_safetensors(s, err);
  uint64_t length = read_length(bytes);
  if (length > HEADER_MAX || bytes[LENGTH] != '{') return not_safetensors(s, err);
  if (length > size - LENGTH)
    return fail(err, "%s: truncated: the header needs %llu bytes, the file has %zu", s->path,
                (unsigned long long)length, size);
  const char *text = (const char *)bytes + LENGTH;
  if (json_read(&s->header, s->path, text, (size_t)length, err)) return -1;
  return read_tensors(s, bytes + LENGTH + length, size - LENGTH - (size_t)length, err);
}

int safetensors_parse(Safetensors *s, const char *name, const void *bytes, size_t size, Err *err) {
  *s = (Safetensors){.path = name, .bytes = bytes, .size = size};
  if (parse(s, err) == 0) return 0;
  safetensors_close(s);
  return -1;
}

int safetensors_open(Safetensors *s, const char *path, Err *err) {
  Map map;
  if (map_open(&map, path, err)) return -1;
  int status = safetensors_parse(s, path, map.bytes, map.size, err);
  if (status) map_close(&map);
  else s->map = map;
  return status;
}

void safetensors_close(Safetensors *s) {
  for (int64_t i = 0; i < s->part_count; i++) safetensors_close(&s->parts[i].file);
  free(s->parts);
  free(s->tensors);
  json_free(&s->header);
  map_close(&s->map);
  *s = (Safetensors){0};
}

const Tensor *safetensors_find(const Safetensors *s, const char *name) {
  Tensor key = {.name = name};
  if (s->count == 0) return NULL;
  return bsearch(&key, s->tensors, (size_t)s->count, sizeof key, by_name);
}

const char *safetensors_metadata(const Safetensors *s, const char *key) {
  const Json *value = json_member(json_member(s->header.root, "__metadata__"), key);
  return value ? value->text : NULL;
}

int safetensors_sort(Safetensors *s, Err *err) {
  if (s->count > 1) qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_name);
  for (int64_t i = 1; i < s->count; i++)
    if (strcmp(s->tensors[i - 1].name, s->tensors[i].name) == 0)
      return fail(err, "%s: two tensors are named %.100s", s->path, s->tensors[i].name);
  return 0;
}

int safetensors_strip(Safetensors *s, const char *const *prefixes, Err *err) {
  for (int64_t i = 0; i < s->count; i++)
    for (int k = 0; prefixes[k];) {
      size_t length = strlen(prefixes[k]);
      int begins = strncmp(s->tensors[i].name, prefixes[k], length) == 0;
      if (begins) s->tensors[i].name += length;
      k = begins ? 0 : k + 1;
    }
  return safetensors_sort(s, err);
}

/* ---- checksums ---- */

static uint32_t header_sum(const char *header, size_t length) {
  uLong crc = crc32_z(0, (const unsigned char *)header, SUM_AT);
  crc = crc32_z(crc, (const unsigned char *)no_sum, SUM);
  return (uint32_t)crc32_z(crc, (const unsigned char *)header + SUM_AT + SUM,
                           length - SUM_AT - SUM);
}

static int same_sum(uint32_t sum, const char *text) {
  char mine[SUM + 1];
  snprintf(mine, sizeof mine, "%08x", sum);
  return text && strncmp(mine, text, SUM) == 0;
}

int safetensors_has_sums(const Safetensors *s) {
  return s->bytes && read_length(s->bytes) >= SUM_AT + SUM &&
         memcmp(s->bytes + LENGTH, sum_prefix, SUM_AT) == 0;
}

int safetensors_verify(const Safetensors *s, Err *err) {
  if (!safetensors_has_sums(s))
    return fail(err, "%s: has no checksums: it was not written as a checkpoint", s->path);
  const char *header = (const char *)s->bytes + LENGTH;
  if (!same_sum(header_sum(header, (size_t)read_length(s->bytes)), header + SUM_AT))
    return fail(err, "%s: damaged: the CRC-32 of the header does not match", s->path);
  for (int64_t i = 0; i < s->count; i++) {
    const Tensor *t = &s->tensors[i];
    char key[TENSOR_NAME + 8];
    snprintf(key, sizeof key, "crc32/%s", t->name);
    if (!same_sum((uint32_t)crc32_z(0, t->data, t->bytes), safetensors_metadata(s, key)))
      return fail(err, "%s: damaged: the CRC-32 of %.100s does not match", s->path,
                  t->name);
  }
  return 0;
}

/* ---- writing ---- */

static int64_t source_count(const TensorSource *t) {
  int64_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= t->shape[i];
  return n;
}

static int by_source_name(const void *a, const void *b) {
  return strcmp(((const TensorSource *)a)->name, ((const TensorSource *)b)->name);
}

static void put_string(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
    else if (c < 0x20) fprintf(out, "\\u%04x", c);
    else fputc(c, out);
  }
  fputc('"', out);
}

static void put_tensor_entry(FILE *out, const TensorSource *t, Dtype dtype, int64_t at) {
  fputc(',', out);
  put_string(out, t->name);
  fprintf(out, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[dtype].name);
  for (int i = 0; i < t->rank; i++)
    fprintf(out, "%s%lld", i > 0 ? "," : "", (long long)t->shape[i]);
  fprintf(out, "],\"data_offsets\":[%lld,%lld]}", (long long)at,
          (long long)(at + source_count(t) * dtypes[dtype].bytes));
}

/* The header's text, padded with spaces to a multiple of 8. Sums have a fixed width, so the length
   is known before the sums are. */
static char *make_header(Dtype dtype, const TensorSource *tensors, const uint32_t *sums,
                         int64_t count, const Metadata *metadata, size_t *length) {
  char *text, sum[SUM + 1];
  int64_t at = 0;
  FILE *out = open_memstream(&text, length);
  if (!out) return NULL;
  fprintf(out, "%s%s\"", sum_prefix, no_sum);
  for (const Metadata *m = metadata; m->key; m++) {
    fputc(',', out);
    put_string(out, m->key);
    fputc(':', out);
    put_string(out, m->value);
  }
  for (int64_t i = 0; i < count; i++) {
    char key[TENSOR_NAME + 8];
    snprintf(key, sizeof key, "crc32/%s", tensors[i].name);
    fputc(',', out);
    put_string(out, key);
    fprintf(out, ":\"%08x\"", sums[i]);
  }
  fputc('}', out);
  for (int64_t i = 0; i < count; i++) {
    put_tensor_entry(out, &tensors[i], dtype, at);
    at += source_count(&tensors[i]) * dtypes[dtype].bytes;
  }
  fputc('}', out);
  fflush(out);
  for (size_t pad = (LENGTH - *length % LENGTH) % LENGTH; pad > 0; pad--) fputc(' ', out);
  if (fclose(out) != 0) return NULL;
  snprintf(sum, sizeof sum, "%08x", header_sum(text, *length));
  memcpy(text + SUM_AT, sum, SUM);
  return text;
}

static int put_header(Writer *w, Dtype dtype, const TensorSource *tensors, const uint32_t *sums,
                      int64_t count, const Metadata *metadata, Err *err) {
  size_t length;
  char *text = make_header(dtype, tensors, sums, count, metadata, &length);
  if (!text) return fail(err, "%s: no memory for the header", w->path);
  writer_seek(w, 0);
  writer_put(w, &(uint64_t){length}, LENGTH);
  writer_put(w, text, length);
  free(text);
  return 0;
}

int safetensors_write(const char *path, Dtype dtype, TensorSource *tensors, int64_t count,
                      const Metadata *metadata, Err *err) {
  Writer w;
  if (writer_open(&w, path, err)) return -1;
  uint32_t *sums = memory_take((size_t)count + 1, sizeof *sums);
  qsort(tensors, (size_t)count, sizeof *tensors, by_source_name);
  int status = put_header(&w, dtype, tensors, sums, count, metadata, err);
  for (int64_t i = 0; i < count && status == 0; i++)
    sums[i] = numbers_write(&w, dtype, tensors[i].get, tensors[i].from, source_count(&tensors[i]));
  if (status == 0) status = put_header(&w, dtype, tensors, sums, count, metadata, err);
  free(sums);
  return writer_close(&w, status, err);
}
