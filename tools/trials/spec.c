#include "tools/trials/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

#define FIELD(member) offsetof(SpecOptions, member)
const Option spec_options[] = {
    {.name = "optimizers", .help = "Optimizers to compare: names, or all",
     .type = OPTION_WORD, .at = FIELD(optimizers), .fallback = "all"},
    {.name = "baseline", .help = "Method that the others are compared with",
     .type = OPTION_WORD, .at = FIELD(baseline), .fallback = "adamw"},
    {.name = "rates", .help = "Learning rates per optimizer, centred on its default",
     .type = OPTION_INT, .at = FIELD(rates), .fallback = "5", .min = 1, .max = 99},
    {.name = "factor", .help = "Ratio of adjacent learning rates",
     .type = OPTION_REAL, .at = FIELD(factor), .fallback = "2", .min = 1.01, .max = 1000},
    {.name = "tune-seeds", .help = "Number of tuning seeds (1, 2, ...) that choose the rate",
     .type = OPTION_INT, .at = FIELD(tune_seeds), .fallback = "1", .min = 1, .max = 99},
    {.name = "seeds", .help = "Number of evaluation seeds (101, 102, ...) that are reported",
     .type = OPTION_INT, .at = FIELD(seeds), .fallback = "3", .max = 99},
    {.name = "extend",
     .help = "Maximum number of further rates while the best rate is the smallest or largest",
     .type = OPTION_INT, .at = FIELD(extend), .fallback = "3", .max = 20},
    {.name = "unequal", .help = "Allow methods to have different numbers of trials",
     .type = OPTION_CHOICE, .at = FIELD(unequal), .fallback = "off", .choices = ON_OFF},
    {0},
};

/* What every run gets from the sweep itself: method, seeds, folders and files, and the sweep's own
   options. */
static int is_reserved(const char *name, const Option *own) {
  OptionEffect effect = config_effect(name);
  return effect == EFFECT_SEED || effect == EFFECT_PLACE || strcmp(name, "optimizer") == 0 ||
         option_find(own, name) != NULL;
}

/* ---- a method's settings ---- */

/* Later settings replace earlier ones: a method's own word wins over the one for all. */
static void forget(Method *m, const char *name) {
  for (int i = 0; i < m->fixed; i++) {
    if (strcmp(m->fixed_names[i], name) != 0) continue;
    free(m->fixed_values[i]);
    m->fixed--;
    m->fixed_values[i] = m->fixed_values[m->fixed];
    memmove(m->fixed_names[i], m->fixed_names[m->fixed], sizeof *m->fixed_names);
  }
  for (int i = 0; i < m->dimensions; i++) {
    if (strcmp(m->grid[i].name, name) != 0) continue;
    free(m->grid[i].values);
    m->grid[i] = m->grid[--m->dimensions];
  }
}

static void fix(Method *m, const char *name, const char *value) {
  int i = m->fixed++;
  m->fixed_names = memory_grow(m->fixed_names, (size_t)m->fixed, sizeof *m->fixed_names);
  m->fixed_values = memory_grow(m->fixed_values, (size_t)m->fixed, sizeof *m->fixed_values);
  snprintf(m->fixed_names[i], sizeof m->fixed_names[i], "%s", name);
  m->fixed_values[i] = memory_text(value);
}

static Dimension *add_dimension(Method *m, const char *name, const char *path, Err *err) {
  if (m->dimensions == SPEC_DIMENSIONS) {
    fail(err, "%s: %s: a grid may vary at most %d options", path, m->name, SPEC_DIMENSIONS);
    return NULL;
  }
  Dimension *d = &m->grid[m->dimensions++];
  *d = (Dimension){0};
  snprintf(d->name, sizeof d->name, "%s", name);
  return d;
}

static void add_value(Dimension *d, const char *value, size_t length) {
  d->values = memory_grow(d->values, (size_t)(d->count + 1), sizeof *d->values);
  snprintf(d->values[d->count++], sizeof *d->values, "%.*s", (int)length, value);
}

/* One setting of one method: a value, or a list of values, which makes it a dimension. */
static int set_option(Method *m, const char *name, const char *value, const Option *own,
                      const char *path, Err *err) {
  const Option *row = config_option(name);
  int is_text = row && row->type == OPTION_WORD;
  if (is_reserved(name, own))
    return fail(err, "%s: %s is set by the sweep itself: leave it out", path, name);
  forget(m, name);
  if (strcmp(name, "lr") != 0 && (is_text || !strpbrk(value, " \t"))) {
    fix(m, name, value);
    return 0;
  }
  Dimension *d = add_dimension(m, name, path, err);
  if (!d) return -1;
  while (*(value += strspn(value, " \t"))) {
    add_value(d, value, strcspn(value, " \t"));
    value += strcspn(value, " \t");
  }
  return 0;
}

/* ---- learning rates: dimension 0 ---- */

static int by_number(const void *a, const void *b) {
  double x = strtod(a, NULL), y = strtod(b, NULL);
  return (x > y) - (x < y);
}

/* The listed rates in order, or `rates` of them around the one that ./train would take. */
static int set_rates(Method *m, const SpecOptions *o, Err *err) {
  Config config;
  for (int i = 0; i < m->dimensions; i++) {
    if (strcmp(m->grid[i].name, "lr") != 0) continue;
    Dimension lr = m->grid[i];
    m->grid[i] = m->grid[0];
    m->grid[0] = lr;
    qsort(lr.values, (size_t)lr.count, sizeof *lr.values, by_number);
    return 0;
  }
  if (m->dimensions == SPEC_DIMENSIONS)
    return fail(err, "a grid may vary at most %d options besides lr", SPEC_DIMENSIONS - 1);
  char **arguments = spec_arguments(m, NULL, 1, "train");
  int status = arguments_config(arguments, &config, err);
  arguments_free(arguments);
  if (status) return -1;
  memmove(m->grid + 1, m->grid, (size_t)m->dimensions++ * sizeof *m->grid);
  m->grid[0] = (Dimension){.name = "lr"};
  for (int64_t i = 0; i < o->rates; i++) {
    char value[64];
    double rate = config.optimizer.lr * pow(o->factor, (double)(i - (o->rates - 1) / 2));
    add_value(&m->grid[0], value, (size_t)snprintf(value, sizeof value, "%.6g", rate));
  }
  config_free(&config);
  return 0;
}

/* ---- points and arguments ---- */

int spec_points(const Method *m) {
  int points = 1;
  for (int i = 0; i < m->dimensions; i++) points *= m->grid[i].count;
  return points;
}

void spec_point(const Method *m, int point, const char **values) {
  for (int i = 0; i < m->dimensions; i++) { /* the learning rate runs fastest */
    values[i] = m->grid[i].values[point % m->grid[i].count];
    point /= m->grid[i].count;
  }
}

static void add_argument(char **list, int *count, const char *name, const char *value) {
  char option[80];
  snprintf(option, sizeof option, "--%s", name);
  list[(*count)++] = memory_text(option);
  list[(*count)++] = memory_text(value);
}

char **spec_arguments(const Method *m, const char *const *values, int64_t seed,
                      const char *program) {
  enum { MORE = 16 }; /* room for what the caller adds */
  char **list = memory_take((size_t)(2 * (m->fixed + m->dimensions) + MORE), sizeof *list);
  char number[32];
  int n = 0;
  list[n++] = memory_text(program);
  add_argument(list, &n, "optimizer", m->optimizer);
  for (int i = 0; i < m->fixed; i++)
    add_argument(list, &n, m->fixed_names[i], m->fixed_values[i]);
  for (int i = 0; values && i < m->dimensions; i++)
    add_argument(list, &n, m->grid[i].name, values[i]);
  snprintf(number, sizeof number, "%lld", (long long)seed);
  add_argument(list, &n, "seed", number);
  if (m->shuffles) add_argument(list, &n, "data-seed", number);
  return list;
}

void arguments_free(char **arguments) {
  for (char **a = arguments; *a; a++) free(*a);
  free(arguments);
}

int arguments_config(char **arguments, Config *config, Err *err) {
  int count = 0;
  while (arguments[count]) count++;
  return config_read(config, count, arguments, err);
}

/* ---- the whole spec ---- */

static int add_method(Spec *spec, const char *name, size_t length, Err *err) {
  Method *m = &spec->methods[spec->count];
  if (spec->count == SPEC_METHODS)
    return fail(err, "%s: more than %d optimizers", spec->path, SPEC_METHODS);
  *m = (Method){0};
  snprintf(m->name, sizeof m->name, "%.*s", (int)length, name);
  memcpy(m->optimizer, m->name, strcspn(m->name, ":"));
  if (!optimizer_find(m->optimizer, err)) return -1;
  if (strchr(m->name, '/'))
    return fail(err, "%s: \"%s\" is not a valid name: it must not contain \"/\"", spec->path,
                m->name);
  for (int i = 0; i < spec->count; i++)
    if (strcmp(spec->methods[i].name, m->name) == 0)
      return fail(err, "%s: %s is named twice; a second entry needs a name of its own, such as "
                       "%s:other", spec->path, m->name, m->name);
  spec->count++;
  return 0;
}

static int list_methods(Spec *spec, Err *err) {
  const char *list = spec->options.optimizers;
  if (strcmp(list, "all") == 0) {
    for (const Optimizer *const *o = optimizers; *o; o++)
      if (add_method(spec, (*o)->name, strlen((*o)->name), err)) return -1;
    return 0;
  }
  while (*(list += strspn(list, " ,\t"))) {
    size_t length = strcspn(list, " ,\t");
    if (add_method(spec, list, length, err)) return -1;
    list += length;
  }
  return spec->count ? 0 : fail(err, "%s: optimizers is empty; list at least one", spec->path);
}

/* Whether a word of a list is the text (length). */
static int has_word(const char *list, const char *text, size_t length) {
  while (*(list += strspn(list, " ,\t"))) {
    size_t n = strcspn(list, " ,\t");
    if (n == length && strncmp(list, text, n) == 0) return 1;
    list += n;
  }
  return 0;
}

/* Whether the spec's file compares a method that the command line has left out. */
static int is_left_out(const Settings *settings, const char *method, size_t length) {
  for (int i = 0; i < settings->count; i++) {
    const Setting *s = &settings->items[i];
    if (s->source != FROM_FILE || strcmp(s->name, "optimizers") != 0) continue;
    if (has_word(s->value, method, length)) return 1;
    for (int j = 0; strcmp(s->value, "all") == 0 && optimizers[j]; j++)
      if (has_word(optimizers[j]->name, method, length)) return 1;
  }
  return 0;
}

/* A name "method.option" is for that method; any other is for all of them. `own` says which of
   the two kinds this pass is for: the methods' own settings come second and win. Lines of methods
   that --optimizers has left out of the spec are ignored. */
static int set_for_methods(Spec *spec, const Settings *settings, const Setting *s, int own,
                           const Option *callers, Err *err) {
  const char *dot = strchr(s->name, '.');
  int found = 0;
  if (own != (dot != NULL)) return 0;
  size_t length = own ? (size_t)(dot - s->name) : 0;
  for (int i = 0; i < spec->count; i++) {
    Method *m = &spec->methods[i];
    if (own && (length != strlen(m->name) || strncmp(m->name, s->name, length) != 0)) continue;
    found = 1;
    if (set_option(m, own ? dot + 1 : s->name, s->value, callers, spec->path, err)) return -1;
  }
  if (!own || found || is_left_out(settings, s->name, length)) return 0;
  return fail(err, "%s: %s: there is no \"%.*s\" among the optimizers (%s)", spec->path, s->name,
              (int)length, s->name, spec->options.optimizers);
}

static int take_settings(Spec *spec, const Settings *settings, const Option *own, Err *err) {
  OptionSet set = {.title = "spec", .rows = spec_options, .values = &spec->options};
  options_default(&set);
  for (int pass = 0; pass < 3; pass++) {
    for (int i = 0; i < settings->count; i++) {
      const Setting *s = &settings->items[i];
      if (settings_find(settings, s->name, NULL) != s->value) continue; /* overruled */
      if (option_find(own, s->name)) continue;
      const Option *row = option_find(spec_options, s->name);
      if (row && pass == 0 && option_set(row, &spec->options, s->value, s->where, err)) return -1;
      if (!row && pass > 0 && set_for_methods(spec, settings, s, pass == 2, own, err)) return -1;
    }
    if (pass == 0 && list_methods(spec, err)) return -1;
  }
  return 0;
}

/* Whether an option has no effect for the method, by the first values of its grid. */
static int is_void(const Method *m, const char *name) {
  Settings s = {0};
  Config config;
  Err ignored;
  char why[OPTION_TEXT + 256];
  int status = settings_add(&s, FROM_FILE, "spec", "optimizer", m->optimizer, &ignored);
  for (int i = 0; i < m->fixed; i++)
    status |= settings_add(&s, FROM_FILE, "spec", m->fixed_names[i], m->fixed_values[i], &ignored);
  for (int i = 0; i < m->dimensions; i++)
    status |= settings_add(&s, FROM_FILE, "spec", m->grid[i].name, m->grid[i].values[0], &ignored);
  status = status ? -1 : config_set(&config, &s, &ignored);
  settings_free(&s);
  if (status) return 0; /* check_method says what is wrong */
  const Option *row = options_find(config.sets, name, NULL);
  int found = row && option_is_void(config.sets, row, why, sizeof why);
  config_free(&config);
  return found;
}

/* Removes a setting for all methods from those for which it has no effect. */
static void drop_void(Spec *spec, const Settings *settings) {
  for (int i = 0; i < spec->count; i++) {
    Method *m = &spec->methods[i];
    for (int j = 0; j < settings->count; j++) {
      const char *name = settings->items[j].name;
      char own[sizeof m->name + 65];
      snprintf(own, sizeof own, "%s.%.64s", m->name, name);
      if (config_option(name) && !settings_find(settings, own, NULL) && is_void(m, name))
        forget(m, name);
    }
    m->shuffles = !is_void(m, "data-seed");
  }
}

/* Every point of every grid is something that ./train would run, and would validate. */
static int check_method(const Spec *spec, const Method *m, Err *err) {
  for (int point = 0; point < spec_points(m); point++) {
    const char *values[SPEC_DIMENSIONS];
    Config config;
    Err inner;
    spec_point(m, point, values);
    char **arguments = spec_arguments(m, values, 1, "train");
    int status = arguments_config(arguments, &config, &inner);
    int64_t every = status ? 1 : config.run.val_every;
    arguments_free(arguments);
    if (status) return fail(err, "%s: %s: %.900s", spec->path, m->name, inner.text);
    config_free(&config);
    if (every == 0)
      return fail(err, "%s: val-every = 0: without validation there is nothing to compare",
                  spec->path);
  }
  return 0;
}

static int check_trials(const Spec *spec, Err *err) {
  const Method *first = &spec->methods[0];
  for (int i = 1; i < spec->count; i++) {
    const Method *m = &spec->methods[i];
    if (spec_points(m) != spec_points(first) && !spec->options.unequal)
      return fail(err, "%s: %s has %d trials and %s %d: a fair comparison gives every method the "
                       "same number; unequal = on allows it",
                  spec->path, first->name, spec_points(first), m->name, spec_points(m));
  }
  return 0;
}

static void name_spec(Spec *spec, const char *path) {
  const char *slash = strrchr(path, '/');
  snprintf(spec->path, sizeof spec->path, "%s", path);
  snprintf(spec->name, sizeof spec->name, "%s", slash ? slash + 1 : path);
  char *dot = strrchr(spec->name, '.');
  if (dot && dot != spec->name) *dot = 0;
}

int spec_make(Spec *spec, const char *path, const Settings *settings, const Option *own, Err *err) {
  *spec = (Spec){0};
  name_spec(spec, path);
  int status = take_settings(spec, settings, own, err);
  if (status == 0) drop_void(spec, settings);
  for (int i = 0; i < spec->count && status == 0; i++) {
    Err inner;
    if (set_rates(&spec->methods[i], &spec->options, &inner))
      status = fail(err, "%s: %s: %.900s", path, spec->methods[i].name, inner.text);
    else status = check_method(spec, &spec->methods[i], err);
  }
  if (status == 0) status = check_trials(spec, err);
  if (status) spec_free(spec);
  return status;
}

void spec_free(Spec *spec) {
  for (int i = 0; i < spec->count; i++) {
    Method *m = &spec->methods[i];
    for (int j = 0; j < m->dimensions; j++) free(m->grid[j].values);
    for (int j = 0; j < m->fixed; j++) free(m->fixed_values[j]);
    free(m->fixed_names);
    free(m->fixed_values);
  }
  spec->count = 0;
}
