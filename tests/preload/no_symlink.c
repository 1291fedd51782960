/* Preloaded into a program, this is a file system that has no symbolic links. */
#include <errno.h>

int symlink(const char *to, const char *path);

int symlink(const char *to, const char *path) {
  (void)to;
  (void)path;
  errno = EPERM;
  return -1;
}
