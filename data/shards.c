#include "data/shards.h"

#include <string.h>

enum { MAGIC = 20240520, VERSION = 1, HEADER = 256 };

void shards_open(Shards *s, ShardFormat format, const char *name, int64_t limit) {
  memset(s, 0, sizeof *s);
  s->format = format;
  s->name = name;
  s->limit = format == SHARDS_LLMC ? limit : INT64_MAX;
}

static void put_header(Shards *s) {
  int32_t header[HEADER] = {MAGIC, VERSION, (int32_t)s->here};
  if (s->format == SHARDS_LLMC) writer_put(&s->writer, header, sizeof header);
}

static int begin_file(Shards *s, Err *err) {
  char path[PATH_MAX];
  int length = s->format == SHARDS_LLMC
                   ? snprintf(path, sizeof path, "%s_%06d.bin", s->name, s->files)
                   : snprintf(path, sizeof path, "%s", s->name);
  if (length >= (int)sizeof path) return fail(err, "%.100s...: the path is too long", s->name);
  if (writer_open(&s->writer, path, err)) return -1;
  s->is_open = 1;
  s->here = 0;
  s->files++;
  put_header(s); /* its count is written again when it is known */
  return 0;
}

static int end_file(Shards *s, int status, Err *err) {
  if (!s->is_open) return status;
  s->is_open = 0;
  writer_seek(&s->writer, 0);
  put_header(s);
  return writer_close(&s->writer, status, err);
}

int shards_put(Shards *s, const uint16_t *ids, int64_t n, Err *err) {
  while (n > 0) {
    if (!s->is_open && begin_file(s, err)) return -1;
    int64_t fits = s->limit - s->here < n ? s->limit - s->here : n;
    writer_put(&s->writer, ids, (size_t)fits * sizeof *ids);
    s->here += fits;
    s->tokens += fits;
    ids += fits;
    n -= fits;
    if (s->here == s->limit && end_file(s, 0, err)) return -1;
  }
  return 0;
}

int shards_close(Shards *s, int status, Err *err) { return end_file(s, status, err); }
