#include "core/option.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/terminal.h"

enum { FILE_DEPTH = 8 }; /* of option files that include each other */

/* ---- words and spelling suggestions ---- */

static const char *first_word(const char *words) { return words + (*words == '|'); }

int word_index(const char *words, const char *text) {
  size_t length = strlen(text);
  const char *at = first_word(words);
  for (int i = 0; at && *at; i++) {
    size_t span = strcspn(at, "|");
    if (span == length && strncmp(at, text, span) == 0) return i;
    at = at[span] ? at + span + 1 : NULL;
  }
  return -1;
}

int word_count(const char *words) {
  int count = 1;
  for (const char *c = first_word(words); *c; c++) count += *c == '|';
  return count;
}

void word_at(const char *words, int index, char *out, size_t size) {
  words = first_word(words);
  for (; index > 0; index--) words += strcspn(words, "|") + 1;
  snprintf(out, size, "%.*s", (int)strcspn(words, "|"), words);
}

/* Edit distance of two short words: insert, delete, replace, swap of adjacent letters. */
static int edit_distance(const char *a, size_t n, const char *b, size_t m) {
  int d[66][66];
  if (n > 64 || m > 64) return 99;
  for (size_t i = 0; i <= n; i++) d[i][0] = (int)i;
  for (size_t j = 0; j <= m; j++) d[0][j] = (int)j;
  for (size_t i = 1; i <= n; i++)
    for (size_t j = 1; j <= m; j++) {
      int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          d[i - 2][j - 2] + 1 < best)
        best = d[i - 2][j - 2] + 1;
      d[i][j] = best;
    }
  return d[n][m];
}

const char *nearest_word(const char *text, const char *words) {
  static _Thread_local char word[80];
  size_t length = strlen(text);
  int best = 1 + (int)(length > 3) + (int)(length > 8); /* maximum distance plus 1 */
  int found = 0;
  for (const char *at = first_word(words); at && *at;) {
    size_t span = strcspn(at, "|");
    int distance = edit_distance(text, length, at, span);
    int extends = length >= 3 && span > length && strncmp(at, text, length) == 0;
    if (span < sizeof word && (distance <= best || (extends && !found))) {
      if (distance < best) best = distance;
      found = 1;
      snprintf(word, sizeof word, "%.*s", (int)span, at);
    }
    at = at[span] ? at + span + 1 : NULL;
  }
  return found ? word : NULL;
}

/* ---- one value ---- */

int option_number(const char *text, double *out) {
  char *end;
  errno = 0;
  double x = strtod(text, &end);
  if (end == text || errno == ERANGE) return -1;
  if (*end == 'k' || *end == 'K') x *= 1e3, end++;
  else if (*end == 'M') x *= 1e6, end++;
  else if (*end == 'G') x *= 1e9, end++;
  *out = x;
  return *end == 0 ? 0 : -1;
}

static int64_t *int_field(const Option *row, void *values) {
  return (int64_t *)(void *)((char *)values + row->at);
}

static int set_number(const Option *row, void *values, const char *text, const char *where,
                      Err *err) {
  double x;
  int whole = row->type == OPTION_INT;
  if (option_number(text, &x) || isnan(x) || (whole && x != floor(x)))
    return fail(err, "%s: --%s takes %s, not \"%s\"", where, row->name,
                whole ? "a whole number" : "a number", text);
  if (x < row->min || (row->below != 0 ? x >= row->below : x > row->max))
    return fail(err, "%s: --%s %s is out of range: %.15g to %s%.15g is allowed", where, row->name,
                text, row->min, row->below != 0 ? "below " : "",
                row->below != 0 ? row->below : row->max);
  if (whole) *int_field(row, values) = (int64_t)x;
  else *(double *)(void *)((char *)values + row->at) = x;
  return 0;
}

int option_set(const Option *row, void *values, const char *text, const char *where, Err *err) {
  if (row->type == OPTION_INT || row->type == OPTION_REAL)
    return set_number(row, values, text, where, err);
  if (row->type == OPTION_WORD) {
    if (strlen(text) >= OPTION_TEXT || strchr(text, '\n'))
      return fail(err, "%s: the value of --%s must be a line of up to %d bytes", where, row->name,
                  OPTION_TEXT - 1);
    strcpy((char *)values + row->at, text);
    return 0;
  }
  int index = word_index(row->choices, text);
  if (index < 0) {
    const char *near = nearest_word(text, row->choices);
    return fail(err, "%s: --%s %s: choose one of %s%s%s%s", where, row->name, text,
                first_word(row->choices), near ? "; did you mean " : "", near ? near : "",
                near ? "?" : "");
  }
  *(int *)(void *)((char *)values + row->at) = index;
  return 0;
}

void option_show(const Option *row, const void *values, char *out, size_t size) {
  const char *field = (const char *)values + row->at;
  switch (row->type) {
    case OPTION_INT: snprintf(out, size, "%lld", (long long)*(const int64_t *)(const void *)field);
      break;
    case OPTION_REAL: { /* the shortest form that reads back to the same number */
      double x = *(const double *)(const void *)field;
      for (int digits = 6; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, x);
        if (strtod(out, NULL) == x) break;
      }
      break;
    }
    case OPTION_WORD: snprintf(out, size, "%s", field); break;
    case OPTION_CHOICE: word_at(row->choices, *(const int *)(const void *)field, out, size); break;
  }
}

/* ---- settings: text as given, not yet parsed ---- */

static int add_part(Settings *s, OptionSource source, const char *where, const char *name,
                    size_t name_length, const char *value, size_t value_length, Err *err) {
  for (int i = 0; i < s->count; i++) {
    Setting *old = &s->items[i];
    if (old->source == source && strcmp(old->where, where) == 0 &&
        strlen(old->name) == name_length && strncmp(old->name, name, name_length) == 0)
      return fail(err, "%s: --%s is given twice (%s and %.*s); keep one", where, old->name,
                  old->value, (int)value_length, value);
  }
  if (s->count == s->room) {
    s->room = s->room ? 2 * s->room : 32;
    s->items = realloc(s->items, (size_t)s->room * sizeof *s->items);
  }
  s->items[s->count++] = (Setting){source, where, strndup(name, name_length),
                                   strndup(value, value_length)};
  return 0;
}

static int settings_file(Settings *s, const char *path, int depth, Err *err);

/* The closing quote of a quoted value: the first that only blanks or a comment follow, since the
   value may contain quotes and '#'; else the last one. NULL if there is none. */
static char *closing_quote(char *value) {
  for (char *c = strchr(value + 1, '"'); c; c = strchr(c + 1, '"')) {
    size_t blanks = strspn(c + 1, " \t\r");
    if (c[1 + blanks] == 0 || (c[1 + blanks] == '#' && blanks > 0)) return c;
  }
  char *last = strrchr(value, '"');
  return last > value ? last : NULL;
}

/* The end of a value: its closing quote, or else the spaces before a comment. A '#' after a space
   begins a comment. */
static char *value_end(char *value) {
  char *quote = *value == '"' ? closing_quote(value) : NULL;
  if (quote) return quote;
  char *end = value;
  for (char *c = value; *c && !(*c == '#' && (c == value || strchr(" \t", c[-1]))); c++)
    if (!strchr(" \t\r", *c)) end = c + 1;
  return end;
}

/* One line of an option file: `name = value`, `name = "value"`, `@file` or a comment. */
static int settings_line(Settings *s, const char *where, char *line, int number, int depth,
                         Err *err) {
  line += strspn(line, " \t\r");
  if (*line == 0 || *line == '#') return 0;
  if (*line == '@') {
    *value_end(line) = 0;
    return settings_file(s, line + 1, depth + 1, err);
  }
  line += strspn(line, "-");
  size_t name = strcspn(line, " \t=");
  char *value = line + name;
  value += strspn(value, " \t");
  int has_sign = *value == '=';
  value += has_sign;
  value += strspn(value, " \t");
  char *end = value_end(value);
  if (name == 0 || (end == value && !has_sign))
    return fail(err, "%s, line %d: \"%s\": use the form name = value", where, number, line);
  if (*value == '"' && end > value && *end == '"') value++;
  return add_part(s, FROM_FILE, where, line, name, value, (size_t)(end - value), err);
}

static int settings_file(Settings *s, const char *path, int depth, Err *err) {
  char *text;
  size_t size;
  if (depth > FILE_DEPTH)
    return fail(err, "%s: option files are nested more than %d levels deep", path, FILE_DEPTH);
  if (file_read(path, &text, &size, err)) return -1;
  if (strlen(text) != size) {
    free(text);
    return fail(err, "%s: not an option file: it contains zero bytes", path);
  }
  char **paths = realloc(s->paths, (size_t)(s->path_count + 1) * sizeof *paths);
  s->paths = paths;
  char *where = paths[s->path_count++] = strdup(path);
  int status = 0, number = 1;
  for (char *line = text; line && status == 0; number++) {
    char *next = strchr(line, '\n');
    if (next) *next++ = 0;
    status = settings_line(s, where, line, number, depth, err);
    line = next;
  }
  free(text);
  return status;
}

int settings_read(Settings *s, int argc, char **argv, Err *err) {
  const char *where = "the command line";
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    if (word[0] == '@') {
      if (settings_file(s, word + 1, 0, err)) return -1;
      continue;
    }
    if (strncmp(word, "--", 2) != 0 || word[2] == 0)
      return fail(err, "\"%s\": options are written --name value; --help lists them", word);
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] ? name + length + 1 : argv[++i];
    if (!value || (!name[length] && strncmp(value, "--", 2) == 0))
      return fail(err, "--%s needs a value: --%s VALUE", name, name);
    if (add_part(s, FROM_COMMAND_LINE, where, name, length, value, strlen(value), err))
      return -1;
  }
  return 0;
}

int settings_preset(Settings *s, OptionSource source, const char *where, const char *text,
                    Err *err) {
  while (*(text += strspn(text, " "))) {
    size_t name = strcspn(text, "="), value = strcspn(text + name, " ");
    if (add_part(s, source, where, text, name, text + name + 1, value - 1, err)) return -1;
    text += name + value;
  }
  return 0;
}

int settings_add(Settings *s, OptionSource source, const char *where, const char *name,
                 const char *value, Err *err) {
  return add_part(s, source, where, name, strlen(name), value, strlen(value), err);
}

const char *settings_find(const Settings *s, const char *name, OptionSource *source) {
  const Setting *best = NULL;
  for (int i = 0; i < s->count; i++) {
    const Setting *item = &s->items[i];
    if (strcmp(item->name, name) == 0 && (!best || item->source >= best->source)) best = item;
  }
  if (best && source) *source = best->source;
  return best ? best->value : NULL;
}

void settings_free(Settings *s) {
  for (int i = 0; i < s->count; i++) {
    free(s->items[i].name);
    free(s->items[i].value);
  }
  for (int i = 0; i < s->path_count; i++) free(s->paths[i]);
  free(s->paths);
  free(s->items);
  *s = (Settings){0};
}

/* ---- sets ---- */

const Option *option_find(const Option *rows, const char *name) {
  for (; rows->name; rows++)
    if (strcmp(rows->name, name) == 0) return rows;
  return NULL;
}

const Option *options_find(const OptionSet *sets, const char *name, const OptionSet **in) {
  for (const OptionSet *set = sets; set && set->rows; set++) {
    const Option *row = option_find(set->rows, name);
    if (row && in) *in = set;
    if (row) return row;
  }
  return NULL;
}

static int unknown_option(const OptionSet *sets, const OptionSet *others, const Setting *item,
                          Err *err) {
  const OptionSet *in;
  if (options_find(others, item->name, &in))
    return fail(err, "%s: --%s is an option of %s, which is not in use here", item->where,
                item->name, in->title);
  char *words;
  size_t size;
  FILE *list = open_memstream(&words, &size);
  for (const OptionSet *set = sets; set->rows; set++)
    for (const Option *row = set->rows; row->name; row++) fprintf(list, "|%s", row->name);
  fclose(list);
  const char *near = nearest_word(item->name, words);
  free(words);
  return fail(err, "%s: there is no option --%s%s%s%s; --help lists them all", item->where,
              item->name, near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

void options_default(const OptionSet *set) {
  Err err;
  for (const Option *row = set->rows; row->name; row++) {
    int status = option_set(row, set->values, row->fallback, "default", &err);
    assert(status == 0); /* or the table is wrong */
    (void)status;
  }
}

const char *option_new_word(const Option *row, const char *value) {
  static _Thread_local char word[80];
  size_t length = strlen(value);
  for (const char *at = row->renamed; at && *at; at += strspn(at, " ")) {
    size_t old = strcspn(at, "="), both = strcspn(at, " ");
    if (old == length && strncmp(at, value, old) == 0) {
      snprintf(word, sizeof word, "%.*s", (int)(both - old - 1), at + old + 1);
      return word;
    }
    at += both;
  }
  return value;
}

static int set_item(const OptionSet *sets, const OptionSet *others, const Setting *item, Err *err) {
  const OptionSet *in = NULL;
  const Option *row = options_find(sets, item->name, &in);
  if (!row) return unknown_option(sets, others, item, err);
  const char *value = option_new_word(row, item->value);
  if (value != item->value && item->source == FROM_COMMAND_LINE)
    return fail(err, "%s: --%s %s is now named --%s %s", item->where, row->name, item->value,
                row->name, value);
  return option_set(row, in->values, value, item->where, err);
}

int options_set(const OptionSet *sets, const OptionSet *others, const Settings *s, Err *err) {
  for (const OptionSet *set = sets; set->rows; set++) options_default(set);
  for (OptionSource source = FROM_PRESET; source <= FROM_COMMAND_LINE; source++)
    for (int i = 0; i < s->count; i++)
      if (s->items[i].source == source && set_item(sets, others, &s->items[i], err)) return -1;
  return 0;
}

int options_apply(const OptionSet *sets, const OptionSet *others, const Settings *s, Err *err) {
  return options_set(sets, others, s, err) || options_check(sets, s, err) ? -1 : 0;
}

/* ---- options without effect ---- */

/* One condition of a row's needs: name=words or name!=words. */
typedef struct {
  char name[48], words[80];
  int not; /* != */
} Need;

/* Reads the condition at `at`. Returns the start of the next one, or NULL after the last. */
static const char *read_need(const char *at, Need *n) {
  if (!at || !*at) return NULL;
  size_t whole = strcspn(at, ","), name = strcspn(at, "!=");
  n->not = at[name] == '!';
  snprintf(n->name, sizeof n->name, "%.*s", (int)name, at);
  name += 1 + (size_t)n->not;
  snprintf(n->words, sizeof n->words, "%.*s", (int)(whole - name), at + name);
  at += whole;
  return at + strspn(at, ", ");
}

static int need_holds(const Need *n, const char *value) {
  int found = *n->words ? word_index(n->words, value) >= 0 : *value == 0;
  return found != n->not;
}

/* "a or b" */
static void show_words(const Need *n, char *out, size_t size) {
  size_t used = 0;
  *out = 0;
  for (const char *at = n->words; *at && used < size; at += *at == '|') {
    int span = (int)strcspn(at, "|");
    used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? " or " : "", span, at);
    at += span;
  }
}

static void say_void(const Option *row, const Need *n, const char *value, char *why, size_t size) {
  char words[160];
  show_words(n, words, sizeof words);
  const char *with = *value ? "with" : "without", *space = *value ? " " : "";
  int named = *words && !n->not;
  snprintf(why, size, "--%s has no effect %s --%s%s%s%s%s%s%s", row->name, with, n->name, space,
           value, named ? "; it needs --" : "", named ? n->name : "", named ? " " : "",
           named ? words : "");
}

/* If a needed option is void itself, `why` is its reason. */
int option_is_void(const OptionSet *sets, const Option *row, char *why, size_t size) {
  const OptionSet *in = NULL;
  Need need;
  if (options_find(sets, row->name, &in) && in->unused) {
    snprintf(why, size, "--%s has no effect: %s", row->name, in->unused);
    return 1;
  }
  for (const char *at = row->needs; (at = read_need(at, &need));) {
    const Option *other = options_find(sets, need.name, &in);
    char value[OPTION_TEXT];
    if (!other) continue;
    option_show(other, in->values, value, sizeof value);
    if (need_holds(&need, value) && !option_is_void(sets, other, why, size)) continue;
    if (!need_holds(&need, value)) say_void(row, &need, value, why, size);
    return 1;
  }
  return 0;
}

int options_check(const OptionSet *sets, const Settings *s, Err *err) {
  for (int i = 0; i < s->count; i++) {
    const Setting *item = &s->items[i];
    const OptionSet *in = NULL;
    const Option *row = options_find(sets, item->name, &in);
    char why[OPTION_TEXT + 256];
    if (item->source < FROM_FILE || !option_is_void(sets, row, why, sizeof why)) continue;
    if (item->source == FROM_COMMAND_LINE) return fail(err, "%s: %s", item->where, why);
    if (option_set(row, in->values, row->fallback, "default", err)) return -1;
  }
  return 0;
}

/* ---- help ---- */

enum { HELP_COLUMN = 28, WIDTH_UNKNOWN = 80, WIDTH_MIN = 40, WIDTH_MAX = 120 };

static int width_of(FILE *out) {
  int width = WIDTH_UNKNOWN;
  terminal_size(fileno(out), &width, NULL);
  return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
}

void help_text(FILE *out, const char *text, int column, int indent) {
  int width = width_of(out);
  if (column >= indent && column > 0) fputc('\n', out), column = 0;
  fprintf(out, "%*s", indent - column, "");
  column = indent;
  while (*(text += strspn(text, " "))) {
    int span = (int)strcspn(text, " "), first = column == indent;
    if (!first && column + 1 + span > width) {
      fprintf(out, "\n%*s", indent, "");
      column = indent, first = 1;
    }
    fprintf(out, "%s%.*s", first ? "" : " ", span, text);
    column += span + !first;
    text += span;
  }
  fputc('\n', out);
}

/* Part of "red, green; 0 to 1; only with --schedule wsd": each part writes its separator. Only
   narrow ranges are worth printing. */
static void show_range(FILE *out, const Option *row) {
  if (row->type != OPTION_INT && row->type != OPTION_REAL) return;
  if (row->max > 100 || (row->min > 0 && row->min < 1e-3)) return;
  if (row->below != 0) fprintf(out, "; %g to below %g", row->min, row->below);
  else fprintf(out, "; %g to %g", row->min, row->max);
}

void help_choices(FILE *out, const char *choices) {
  for (int i = 0; i < word_count(choices); i++) {
    char word[80];
    word_at(choices, i, word, sizeof word);
    fprintf(out, "%s%s", i ? ", " : "", word);
  }
}

/* "; only with --schedule wsd", "; not with --keep 0", "; only without --val" */
static void show_needs(FILE *out, const Option *row) {
  Need need;
  for (const char *at = row->needs; (at = read_need(at, &need));) {
    char words[160];
    show_words(&need, words, sizeof words);
    if (!*words) fprintf(out, "; only %s --%s", need.not ? "with" : "without", need.name);
    else fprintf(out, "; %s with --%s %s", need.not ? "not" : "only", need.name, words);
  }
}

void option_help(FILE *out, const Option *row, const char *value) {
  char *notes, *text;
  size_t size;
  FILE *line = open_memstream(&notes, &size);
  if (row->type == OPTION_CHOICE) fputs("; ", line), help_choices(line, row->choices);
  show_range(line, row);
  show_needs(line, row);
  fclose(line);
  line = open_memstream(&text, &size);
  fprintf(line, *notes ? "%s [%s]" : "%s", row->help, *notes ? notes + 2 : "");
  fclose(line);
  int column = fprintf(out, "  --%s %s", row->name, *value ? value : "\"\"");
  help_text(out, text, column, HELP_COLUMN);
  free(notes);
  free(text);
}

static void help_title(FILE *out, const OptionSet *set) {
  if (set->unused) fprintf(out, "%s (not used: %s)\n", set->title, set->unused);
  else fprintf(out, "%s\n", set->title);
}

void options_help(FILE *out, const OptionSet *set) {
  help_title(out, set);
  for (const Option *row = set->rows; row->name; row++) option_help(out, row, row->fallback);
}

void options_help_values(FILE *out, const OptionSet *set) {
  help_title(out, set);
  for (const Option *row = set->rows; row->name; row++) {
    char value[OPTION_TEXT];
    option_show(row, set->values, value, sizeof value);
    option_help(out, row, value);
  }
}

/* ---- written options ---- */

/* Values with spaces at the ends, a '#' or a quote. */
static int needs_quotes(const char *value) {
  size_t length = strlen(value);
  return length && (strpbrk(value, "#\"") || strchr(" \t\r", value[0]) ||
                    strchr(" \t\r", value[length - 1]));
}

void option_write(FILE *out, const char *name, const char *value) {
  const char *quote = needs_quotes(value) ? "\"" : "";
  fprintf(out, "%s = %s%s%s\n", name, quote, value, quote);
}

void options_write(FILE *out, const OptionSet *sets) {
  for (const OptionSet *set = sets; set->rows; set++) {
    fprintf(out, "# %s\n", set->title);
    for (const Option *row = set->rows; row->name; row++) {
      char value[OPTION_TEXT], why[OPTION_TEXT + 256];
      if (option_is_void(sets, row, why, sizeof why)) continue;
      option_show(row, set->values, value, sizeof value);
      option_write(out, row->name, value);
    }
    fputc('\n', out);
  }
}
