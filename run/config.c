#include "run/config.h"

#include <stdlib.h>
#include <string.h>

#include "core/ranks.h"
#include "run/export.h"
#include "run/hints.h"
#include "run/names.h"
#include "run/resume.h"
#include "run/tuned.h"

static const char PRESET[] = "preset"; /* Setting.where of the preset of --model */

static void list_sets(Config *c) {
  OptionSet sets[CONFIG_SETS] = {
      {.title = "run", .rows = run_options, .values = &c->run},
      {.title = "model", .rows = model_options, .values = &c->model},
      {.title = "data", .rows = data_options, .values = &c->data},
      {.title = "optimizer", .rows = optimizer_options, .values = &c->optimizer},
      {.title = "matrices", .rows = matrix_options, .values = &c->optimizer},
      {.title = "auxiliary AdamW", .rows = auxiliary_options, .values = &c->optimizer},
      {.title = "nodes", .rows = node_options, .values = &c->nodes},
      {.title = "schedule", .rows = schedule_options, .values = &c->schedule},
      {.title = c->method->name, .rows = c->method->options, .values = c->method_options},
      {0},
  };
  memcpy(c->sets, sets, sizeof sets);
}

const Option *config_option_of(const Optimizer *o, const char *name) {
  const Option *const tables[] = {run_options,       model_options,  data_options,
                                  optimizer_options, matrix_options, auxiliary_options,
                                  node_options,      schedule_options};
  const Option *row = NULL;
  for (size_t i = 0; !row && i < sizeof tables / sizeof *tables; i++)
    row = option_find(tables[i], name);
  return row ? row : option_find(o->options, name);
}

const Option *config_option(const char *name) {
  const Option *row = NULL;
  for (const Optimizer *const *o = optimizers; !row && *o; o++) row = config_option_of(*o, name);
  return row;
}

/* The sizes and the tokenizer of the weights in --init are defaults like those of a preset. */
static int add_init(Config *c, Settings *s, const char *path, Err *err) {
  static const char *const sizes[] = {"layers", "heads", "channels", "context",
                                      "vocab",  "bias",  "gelu",     "tie",     NULL};
  Weights w;
  Tokenizer *t = NULL;
  Err passed = {""};
  char value[OPTION_TEXT];
  if (checkpoint_weights(&w, path, &passed, err)) return -1;
  int status = export_tokenizer(&t, w.path, w.size.V, err);
  for (int i = 0; sizes[i] && status == 0; i++) {
    if (w.size.NH == 0 && (strcmp(sizes[i], "heads") == 0 || strcmp(sizes[i], "gelu") == 0))
      continue; /* unknown from the file */
    option_show(option_find(model_options, sizes[i]), &w.size, value, sizeof value);
    status = settings_add(s, FROM_PRESET, "--init", sizes[i], value, err);
  }
  int characters = t && tokenizer_characters(t);
  if (t && status == 0)
    status = settings_add(s, FROM_PRESET, "--init", "tokenizer", characters ? "char" : "gpt2", err);
  if (characters) export_vocabulary_path(w.path, c->data.vocabulary, sizeof c->data.vocabulary);
  tokenizer_close(t);
  weights_close(&w);
  return status;
}

const char *config_tuned(const Optimizer *o, const char *model, char settings[TUNED_TEXT]) {
  const char *from = o->name, *at = tuned_settings(from, model);
  size_t used = 0;
  if (!at && o->like) at = tuned_settings(from = o->like, model);
  if (!at) return NULL;
  for (*settings = 0; *(at += strspn(at, " ")); at += strcspn(at, " ")) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "="), at);
    if (config_option_of(o, name))
      used += (size_t)snprintf(settings + used, TUNED_TEXT - used, "%s%.*s", used ? " " : "",
                               (int)strcspn(at, " "), at);
  }
  return from;
}

/* Under mpirun each rank is a node. */
static int add_nodes(const Config *c, Settings *s, Err *err) {
  char count[16];
  if (!c->method->decentralized || ranks_count() == 1) return 0;
  snprintf(count, sizeof count, "%d", ranks_count());
  return settings_add(s, FROM_PRESET, "the number of ranks", "nodes", count, err);
}

/* Presets depend on --model and --optimizer, as given or by default. */
static int add_presets(Config *c, Settings *s, Err *err) {
  const char *model = settings_find(s, "model", NULL);
  const char *optimizer = settings_find(s, "optimizer", NULL);
  if (!model) model = "nano";
  c->method = optimizer_find(optimizer ? optimizer : run_options[0].fallback, err);
  if (!c->method) return -1;
  char settings[TUNED_TEXT];
  const char *preset = model_preset(model);
  const char *tuned = config_tuned(c->method, model, settings);
  c->is_tuned = tuned != NULL;
  tuned_origin(tuned ? tuned : c->method->name, model, c->tuned, sizeof c->tuned);
  size_t used = strlen(c->tuned);
  if (tuned && strcmp(tuned, c->method->name) != 0)
    snprintf(c->tuned + used, sizeof c->tuned - used, " (as %.32s)", tuned);
  /* An unknown model is reported when --model itself is parsed. */
  if (preset && settings_preset(s, FROM_PRESET, PRESET, preset, err)) return -1;
  const char *init = settings_find(s, "init", NULL);
  c->bad_checkpoint = 1;
  if (init && *init && add_init(c, s, init, err)) return -1;
  c->bad_checkpoint = 0;
  if (add_nodes(c, s, err)) return -1;
  if (c->method->constant_rate &&
      settings_preset(s, FROM_TUNED, c->method->name, "schedule=constant", err))
    return -1;
  if (tuned) return settings_preset(s, FROM_TUNED, "tuned settings", settings, err);
  const char *published = c->method->published, *ours = c->method->ours;
  if (published && settings_preset(s, FROM_TUNED, "published settings", published, err)) return -1;
  return ours ? settings_preset(s, FROM_TUNED, "our settings", ours, err) : 0;
}

/* Adds what the user's options override: presets, or the checkpoint to resume. */
static int add_base(Config *c, Settings *s, Err *err) {
  const char *resume = settings_find(s, "resume", NULL);
  if (!resume || !*resume) return add_presets(c, s, err);
  c->bad_checkpoint = 1;
  if (checkpoint_open(&c->from, resume, err)) return -1;
  c->bad_checkpoint = 0;
  if (resume_settings(c->from, s, err)) return -1;
  export_vocabulary_path(c->from->model_path, c->data.vocabulary, sizeof c->data.vocabulary);
  snprintf(c->tuned, sizeof c->tuned, "from its checkpoint");
  c->method = optimizer_find(settings_find(s, "optimizer", NULL), err);
  return c->method ? 0 : -1;
}

/* The method's options decide which tables are used. */
static void mark_unused(Config *c) {
  for (OptionSet *set = c->sets; set->rows; set++) {
    const char *reason = NULL;
    if (set->rows == auxiliary_options && optimizer_takes_all(c->method, c->method_options))
      reason = "updates every parameter itself";
    if (set->rows == matrix_options && c->method->elementwise)
      reason = "updates each weight alone, not whole matrices";
    if (set->rows == node_options && !c->method->decentralized)
      reason = "has one set of weights; --optimizer demuon has nodes";
    if (!reason) continue;
    char *text = set->rows == matrix_options ? c->no_matrices
                 : set->rows == node_options ? c->no_nodes : c->no_auxiliary;
    snprintf(text, sizeof c->no_matrices, "%s %s", c->method->name, reason);
    set->unused = text;
  }
}

/* An option that other programs have under another name. */
static int check_hints(const Config *c, const Settings *s, Err *err) {
  for (int i = 0; i < s->count; i++) {
    const Setting *item = &s->items[i];
    const char *here = hint_for(item->name);
    if (here && !options_find(c->sets, item->name, NULL))
      return fail(err, "%s: there is no option --%s; %s", item->where, item->name, here);
  }
  return 0;
}

/* The tables of other optimizers are used for messages about their options. */
static int apply(Config *c, const Settings *s, Err *err) {
  int n = 0;
  while (optimizers[n]) n++;
  OptionSet *others = calloc((size_t)n + 1, sizeof *others);
  for (int i = 0, at = 0; i < n; i++)
    if (optimizers[i] != c->method)
      others[at++] = (OptionSet){.title = optimizers[i]->name, .rows = optimizers[i]->options};
  int status = check_hints(c, s, err) || options_set(c->sets, others, s, err) ? -1 : 0;
  free(others);
  if (status) return -1;
  data_choose_tokenizer(&c->data);
  mark_unused(c);
  return options_check(c->sets, s, err);
}

OptionEffect config_effect(const char *name) {
  const Option *row = config_option(name);
  return row ? row->effect : EFFECT_RESULT;
}

/* Of --warmup and --warmup-fraction, the one that is given in the higher place counts. */
static int choose_warmup(Config *c, const Settings *s, Err *err) {
  OptionSource number = FROM_PRESET, fraction = FROM_PRESET;
  ScheduleOptions *o = &c->schedule;
  settings_find(s, "warmup", &number);
  settings_find(s, "warmup-fraction", &fraction);
  if (number == FROM_COMMAND_LINE && fraction == number && o->warmup > 0 && o->warmup_fraction > 0)
    return fail(err, "--warmup and --warmup-fraction both set the warm-up; use one of them");
  if (number > fraction) o->warmup_fraction = 0;
  schedule_scale_warmup(o, c->run.steps);
  return 0;
}

/* Whether an option has another value than the preset, or its default where the preset has none. */
static int differs(const Config *c, const Settings *s, const char *name) {
  const OptionSet *in;
  const Option *row = options_find(c->sets, name, &in);
  const char *wanted = strcmp(name, "tokenizer") == 0 ? "gpt2" : row->fallback;
  char is[OPTION_TEXT], why[OPTION_TEXT + 256];
  for (int i = 0; i < s->count; i++)
    if (strcmp(s->items[i].where, PRESET) == 0 && strcmp(s->items[i].name, name) == 0)
      wanted = s->items[i].value;
  option_show(row, in->values, is, sizeof is);
  return !option_is_void(c->sets, row, why, sizeof why) && strcmp(is, wanted) != 0;
}

/* Settings are tuned for the preset's data, sizes and length: lists what is different here. */
static void qualify_tuning(Config *c, const Settings *s) {
  static const struct {
    const char *options[4], *word;
  } kinds[] = {{{"data", "val"}, "data"},
               {{"tokenizer", "vocab"}, "vocabulary"},
               {{"layers", "channels", "context"}, "sizes"},
               {{"bias", "gelu", "tie"}, "layers"},
               {{"dropout"}, "dropout"},
               {{"batch"}, "batch"},
               {{"steps"}, "steps"},
               {{"init"}, "initial weights"}};
  const char *before = ", used here with other ";
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int any = 0;
    for (int k = 0; kinds[i].options[k]; k++) any |= differs(c, s, kinds[i].options[k]);
    size_t used = strlen(c->tuned);
    if (!any) continue;
    snprintf(c->tuned + used, sizeof c->tuned - used, "%s%s", before, kinds[i].word);
    before = ", ";
  }
}

static int check(Config *c, const Settings *s, Err *err) {
  RunOptions *r = &c->run;
  OptionSource steps_said = FROM_PRESET, tokens_said = FROM_PRESET;
  settings_find(s, "steps", &steps_said);
  settings_find(s, "tokens", &tokens_said);
  int64_t per_step = r->batch * c->model.context;
  if (r->tokens > 0) {
    if (steps_said == FROM_COMMAND_LINE && tokens_said == FROM_COMMAND_LINE)
      return fail(err, "--steps and --tokens both set the length of the run; use one of them");
    if (!(steps_said == FROM_COMMAND_LINE)) r->steps = (r->tokens + per_step - 1) / per_step;
    else r->tokens = 0;
  }
  if (r->micro_batch > r->batch)
    return fail(err, "--micro-batch %lld is larger than --batch %lld; make it at most that",
                (long long)r->micro_batch, (long long)r->batch);
  if (c->model.C % c->model.NH != 0)
    return fail(err, "--heads %lld does not divide --channels %lld: all heads have the same width",
                (long long)c->model.NH, (long long)c->model.C);
  if (!c->from && choose_warmup(c, s, err)) return -1;
  if (c->is_tuned) qualify_tuning(c, s);
  if (c->method->constant_rate && c->schedule.schedule != SCHEDULE_CONSTANT)
    return fail(err, "--optimizer %s averages weights in place of a falling rate: use --schedule "
                     "constant, with --warmup where it is needed", c->method->name);
  return schedule_check(&c->schedule, r->steps, err);
}

/* The schedule depends on the number of steps: with another one, the rate jumps. */
static void note_extension(Config *c) {
  const char *text = checkpoint_option(c->from, "steps");
  int64_t was = text ? strtoll(text, NULL, 10) : c->run.steps, is = c->run.steps;
  int64_t step = c->from->step;
  if (was == is || step < 1) return;
  double before = c->optimizer.lr * schedule_at(&c->schedule, step, was);
  double after = c->optimizer.lr * schedule_at(&c->schedule, step + 1, is);
  snprintf(c->extension, sizeof c->extension,
           "%s after step %lld from %lld to %lld steps: the learning rate goes from %.3g to %.3g",
           is > was ? EXTENDED : "shortened", (long long)step, (long long)was, (long long)is,
            before,
           after);
}

int config_set(Config *c, Settings *s, Err *err) {
  *c = (Config){0};
  int status = add_base(c, s, err);
  if (status == 0) {
    c->method_options = calloc(1, c->method->options_size + 1);
    list_sets(c);
    status = apply(c, s, err) || check(c, s, err) ? -1 : 0;
  }
  if (status == 0 && c->from) status = resume_check(c->from, c->sets, &c->run, c->changes, err);
  if (status == 0 && c->from) note_extension(c);
  if (status) config_free(c);
  return status;
}

int config_read(Config *c, int argc, char **argv, Err *err) {
  Settings s = {0};
  *c = (Config){0};
  int status = settings_read(&s, argc, argv, err) ? -1 : config_set(c, &s, err);
  settings_free(&s);
  return status;
}

void config_free(Config *c) {
  checkpoint_close(c->from);
  free(c->method_options);
  c->from = NULL;
  c->method_options = NULL;
}
