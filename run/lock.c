#include "run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/ranks.h"

enum { HOLDER = 320 }; /* room for "process 123 on HOST" */

/* A lock of the open file description, if the system has these: closing another descriptor of the
   file does not release it. */
#ifdef F_OFD_SETLK
enum { SET_LOCK = F_OFD_SETLK, GET_LOCK = F_OFD_GETLK };
#else
enum { SET_LOCK = F_SETLK, GET_LOCK = F_GETLK };
#endif

static void write_holder(int file) {
  char host[256] = "", text[HOLDER];
  gethostname(host, sizeof host - 1);
  int size = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
  if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)size, 0) != size)
    return; /* the text is optional, the lock is held */
}

static void read_holder(int file, char text[HOLDER]) {
  ssize_t size = pread(file, text, HOLDER - 1, 0);
  text[size > 0 ? size : 0] = 0;
  text[strcspn(text, "\n")] = 0;
  if (!*text) strcpy(text, "another process");
}

int lock_name(const char *folder, const char *name, int *held, Err *err) {
  char path[PATH_MAX], holder[HOLDER];
  if (rank_number() > 0) return open("/dev/null", O_RDONLY | O_CLOEXEC); /* rank 0 has the lock */
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  *held = 0;
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
    return fail(err, "%.100s...: the path is too long", folder);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file < 0) return fail(err, "%s: cannot be written: %s", path, strerror(errno));
  if (fcntl(file, SET_LOCK, &whole) != 0 && (errno == EAGAIN || errno == EACCES)) {
    read_holder(file, holder);
    close(file);
    *held = 1;
    return fail(err, "%s: %s writes to this folder; wait until it ends or choose another folder",
                folder, holder);
  }
  write_holder(file);
  return file;
}

int lock_take(const char *folder, Err *err) {
  int held;
  return lock_name(folder, ".lock", &held, err);
}

void lock_release(int lock) {
  if (lock >= 0) close(lock);
}

int lock_is_held(const char *folder) {
  char path[PATH_MAX];
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  snprintf(path, sizeof path, "%s/.lock", folder);
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return 0;
  int held = fcntl(file, GET_LOCK, &whole) == 0 && whole.l_type != F_UNLCK;
  close(file);
  return held;
}
