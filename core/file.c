#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/reader.h"

static int grow(const char *name, char **data, size_t *room, size_t used, Err *err) {
  if (used + 1 < *room) return 0;
  size_t more = *room ? *room * 2 : 1 << 16;
  char *bigger = realloc(*data, more);
  if (!bigger) return fail(err, "%s: no memory for %zu bytes", name, more);
  *data = bigger;
  *room = more;
  return 0;
}

int file_read(const char *path, char **data, size_t *size, Err *err) {
  Reader reader;
  size_t room = 0, want = 0, got = 0;
  *data = NULL;
  *size = 0;
  int status = reader_open(&reader, path, err);
  while (status == 0 && got == want) {
    status = grow(path, data, &room, *size, err);
    want = room - *size - 1;
    if (status == 0) status = reader_get(&reader, *data + *size, want, &got, err);
    *size += got;
  }
  reader_close(&reader);
  if (status == 0) {
    (*data)[*size] = 0;
    return 0;
  }
  free(*data);
  *data = NULL;
  return -1;
}

int file_inflate(const char *name, const void *packed, size_t packed_size, char **data,
                 size_t *size, Err *err) {
  z_stream z = {.next_in = (unsigned char *)packed, .avail_in = (unsigned)packed_size};
  *data = NULL;
  *size = 0;
  if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return fail(err, "%s: zlib cannot start", name);
  size_t room = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    if (grow(name, data, &room, *size, err)) break;
    z.next_out = (unsigned char *)*data + *size;
    z.avail_out = (unsigned)(room - *size - 1);
    status = inflate(&z, Z_NO_FLUSH);
    *size = z.total_out;
  }
  inflateEnd(&z);
  if (status != Z_STREAM_END) {
    free(*data);
    *data = NULL;
    return status == Z_OK ? -1 : fail(err, "%s: the gzip data is damaged", name);
  }
  (*data)[*size] = 0;
  return 0;
}

FILE *file_open(const char *path, const char *mode) {
  int fresh = *mode == 'w', add = *mode == 'a';
  int flags = fresh ? O_WRONLY | O_CREAT | O_EXCL : add ? O_WRONLY | O_CREAT | O_APPEND : O_RDWR;
  if (fresh && unlink(path) != 0 && errno != ENOENT) return NULL;
  int file = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0666);
  FILE *stream = file < 0 ? NULL : fdopen(file, mode);
  if (file >= 0 && !stream) close(file);
  return stream;
}

int file_write(const char *path, const void *data, size_t size, Err *err) {
  char temporary[PATH_MAX];
  if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary)
    return fail(err, "%s: the path is too long", path);
  FILE *file = file_open(temporary, "wb");
  if (!file) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  errno = 0;
  int ok = fwrite(data, 1, size, file) == size && fflush(file) == 0 && fsync(fileno(file)) == 0;
  int why = errno;
  if (fclose(file) != 0 && ok) {
    ok = 0;
    why = errno;
  }
  if (ok && rename(temporary, path) != 0) {
    ok = 0;
    why = errno;
  }
  if (ok) return 0;
  unlink(temporary);
  return fail(err, "%s: cannot be written: %s", path, strerror(why));
}

int folder_make(const char *path, Err *err) {
  char part[PATH_MAX];
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof part)
    return fail(err, "\"%s\" is not a valid folder path", path);
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != 0) continue;
    memcpy(part, path, i);
    part[i] = 0;
    if (mkdir(part, 0777) == 0) continue;
    int reason = errno;
    if (!folder_exists(part))
      return fail(err, "%s: cannot create the folder: %s", part,
                  reason == EEXIST ? "it is not a folder" : strerror(reason));
  }
  return 0;
}

int file_exists(const char *path) {
  struct stat s;
  return stat(path, &s) == 0;
}

int folder_exists(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

int file_taken(const char *path) {
  struct stat s;
  return lstat(path, &s) == 0;
}
