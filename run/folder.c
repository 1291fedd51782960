#include "run/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "run/lock.h"
#include "run/names.h"

/* The files of a run, besides its checkpoints. */
static const char *const run_files[] = {LOG_FILE, CONFIG_FILE, INFO_FILE, SPECTRUM_FILE, NULL};

/* A folder contains a run if it has its log or a checkpoint. */
static int check_free(const Config *c, Err *err) {
  char path[OPTION_TEXT + 16];
  if (c->run.overwrite) return 0;
  for (int i = 0; run_files[i]; i++) {
    snprintf(path, sizeof path, "%s/%s", c->run.out, run_files[i]);
    if ((i == 0 && checkpoint_any(c->run.out)) || (i == 0 && file_taken(path)))
      return fail(err, "%s already holds a run; choose another --out or use --overwrite on",
                  c->run.out);
    if (file_taken(path))
      return fail(err, "%s: the run would replace this file, which is not from a run; choose "
                       "another --out or use --overwrite on", path);
  }
  return 0;
}

/* Checked before taking the lock, so that nothing is written to a folder that is refused, and again
   with the lock, when no other process can change it. */
static int claim(const Config *c, int *lock, Err *err) {
  if (check_free(c, err)) return -1;
  *lock = lock_take(c->run.out, err);
  return *lock < 0 ? -1 : check_free(c, err);
}

int folder_claim(const Config *c, int *lock, Err *err) {
  *lock = c->from ? c->from->lock : -1;
  if (c->from) c->from->lock = -1;
  if (c->from) return 0;
  return *c->run.out && folder_exists(c->run.out) ? claim(c, lock, err) : 0;
}

static int make_free_name(Config *c, Err *err) {
  char model[32];
  word_at(MODEL_NAMES, c->model.model, model, sizeof model);
  if (folder_make("runs", err)) return -1;
  for (int n = 1;; n++) {
    snprintf(c->run.out, sizeof c->run.out, n == 1 ? "runs/%s-%s" : "runs/%s-%s-%d",
             c->method->name, model, n);
    if (mkdir(c->run.out, 0777) == 0) return 0;
    if (errno != EEXIST)
      return fail(err, "%s: cannot create the folder: %s", c->run.out, strerror(errno));
  }
}

int folder_open(Config *c, int *lock, Err *err) {
  if (*lock < 0 && ((*c->run.out ? folder_make(c->run.out, err) : make_free_name(c, err)) ||
                    claim(c, lock, err)))
    return -1;
  c->run.overwrite = 0; /* only for this start: @config.txt must not replace the run later */
  return 0;
}

int folder_write_config(const Config *c, Err *err) {
  char *text, path[OPTION_TEXT + 16];
  size_t size;
  FILE *out = open_memstream(&text, &size);
  options_write(out, c->sets);
  fclose(out);
  snprintf(path, sizeof path, "%s/" CONFIG_FILE, c->run.out);
  int status = file_write(path, text, size, err); /* complete or absent */
  free(text);
  return status;
}

int folder_read_config(const char *folder, Settings *settings, Err *err) {
  char at[OPTION_TEXT + 32], *argv[] = {"", at};
  snprintf(at, sizeof at, "@%s/" CONFIG_FILE, folder);
  return file_exists(at + 1) ? settings_read(settings, 2, argv, err) : 0;
}
