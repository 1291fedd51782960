#include "run/resume.h"

#include <string.h>

#include "core/quote.h"

int resume_settings(const Checkpoint *from, Settings *s, Err *err) {
  static const char group[] = "option/";
  const Json *m = json_member(from->state.header.root, "__metadata__")->first;
  const char *wanted = settings_find(s, "optimizer", NULL);
  const char *was = checkpoint_option(from, "optimizer");
  if (!was) return fail(err, "%s: the name of the optimizer is missing", from->state_path);
  char path[2 * OPTION_TEXT];
  if (wanted && strcmp(wanted, was) != 0)
    return fail(err,
                "--optimizer %s: the run was started with %s; to use another optimizer on its "
                "weights, start a new run with --init %s",
                wanted, was, quote_path_text(path, sizeof path, from->folder));
  for (; m; m = m->next) {
    if (strncmp(m->key, group, sizeof group - 1) != 0) continue;
    const char *name = m->key + sizeof group - 1;
    const Option *row = option_find(run_options, name);
    if (row && row->resume == RESUME_FORGET) continue;
    if (settings_add(s, FROM_PRESET, from->state_path, name, m->text, err)) return -1;
  }
  if (checkpoint_option(from, "tokenizer")) return 0; /* older runs had no choice */
  return settings_add(s, FROM_PRESET, from->state_path, "tokenizer", "gpt2", err);
}

static int note_change(const Checkpoint *from, const Option *row, const char *was, const char *is,
                       char changes[OPTION_TEXT], Err *err) {
  char path[2 * OPTION_TEXT];
  if (row->resume == RESUME_KEEP)
    return fail(err,
                "--%s %s: the run was started with %s, and --resume cannot change this option; to "
                "change it, start a new run from its weights with --init %s",
                row->name, is, *was ? was : "\"\"",
                quote_path_text(path, sizeof path, from->folder));
  if (strcmp(row->name, "out") == 0) return 0;
  size_t used = strlen(changes);
  snprintf(changes + used, OPTION_TEXT - used, "%s%s %s -> %s", used ? ", " : "",
           row->name, *was ? was : "\"\"", *is ? is : "\"\"");
  return 0;
}

/* The run's folder may have been renamed since, but --out cannot name another one. */
static int check_out(const Checkpoint *from, RunOptions *run, Err *err) {
  const char *was = checkpoint_option(from, "out");
  if (strcmp(run->out, was ? was : "") != 0 && strcmp(run->out, from->run) != 0)
    return fail(err, "--out %s: a resumed run stays in its own folder, %s; omit --out", run->out,
                from->run);
  snprintf(run->out, sizeof run->out, "%s", from->run);
  return 0;
}

int resume_check(const Checkpoint *from, const OptionSet *sets, RunOptions *run,
                 char changes[OPTION_TEXT], Err *err) {
  *run->resume = 0; /* not an option of the run: config.txt must start a new run */
  for (const OptionSet *set = sets; set->rows; set++)
    for (const Option *row = set->rows; row->name; row++) {
      char is[OPTION_TEXT], why[OPTION_TEXT + 256];
      const char *was = checkpoint_option(from, row->name);
      if (!was || row->resume == RESUME_FORGET || option_is_void(sets, row, why, sizeof why))
        continue;
      was = option_new_word(row, was);
      option_show(row, set->values, is, sizeof is);
      if (strcmp(was, is) != 0 && note_change(from, row, was, is, changes, err)) return -1;
    }
  if (run->steps < from->step)
    return fail(err, "--steps %lld: the checkpoint is already at step %lld; use a larger --steps",
                (long long)run->steps, (long long)from->step);
  return check_out(from, run, err);
}

int resume_check_data(const Checkpoint *from, const DataOptions *data, uint32_t fingerprint,
                      Err *err) {
  char path[2 * OPTION_TEXT];
  if (fingerprint == from->data_fingerprint) return 0;
  return fail(err,
              "--data %s%s%s: not the data that the run was started with (CRC-32 %08x, not %08x); "
              "to train on other data, start a new run with --init %s",
              data->data, *data->val ? " --val " : "", data->val, fingerprint,
              from->data_fingerprint, quote_path_text(path, sizeof path, from->folder));
}
