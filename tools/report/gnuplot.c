#include "tools/report/gnuplot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_INSTALLED = 127 };

static int read_back(FILE *file, char **out, size_t *size) {
  long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (end < 0 || !(*out = malloc((size_t)end + 1))) return -1;
  rewind(file);
  *size = fread(*out, 1, (size_t)end, file);
  (*out)[*size] = 0;
  return 0;
}

/* Files instead of three pipes: the processes cannot block each other. */
static int run_between(FILE *in, FILE *out, FILE *messages) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (dup2(fileno(in), 0) < 0 || dup2(fileno(out), 1) < 0 || dup2(fileno(messages), 2) < 0)
      _exit(1);
    unsetenv("GNUTERM");
    execlp("gnuplot", "gnuplot", "-d", "-", (char *)NULL); /* -d: without the user's own settings */
    _exit(errno == ENOENT ? NOT_INSTALLED : 1);
  }
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The line with the reason in gnuplot's error output. */
static int complaint(FILE *messages, Err *err) {
  char *text = NULL;
  size_t size = 0;
  if (read_back(messages, &text, &size)) return fail(err, "gnuplot failed without a message");
  char *line = text;
  for (char *at = text; at && *at; at = strchr(at, '\n')) {
    at += *at == '\n';
    if (strncmp(at, "line ", 5) == 0 || strstr(at, "rror")) line = at;
  }
  fail(err, "gnuplot failed: %.*s", (int)strcspn(line, "\n"), *line ? line : "it gave no reason");
  free(text);
  return -1;
}

int gnuplot_run(const char *script, size_t size, char **out, size_t *out_size, Err *err) {
  FILE *in = tmpfile(), *drawing = tmpfile(), *messages = tmpfile();
  int status = -1;
  *out = NULL;
  if (!in || !drawing || !messages || fwrite(script, 1, size, in) != size || fflush(in) != 0) {
    fail(err, "no room for temporary files: %s", strerror(errno));
  } else {
    rewind(in);
    int code = run_between(in, drawing, messages);
    if (code == NOT_INSTALLED)
      fail(err, "figures need gnuplot, which is not installed: apt-get install gnuplot-nox "
                "(Debian, Ubuntu), dnf install gnuplot (Fedora), brew install gnuplot (macOS)");
    else if (code != 0) complaint(messages, err);
    else if (read_back(drawing, out, out_size)) fail(err, "no memory for a figure");
    else if (*out_size == 0) complaint(messages, err);
    else status = 0;
  }
  if (in) fclose(in);
  if (drawing) fclose(drawing);
  if (messages) fclose(messages);
  if (status) {
    free(*out);
    *out = NULL;
  }
  return status;
}
