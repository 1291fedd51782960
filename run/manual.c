#include "run/manual.h"

#include <stdlib.h>
#include <string.h>

#include "run/config.h"
#include "run/exit.h"
#include "run/footprint.h"
#include "run/hints.h"

/* ---- one optimizer ---- */

/* Prints what the method updates at its default options. */
static void help_roles(FILE *out, const Optimizer *o) {
  static const struct {
    Role role;
    const char *name;
  } kinds[] = {{ROLE_MATRIX, "hidden matrices"},
               {ROLE_EMBEDDING, "the token embedding"},
               {ROLE_POSITION, "the position embedding"},
               {ROLE_VECTOR, "vectors"},
               {ROLE_HEAD, "an untied head"}};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  void *options = calloc(1, o->options_size + 1);
  OptionSet set = {.title = o->name, .rows = o->options, .values = options};
  int taken = 0;
  options_default(&set);
  char *text;
  size_t size;
  FILE *line = open_memstream(&text, &size);
  fputs("Updates ", line);
  for (int i = 0; i < KINDS; i++)
    if (o->accepts(&(Matrix){.role = kinds[i].role}, options))
      fprintf(line, "%s%s", taken++ ? ", " : "", kinds[i].name);
  fputs(taken < KINDS ? "; AdamW (--aux-lr) updates the rest." : ".", line);
  fclose(line);
  help_text(out, text, 0, 2);
  free(text);
  free(options);
}

/* "  Title: settings", wrapped under the settings. */
static void help_settings(FILE *out, const char *title, const char *settings) {
  int column = fprintf(out, "  %s:", title);
  help_text(out, settings, column, column + 1);
}

static void help_method(FILE *out, const Optimizer *o) {
  OptionSet set = {.title = "options", .rows = o->options};
  int column = fprintf(out, "%s:", o->name);
  help_text(out, o->summary, column, column + 1);
  help_text(out, o->reference, 0, 2);
  if (o->published) help_settings(out, "Published settings", o->published);
  else help_text(out, "Published settings: none for language models.", 0, 2);
  if (o->ours) help_settings(out, "Ours, not from the source", o->ours);
  for (const ModelPreset *m = model_presets; m->name; m++) {
    char title[80], settings[TUNED_TEXT];
    const char *tuned = config_tuned(o, m->name, settings);
    if (!tuned) continue;
    if (strcmp(tuned, o->name) == 0) snprintf(title, sizeof title, "Tuned here for %s", m->name);
    else snprintf(title, sizeof title, "For %s, as tuned for %.32s", m->name, tuned);
    help_settings(out, title, settings);
  }
  help_settings(out, "Tune first", o->tune);
  help_roles(out, o);
  fputc('\n', out);
  options_help(out, &set);
}

/* ---- one group, one option ---- */

/* Prints the groups with that title and the options with that name of `c`. Returns how many. */
static int help_common(FILE *out, const Config *c, const char *topic) {
  int found = 0;
  for (const OptionSet *set = c->sets; set->rows && set->rows != c->method->options; set++) {
    const Option *row = option_find(set->rows, topic);
    char value[OPTION_TEXT];
    size_t word = strcspn(set->title, " ");
    if (word == strlen(topic) && strncmp(set->title, topic, word) == 0) {
      options_help_values(out, set);
      found++;
    } else if (row) {
      option_show(row, set->values, value, sizeof value);
      option_help(out, row, value);
      found++;
    }
  }
  return found;
}

static int same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

/* The option of each optimizer that has it; those with the same help share an entry. */
static int help_special(FILE *out, const char *topic) {
  int found = 0;
  for (const Optimizer *const *o = optimizers; *o; o++) {
    const Option *row = option_find((*o)->options, topic);
    int first = 1;
    char *names;
    size_t size;
    FILE *list = open_memstream(&names, &size);
    fputs("with", list);
    for (const Optimizer *const *p = optimizers; *p && row; p++) {
      const Option *other = option_find((*p)->options, topic);
      int same = other && same_text(other->help, row->help) &&
                 same_text(other->needs, row->needs) && same_text(other->fallback, row->fallback);
      if (same && p < o) first = 0;
      if (same) fprintf(list, " %s", (*p)->name);
    }
    fclose(list);
    if (row && first) {
      option_help(out, row, row->fallback);
      help_text(out, names, 0, 6);
      found++;
    }
    free(names);
  }
  return found;
}

static int no_topic(const Config *c, const char *topic, Err *err) {
  char *words;
  size_t size;
  FILE *list = open_memstream(&words, &size);
  for (const OptionSet *set = c->sets; set->rows; set++)
    for (const Option *row = set->rows; row->name; row++) fprintf(list, "|%s", row->name);
  for (const Optimizer *const *o = optimizers; *o; o++) {
    fprintf(list, "|%s", (*o)->name);
    for (const Option *row = (*o)->options; row->name; row++) fprintf(list, "|%s", row->name);
  }
  fclose(list);
  const char *near = nearest_word(topic, words);
  free(words);
  return fail(err, "--help %s: there is no such optimizer, group or option%s%s%s; --help without a "
                   "name shows all options, --list all optimizers", topic,
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int help_topic(FILE *out, const Config *c, const char *topic, Err *err) {
  Err ignored;
  const Optimizer *o = optimizer_find(topic, &ignored);
  const char *here = hint_for(topic);
  if (o) help_method(out, o);
  else if (help_common(out, c, topic) + help_special(out, topic) == 0 && !here)
    return no_topic(c, topic, err);
  else if (here && !config_option(topic))
    fprintf(out, "There is no option --%s; %s.\n", topic, here);
  return 0;
}

/* ---- everything ---- */

static void help_all(FILE *out, const Config *c) {
  fprintf(out,
          "Trains a GPT-2 and logs its losses, with the optimizer of your choice.\n\n"
          "  ./train --optimizer muon --steps 200      train nano on the embedded text\n"
          "  ./train @runs/muon-nano/config.txt --seed 2 --out runs/again\n"
          "  ./train --resume runs/muon-nano           continue an interrupted run\n"
          "  ./train --help muon                       one optimizer's options\n"
          "  ./train --help schedule                   one option, or a group of options\n"
          "  ./train --list                            optimizers, models, schedules\n"
          "  ./train --version                         revision, compiler, OpenBLAS\n\n"
          "Options are written --name value or --name=value; @FILE reads lines\n"
          "name = value. An option that has no effect is refused on the command line, with\n"
          "the reason, and ignored in a file. The values below are the defaults of ./train\n"
          "without options: adamw on nano. --model and --optimizer change the defaults.\n\n"
          "Exit codes:\n");
#define EXIT_CODE_HELP(name, code, meaning) fprintf(out, "  %3d  %s\n", code, meaning);
  EXIT_CODES(EXIT_CODE_HELP)
#undef EXIT_CODE_HELP
  fputc('\n', out);
  for (const OptionSet *set = c->sets; set->rows && set->rows != c->method->options; set++) {
    options_help_values(out, set);
    fputc('\n', out);
  }
}

int manual_help(FILE *out, const char *topic, Err *err) {
  Config c; /* of ./train without options: presets and tuned settings count as defaults */
  char program[] = "train", *argv[] = {program, NULL};
  int status = 0;
  if (config_read(&c, 1, argv, err)) return -1;
  if (topic) status = help_topic(out, &c, topic + strspn(topic, "-"), err);
  else help_all(out, &c);
  config_free(&c);
  return status;
}

/* ---- --list ---- */

static void list_optimizers(FILE *out) {
  fputs("Optimizers (--optimizer NAME; --help NAME shows the options of one):\n", out);
  for (const Optimizer *const *o = optimizers; *o; o++)
    help_text(out, (*o)->summary, fprintf(out, "  %s", (*o)->name), 19);
  fputs("\nCost at default options, for a 768 x 768 and a 3072 x 768 matrix:\n"
        "                   Floats of state per weight     MFLOP per step\n", out);
  for (const Optimizer *const *o = optimizers; *o; o++) {
    OptimizerCost square = optimizer_cost(*o, 768, 768), tall = optimizer_cost(*o, 3072, 768);
    fprintf(out, "  %-16s %12.2f %12.2f %10.0f %8.0f\n", (*o)->name,
            (double)square.state / (768 * 768), (double)tall.state / (3072 * 768),
            square.flops / 1e6, tall.flops / 1e6);
  }
}

void manual_list(FILE *out) {
  list_optimizers(out);
  footprint_list_models(out);
  fputs("\nSchedules (--schedule): ", out);
  help_choices(out, SCHEDULES(CHOICE_WORD));
  fputc('\n', out);
}
