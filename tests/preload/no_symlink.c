/* Preloaded into a program, this acts as a file system without symbolic links. */
#include <errno.h>

int symlink(const char *to, const char *path);

int symlink(const char *to, const char *path) {
  (void)to;
  (void)path;
  errno = EPERM;
  return -1;
}
