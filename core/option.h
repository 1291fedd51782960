/* Option tables. A part of the program declares its options once, as rows over the fields of a
   struct; from the rows follow --help, parsing, range errors, "did you mean" and the written
   configuration. */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

enum { OPTION_TEXT = 1024 }; /* room for a text value, with its zero */

typedef enum {
  OPTION_INT,    /* int64_t; the user may write 1000, 1e6 or 64k */
  OPTION_REAL,   /* double */
  OPTION_WORD,   /* char[OPTION_TEXT] */
  OPTION_CHOICE, /* int: the number of the word among `choices` */
} OptionType;

/* What the value of an option changes. */
typedef enum {
  EFFECT_RESULT,   /* the training: the method and its settings */
  EFFECT_TASK,     /* what is learned and measured: losses of different tasks are not compared */
  EFFECT_SEED,     /* which of many equal runs this is */
  EFFECT_ROUNDING, /* the order of sums, so only the last bits */
  EFFECT_REPORT,   /* when something is shown, and when the program stops */
  EFFECT_PLACE,    /* which files are read and written */
} OptionEffect;

/* Whether --resume may change the option. */
typedef enum { RESUME_KEEP, RESUME_MAY_CHANGE } OptionResume;

typedef struct {
  const char *name; /* without the dashes; a table ends with {0} */
  const char *help;
  OptionType type;
  size_t at;            /* offset of the field in the struct of values */
  const char *fallback; /* the default, as a user would write it */
  double min, max;      /* of a number, inclusive */
  const char *choices;  /* "one|two|three"; a bar before the first word is skipped */
  const char *renamed;  /* earlier words of `choices`: "old=new old=new" */
  OptionEffect effect;
  OptionResume resume;
  /* Conditions on other options without which this one has no effect, separated by commas:
     "schedule=wsd", "order=a|b" (one of the words), "val=" (empty), "keep!=0" (none of the words).
     A condition on an option that is not there holds. */
  const char *needs;
} Option;

#define ON_OFF "off|on"

/* The enum of a choice and its words from one list, so that they cannot differ:
     #define FORMS(X) X(FORM_V1, "v1") X(FORM_V2, "v2")
     enum { FORMS(CHOICE_NAME) };      ...  .choices = FORMS(CHOICE_WORD) */
#define CHOICE_NAME(name, word) name,
#define CHOICE_WORD(name, word) "|" word

/* One table with the struct it fills. */
typedef struct {
  const char *title;
  const Option *rows;
  void *values;
  const char *unused; /* why no option of the table has an effect here, else NULL */
} OptionSet;

/* Where a value was said; the later kind wins over the earlier. */
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
   the value in double quotes where it has spaces at its ends or a #, # comments, and @file for
   further files. Errors: a repeated option, a missing value, a bare word. */
int settings_read(Settings *s, int argc, char **argv, Err *err);

/* Adds "name=value name=value ..." (a preset). */
int settings_preset(Settings *s, OptionSource source, const char *where, const char *text,
                    Err *err);

/* Adds one setting; `where` must live as long as the settings. Error: a repeated option. */
int settings_add(Settings *s, OptionSource source, const char *where, const char *name,
                 const char *value, Err *err);

/* The value that wins for `name`, or NULL when nobody said it; `source` may be NULL. */
const char *settings_find(const Settings *s, const char *name, OptionSource *source);

void settings_free(Settings *s);

/* options_set, then options_check. */
int options_apply(const OptionSet *sets, const OptionSet *others, const Settings *s, Err *err);

/* Sets all fields of all sets: defaults, then settings in the order of OptionSource. An unknown
   name, a malformed or out-of-range value is an error that says what would be right. An earlier
   word of a choice is an error that names the new word on the command line, and read as the new
   word elsewhere. `others` (may be NULL) are tables that exist but do not apply, such as those of
   other optimizers: a name found there is explained. Both lists end with {0}. */
int options_set(const OptionSet *sets, const OptionSet *others, const Settings *s, Err *err);

/* Looks for options that have no effect (Option.needs, OptionSet.unused). One on the command line
   is an error with the reason. One from an option file returns to its default, as a config.txt of
   an earlier version lists all options. One from a preset or a checkpoint stays. */
int options_check(const OptionSet *sets, const Settings *s, Err *err);

/* Whether a row of the sets has no effect; if so, `why` says so, as "--name has no effect ...". */
int option_is_void(const OptionSet *sets, const Option *row, char *why, size_t size);

/* The row with that name in a table or in any of the sets, or NULL; `in` (may be NULL) is its
   set. */
const Option *option_find(const Option *rows, const char *name);
const Option *options_find(const OptionSet *sets, const char *name, const OptionSet **in);

/* `value`, or the word that replaces it when it is an earlier word of the row's choice. */
const char *option_new_word(const Option *row, const char *value);

/* Only the defaults of one table. */
void options_default(const OptionSet *set);

/* Sets one field from text; `where` is for the message. */
int option_set(const Option *row, void *values, const char *text, const char *where, Err *err);

/* The value of a field as text that option_set reads back exactly. */
void option_show(const Option *row, const void *values, char *out, size_t size);

/* Help: an entry per option with its default, its choices or narrow range, and its needs. Lines are
   wrapped at the terminal's width, 80 columns where there is no terminal. */
void options_help(FILE *out, const OptionSet *set);

/* The same with the values of the set's struct in place of the table's defaults. */
void options_help_values(FILE *out, const OptionSet *set);

/* Writes words at column `indent`, wrapped in the same way, and ends the line. The line already
   holds `column` characters; if these reach `indent`, the words begin on the next line. */
void help_text(FILE *out, const char *text, int column, int indent);

/* The words of a choice, separated by commas. */
void help_choices(FILE *out, const char *choices);

/* A line "name = value" of an option file, the value in quotes where it needs them. */
void option_write(FILE *out, const char *name, const char *value);

/* The options that have an effect as an option file. */
void options_write(FILE *out, const OptionSet *sets);

/* The word of `words` ("one|two|three") that `text` was probably meant to be; NULL when none is
   near. The result lives until the next call. */
const char *nearest_word(const char *text, const char *words);

/* The number of `text` among `words`, or -1; the word with a number, copied to `out`; and how many
   words there are. A bar before the first word is skipped. */
int word_index(const char *words, const char *text);
int word_count(const char *words);
void word_at(const char *words, int index, char *out, size_t size);

#endif
