#include "run/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"
#include "core/writer.h"
#include "model/formats/huggingface.h"
#include "run/export.h"
#include "run/lock.h"
#include "run/names.h"

static const char latest[] = LATEST_LINK;
static const char best[] = BEST_LINK;
static const char aside[] = ".set-aside"; /* suffix of checkpoints that must not be resumed */

/* ---- names ---- */

static int join(char *out, size_t size, const char *folder, const char *name, Err *err) {
  if (snprintf(out, size, "%s/%s", folder, name) < (int)size) return 0;
  return fail(err, "%.100s...: the path is too long", folder);
}

/* The step of a name like step-000400 followed by `ending`, or -1. */
static int64_t step_of(const char *name, const char *ending) {
  char again[64];
  long long step;
  if (sscanf(name, "step-%lld", &step) != 1 || step < 0) return -1;
  snprintf(again, sizeof again, "step-%06lld%s", step, ending);
  return strcmp(again, name) == 0 ? step : -1;
}

static void step_name(int64_t step, const char *ending, char out[64]) {
  snprintf(out, 64, "step-%06lld%s", (long long)step, ending);
}

static int newer_first(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* Lists the steps of all checkpoints of a run with this ending, newest first; the caller frees the
   list. Returns their number, or -1. */
static int list_steps(const char *run, const char *ending, int64_t **steps, Err *err) {
  int count = 0;
  DIR *stream = opendir(run);
  *steps = NULL;
  if (!stream) return fail(err, "%s: cannot be opened: %s", run, strerror(errno));
  for (struct dirent *e = readdir(stream); e; e = readdir(stream)) {
    int64_t step = step_of(e->d_name, ending);
    if (step < 0) continue;
    int64_t *more = realloc(*steps, (size_t)(count + 1) * sizeof *more);
    if (!more) break;
    *steps = more;
    more[count++] = step;
  }
  closedir(stream);
  if (count > 1) qsort(*steps, (size_t)count, sizeof **steps, newer_first);
  return count;
}

int checkpoint_any(const char *run) {
  int64_t *steps;
  Err ignored;
  char link[CHECKPOINT_PATH];
  int count = list_steps(run, "", &steps, &ignored);
  free(steps);
  return count > 0 || (join(link, sizeof link, run, latest, &ignored) == 0 && file_taken(link));
}

/* ---- opening ---- */

static int metadata_number(const Checkpoint *c, const char *key, double *out, Err *err) {
  const char *text = safetensors_metadata(&c->state, key);
  char *end = NULL;
  *out = text ? strtod(text, &end) : 0;
  if (text && end != text && *end == 0 && *out >= 0) return 0;
  return fail(err, "%s: %s is missing or not a number", c->state_path, key);
}

static int read_position(Checkpoint *c, Err *err) {
  double step, log_bytes, fingerprint;
  if (metadata_number(c, "step", &step, err) ||
      metadata_number(c, "log_bytes", &log_bytes, err) ||
      metadata_number(c, "seconds", &c->seconds, err) ||
      metadata_number(c, "data_fingerprint", &fingerprint, err))
    return -1;
  c->step = (int64_t)step;
  c->log_bytes = (int64_t)log_bytes;
  c->data_fingerprint = (uint32_t)fingerprint;
  const char *mine = safetensors_metadata(&c->state, "step");
  const char *other = safetensors_metadata(&c->model, "step");
  if (other && strcmp(mine, other) == 0) return 0;
  return fail(err, "%s: the state is of step %s, the weights of step %s", c->folder, mine,
              other ? other : "unknown");
}

/* config.json is parsed with the weights; here it and the tokenizer's files are compared with their
   CRC-32. */
static int check_side_files(const Checkpoint *c, Err *err) {
  ModelOptions size;
  char path[CHECKPOINT_PATH + 32], key[64], sum[EXPORT_SUM];
  snprintf(path, sizeof path, "%s/%s", c->folder, export_files[EXPORT_CONFIG]);
  if (huggingface_size(&c->model, &size, err) || huggingface_config_read(path, &size, err))
    return -1;
  for (int i = 0; i < EXPORT_FILES; i++) {
    char *text;
    size_t length;
    snprintf(key, sizeof key, "file/%s", export_files[i]);
    const char *wanted = safetensors_metadata(&c->state, key);
    snprintf(path, sizeof path, "%s/%s", c->folder, export_files[i]);
    if (!wanted) continue;
    if (file_read(path, &text, &length, err)) return -1;
    snprintf(sum, sizeof sum, "%08lx", crc32_z(0, (const unsigned char *)text, length));
    free(text);
    if (strcmp(sum, wanted) != 0)
      return fail(err, "%s: damaged or edited: the CRC-32 does not match", path);
  }
  return 0;
}

static int open_whole(Checkpoint *c, const char *folder, Err *err) {
  safetensors_close(&c->model);
  safetensors_close(&c->state);
  if (strlen(folder) >= OPTION_TEXT + 64)
    return fail(err, "%.100s...: the path is too long", folder);
  strcpy(c->folder, folder);
  snprintf(c->model_path, sizeof c->model_path, "%s/model.safetensors", folder);
  snprintf(c->state_path, sizeof c->state_path, "%s/state.safetensors", folder);
  if (safetensors_open(&c->model, c->model_path, err) || safetensors_verify(&c->model, err) ||
      safetensors_open(&c->state, c->state_path, err) || safetensors_verify(&c->state, err) ||
      read_position(c, err))
    return -1;
  return check_side_files(c, err);
}

/* Locks first, so that another process cannot remove files while they are read. Does not write to a
   folder without a run. */
static int lock_run(Checkpoint *c, Err *err) {
  char log[CHECKPOINT_PATH];
  if (join(log, sizeof log, c->run, LOG_FILE, err)) return -1;
  if (!checkpoint_any(c->run) && !file_taken(log)) return 0;
  c->lock = lock_take(c->run, err);
  return c->lock < 0 ? -1 : 0;
}

/* Resolves the link `latest`, but only within the run's folder, since a resumed run writes there.
   */
static int open_one(Checkpoint *c, const char *path, Err *err) {
  const char *slash = strrchr(path, '/');
  char parent[CHECKPOINT_PATH];
  snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
  char *folder = realpath(path, NULL), *home = realpath(parent, NULL);
  int status = -1;
  if (!folder || !home) {
    fail(err, "%s: cannot be opened: %s", path, strerror(errno));
  } else {
    int length = (int)(strrchr(folder, '/') - folder);
    snprintf(c->run, sizeof c->run, "%.*s", length, folder);
    if (strcmp(c->run, home) != 0)
      fail(err, "%s: links to %s, outside the run's folder; give that path instead", path,
           folder);
    else status = lock_run(c, err) || open_whole(c, folder, err) ? -1 : 0;
  }
  free(folder);
  free(home);
  return status;
}

static int open_newest(Checkpoint *c, const char *run, Err *err) {
  int64_t *steps;
  Err why = {""};
  snprintf(c->run, sizeof c->run, "%.*s", OPTION_TEXT - 1, run);
  if (lock_run(c, err)) return -1;
  int count = list_steps(run, "", &steps, err), status = -1;
  for (int i = 0; i < count && status; i++) {
    char name[64], folder[CHECKPOINT_PATH];
    step_name(steps[i], "", name);
    status = join(folder, sizeof folder, run, name, &why) || open_whole(c, folder, &why) ? -1 : 0;
    if (status && i == 0) snprintf(c->damaged, sizeof c->damaged, "%.*s",
                                   (int)sizeof c->damaged - 1, why.text);
  }
  free(steps);
  if (count < 0 || status == 0) return count < 0 ? -1 : 0;
  if (count == 0)
    return fail(err,
                "%s: has no checkpoint to resume from; checkpoints are folders step-000400, "
                "written with --save-every, at the end, and when a run is interrupted",
                run);
  return fail(err, "%s: none of its %d checkpoints can be used; the newest: %s", run, count,
              c->damaged);
}

int checkpoint_open(Checkpoint **out, const char *path, Err *err) {
  char state[CHECKPOINT_PATH];
  size_t length = strlen(path);
  *out = NULL;
  while (length > 1 && path[length - 1] == '/') length--;
  if (length >= OPTION_TEXT) return fail(err, "%.100s...: the path is too long", path);
  snprintf(state, sizeof state, "%.*s/state.safetensors", (int)length, path);
  int is_one = file_exists(state);
  Checkpoint *c = calloc(1, sizeof *c);
  if (!c) return fail(err, "%s: no memory to open it", path);
  c->lock = -1;
  state[length] = 0;
  if (is_one ? open_one(c, state, err) : open_newest(c, state, err)) {
    checkpoint_close(c);
    return -1;
  }
  *out = c;
  return 0;
}

void checkpoint_close(Checkpoint *c) {
  if (!c) return;
  safetensors_close(&c->model);
  safetensors_close(&c->state);
  lock_release(c->lock);
  free(c);
}

const char *checkpoint_option(const Checkpoint *c, const char *name) {
  char key[128];
  snprintf(key, sizeof key, "option/%s", name);
  return safetensors_metadata(&c->state, key);
}

int checkpoint_weights(Weights *w, const char *path, Err *passed, Err *err) {
  int64_t *steps = NULL;
  Err why;
  char name[64], folder[CHECKPOINT_PATH];
  int count = folder_exists(path) ? list_steps(path, "", &steps, err) : 0, status = -1;
  if (count < 0) return -1;
  for (int i = 0; i < count && status; i++) {
    step_name(steps[i], "", name);
    status = join(folder, sizeof folder, path, name, &why) || weights_open(w, folder, &why);
    if (status && !*passed->text) *passed = why;
  }
  free(steps);
  if (count > 0 && status) *err = *passed;
  if (count > 0) return status ? -1 : 0;
  /* In a copy of a run, `latest` may be a folder, and the only one. */
  int only = join(folder, sizeof folder, path, latest, &why) == 0 && folder_exists(folder);
  return weights_open(w, only ? folder : path, err);
}

/* ---- restoring ---- */

typedef struct {
  const Checkpoint *from;
  int found, status;
  Err *err;
} Restoring;

static void restore_slot(const char *name, int64_t floats, float *data, void *with) {
  Restoring *r = with;
  if (r->status) return;
  const Tensor *t = safetensors_find(&r->from->state, name);
  if (!t || t->dtype != DTYPE_F32 || t->count != floats) {
    r->status = fail(r->err, "%s: %s %s; the state is of another optimizer or model",
                     r->from->state_path, t ? "wrong size of" : "missing", name);
    return;
  }
  if (data) tensor_read(t, 0, floats, data);
  r->found++;
}

int checkpoint_restore(const Checkpoint *c, GPT2 *model, OptimizerState *state, Err *err) {
  Restoring r = {.from = c, .err = err};
  if (huggingface_load(model, &c->model, err)) return -1;
  optimizer_visit(state, restore_slot, &r);
  if (r.status) return -1;
  if (r.found == c->state.count) return 0;
  return fail(err, "%s: has %lld arrays of state, but the optimizer has %d", c->state_path,
              (long long)c->state.count, r.found);
}

/* ---- the folder of a run ---- */

/* A link cannot be changed, but a new one can be renamed over it. This fails on file systems
   without links, and in a copy of a run where `latest` is a folder. */
static int point_link(const char *run, const char *which, const char *name, Err *note, Err *err) {
  char link[CHECKPOINT_PATH], fresh[CHECKPOINT_PATH];
  if (join(link, sizeof link, run, which, err) || join(fresh, sizeof fresh, run, ".latest", err))
    return -1;
  unlink(fresh);
  if (symlink(name, fresh) != 0 || rename(fresh, link) != 0) {
    fail(note, "%s: cannot be linked to %s: %s; the link is optional: the newest checkpoint is the "
               "one with the highest number", link, name, strerror(errno));
    unlink(fresh);
  }
  return folder_sync(run, err);
}

static int move(const char *from, const char *to, Err *err) {
  if (folder_remove(to, err)) return -1;
  if (rename(from, to) == 0) return 0;
  return fail(err, "%s: cannot be renamed to %s: %s", from, to, strerror(errno));
}

static int set_aside(const char *run, int64_t step, Err *err) {
  char name[64], fresh[64], from[CHECKPOINT_PATH], to[CHECKPOINT_PATH];
  step_name(step, "", name);
  step_name(step, aside, fresh);
  if (join(from, sizeof from, run, name, err) || join(to, sizeof to, run, fresh, err)) return -1;
  return move(from, to, err);
}

int checkpoint_make_newest(const Checkpoint *c, Err *note, Err *err) {
  int64_t *steps;
  int count = list_steps(c->run, "", &steps, err), status = count < 0 ? -1 : 0;
  if (status == 0) status = point_link(c->run, latest, strrchr(c->folder, '/') + 1, note, err);
  for (int i = 0; i < count && steps[i] > c->step && status == 0; i++)
    status = set_aside(c->run, steps[i], err);
  free(steps);
  return status;
}

/* Renames it first, so that a partly removed checkpoint is never found. */
static int remove_checkpoint(const char *run, int64_t step, const char *ending, Err *err) {
  char name[64], from[CHECKPOINT_PATH], to[CHECKPOINT_PATH];
  step_name(step, ending, name);
  if (join(from, sizeof from, run, name, err) || join(to, sizeof to, run, ".removed", err) ||
      move(from, to, err))
    return -1;
  return folder_remove(to, err);
}

/* Keeps the newest `keep` and that of the step `spare`. */
static int remove_old(const char *run, int64_t keep, int64_t spare, const char *ending, Err *err) {
  int64_t *steps;
  int count = list_steps(run, ending, &steps, err), status = count < 0 ? -1 : 0;
  for (int64_t i = keep; i < count && status == 0; i++)
    if (steps[i] != spare) status = remove_checkpoint(run, steps[i], ending, err);
  free(steps);
  return status;
}

int checkpoint_remove_all(const char *run, Err *err) {
  char link[CHECKPOINT_PATH];
  if (join(link, sizeof link, run, latest, err)) return -1;
  if (folder_remove(link, err)) return -1;
  if (join(link, sizeof link, run, best, err) || folder_remove(link, err)) return -1;
  return remove_old(run, 0, -1, "", err) || remove_old(run, 0, -1, aside, err) ? -1 : 0;
}

/* ---- saving ---- */

/* A checkpoint that is being written. */
typedef struct {
  const Snapshot *of;
  const char *folder;
  Metadata *metadata; /* keys and values are allocated; ends with {0} */
  int count, room;
  char sums[EXPORT_FILES][EXPORT_SUM];
} Saving;

static int make_room(Saving *s, Err *err) {
  if (s->count + 1 < s->room) return 0;
  s->room = s->room ? 2 * s->room : 64;
  Metadata *more = realloc(s->metadata, (size_t)s->room * sizeof *more);
  if (!more) return fail(err, "no memory for a checkpoint's metadata");
  s->metadata = more;
  return 0;
}

static int add_metadata(Saving *s, const char *group, const char *key, const char *value,
                        Err *err) {
  if (make_room(s, err)) return -1;
  size_t length = strlen(group) + strlen(key) + 1;
  char *whole = malloc(length), *copy = strdup(value);
  s->metadata[s->count++] = (Metadata){whole, copy};
  s->metadata[s->count] = (Metadata){0};
  if (!whole || !copy) return fail(err, "no memory for a checkpoint's metadata");
  snprintf(whole, length, "%s%s", group, key);
  return 0;
}

static void free_metadata(Saving *s) {
  for (int i = 0; i < s->count; i++) {
    free((char *)s->metadata[i].key);
    free((char *)s->metadata[i].value);
  }
  free(s->metadata);
}

static int add_number(Saving *s, const char *key, double value, Err *err) {
  char text[32];
  snprintf(text, sizeof text, "%.17g", value);
  return add_metadata(s, "", key, text, err);
}

/* The value of every option. --resume is empty here. */
static int add_options(Saving *s, Err *err) {
  for (const OptionSet *set = s->of->sets; set->rows; set++)
    for (const Option *row = set->rows; row->name; row++) {
      char value[OPTION_TEXT];
      option_show(row, set->values, value, sizeof value);
      if (add_metadata(s, "option/", row->name, value, err)) return -1;
    }
  return 0;
}

static int add_position(Saving *s, Err *err) {
  const Snapshot *of = s->of;
  if (add_metadata(s, "", "format", "pt", err) || add_number(s, "step", (double)of->step, err) ||
      add_number(s, "log_bytes", (double)of->log_bytes, err) ||
      add_number(s, "seconds", of->seconds, err) ||
      add_number(s, "data_fingerprint", of->data_fingerprint, err) ||
      add_number(s, "next_training_row", (double)(of->step * of->batch), err) ||
      add_metadata(s, "", "random", "Philox4x32-10 by seed, purpose, index and step", err))
    return -1;
  for (int i = 0; i < EXPORT_FILES; i++)
    if (*s->sums[i] && add_metadata(s, "file/", export_files[i], s->sums[i], err)) return -1;
  return add_options(s, err);
}

static int save_model(const Saving *s, Err *err) {
  char path[CHECKPOINT_PATH], step[32];
  snprintf(step, sizeof step, "%lld", (long long)s->of->step);
  const Metadata metadata[] = {{"format", "pt"}, {"step", step}, {0}};
  if (join(path, sizeof path, s->folder, "model.safetensors", err)) return -1;
  return huggingface_save(s->of->model, path, DTYPE_F32, metadata, err);
}

typedef struct {
  TensorSource *tensors;
  int count, failed;
} SlotList;

static void get_floats(const void *from, int64_t at, int64_t n, float *out) {
  memcpy(out, (const float *)from + at, (size_t)n * sizeof *out);
}

static void add_slot(const char *name, int64_t floats, float *data, void *with) {
  SlotList *list = with;
  TensorSource *more = realloc(list->tensors, (size_t)(list->count + 1) * sizeof *more);
  list->failed |= !more;
  if (!more) return;
  list->tensors = more;
  TensorSource *t = &more[list->count++];
  *t = (TensorSource){.rank = 1, .shape = {floats}, .get = get_floats, .from = data};
  snprintf(t->name, sizeof t->name, "%s", name);
}

static int save_state(const Saving *s, Err *err) {
  char path[CHECKPOINT_PATH];
  SlotList list = {0};
  optimizer_visit(s->of->optimizer, add_slot, &list);
  int status = list.failed ? fail(err, "no memory for a list of the optimizer's state")
                           : join(path, sizeof path, s->folder, "state.safetensors", err);
  if (status == 0)
    status = safetensors_write(path, DTYPE_F32, list.tensors, list.count, s->metadata, err);
  free(list.tensors);
  return status;
}

/* Writes the state last, because it contains the sums of the small files. */
static int save_files(const Snapshot *of, const char *folder, Err *err) {
  Saving s = {.of = of, .folder = folder};
  int status = folder_remove(folder, err) || folder_make(folder, err) || save_model(&s, err) ||
               export_save(&of->model->size, of->tokenizer, folder, s.sums, err) ||
               add_position(&s, err) || save_state(&s, err) ||
               folder_sync(folder, err);
  free_metadata(&s);
  return status ? -1 : 0;
}

int checkpoint_save(const char *out, const Snapshot *of, int64_t keep, Err *note, Err *err) {
  char name[64], folder[CHECKPOINT_PATH], temporary[CHECKPOINT_PATH];
  Err why, ignored;
  step_name(of->step, "", name);
  int status = join(folder, sizeof folder, out, name, &why) ||
               join(temporary, sizeof temporary, out, ".unfinished", &why) ||
               save_files(of, temporary, &why) || move(temporary, folder, &why) ||
               point_link(out, latest, name, note, &why) ||
               (of->best == of->step && point_link(out, best, name, note, &why)) ||
               remove_old(out, keep, of->best, "", &why);
  if (status == 0) return 0;
  folder_remove(temporary, &ignored);
  return fail(err, "the checkpoint of step %lld was not saved: %s; older checkpoints are unchanged",
              (long long)of->step, why.text);
}
