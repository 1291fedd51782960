#include "run/events.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/memory.h"
#include "run/names.h"

struct Events {
  FILE *file;
  char path[PATH_MAX];
  double start;
  FILE *values; /* of the next event, to text (size); NULL if there are none */
  char *text;
  size_t size;
};

/* ---- protobuf: fields by number ---- */

enum { VARINT, FIXED64, LENGTH, FIXED32 = 5 }; /* kinds of fields */

static void put_varint(FILE *out, uint64_t x) {
  for (; x >= 128; x >>= 7) fputc((int)(x & 127) | 128, out);
  fputc((int)x, out);
}

static size_t varint_size(uint64_t x) {
  size_t size = 1;
  for (; x >= 128; x >>= 7) size++;
  return size;
}

static void put_key(FILE *out, int field, int kind) { fputc(field << 3 | kind, out); }

static void put_double(FILE *out, int field, double x) {
  put_key(out, field, FIXED64);
  fwrite(&x, sizeof x, 1, out);
}

static void put_bytes(FILE *out, int field, const void *bytes, size_t size) {
  put_key(out, field, LENGTH);
  put_varint(out, size);
  fwrite(bytes, 1, size, out);
}

/* ---- records ---- */

/* CRC-32C (Castagnoli), which zlib does not have, in the masked form of the format. */
static uint32_t masked_crc(const void *data, size_t size) {
  const unsigned char *bytes = data;
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static int failed(const Events *e, Err *err) {
  return fail(err, "%s: cannot be written: %s", e->path, strerror(errno));
}

static int put_record(Events *e, const void *data, uint64_t size, Err *err) {
  uint32_t size_crc = masked_crc(&size, sizeof size), data_crc = masked_crc(data, size);
  fwrite(&size, sizeof size, 1, e->file);
  fwrite(&size_crc, sizeof size_crc, 1, e->file);
  fwrite(data, 1, size, e->file);
  fwrite(&data_crc, sizeof data_crc, 1, e->file);
  return fflush(e->file) == 0 && !ferror(e->file) ? 0 : failed(e, err);
}

/* An event with one more field (Event in event.proto). */
static int put_event(Events *e, double seconds, int64_t step, int field, const void *data,
                     size_t size, Err *err) {
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  if (!out) return fail(err, "no memory for an event");
  put_double(out, 1, e->start + seconds);
  put_key(out, 2, VARINT);
  put_varint(out, (uint64_t)step);
  put_bytes(out, field, data, size);
  int status = fclose(out) == 0 ? put_record(e, text, length, err)
                                : fail(err, "no memory for an event");
  free(text);
  return status;
}

enum { FILE_VERSION = 3, SUMMARY = 5, SESSION_LOG = 7 }; /* fields of Event */

/* ---- values ---- */

/* Summary.Value with a field of `size` bytes, key included, which the caller adds. */
static int begin_value(Events *e, const char *tag, size_t size) {
  size_t length = strlen(tag);
  if (!e->values) e->values = open_memstream(&e->text, &e->size);
  if (!e->values) return -1; /* without memory for it, a value is left out */
  put_key(e->values, 1, LENGTH);
  put_varint(e->values, 1 + varint_size(length) + length + size);
  put_bytes(e->values, 1, tag, length);
  return 0;
}

void events_scalar(Events *e, const char *tag, double value) {
  float x = (float)value;
  if (begin_value(e, tag, 1 + sizeof x)) return;
  put_key(e->values, 2, FIXED32);
  fwrite(&x, sizeof x, 1, e->values);
}

/* HistogramProto with a bucket between two quantiles and 100 numbers in total; sums as if the
   numbers of a bucket were in its middle. */
void events_quantiles(Events *e, const char *tag, const double *x, const double *p, int count) {
  double counts[16] = {0}, sum = 0, squares = 0;
  size_t bytes = (size_t)count * sizeof *x, packed = 1 + varint_size(bytes) + bytes;
  for (int i = 1; i < count; i++) {
    double middle = (x[i - 1] + x[i]) / 2;
    counts[i] = 100 * (p[i] - p[i - 1]);
    sum += counts[i] * middle;
    squares += counts[i] * middle * middle;
  }
  double fields[] = {x[0], x[count - 1], 100, sum, squares}; /* 1..5 */
  size_t size = 5 * (1 + sizeof(double)) + 2 * packed;
  if (begin_value(e, tag, 1 + varint_size(size) + size)) return;
  put_key(e->values, 5, LENGTH);
  put_varint(e->values, size);
  for (int i = 0; i < 5; i++) put_double(e->values, i + 1, fields[i]);
  put_bytes(e->values, 6, x, bytes);
  put_bytes(e->values, 7, counts, bytes);
}

int events_write(Events *e, int64_t step, double seconds, Err *err) {
  if (!e->values) return 0;
  int status = fclose(e->values) == 0 ? put_event(e, seconds, step, SUMMARY, e->text, e->size, err)
                                      : fail(err, "no memory for an event");
  e->values = NULL;
  free(e->text);
  e->text = NULL;
  return status;
}

/* ---- files ---- */

int events_open(Events **out, const char *folder, int64_t first, double start, Err *err) {
  static const char version[] = "brain.Event:2", restart[] = {1 << 3 | VARINT, 1}; /* START */
  Events *e = *out = memory_take(1, sizeof *e);
  e->start = start;
  snprintf(e->path, sizeof e->path, "%s/" EVENTS_FILE "%010lld.%lld", folder,
           (long long)time(NULL), (long long)first);
  e->file = file_open(e->path, "w");
  if (!e->file) return failed(e, err);
  return put_event(e, 0, 0, FILE_VERSION, version, sizeof version - 1, err) ||
         put_event(e, 0, first, SESSION_LOG, restart, sizeof restart, err) ? -1 : 0;
}

int events_close(Events *e, Err *err) {
  if (!e) return 0;
  int status = e->file && fclose(e->file) != 0 ? failed(e, err) : 0;
  if (e->values) fclose(e->values);
  free(e->text);
  free(e);
  return status;
}

/* Returns the number of event files in a folder, after removing them if `remove` is set; -1, with
   errno, if one cannot be removed. */
static int visit(const char *folder, int remove) {
  char path[PATH_MAX];
  int count = 0;
  DIR *stream = opendir(folder);
  if (!stream) return 0;
  for (struct dirent *entry; count >= 0 && (entry = readdir(stream));) {
    if (strncmp(entry->d_name, EVENTS_FILE, sizeof EVENTS_FILE - 1) != 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    count = remove && unlink(path) != 0 ? -1 : count + 1;
  }
  int reason = errno;
  closedir(stream);
  errno = reason;
  return count;
}

int events_any(const char *folder) { return visit(folder, 0) > 0; }

int events_remove(const char *folder, Err *err) {
  if (visit(folder, 1) >= 0) return 0;
  return fail(err, "%s: the event files cannot be removed: %s", folder, strerror(errno));
}
