#include "tools/report/runset.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/quote.h"
#include "run/names.h"
#include "tools/trials/spec.h"

enum { DEPTH = 8 };

/* The folder that is searched. An archive is unpacked to `temporary`, and named as if it were
   unpacked in `shown`. */
typedef struct {
  RunSet *set;
  char temporary[OPTION_TEXT], shown[OPTION_TEXT];
} Search;

/* Replaces the name of the temporary folder in a text. */
static void show_path(const Search *s, char *text, size_t size) {
  char *at = *s->temporary ? strstr(text, s->temporary) : NULL;
  if (!at) return;
  char *rest = memory_text(at + strlen(s->temporary));
  snprintf(at, size - (size_t)(at - text), "%s%s", s->shown, rest);
  free(rest);
}

void runset_note(RunSet *set, const char *text) {
  set->notes = memory_grow(set->notes, (size_t)set->note_count + 1, sizeof *set->notes);
  set->notes[set->note_count++] = memory_text(text);
}

static void note(const Search *s, const char *format, ...) {
  char text[OPTION_TEXT + 512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  show_path(s, text, sizeof text);
  runset_note(s->set, text);
}

/* ---- one run ---- */

/* `root`: of the sweep. */
static Origin find_origin(const RunLog *log, const char *root) {
  Origin o = {0};
  char path[OPTION_TEXT + 16];
  const char *rest = log->path + strlen(root);
  size_t size;
  Err ignored;
  snprintf(path, sizeof path, "%s/" INFO_FILE, log->path);
  if (!file_exists(path) || file_read(path, &o.info, &size, &ignored)) o.info = memory_text("");
  if (strncmp(log->path, root, strlen(root)) != 0) return o;
  o.tuning = strncmp(rest, "/tune/", 6) == 0;
  if (o.tuning || strncmp(rest, "/final/", 7) == 0) {
    rest += o.tuning ? 6 : 7;
    snprintf(o.method, sizeof o.method, "%.*s", (int)strcspn(rest, "/"), rest);
  }
  return o;
}

static void add_run(Search *s, const char *path, const char *root) {
  RunSet *set = s->set;
  RunLog log;
  Err err;
  if (runlog_read(&log, path, &err)) {
    note(s, "Left out: %s.", err.text);
    return;
  }
  if (!*runlog_option(&log, "optimizer")) {
    note(s, "Left out: %s: it has no config.txt, so its settings are unknown.", path);
    runlog_free(&log);
    return;
  }
  if (*log.note) note(s, "%s.", log.note);
  size_t count = (size_t)set->count + 1;
  set->origins = memory_grow(set->origins, count, sizeof *set->origins);
  set->origins[set->count] = find_origin(&log, root);
  size_t length = strlen(log.path) - strlen(root);
  show_path(s, log.path, sizeof log.path);
  set->origins[set->count].sweep = strlen(log.path) - length;
  set->logs = memory_grow(set->logs, count, sizeof *set->logs);
  set->logs[set->count++] = log;
}

/* ---- folders ---- */

static void search(Search *s, const char *path, const char *root, int depth) {
  char below[OPTION_TEXT];
  struct dirent **names;
  if (runlog_exists(path)) {
    add_run(s, path, root);
    return;
  }
  snprintf(below, sizeof below, "%s/" SPEC_FILE, path);
  if (file_exists(below)) {
    root = path;
    if (!*s->set->spec) snprintf(s->set->spec, sizeof s->set->spec, "%s", below);
  }
  int count = scandir(path, &names, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    int length = snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
    if (names[i]->d_name[0] != '.' && depth > 0 && length < (int)sizeof below &&
        folder_exists(below))
      search(s, below, root, depth - 1);
    free(names[i]);
  }
  if (count >= 0) free(names);
}

/* ---- archives ---- */

static int is_archive(const char *path) {
  static const char *const ends[] = {".tar.gz", ".tgz", ".tar"};
  size_t length = strlen(path);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (length > strlen(ends[i]) && strcmp(path + length - strlen(ends[i]), ends[i]) == 0)
      return !folder_exists(path);
  return 0;
}

/* `mask`: the signals that were blocked before, so that Ctrl-C reaches tar. */
static int unpack(const char *archive, const char *folder, const sigset_t *mask, Err *err) {
  enum { NOT_INSTALLED = 127 };
  int status = -1;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    sigprocmask(SIG_SETMASK, mask, NULL);
    execlp("tar", "tar", "-xf", archive, "-C", folder, (char *)NULL);
    _exit(errno == ENOENT ? NOT_INSTALLED : 1);
  }
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NOT_INSTALLED)
    return fail(err, "%s: unpacking it needs tar, which is not installed", archive);
  return fail(err, "%s: tar cannot unpack it; is it an archive of runs?", archive);
}

static int remove_entry(const char *path, const struct stat *ignored, int kind, struct FTW *walk) {
  (void)ignored, (void)kind, (void)walk;
  remove(path);
  return 0;
}

/* The files are removed as soon as they are read. Until then signals wait. */
static int read_archive(Search *s, const char *archive, Err *err) {
  char path[2 * OPTION_TEXT], shown[2 * OPTION_TEXT];
  const char *place = getenv("TMPDIR"), *slash = strrchr(archive, '/');
  size_t used = strlen(s->set->archives);
  sigset_t ends, before;
  snprintf(s->shown, sizeof s->shown, "%.*s", slash ? (int)(slash - archive) : 1,
           slash ? archive : ".");
  snprintf(s->temporary, sizeof s->temporary, "%.900s/polar-XXXXXX",
           place && *place ? place : "/tmp");
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGHUP);
  sigprocmask(SIG_BLOCK, &ends, &before);
  int status = 0;
  if (!mkdtemp(s->temporary)) {
    status = fail(err, "%s: no folder can be made to unpack %s: %s", s->temporary, archive,
                  strerror(errno));
  } else {
    status = unpack(archive, s->temporary, &before, err);
    if (status == 0) search(s, s->temporary, s->temporary, DEPTH);
    nftw(s->temporary, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  snprintf(s->set->archives + used, sizeof s->set->archives - used, "tar -xf %s -C %s\n",
           quote_path_text(path, sizeof path, archive),
           quote_path_text(shown, sizeof shown, s->shown));
  return status;
}

/* ---- all paths ---- */

static int read_path(RunSet *set, const char *given, Err *err) {
  Search s = {.set = set};
  char path[OPTION_TEXT], spec[2 * OPTION_TEXT];
  size_t length = strlen(given);
  while (length > 1 && given[length - 1] == '/') length--;
  if (length == 0 || length >= sizeof path)
    return fail(err, "\"%.80s\": not a path of runs: it is empty or too long", given);
  snprintf(path, sizeof path, "%.*s", (int)length, given);
  if (!file_exists(path) && !folder_exists(path))
    return fail(err, "%s: there is no such folder or run; name one with runs in it", path);
  if (!is_archive(path)) {
    search(&s, path, path, DEPTH);
    return 0;
  }
  if (read_archive(&s, path, err)) return -1;
  snprintf(spec, sizeof spec, "%s/" SPEC_FILE, s.shown); /* kept beside the archive */
  if (!*set->spec && file_exists(spec)) snprintf(set->spec, sizeof set->spec, "%.*s",
                                                 OPTION_TEXT - 1, spec);
  return 0;
}

int runset_read(RunSet *set, char *const *paths, int count, Err *err) {
  int status = 0;
  *set = (RunSet){0};
  for (int i = 0; i < count && status == 0; i++) status = read_path(set, paths[i], err);
  if (status == 0 && set->count == 0) {
    if (set->note_count > 0)
      status = fail(err, "%s: no run in it can be read: %.900s", paths[0], set->notes[0]);
    else status = fail(err, "%s: there are no runs in it", paths[0]);
  }
  if (status) runset_free(set);
  return status;
}

void runset_free(RunSet *set) {
  for (int i = 0; i < set->count; i++) {
    runlog_free(&set->logs[i]);
    free(set->origins[i].info);
  }
  for (int i = 0; i < set->note_count; i++) free(set->notes[i]);
  free(set->logs);
  free(set->origins);
  free(set->notes);
  *set = (RunSet){0};
}

int runset_same_sweep(const RunSet *set, int a, int b) {
  size_t length = set->origins[a].sweep;
  return length == set->origins[b].sweep &&
         strncmp(set->logs[a].path, set->logs[b].path, length) == 0;
}

void run_last_value(const RunLog *log, char *out, size_t size) {
  const LogRow *last = &log->rows[0];
  for (int i = 0; i < log->count; i++)
    if (isfinite(log->rows[i].val_loss)) last = &log->rows[i];
  int validated = last->step > 0;
  for (int i = 0; i < log->count && !validated; i++)
    if (isfinite(log->rows[i].train_loss)) last = &log->rows[i];
  double loss = last->step > 0 && !validated ? last->train_loss : last->val_loss;
  const char *steps = runlog_option(log, "steps");
  snprintf(out, size, "%s%.4f at step %lld%s%s",
           last->step > 0 && !validated ? "training loss " : "", loss, (long long)last->step,
           *steps ? " of " : "", steps);
}
