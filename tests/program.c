#include "tests/program.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"

static char folder[256];
static pid_t owner;

static void stop(const char *what, const char *about) {
  fprintf(stderr, "%s: %s\n", about, what);
  exit(1);
}

static void remove_folder(void) {
  char command[sizeof folder + 16];
  if (getpid() != owner) return;
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) fprintf(stderr, "%s: cannot be removed\n", folder);
}

const char *program_folder(const char *name) {
  if (*folder) return folder;
  mkdir("build", 0777);
  snprintf(folder, sizeof folder, "build/%s-XXXXXX", name);
  if (!mkdtemp(folder)) stop("cannot be made", folder);
  chmod(folder, 0755); /* other users are tried as well */
  owner = getpid();
  atexit(remove_folder);
  return folder;
}

static pid_t start(const char *before, const char *format, va_list args) {
  char command[4096], output[sizeof folder + 16];
  int used = snprintf(command, sizeof command, "%s", before);
  vsnprintf(command + used, sizeof command - (size_t)used, format, args);
  snprintf(output, sizeof output, "%s/output", folder);
  fflush(NULL);
  int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666); /* the earlier output is replaced */
  pid_t pid = fork();
  if (pid != 0) {
    close(file);
    return pid;
  }
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

pid_t program_start(const char *format, ...) {
  va_list args;
  va_start(args, format);
  pid_t pid = start("exec ", format, args);
  va_end(args);
  return pid;
}

int program_wait(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid) stop("is not a child process", "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run(const char *format, ...) {
  va_list args;
  va_start(args, format);
  pid_t pid = start("", format, args);
  va_end(args);
  return program_wait(pid);
}

const char *program_output(void) {
  static char *text;
  char path[PATH_SIZE];
  size_t size;
  free(text);
  text = program_read(program_path(path, "output"), &size);
  return text;
}

char *program_read(const char *path, size_t *size) {
  char *data;
  Err err;
  if (file_read(path, &data, size, &err)) stop("cannot be read", path);
  return data;
}

void program_write(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
    stop("cannot be written", path);
}

char *program_path(char path[PATH_SIZE], const char *format, ...) {
  va_list args;
  int used = snprintf(path, PATH_SIZE, "%s/", folder);
  va_start(args, format);
  vsnprintf(path + used, (size_t)(PATH_SIZE - used), format, args);
  va_end(args);
  return path;
}

int program_same_bytes(const char *a, const char *b) {
  size_t x_size, y_size;
  char *x = program_read(a, &x_size), *y = program_read(b, &y_size);
  int same = x_size == y_size && memcmp(x, y, x_size) == 0;
  free(x);
  free(y);
  return same;
}
