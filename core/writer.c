#include "core/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"

int writer_open(Writer *w, const char *path, Err *err) {
  *w = (Writer){0};
  if (strlen(path) >= sizeof w->path) return fail(err, "%s: the path is too long", path);
  strcpy(w->path, path);
  snprintf(w->temporary, sizeof w->temporary, "%s.tmp", path);
  w->file = file_open(w->temporary, "wb");
  if (!w->file) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  return 0;
}

static void note(Writer *w, int ok) {
  if (!ok && w->reason == 0) w->reason = errno ? errno : EIO;
}

void writer_put(Writer *w, const void *data, size_t size) {
  errno = 0;
  if (w->reason == 0) note(w, fwrite(data, 1, size, w->file) == size);
}

void writer_seek(Writer *w, int64_t at) {
  errno = 0;
  if (w->reason == 0) note(w, fseeko(w->file, (off_t)at, SEEK_SET) == 0);
}

int writer_close(Writer *w, int status, Err *err) {
  errno = 0;
  if (status == 0 && w->reason == 0)
    note(w, fflush(w->file) == 0 && fsync(fileno(w->file)) == 0);
  note(w, fclose(w->file) == 0);
  if (status == 0 && w->reason == 0) note(w, rename(w->temporary, w->path) == 0);
  if (status == 0 && w->reason == 0) return 0;
  unlink(w->temporary);
  if (status) return status;
  return fail(err, "%s: cannot be written: %s", w->path, strerror(w->reason));
}

int folder_sync(const char *path, Err *err) {
  int folder = open(path, O_RDONLY);
  if (folder < 0) return fail(err, "%s: cannot be opened: %s", path, strerror(errno));
  /* EINVAL: the file system cannot sync folders. */
  int ok = fsync(folder) == 0 || errno == EINVAL, reason = errno;
  close(folder);
  return ok ? 0 : fail(err, "%s: cannot be synced to the disk: %s", path, strerror(reason));
}

int folder_remove(const char *path, Err *err) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *stream = folder < 0 ? NULL : fdopendir(folder);
  if (!stream) {
    int reason = errno;
    if (folder >= 0) close(folder);
    if (reason == ENOENT || (folder < 0 && unlink(path) == 0)) return 0; /* a link, or a file */
    return fail(err, "%s: cannot be removed: %s", path, strerror(reason));
  }
  int ok = 1;
  for (struct dirent *e = readdir(stream); e; e = readdir(stream))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      ok &= unlinkat(dirfd(stream), e->d_name, 0) == 0;
  closedir(stream);
  if (ok && rmdir(path) == 0) return 0;
  return fail(err, "%s: cannot be removed: %s", path, strerror(errno));
}
