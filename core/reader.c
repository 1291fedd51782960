#include "core/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

int reader_open(Reader *r, const char *path, Err *err) {
  struct stat s;
  r->file = NULL;
  if (strlen(path) >= sizeof r->path) return fail(err, "%.100s...: the path is too long", path);
  strcpy(r->path, path);
  if (stat(path, &s) == 0 && S_ISDIR(s.st_mode))
    return fail(err, "%s: is a folder; give a file", path);
  r->file = gzopen(path, "rb");
  if (!r->file) return fail(err, "%s: cannot be opened: %s", path, strerror(errno));
  gzbuffer(r->file, 1 << 17);
  return 0;
}

static int failed(const Reader *r, Err *err) {
  int code;
  const char *reason = gzerror(r->file, &code);
  if (code == Z_BUF_ERROR)
    return fail(err, "%s: the gzip data ends early: the file is truncated", r->path);
  return fail(err, "%s: cannot be read: %s", r->path, code == Z_ERRNO ? strerror(errno) : reason);
}

int reader_get(Reader *r, char *out, size_t n, size_t *got, Err *err) {
  int code = Z_OK;
  for (*got = 0; *got < n;) {
    size_t want = n - *got;
    int more = gzread(r->file, out + *got, want > INT_MAX / 2 ? INT_MAX / 2 : (unsigned)want);
    if (more < 0) return failed(r, err);
    if (more == 0) break;
    *got += (size_t)more;
  }
  gzerror(r->file, &code); /* gzread reports a truncated gzip stream as a short file */
  return code == Z_OK || code == Z_STREAM_END ? 0 : failed(r, err);
}

void reader_close(Reader *r) {
  if (r->file) gzclose_r(r->file);
  r->file = NULL;
}
