/* Option tables. Each module declares its options once, as rows that describe the fields of a
   struct. Parsing, range checks, spelling suggestions, --help and config.txt use these rows. */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

enum { OPTION_TEXT = 1024 }; /* size of a text value, with its zero byte */

typedef enum {
  OPTION_INT,    /* int64_t; the user may write 1000, 1e6 or 64k */
  OPTION_REAL,   /* double */
  OPTION_WORD,   /* char[OPTION_TEXT] */
  OPTION_CHOICE, /* int: index of the word in `choices` */
} OptionType;

/* What the value of an option changes. */
typedef enum {
  EFFECT_RESULT,   /* the training: the method and its settings */
  EFFECT_TASK,     /* model and data: losses of different tasks cannot be compared */
  EFFECT_SEED,     /* only the random numbers */
  EFFECT_ROUNDING, /* only the order of sums, and so the last bits */
  EFFECT_REPORT,   /* only what is shown and saved, and when the program stops */
  EFFECT_PLACE,    /* only which files are read and written */
} OptionEffect;

/* Whether --resume may change the option, or starts from its default. */
typedef enum { RESUME_KEEP, RESUME_MAY_CHANGE, RESUME_FORGET } OptionResume;

typedef struct {
  const char *name; /* without the dashes; a table ends with {0} */
  const char *help;
  OptionType type;
  size_t at;            /* offset of the field in the struct */
  const char *fallback; /* the default, as a user would write it */
  double min, max;      /* of a number, inclusive */
  double below;         /* exclusive limit in place of `max`, if not 0 */
  const char *choices;  /* "one|two|three"; a bar before the first word is skipped */
  const char *renamed;  /* earlier words of `choices`: "old=new old=new" */
  OptionEffect effect;
  OptionResume resume;
  /* Conditions on other options without which this one has no effect, separated by commas:
     "schedule=wsd", "order=a|b" (one of the words), "val=" (empty), "keep!=0" (none of the words).
     A condition on an option that is in no set is true. */
  const char *needs;
} Option;

#define ON_OFF "off|on"

/* Defines the enum and the words of a choice from one list:
     #define FORMS(X) X(FORM_V1, "v1") X(FORM_V2, "v2")
     enum { FORMS(CHOICE_NAME) };      ...  .choices = FORMS(CHOICE_WORD) */
#define CHOICE_NAME(name, word) name,
#define CHOICE_WORD(name, word) "|" word

/* One table with the struct it fills. */
typedef struct {
  const char *title;
  const Option *rows;
  void *values;
  const char *unused; /* why the options have no effect here, else NULL */
} OptionSet;

/* Where a value comes from; later kinds override earlier ones. */
typedef enum { FROM_PRESET, FROM_TUNED, FROM_FILE, FROM_COMMAND_LINE } OptionSource;

typedef struct {
  OptionSource source;
  const char *where; /* "the command line", a file's path, "preset nano" */
  char *name, *value;
} Setting;

typedef struct {
  Setting *items;
  int count, room;
  char **paths; /* of the option files read, for `where` */
  int path_count;
} Settings;

/* Reads `--name value`, `--name=value` and `@file` into settings. A file has lines `name = value`,
   # comments, and @file to include another file; a value with a # or with spaces at its ends is in
   double quotes. Errors: a repeated option, a missing value, a word that is not an option, a file
   that cannot be read. */
int settings_read(Settings *s, int argc, char **argv, Err *err);

/* Adds "name=value name=value ..." (a preset). */
int settings_preset(Settings *s, OptionSource source, const char *where, const char *text,
                    Err *err);

/* Adds one setting; `where` must live as long as the settings. Error: a repeated option. */
int settings_add(Settings *s, OptionSource source, const char *where, const char *name,
                 const char *value, Err *err);

/* The value of `name` from the highest source, or NULL if there is none; `source` may be NULL. */
const char *settings_find(const Settings *s, const char *name, OptionSource *source);

void settings_free(Settings *s);

/* options_set, then options_check. */
int options_apply(const OptionSet *sets, const OptionSet *others, const Settings *s, Err *err);

/* Sets all fields of all sets: defaults, then settings in the order of OptionSource. Errors: an
   unknown name, a malformed or out-of-range value; the message says what is allowed. A renamed word
   of a choice is an error on the command line and is replaced by the new word elsewhere. `others`
   (may be NULL) are tables that do not apply, such as those of other optimizers: they make the
   message for an unknown name more precise. Both lists end with {0}. */
int options_set(const OptionSet *sets, const OptionSet *others, const Settings *s, Err *err);

/* Checks for options without effect (Option.needs, OptionSet.unused). On the command line they are
   an error. From an option file they are reset to their default, since config.txt of an earlier
   version lists all options. From a preset or checkpoint they are kept. */
int options_check(const OptionSet *sets, const Settings *s, Err *err);

/* Whether an option has no effect; if so, sets `why` to "--name has no effect ...". */
int option_is_void(const OptionSet *sets, const Option *row, char *why, size_t size);

/* The row with that name in a table or in any of the sets, or NULL. Sets *in (may be NULL) to the
   set of the row. */
const Option *option_find(const Option *rows, const char *name);
const Option *options_find(const OptionSet *sets, const char *name, const OptionSet **in);

/* The current word for `value` if that was renamed (Option.renamed), else `value`. */
const char *option_new_word(const Option *row, const char *value);

/* Sets the fields of one table to their defaults. */
void options_default(const OptionSet *set);

/* Sets one field from text; `where` is for messages. Errors: malformed or out of range. */
int option_set(const Option *row, void *values, const char *text, const char *where, Err *err);

/* Reads a number such as 1000, 1e-3 or 64k. Returns -1 if the text is not one. */
int option_number(const char *text, double *out);

/* Writes the value of a field as text that option_set reads back exactly. */
void option_show(const Option *row, const void *values, char *out, size_t size);

/* Prints an entry per option: default, help, choices or narrow range, and needs. Wraps lines at the
   terminal's width, or 80 columns if `out` is not a terminal. */
void options_help(FILE *out, const OptionSet *set);

/* The same with the current values instead of the defaults, and the entry of one option. */
void options_help_values(FILE *out, const OptionSet *set);
void option_help(FILE *out, const Option *row, const char *value);

/* Writes text at column `indent`, wrapped in the same way, and ends the line. The line already has
   `column` characters; if these reach `indent`, the text begins on the next line. */
void help_text(FILE *out, const char *text, int column, int indent);

/* Prints the words of a choice, separated by commas. */
void help_choices(FILE *out, const char *choices);

/* Writes a line "name = value" of an option file, with quotes around the value if needed. */
void option_write(FILE *out, const char *name, const char *value);

/* Writes the options that have an effect, as an option file. */
void options_write(FILE *out, const OptionSet *sets);

/* The word in `words` ("one|two|three") that is closest to `text`, or NULL if none is close. Valid
   until the next call. */
const char *nearest_word(const char *text, const char *words);

/* The index of `text` in `words`, or -1; the number of words; and a copy of the word with an index.
   A bar before the first word is skipped. */
int word_index(const char *words, const char *text);
int word_count(const char *words);
void word_at(const char *words, int index, char *out, size_t size);

#endif
