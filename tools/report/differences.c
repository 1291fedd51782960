#include "tools/report/differences.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/quote.h"
#include "run/config.h"

/* ---- one option ---- */

/* The row of an option of this run: optimizers may have options of the same name. */
static const Option *row_of(const RunLog *log, const char *name) {
  const char *optimizer = runlog_option(log, "optimizer");
  const Option *row = NULL;
  for (const Optimizer *const *o = optimizers; *o && !row; o++)
    if (strcmp((*o)->name, optimizer) == 0) row = option_find((*o)->options, name);
  return row ? row : config_option(name);
}

static const char *value_or_default(const RunLog *log, const char *name) {
  const Option *row = row_of(log, name);
  const char *value = settings_find(&log->config, name, NULL);
  if (!row) return value ? value : "";
  return value ? option_new_word(row, value) : row->fallback;
}

int same_option(const RunLog *a, const RunLog *b, const char *name) {
  char value[OPTION_TEXT]; /* option_new_word has room for one */
  snprintf(value, sizeof value, "%s", value_or_default(a, name));
  return strcmp(value, value_or_default(b, name)) == 0;
}

static int same_where_given(const RunLog *a, const RunLog *b, const char *but) {
  for (int i = 0; i < a->config.count; i++) {
    const char *name = a->config.items[i].name;
    if (config_effect(name) <= EFFECT_TASK && (!but || strcmp(name, but) != 0) &&
        !same_option(a, b, name))
      return 0;
  }
  return 1;
}

int same_settings(const RunLog *a, const RunLog *b, const char *but) {
  return same_where_given(a, b, but) && same_where_given(b, a, but);
}

/* Whether the value names files of data: if the fingerprints are known, they decide. */
static int option_names_data(const char *name) {
  const Option *row = option_find(data_options, name);
  return row && row->type == OPTION_WORD;
}

/* ---- one option of all runs ---- */

/* Whether an option that a run lacks has its default there. An option that only other optimizers
   have is no further difference. */
static int has_default(const RunLog *logs, int runs, int run, const char *name) {
  if (config_effect(name) == EFFECT_TASK) return 1;
  const char *optimizer = runlog_option(&logs[run], "optimizer");
  for (int i = 0; i < runs; i++)
    if (strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0 &&
        settings_find(&logs[i].config, name, NULL))
      return 1;
  return 0;
}

/* 1 if the fingerprints of the data are the same, 0 if they are not, -1 if one is not known. */
static int same_data(const RunLog *logs, int runs) {
  int same = 1;
  for (int i = 0; i < runs; i++) {
    if (!*logs[i].info.fingerprint) return -1;
    if (strcmp(logs[i].info.fingerprint, logs[0].info.fingerprint) != 0) same = 0;
  }
  return same;
}

/* Fills the values of a row and returns whether they differ. An option with conditions that is
   missing had no effect: its default counts, but is not shown. */
static int fill_row(Difference *row, const RunLog *logs, int runs, int fingerprints) {
  char first[OPTION_TEXT + 64] = "", text[OPTION_TEXT + 64];
  int differs = 0, known = 0;
  for (int i = 0; i < runs; i++) {
    int given = settings_find(&logs[i].config, row->name, NULL) != NULL;
    const Option *option = row_of(&logs[i], row->name);
    row->values[i] = memory_text("");
    if (!given && !has_default(logs, runs, i, row->name)) continue;
    snprintf(text, sizeof text, fingerprints ? "%s [%s]" : "%s",
             value_or_default(&logs[i], row->name), logs[i].info.fingerprint);
    if (!known++) snprintf(first, sizeof first, "%s", text);
    differs |= strcmp(text, first) != 0;
    if (!given && option && option->needs) continue;
    free(row->values[i]);
    row->values[i] = memory_text(*text ? text : "\"\"");
  }
  return differs;
}

/* ---- all options ---- */

static int rank_of(const char *name) {
  if (option_find(data_options, name)) return 0;
  if (strcmp(name, "steps") == 0) return 1;
  return config_effect(name) == EFFECT_TASK ? 2 : 3;
}

static void free_values(Difference *row, int runs) {
  for (int i = 0; i < runs; i++) free(row->values[i]);
  free(row->values);
}

static void add_row(Differences *d, const RunLog *logs, const char *name) {
  int data = same_data(logs, d->runs);
  if (data == 1 && option_names_data(name)) return;
  Difference row = {name, memory_take((size_t)d->runs, sizeof *row.values)};
  if (!fill_row(&row, logs, d->runs, data == 0 && strcmp(name, data_options[0].name) == 0)) {
    free_values(&row, d->runs);
    return;
  }
  d->rows = memory_grow(d->rows, (size_t)d->count + 1, sizeof *d->rows);
  d->rows[d->count++] = row;
}

/* Whether an earlier run has the option too. */
static int seen(const RunLog *logs, int run, const char *name) {
  for (int i = 0; i < run; i++)
    if (settings_find(&logs[i].config, name, NULL)) return 1;
  return 0;
}

Differences differences_find(const RunLog *logs, int runs, OptionEffect last) {
  enum { RANKS = 4 };
  Differences d = {.runs = runs};
  for (int rank = 0; rank < RANKS; rank++)
    for (int i = 0; i < runs; i++)
      for (int j = 0; j < logs[i].config.count; j++) {
        const char *name = logs[i].config.items[j].name;
        if (rank_of(name) == rank && config_effect(name) <= last && !seen(logs, i, name))
          add_row(&d, logs, name);
      }
  return d;
}

void differences_free(Differences *d) {
  for (int i = 0; i < d->count; i++) free_values(&d->rows[i], d->runs);
  free(d->rows);
  *d = (Differences){0};
}

/* ---- as text ---- */

static int count_equal(const Difference *row, int runs, const char *value) {
  int count = 0;
  for (int i = 0; i < runs; i++) count += strcmp(row->values[i], value) == 0;
  return count;
}

/* The most common value, if its runs are too many to be named; else NULL. */
static const char *common_value(const Difference *row, int runs) {
  enum { NAMED = 3 };
  const char *common = NULL;
  int most = NAMED;
  for (int i = 0; i < runs; i++) {
    int count = count_equal(row, runs, row->values[i]);
    if (!*row->values[i] || count <= most) continue;
    most = count;
    common = row->values[i];
  }
  return common;
}

static void write_values(FILE *out, const Difference *row, int runs, const char *const *names) {
  const char *common = common_value(row, runs);
  int written = 0;
  for (int i = 0; i < runs; i++) {
    const char *value = row->values[i];
    int later = 0, n = 0;
    for (int j = 0; j < i; j++) later |= strcmp(row->values[j], value) == 0;
    if (later || !*value || (common && strcmp(value, common) == 0)) continue;
    fprintf(out, "%s%s", written++ ? ", " : "", value);
    for (int j = i; j < runs; j++)
      if (strcmp(row->values[j], value) == 0) fprintf(out, "%s%s", n++ ? ", " : " (", names[j]);
    fputc(')', out);
  }
  if (common)
    fprintf(out, ", %s (others%s)", common, count_equal(row, runs, "") ? " that have it" : "");
}

char *differences_text(const Difference *row, int runs, const char *const *names) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  write_values(out, row, runs, names);
  fclose(out);
  return text;
}

void differences_write(FILE *out, const Differences *d, const char *const *names) {
  int width = 0;
  for (int i = 0; i < d->count; i++)
    if ((int)strlen(d->rows[i].name) > width) width = (int)strlen(d->rows[i].name);
  for (int i = 0; i < d->count; i++) {
    char *text = differences_text(&d->rows[i], d->runs, names), *safe;
    size_t size;
    FILE *memory = open_memstream(&safe, &size);
    quote_terminal(memory, text); /* a config.txt may contain anything */
    fclose(memory);
    help_text(out, safe, fprintf(out, "  %s", d->rows[i].name), width + 4);
    free(safe);
    free(text);
  }
}
