#include "data/shards.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/kind.h"

/* ---- Existing files ---- */

/* The path of a shard; 0 or an error. */
static int shard_path(const char *name, int64_t number, char path[PATH_MAX], Err *err) {
  if (snprintf(path, PATH_MAX, "%s_%06lld.bin", name, (long long)number) < PATH_MAX) return 0;
  return fail(err, "%.100s...: the path is too long", name);
}

/* The number of the shard if the folder's entry is a shard with this base name, else -1. Sets
   *temporary for a writer's temporary file. */
static int shard_number(const char *base, const char *entry, int *temporary) {
  char whole[NAME_MAX + 32];
  size_t length = strlen(base);
  if (strncmp(entry, base, length) != 0 || entry[length] != '_') return -1;
  long number = strtol(entry + length + 1, NULL, 10);
  if (number < 0 || number > INT_MAX) return -1;
  int n = snprintf(whole, sizeof whole, "%s_%06d.bin", base, (int)number);
  if (n >= (int)sizeof whole || strncmp(entry, whole, (size_t)n) != 0) return -1;
  *temporary = strcmp(entry + n, ".tmp") == 0;
  return *temporary || entry[n] == 0 ? (int)number : -1;
}

/* Refuses to write to an input file, also under another name, because that would destroy it. */
static int spare_inputs(const char *path, const PathList *inputs, Err *err) {
  struct stat target, input;
  if (stat(path, &target) != 0) return 0;
  for (int64_t i = 0; i < inputs->count; i++)
    if (stat(inputs->path[i], &input) == 0 && input.st_dev == target.st_dev &&
        input.st_ino == target.st_ino)
      return fail(err, "%s: is an input (%s) and would be lost; choose another name to write to",
                  path, inputs->path[i]);
  return 0;
}

static int refuse_existing(const char *path, Err *err) {
  return fail(err, "%s: already exists; choose another name or use --overwrite on", path);
}

static int check_file(const Shards *s, const PathList *inputs, Err *err) {
  char temporary[PATH_MAX];
  if (snprintf(temporary, sizeof temporary, "%s.tmp", s->name) >= (int)sizeof temporary)
    return fail(err, "%.100s...: the path is too long", s->name);
  if (spare_inputs(s->name, inputs, err) || spare_inputs(temporary, inputs, err)) return -1;
  return file_exists(s->name) && !s->overwrite ? refuse_existing(s->name, err) : 0;
}

/* The folder of s->name, opened; NULL and 0 when there is none. *base is the name in it. */
static int open_folder(const Shards *s, DIR **stream, const char **base, Err *err) {
  char folder[PATH_MAX];
  const char *slash = strrchr(s->name, '/');
  int length = slash ? (int)(slash - s->name) + 1 : 0;
  *base = s->name + length;
  *stream = NULL;
  if (snprintf(folder, sizeof folder, "%.*s", length, s->name) >= (int)sizeof folder)
    return fail(err, "%.100s...: the path is too long", s->name);
  *stream = opendir(length ? folder : ".");
  if (*stream || errno == ENOENT || errno == ENOTDIR) return 0;
  return fail(err, "%s: the folder cannot be read: %s", length ? folder : ".", strerror(errno));
}

static int check_shards(const Shards *s, const PathList *inputs, Err *err) {
  DIR *stream;
  const char *base;
  char path[PATH_MAX + 4];
  int temporary, status = open_folder(s, &stream, &base, err);
  if (!stream) return status;
  for (struct dirent *e = readdir(stream); e && status == 0; e = readdir(stream)) {
    int number = shard_number(base, e->d_name, &temporary);
    if (number < 0) continue;
    status = shard_path(s->name, number, path, err);
    if (status) break;
    if (temporary) strcat(path, ".tmp");
    status = spare_inputs(path, inputs, err);
    if (status == 0 && !temporary && !s->overwrite) status = refuse_existing(path, err);
  }
  closedir(stream);
  return status;
}

static int remove_behind(Shards *s, Err *err) {
  DIR *stream;
  const char *base;
  char path[PATH_MAX];
  int temporary, status = open_folder(s, &stream, &base, err);
  if (!stream) return status;
  for (struct dirent *e = readdir(stream); e && status == 0; e = readdir(stream)) {
    int number = shard_number(base, e->d_name, &temporary);
    if (number < s->files || temporary) continue;
    status = shard_path(s->name, number, path, err);
    if (status == 0 && unlink(path) != 0)
      status = fail(err, "%s: cannot remove the old shard: %s", path, strerror(errno));
    s->removed += status == 0;
  }
  closedir(stream);
  return status;
}

/* ---- Writing ---- */

int shards_open(Shards *s, ShardFormat format, const char *name, int64_t limit,
                const PathList *inputs, int overwrite, Err *err) {
  memset(s, 0, sizeof *s);
  s->format = format;
  s->name = name;
  s->limit = format == SHARDS_LLMC ? limit : INT64_MAX;
  s->overwrite = overwrite;
  return format == SHARDS_LLMC ? check_shards(s, inputs, err) : check_file(s, inputs, err);
}

static void put_header(Shards *s) {
  int32_t header[SHARD_HEADER / sizeof(int32_t)] = {MAGIC_LLMC_TOKENS16, SHARD_VERSION16,
                                                    (int32_t)s->here};
  if (s->format == SHARDS_LLMC) writer_put(&s->writer, header, sizeof header);
}

static int begin_file(Shards *s, Err *err) {
  char path[PATH_MAX];
  if (s->format == SHARDS_LLMC && shard_path(s->name, s->files, path, err)) return -1;
  if (writer_open(&s->writer, s->format == SHARDS_LLMC ? path : s->name, err)) return -1;
  s->is_open = 1;
  s->here = 0;
  s->files++;
  put_header(s); /* the count is updated at the end */
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

int shards_close(Shards *s, int status, Err *err) {
  status = end_file(s, status, err);
  int shards = s->format == SHARDS_LLMC && s->files > 0;
  return status == 0 && shards && s->overwrite ? remove_behind(s, err) : status;
}
