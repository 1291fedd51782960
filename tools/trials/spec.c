#include "tools/trials/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tools/trials/sobol.h"

#define FIELD(member) offsetof(SpecOptions, member)
const Option spec_options[] = {
    {.name = "optimizers", .help = "Optimizers to compare: names, or all",
     .type = OPTION_WORD, .at = FIELD(optimizers), .fallback = "all"},
    {.name = "baseline", .help = "Method that the others are compared with",
     .type = OPTION_WORD, .at = FIELD(baseline), .fallback = "adamw"},
    {.name = "intervals",
     .help = "95 % intervals of each difference to the baseline, or of all together (Bonferroni)",
     .type = OPTION_CHOICE, .at = FIELD(intervals), .fallback = "each",
     .choices = INTERVALS(CHOICE_WORD)},
    {.name = "rates",
     .help = "Learning rates per optimizer, around its default; more for methods that have fewer "
             "trials than others",
     .type = OPTION_INT, .at = FIELD(rates), .fallback = "5", .min = 1, .max = 99},
    {.name = "factor", .help = "Ratio of adjacent learning rates",
     .type = OPTION_REAL, .at = FIELD(factor), .fallback = "2", .min = 1.01, .max = 1000},
    {.name = "random",
     .help = "Random trials per optimizer, from ranges LOW..HIGH and lists of values (0: a grid)",
     .type = OPTION_INT, .at = FIELD(random), .fallback = "0", .max = 9999},
    {.name = "tune-seeds", .help = "Number of tuning seeds (1, 2, ...) that choose the settings",
     .type = OPTION_INT, .at = FIELD(tune_seeds), .fallback = "1", .min = 1, .max = 99},
    {.name = "seeds", .help = "Number of evaluation seeds (101, 102, ...) that are reported",
     .type = OPTION_INT, .at = FIELD(seeds), .fallback = "3", .max = 99},
    {.name = "extend",
     .help = "Maximum number of further rates while the best rate is the smallest or largest",
     .type = OPTION_INT, .at = FIELD(extend), .fallback = "3", .max = 20, .needs = "random=0"},
    {.name = "unequal", .help = "Allow methods to have different numbers of trials",
     .type = OPTION_CHOICE, .at = FIELD(unequal), .fallback = "off", .choices = ON_OFF},
    {0},
};

/* Set by the sweep itself: method, seeds, folders and files, and the sweep's own options. */
static int is_reserved(const char *name, const Option *own) {
  OptionEffect effect = config_effect(name);
  return effect == EFFECT_SEED || effect == EFFECT_PLACE || strcmp(name, "optimizer") == 0 ||
         option_find(own, name) != NULL;
}

/* ---- lines ---- */

static int count_words(const char *text) {
  int count = 0;
  for (; *(text += strspn(text, " \t")); count++) text += strcspn(text, " \t");
  return count;
}

static void copy_word(const char *text, int index, char *out, size_t size) {
  text += strspn(text, " \t");
  for (; index > 0; index--) {
    text += strcspn(text, " \t");
    text += strspn(text, " \t");
  }
  snprintf(out, size, "%.*s", (int)strcspn(text, " \t"), text);
}

static int is_number(const Option *row) {
  return row && (row->type == OPTION_INT || row->type == OPTION_REAL);
}

/* Reads "LOW..HIGH". */
static int read_range(SpecLine *l, Err *err) {
  char low[64];
  const char *dots = strstr(l->value, "..");
  snprintf(low, sizeof low, "%.*s", (int)(dots - l->value), l->value);
  l->count = 0;
  if (option_number(low, &l->low) || option_number(dots + 2, &l->high) || !(l->low < l->high))
    return fail(err, "%s: %s = %s: a range is LOW..HIGH, two numbers with the smaller one first",
                l->where, l->name, l->value);
  return 0;
}

static int add_line(Method *m, const Setting *s, const char *name, const Option *own, Err *err) {
  const Option *row = config_option(name);
  if (is_reserved(name, own))
    return fail(err, "%s: %s is set by the sweep itself: leave it out", s->where, name);
  m->lines = memory_grow(m->lines, (size_t)++m->line_count, sizeof *m->lines);
  SpecLine *l = &m->lines[m->line_count - 1];
  *l = (SpecLine){.name = memory_text(name), .value = memory_text(s->value),
                  .where = memory_text(s->where), .own = name != s->name};
  l->count = row && row->type == OPTION_WORD ? 1 : count_words(l->value);
  return is_number(row) && l->count == 1 && strstr(l->value, "..") ? read_range(l, err) : 0;
}

static int is_rate(const SpecLine *l) { return strcmp(l->name, "lr") == 0; }
static int is_swept(const SpecLine *l) { return l->count != 1 || is_rate(l); }

/* Gives the method `count` rates around the one that ./train would use or, for random trials, a
   range of that width. */
static int set_rates(Method *m, const SpecOptions *o, int64_t count, Err *err) {
  SpecLine *lr = &m->lines[0];
  Config config;
  Settings used;
  char *text;
  size_t size;
  if (spec_config(m, "", 1, &config, &used, err)) return -1;
  double rate = config.optimizer.lr;
  settings_free(&used);
  config_free(&config);
  FILE *out = open_memstream(&text, &size);
  lr->count = o->random && o->rates > 1 ? 0 : (int)count;
  lr->low = rate * pow(o->factor, -0.5 * (double)(o->rates - 1));
  lr->high = rate * pow(o->factor, 0.5 * (double)(o->rates - 1));
  if (lr->count == 0) fprintf(out, "%.6g..%.6g", lr->low, lr->high);
  for (int64_t i = 0; i < lr->count; i++) {
    double exponent = (double)(i - (count - 1) / 2) * (double)o->rates / (double)count;
    fprintf(out, "%s%.6g", i ? " " : "", rate * pow(o->factor, exponent));
  }
  fclose(out);
  free(lr->value);
  lr->value = text;
  return 0;
}

/* ---- one run ---- */

static int collect(const Method *m, const char *point, int64_t seed, OptionSource source,
                   Settings *s, Err *err) {
  static const char where[] = "the sweep";
  char number[32];
  snprintf(number, sizeof number, "%lld", (long long)seed);
  int status = settings_add(s, source, where, "optimizer", m->optimizer, err);
  for (int i = 0; i < m->line_count && status == 0; i++) {
    const SpecLine *l = &m->lines[i];
    if (!is_swept(l)) status = settings_add(s, source, l->where, l->name, l->value, err);
  }
  if (status || settings_preset(s, source, where, point, err) ||
      settings_add(s, source, where, "seed", number, err) ||
      settings_add(s, source, where, "data-seed", number, err))
    return -1;
  return 0;
}

/* Reads the settings as a file, in which options may be without effect, and then those that have
   one as a command line. */
int spec_config(const Method *m, const char *point, int64_t seed, Config *config, Settings *used,
                Err *err) {
  Settings all = {0};
  Err inner;
  *used = (Settings){0};
  int status = collect(m, point, seed, FROM_FILE, &all, &inner) || config_set(config, &all, &inner);
  if (status == 0) {
    for (int i = 0; i < all.count; i++) {
      const Setting *s = &all.items[i];
      const Option *row = options_find(config->sets, s->name, NULL);
      char why[OPTION_TEXT + 256];
      if (s->source == FROM_FILE && !option_is_void(config->sets, row, why, sizeof why))
        status |= settings_add(used, FROM_COMMAND_LINE, s->where, s->name, s->value, &inner);
    }
    config_free(config);
    status = status || config_set(config, used, &inner);
  }
  if (status) settings_free(used);
  settings_free(&all);
  return status ? fail(err, "%s: %.900s", m->name, inner.text) : 0;
}

/* ---- points ---- */

double spec_rate(const char *point) { return strtod(point + sizeof "lr", NULL); }

const char *spec_rest(const char *point) { return point + strcspn(point, " "); }

void spec_with_rate(const char *point, double rate, char out[SPEC_POINT]) {
  snprintf(out, SPEC_POINT, "lr=%.6g%s", rate, spec_rest(point));
}

/* The value at `u` in [0,1): of a list each value has an equal part; a range is uniform in log x;
   in log(1 - x) from one half to below 1, as of momentum; in x where it begins at 0 or below. */
static void value_at(const SpecLine *l, double u, char *out, size_t size) {
  const Option *row = config_option(l->name);
  double low = l->low, high = l->high, x;
  if (l->count > 0) {
    copy_word(l->value, (int)(u * l->count), out, size);
    return;
  }
  if (low <= 0) x = low + u * (high - low);
  else if (low >= 0.5 && high < 1) x = 1 - (1 - low) * pow((1 - high) / (1 - low), u);
  else x = low * pow(high / low, u);
  snprintf(out, size, row->type == OPTION_INT ? "%.0f" : "%.4g", x);
}

/* All swept options of the n-th point of the grid, of which the learning rate runs fastest, or of
   the sequence. */
static int compose(const Method *m, int random, int64_t n, char out[SPEC_POINT], Err *err) {
  size_t used = 0;
  int i = 0;
  int64_t rest = n;
  for (const SpecLine *l = m->lines; l < m->lines + m->line_count; l++) {
    char value[64];
    if (!is_swept(l)) continue;
    if (random && i == SOBOL_MAX)
      return fail(err, "%s: random trials may sweep at most %d options", m->name, SOBOL_MAX);
    double u = random ? sobol(n, i++) : ((double)(rest % l->count) + 0.5) / l->count;
    if (!random) rest /= l->count;
    value_at(l, u, value, sizeof value);
    used += (size_t)snprintf(out + used, SPEC_POINT - used, "%s%s=%s", used ? " " : "", l->name,
                             value);
    if (used >= SPEC_POINT)
      return fail(err, "%s: too many swept options: their text \"%s...\" is longer than %d bytes",
                  m->name, out, SPEC_POINT - 1);
  }
  return 0;
}

/* Removes from a point what has no effect in it. */
static void keep_used(Method *m, const Settings *used, char point[SPEC_POINT]) {
  size_t length = 0;
  for (SpecLine *l = m->lines; l < m->lines + m->line_count; l++) {
    const char *value = settings_find(used, l->name, NULL);
    if (!value) continue;
    l->used = 1;
    if (is_swept(l))
      length += (size_t)snprintf(point + length, SPEC_POINT - length, "%s%s=%s", length ? " " : "",
                                 l->name, value);
  }
}

/* Adds a point, unless it is there already. */
static int add_point(Method *m, const char *candidate, Err *err) {
  SpecPoint p;
  Config config;
  Settings used;
  if (spec_config(m, candidate, 1, &config, &used, err)) return -1;
  p.steps = config.run.steps;
  int validates = config.run.val_every != 0;
  keep_used(m, &used, p.text);
  settings_free(&used);
  config_free(&config);
  if (!validates)
    return fail(err, "%s: val-every = 0: without validation there is nothing to compare", m->name);
  for (int i = 0; i < m->count; i++)
    if (strcmp(m->points[i].text, p.text) == 0) return 0;
  m->points = memory_grow(m->points, (size_t)++m->count, sizeof *m->points);
  m->points[m->count - 1] = p;
  return 0;
}

static int make_points(Method *m, int64_t random, Err *err) {
  enum { MOST = 100000 };
  int64_t total = 1;
  char point[SPEC_POINT];
  m->count = 0;
  for (const SpecLine *l = m->lines; l < m->lines + m->line_count; l++) {
    if (l->count == 0 && !random)
      return fail(err, "%s: %s = %s is a range: random = 16 takes 16 trials from it; a grid needs "
                       "a list of values", l->where, l->name, l->value);
    if (is_swept(l) && total <= MOST) total *= l->count;
  }
  if (!random && total > MOST)
    return fail(err, "%s: the grid has more than %d points", m->name, MOST);
  if (random) total = 100 * random; /* until there are as many different ones */
  for (int64_t n = 0; n < total && !(random && m->count == random); n++)
    if (compose(m, random > 0, n, point, err) || add_point(m, point, err)) return -1;
  if (m->count < random)
    return fail(err, "%s: random = %lld: its swept options have only %d different settings",
                m->name, (long long)random, m->count);
  return 0;
}

/* A setting for this method alone must have an effect in one of its trials. */
static int check_own(const Method *m, Err *err) {
  for (const SpecLine *l = m->lines; l < m->lines + m->line_count; l++) {
    Settings all = {0};
    Config config;
    Err inner = {""};
    if (!l->own || l->used) continue;
    if (collect(m, m->points[0].text, 1, FROM_FILE, &all, &inner) == 0 &&
        config_set(&config, &all, &inner) == 0) {
      const Option *row = options_find(config.sets, l->name, NULL);
      option_is_void(config.sets, row, inner.text, sizeof inner.text);
      config_free(&config);
    }
    settings_free(&all);
    return fail(err, "%s: %s: %.900s", l->where, m->name, inner.text);
  }
  return 0;
}

/* ---- methods ---- */

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
      return fail(err, "%s: %s is named twice; a second entry needs its own name, such as "
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

/* Whether the method has its own setting, or only other methods have the option. */
static int is_for_others(const Method *m, const Settings *settings, const char *name) {
  char own[sizeof m->name + 65];
  Err ignored;
  snprintf(own, sizeof own, "%s.%.64s", m->name, name);
  if (settings_find(settings, own, NULL)) return 1;
  return config_option(name) && !config_option_of(optimizer_find(m->optimizer, &ignored), name);
}

/* Adds a setting "METHOD.option" to that method, any other to all. Settings of methods that
   --optimizers has left out of the spec are ignored. */
static int add_setting(Spec *spec, const Settings *settings, const Setting *s,
                       const Option *callers, Err *err) {
  const char *dot = strchr(s->name, '.');
  size_t length = dot ? (size_t)(dot - s->name) : 0;
  int found = !dot;
  for (int i = 0; i < spec->count; i++) {
    Method *m = &spec->methods[i];
    if (dot && (length != strlen(m->name) || strncmp(m->name, s->name, length) != 0)) continue;
    found = 1;
    if (!dot && is_for_others(m, settings, s->name)) continue;
    if (add_line(m, s, dot ? dot + 1 : s->name, callers, err)) return -1;
  }
  if (found || is_left_out(settings, s->name, length)) return 0;
  return fail(err, "%s: %s: there is no \"%.*s\" among the optimizers (%s)", s->where, s->name,
              (int)length, s->name, spec->options.optimizers);
}

static int take_settings(Spec *spec, const Settings *settings, const Option *own, Err *err) {
  OptionSet set = {.title = "spec", .rows = spec_options, .values = &spec->options};
  options_default(&set);
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < settings->count; i++) {
      const Setting *s = &settings->items[i];
      if (settings_find(settings, s->name, NULL) != s->value) continue; /* overridden */
      if (option_find(own, s->name)) continue;
      const Option *row = option_find(spec_options, s->name);
      if (row && pass == 0 && option_set(row, &spec->options, s->value, s->where, err)) return -1;
      if (!row && pass == 1 && add_setting(spec, settings, s, own, err)) return -1;
    }
    if (pass == 0 && list_methods(spec, err)) return -1;
  }
  return 0;
}

/* Moves the learning rate to the front. Returns whether the spec gave it; adds it otherwise. */
static int find_rate(Method *m) {
  int at = 0, given;
  while (at < m->line_count && !is_rate(&m->lines[at])) at++;
  given = at < m->line_count;
  if (!given) {
    m->lines = memory_grow(m->lines, (size_t)++m->line_count, sizeof *m->lines);
    m->lines[at] = (SpecLine){.name = memory_text("lr"), .where = memory_text("the sweep")};
  }
  SpecLine rate = m->lines[at];
  memmove(m->lines + 1, m->lines, (size_t)at * sizeof *m->lines);
  m->lines[0] = rate;
  return given;
}

/* Makes all points. In a grid, a method whose rates are not given gets more of them if others have
   more points. */
static int fill_methods(Spec *spec, Err *err) {
  const SpecOptions *o = &spec->options;
  int most = 0, given[SPEC_METHODS];
  for (int i = 0; i < spec->count; i++) {
    Method *m = &spec->methods[i];
    given[i] = find_rate(m);
    if ((!given[i] && set_rates(m, o, o->rates, err)) || make_points(m, o->random, err)) return -1;
    if (m->count > most) most = m->count;
  }
  for (int i = 0; i < spec->count; i++) {
    Method *m = &spec->methods[i];
    int64_t rates = (o->rates * most + m->count - 1) / m->count;
    if (m->count < most && !given[i] && !o->unequal &&
        (set_rates(m, o, rates, err) || make_points(m, 0, err)))
      return -1;
    if (check_own(m, err)) return -1;
  }
  return 0;
}

static int check_trials(const Spec *spec, Err *err) {
  const Method *first = &spec->methods[0];
  for (int i = 1; i < spec->count; i++) {
    const Method *m = &spec->methods[i];
    if (m->count != first->count && !spec->options.unequal)
      return fail(err, "%s: %s has %d trials and %s %d: a fair comparison gives every method the "
                       "same number; unequal = on allows it",
                  spec->path, first->name, first->count, m->name, m->count);
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
  int status = take_settings(spec, settings, own, err) || fill_methods(spec, err) ||
               check_trials(spec, err) ? -1 : 0;
  if (status) spec_free(spec);
  return status;
}

void spec_free(Spec *spec) {
  for (Method *m = spec->methods; m < spec->methods + spec->count; m++) {
    for (SpecLine *l = m->lines; l < m->lines + m->line_count; l++) {
      free(l->name);
      free(l->value);
      free(l->where);
    }
    free(m->lines);
    free(m->points);
  }
  spec->count = 0;
}

/* ---- writing ---- */

void spec_write(FILE *out, const Spec *spec) {
  void *values = (void *)&spec->options;
  options_write(out, (OptionSet[]){{.title = "spec", .rows = spec_options, .values = values}, {0}});
  for (const Method *m = spec->methods; m < spec->methods + spec->count; m++)
    for (const SpecLine *l = m->lines; l < m->lines + m->line_count; l++) {
      char name[sizeof m->name + 65];
      snprintf(name, sizeof name, "%.63s.%.64s", m->name, l->name);
      if (l->used) option_write(out, name, l->value);
    }
}

void spec_template(FILE *out, const SpecOptions *values) {
  fputs("# A spec for tools/sweep: what to compare. Remove the # of a line to use it.\n\n", out);
  for (const Option *row = spec_options; row->name; row++) {
    char value[OPTION_TEXT];
    option_show(row, values, value, sizeof value);
    fprintf(out, "# %s\n", row->help);
    fputs(strcmp(value, row->fallback) == 0 ? "# " : "", out);
    option_write(out, row->name, value);
  }
  fputs("\n# Options of ./train, for all methods:\nmodel = nano\n# steps = 300\n"
        "# weight-decay = 0 0.1          # several values: all combinations are tried\n"
        "\n# For one method, and a second entry of a method, which optimizers must list:\n"
        "# muon.momentum = 0.9 0.95\n# muon:exact.orthogonalize = svd\n"
        "\n# Instead of a grid, 16 random trials of each method, from ranges and lists:\n"
        "# random = 16\n# lr = 1e-3..1e-1              # log-uniform; x..y with y < 1 and x at\n"
        "# muon.momentum = 0.8..0.99    # least 0.5: log-uniform in 1 - x; x <= 0: uniform\n"
        "# schedule = cosine wsd linear\n", out);
}
