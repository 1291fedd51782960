#include "run/config.h"

#include <stdlib.h>
#include <string.h>

#include "run/resume.h"
#include "run/tuned.h"

#define FIELD(member) offsetof(RunOptions, member)
static const Option run_options[] = {
    {.name = "optimizer", .help = "the method; --list names them, --help NAME explains one",
     .type = OPTION_WORD, .at = FIELD(optimizer), .fallback = "adamw"},
    {.name = "batch", .help = "sequences of a step",
     .type = OPTION_INT, .at = FIELD(batch), .fallback = "16", .min = 1, .max = 1e6,
     .effect = EFFECT_TASK},
    {.name = "micro-batch", .help = "sequences at a time, for less memory; 0: the whole batch",
     .type = OPTION_INT, .at = FIELD(micro_batch), .fallback = "0", .max = 1e6,
     .effect = EFFECT_ROUNDING, .resume = RESUME_MAY_CHANGE},
    {.name = "steps", .help = "length of the run",
     .type = OPTION_INT, .at = FIELD(steps), .fallback = "400", .min = 1, .max = 1e12,
     .effect = EFFECT_TASK, .resume = RESUME_MAY_CHANGE},
    {.name = "tokens", .help = "length of the run in tokens instead; 0: --steps decides",
     .type = OPTION_INT, .at = FIELD(tokens), .fallback = "0", .max = 1e15,
     .effect = EFFECT_REPORT, .resume = RESUME_MAY_CHANGE},
    {.name = "clip", .help = "largest norm of the whole gradient; 0: no clipping",
     .type = OPTION_REAL, .at = FIELD(clip), .fallback = "1", .max = 1e30},
    {.name = "val-every", .help = "steps between validations; 0: never",
     .type = OPTION_INT, .at = FIELD(val_every), .fallback = "50", .max = 1e12,
     .resume = RESUME_MAY_CHANGE},
    {.name = "val-tokens", .help = "validation tokens, always the same",
     .type = OPTION_INT, .at = FIELD(val_tokens), .fallback = "32768", .min = 1, .max = 1e12,
     .effect = EFFECT_TASK, .resume = RESUME_MAY_CHANGE, .needs = "val-every!=0"},
    {.name = "sample-every", .help = "steps between text samples; 0: never",
     .type = OPTION_INT, .at = FIELD(sample_every), .fallback = "0", .max = 1e12,
     .effect = EFFECT_REPORT, .resume = RESUME_MAY_CHANGE},
    {.name = "save-every",
     .help = "steps between checkpoints; 0: only at the end and when interrupted",
     .type = OPTION_INT, .at = FIELD(save_every), .fallback = "0", .max = 1e12,
     .effect = EFFECT_PLACE, .resume = RESUME_MAY_CHANGE, .needs = "keep!=0"},
    {.name = "keep", .help = "newest checkpoints that are kept; 0: none are written",
     .type = OPTION_INT, .at = FIELD(keep), .fallback = "2", .max = 1e6,
     .effect = EFFECT_PLACE, .resume = RESUME_MAY_CHANGE},
    {.name = "max-seconds", .help = "stop and save after this time; 0: no limit",
     .type = OPTION_REAL, .at = FIELD(max_seconds), .fallback = "0", .max = 1e9,
     .effect = EFFECT_REPORT, .resume = RESUME_MAY_CHANGE},
    {.name = "log-spectrum",
     .help = "steps between rows of spectrum.csv (singular values of momentum); 0: never",
     .type = OPTION_INT, .at = FIELD(log_spectrum), .fallback = "0", .max = 1e12,
     .effect = EFFECT_REPORT, .resume = RESUME_MAY_CHANGE},
    {.name = "seed", .help = "of the initial weights and of randomized optimizers",
     .type = OPTION_INT, .at = FIELD(seed), .fallback = "1", .max = 9e15, .effect = EFFECT_SEED},
    {.name = "threads", .help = "0: one per processor",
     .type = OPTION_INT, .at = FIELD(threads), .fallback = "0", .max = 4096,
     .effect = EFFECT_ROUNDING, .resume = RESUME_MAY_CHANGE},
    {.name = "init",
     .help = "weights to start from: a run, a checkpoint, a Hugging Face folder or .safetensors, "
             "or an llm.c checkpoint",
     .type = OPTION_WORD, .at = FIELD(init), .fallback = "", .effect = EFFECT_TASK},
    {.name = "resume", .help = "run, or checkpoint of one, to continue with its own options",
     .type = OPTION_WORD, .at = FIELD(resume), .fallback = "", .effect = EFFECT_PLACE},
    {.name = "out", .help = "folder of the run; empty: runs/OPTIMIZER-MODEL, numbered",
     .type = OPTION_WORD, .at = FIELD(out), .fallback = "",
     .effect = EFFECT_PLACE, .resume = RESUME_MAY_CHANGE},
    {.name = "overwrite", .help = "replace a run that --out already holds",
     .type = OPTION_CHOICE, .at = FIELD(overwrite), .fallback = "off", .choices = ON_OFF,
     .effect = EFFECT_PLACE, .resume = RESUME_MAY_CHANGE, .needs = "out!="},
    {0},
};

static void list_sets(Config *c) {
  OptionSet sets[CONFIG_SETS] = {
      {.title = "run", .rows = run_options, .values = &c->run},
      {.title = "model", .rows = model_options, .values = &c->model},
      {.title = "data", .rows = data_options, .values = &c->data},
      {.title = "optimizer", .rows = optimizer_options, .values = &c->optimizer},
      {.title = "matrices", .rows = matrix_options, .values = &c->optimizer},
      {.title = "auxiliary AdamW", .rows = auxiliary_options, .values = &c->optimizer},
      {.title = "schedule", .rows = schedule_options, .values = &c->schedule},
      {.title = c->method->name, .rows = c->method->options, .values = c->method_options},
      {0},
  };
  memcpy(c->sets, sets, sizeof sets);
}

/* Presets go by what the user said of --model and --optimizer, or by the defaults. */
static int add_presets(Config *c, Settings *s, Err *err) {
  const char *model = settings_find(s, "model", NULL);
  const char *optimizer = settings_find(s, "optimizer", NULL);
  if (!model) model = "nano";
  c->method = optimizer_find(optimizer ? optimizer : run_options[0].fallback, err);
  if (!c->method) return -1;
  const char *preset = model_preset(model), *tuned = tuned_settings(c->method->name, model);
  if (tuned) snprintf(c->tuned, sizeof c->tuned, "tuned for %s", model);
  else snprintf(c->tuned, sizeof c->tuned, "from the literature, not tuned here");
  /* An unknown model is reported when --model itself is parsed. */
  if (preset && settings_preset(s, FROM_PRESET, "preset", preset, err)) return -1;
  return settings_preset(s, FROM_TUNED, "tuned settings", tuned ? tuned : c->method->recommended,
                         err);
}

/* What the options of a run stand on: presets, or the checkpoint that it continues. */
static int add_base(Config *c, Settings *s, Err *err) {
  const char *resume = settings_find(s, "resume", NULL);
  if (!resume || !*resume) return add_presets(c, s, err);
  c->bad_checkpoint = 1;
  if (checkpoint_open(&c->from, resume, err)) return -1;
  c->bad_checkpoint = 0;
  if (resume_settings(c->from, s, err)) return -1;
  snprintf(c->tuned, sizeof c->tuned, "as its checkpoint has them");
  c->method = optimizer_find(settings_find(s, "optimizer", NULL), err);
  return c->method ? 0 : -1;
}

/* What the method makes of its options decides which tables are used. */
static void mark_unused(Config *c) {
  for (OptionSet *set = c->sets; set->rows; set++) {
    const char *reason = NULL;
    if (set->rows == auxiliary_options && optimizer_takes_all(c->method, c->method_options))
      reason = "updates every parameter itself";
    if (set->rows == matrix_options && c->method->elementwise)
      reason = "updates each weight alone, not whole matrices";
    if (!reason) continue;
    char *text = set->rows == matrix_options ? c->no_matrices : c->no_auxiliary;
    snprintf(text, sizeof c->no_matrices, "%s %s", c->method->name, reason);
    set->unused = text;
  }
}

/* The tables of the other optimizers tell their options from mistyped ones. */
static int apply(Config *c, const Settings *s, Err *err) {
  int n = 0;
  while (optimizers[n]) n++;
  OptionSet *others = calloc((size_t)n + 1, sizeof *others);
  for (int i = 0, at = 0; i < n; i++)
    if (optimizers[i] != c->method)
      others[at++] = (OptionSet){.title = optimizers[i]->name, .rows = optimizers[i]->options};
  int status = options_set(c->sets, others, s, err);
  free(others);
  if (status) return -1;
  mark_unused(c);
  return options_check(c->sets, s, err);
}

const Option *config_option(const char *name) {
  const Option *const tables[] = {run_options,       model_options,  data_options,
                                  optimizer_options, matrix_options, auxiliary_options,
                                  schedule_options};
  const Option *row = NULL;
  for (size_t i = 0; !row && i < sizeof tables / sizeof *tables; i++)
    row = option_find(tables[i], name);
  for (const Optimizer *const *o = optimizers; !row && *o; o++)
    row = option_find((*o)->options, name);
  return row;
}

OptionEffect config_effect(const char *name) {
  const Option *row = config_option(name);
  return row ? row->effect : EFFECT_RESULT;
}

/* A preset's warm-up was tuned as a part of the preset's steps: a shorter run keeps the part. */
static void shorten_warmup(ScheduleOptions *schedule, int64_t steps, const Settings *s) {
  OptionSource said = FROM_PRESET;
  settings_find(s, "warmup", &said);
  for (int i = 0; said < FROM_FILE && i < s->count; i++) {
    const Setting *item = &s->items[i];
    if (item->source != FROM_PRESET || strcmp(item->name, "steps") != 0) continue;
    int64_t whole = strtoll(item->value, NULL, 10);
    if (steps < whole) schedule->warmup = schedule->warmup * steps / whole;
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
      return fail(err, "--steps and --tokens both set the length of the run: give one of them");
    if (!(steps_said == FROM_COMMAND_LINE)) r->steps = (r->tokens + per_step - 1) / per_step;
    else r->tokens = 0;
  }
  if (r->micro_batch > r->batch)
    return fail(err, "--micro-batch %lld is larger than --batch %lld", (long long)r->micro_batch,
                (long long)r->batch);
  if (c->model.C % c->model.NH != 0)
    return fail(err, "--heads %lld does not divide --channels %lld: each head takes an equal share",
                (long long)c->model.NH, (long long)c->model.C);
  if (!c->from) shorten_warmup(&c->schedule, r->steps, s);
  return schedule_check(&c->schedule, r->steps, err);
}

int config_set(Config *c, Settings *s, Err *err) {
  *c = (Config){0};
  int status = add_base(c, s, err);
  if (status == 0) {
    c->method_options = calloc(1, c->method->options_size + 1);
    list_sets(c);
    status = apply(c, s, err) || check(c, s, err) ? -1 : 0;
  }
  if (status == 0 && c->from) status = resume_check(c, err);
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

/* What the method takes at its default options. */
static void help_roles(FILE *out, const Optimizer *o) {
  static const struct {
    Role role;
    const char *name;
  } kinds[] = {{ROLE_MATRIX, "the matrices of the blocks"},
               {ROLE_EMBEDDING, "the token embedding"},
               {ROLE_POSITION, "the position embedding"},
               {ROLE_VECTOR, "vectors"}};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  void *options = calloc(1, o->options_size + 1);
  OptionSet set = {.title = o->name, .rows = o->options, .values = options};
  int taken = 0;
  options_default(&set);
  fprintf(out, "  Updates ");
  for (int i = 0; i < KINDS; i++)
    if (o->accepts(&(Param){.role = kinds[i].role}, options))
      fprintf(out, "%s%s", taken++ ? ", " : "", kinds[i].name);
  fprintf(out, taken < KINDS ? "; AdamW (--aux-lr) the rest.\n\n" : ".\n\n");
  free(options);
}

static void help_method(FILE *out, const Optimizer *o) {
  OptionSet set = {.title = "options", .rows = o->options};
  fprintf(out, "%s: %s\n  %s\n", o->name, o->summary, o->reference);
  fprintf(out, "  Recommended in the literature: %s\n", o->recommended);
  for (const ModelPreset *m = model_presets; m->name; m++) {
    const char *tuned = tuned_settings(o->name, m->name);
    if (tuned) fprintf(out, "  Tuned here for %s: %s\n", m->name, tuned);
  }
  fprintf(out, "  To tune first: %s.\n", o->tune);
  help_roles(out, o);
  options_help(out, &set);
}

int config_help(FILE *out, const char *optimizer, Err *err) {
  if (optimizer) {
    const Optimizer *o = optimizer_find(optimizer, err);
    if (!o) return -1;
    help_method(out, o);
    return 0;
  }
  Config c; /* of a plain ./train: presets and tuned settings are its defaults too */
  char program[] = "train", *argv[] = {program, NULL};
  if (config_read(&c, 1, argv, err)) return -1;
  fprintf(out,
          "Trains a GPT-2 and logs its losses, with the optimizer of your choice.\n\n"
          "  ./train --optimizer muon --steps 200      train nano on the embedded text\n"
          "  ./train @runs/muon-nano/config.txt --seed 2 --out runs/again\n"
          "  ./train --resume runs/muon-nano           continue an interrupted run\n"
          "  ./train --help muon                       one optimizer's options\n"
          "  ./train --list                            optimizers, models, schedules\n\n"
          "Options are written --name value or --name=value; @file reads them from a file with\n"
          "lines name = value. Below stands what a plain ./train takes, which is adamw on nano;\n"
          "--model and --optimizer change the defaults.\n"
          "Exit codes: 0 done, 1 failed, 2 wrong options, 3 diverged, 130 interrupted.\n\n");
  for (const OptionSet *set = c.sets; set->rows && set->rows != c.method->options; set++) {
    options_help_values(out, set);
    fputc('\n', out);
  }
  config_free(&c);
  return 0;
}

static void list_optimizers(FILE *out) {
  fprintf(out, "Optimizers (--optimizer; --help NAME for one). Floats of state per weight and "
               "MFLOP of a step,\nfor a 768 x 768 and a 3072 x 768 matrix at default options:\n");
  for (const Optimizer *const *o = optimizers; *o; o++) {
    OptimizerCost square = optimizer_cost(*o, 768, 768), tall = optimizer_cost(*o, 3072, 768);
    fprintf(out, "  %-16s %5.2f %5.2f %8.0f %8.0f  %s\n", (*o)->name,
            (double)square.state / (768 * 768), (double)tall.state / (3072 * 768),
            square.flops / 1e6, tall.flops / 1e6, (*o)->summary);
  }
}

void config_list(FILE *out) {
  list_optimizers(out);
  fprintf(out, "\nModels (--model):\n");
  for (const ModelPreset *m = model_presets; m->name; m++)
    fprintf(out, "  %-18s %s\n  %-18s   %s\n", m->name, m->about, "", m->settings);
  fprintf(out, "\nSchedules (--schedule): %s\n", SCHEDULES(CHOICE_WORD) + 1);
}
