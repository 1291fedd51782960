/* Option tables: parsing, messages, option files, precedence, and the way back to text. Tests:
   core/option run/config */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/option.h"
#include "run/config.h"
#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#define COLORS(X) X(RED, "red") X(GREEN, "green") X(LIGHT_BLUE, "light-blue")
enum { COLORS(CHOICE_NAME) };

typedef struct {
  int64_t count, depth, tone;
  double rate, shade;
  char word[OPTION_TEXT];
  int color;
} Values;

#define FIELD(member) offsetof(Values, member)
static const Option rows[] = {
    {.name = "count", .help = "a whole number",
     .type = OPTION_INT, .at = FIELD(count), .fallback = "5", .max = 2e6},
    {.name = "rate", .help = "a number",
     .type = OPTION_REAL, .at = FIELD(rate), .fallback = "0.25", .max = 1},
    {.name = "word", .help = "some text",
     .type = OPTION_WORD, .at = FIELD(word), .fallback = ""},
    {.name = "color", .help = "a choice",
     .type = OPTION_CHOICE, .at = FIELD(color), .fallback = "green",
     .choices = COLORS(CHOICE_WORD), .renamed = "rot=red hellblau=light-blue"},
    {.name = "shade", .help = "needs a color",
     .type = OPTION_REAL, .at = FIELD(shade), .fallback = "0.5", .max = 1,
     .needs = "color=red|light-blue, count!=0"},
    {.name = "depth", .help = "needs a shade, and no word",
     .type = OPTION_INT, .at = FIELD(depth), .fallback = "1", .max = 9,
     .needs = "shade!=0, word=, elsewhere=1"},
    {.name = "tone", .help = "needs a word",
     .type = OPTION_INT, .at = FIELD(tone), .fallback = "1", .max = 9, .needs = "word!="},
    {0},
};
static const Option other_rows[] = {
    {.name = "momentum", .help = "of another",
     .type = OPTION_REAL, .at = 0, .fallback = "0.9", .max = 1},
    {0},
};

static Values v; /* of the last read_line */
static const OptionSet sets[] = {{.title = "test", .rows = rows, .values = &v}, {0}};
static const OptionSet others[] = {{.title = "someone else", .rows = other_rows}, {0}};
static Err err;

/* Reads a command line, words separated by blanks, into v. Returns what options_apply does. */
static int read_line(const char *line) {
  char text[4096], *argv[64] = {"program"};
  int argc = 1;
  Settings s = {0};
  snprintf(text, sizeof text, "%s", line);
  for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
  argv[argc] = NULL;
  err.text[0] = 0;
  int status = settings_read(&s, argc, argv, &err) || options_apply(sets, others, &s, &err) ? -1
                                                                                            : 0;
  settings_free(&s);
  return status;
}

/* The line must fail with a message that contains all of the parts (up to the first NULL). */
static void refused(const char *line, const char *a, const char *b, const char *c) {
  const char *parts[] = {a, b, c};
  check(read_line(line) == -1, "\"%s\" is accepted", line);
  for (int i = 0; i < COUNT(parts) && parts[i]; i++)
    check(strstr(err.text, parts[i]) != NULL, "\"%s\": the sentence lacks \"%s\": %s", line,
          parts[i], err.text);
}

static void accepted(const char *line) {
  check(read_line(line) == 0, "\"%s\" is refused: %s", line, err.text);
}

/* ---- single values ---- */

static void test_ints(void) {
  static const struct {
    const char *text;
    int64_t value;
  } good[] = {{"0", 0},           {"7", 7},           {"1000", 1000}, {"1e6", 1000000},
              {"64k", 64000},     {"64K", 64000},     {"1M", 1000000}, {"0.002G", 2000000},
              {"1.5k", 1500},     {"2e6", 2000000},   {"3.0", 3},     {"+4", 4}};
  for (int i = 0; i < COUNT(good); i++) {
    char line[64];
    snprintf(line, sizeof line, "--count %s", good[i].text);
    accepted(line);
    check(v.count == good[i].value, "%s is read as %lld", line, (long long)v.count);
  }
  refused("--count 1.5", "--count", "a whole number", "\"1.5\"");
  refused("--count ten", "a whole number", "\"ten\"", NULL);
  refused("--count 5x", "\"5x\"", NULL, NULL);
  refused("--count 5kk", "\"5kk\"", NULL, NULL);
  refused("--count=", "a whole number", "\"\"", NULL);
  refused("--count nan", "a whole number", NULL, NULL);
  refused("--count inf", "inf", "0 to 2000000", NULL);
  refused("--count 1e999", "1e999", NULL, NULL);
  refused("--count 2000001", "--count 2000001", "out of range", "0 to 2000000");
  refused("--count -1", "--count -1", "0 to 2000000", NULL);
  refused("--count 3M", "--count 3M", "0 to 2000000", "the command line");
}

static void test_reals(void) {
  static const struct {
    const char *text;
    double value;
  } good[] = {{"0", 0}, {"1", 1}, {".5", 0.5}, {"1e-8", 1e-8}, {"0.1", 0.1}, {"3.0e-45", 3.0e-45}};
  for (int i = 0; i < COUNT(good); i++) {
    char line[64];
    snprintf(line, sizeof line, "--rate=%s", good[i].text);
    accepted(line);
    check(v.rate == good[i].value, "%s is read as %.17g", line, v.rate);
  }
  refused("--rate 1.0001", "--rate 1.0001", "out of range", "0 to 1");
  refused("--rate -1e-9", "out of range", NULL, NULL);
  refused("--rate nan", "takes a number", "\"nan\"", NULL);
  refused("--rate 0,5", "takes a number", "\"0,5\"", NULL);
  refused("--rate inf", "out of range", NULL, NULL);
}

static void test_choices(void) {
  accepted("--color red");
  check(v.color == 0, "red is number %d", v.color);
  accepted("--color=light-blue");
  check(v.color == 2, "light-blue is number %d", v.color);
  refused("--color gren", "--color gren", "red|green|light-blue", "did you mean green?");
  refused("--color lightblue", "did you mean light-blue?", NULL, NULL);
  refused("--color light", "did you mean light-blue?", NULL, NULL);
  refused("--color Red", "did you mean red?", NULL, NULL);
  refused("--color purple", "red|green|light-blue", NULL, NULL);
  check(!strstr(err.text, "did you mean"), "purple: a far guess: %s", err.text);
  refused("--color=", "choose one of", NULL, NULL);
  refused("--color re", "choose one of", NULL, NULL);
}

static void test_words(void) {
  char line[2 * OPTION_TEXT];
  accepted("--word data/a=b.txt");
  check(strcmp(v.word, "data/a=b.txt") == 0, "a word with = is read as %s", v.word);
  accepted("--word=--x");
  check(strcmp(v.word, "--x") == 0, "--word=--x is read as %s", v.word);
  accepted("--word -x");
  check(strcmp(v.word, "-x") == 0, "--word -x is read as %s", v.word);
  accepted("--word=");
  check(v.word[0] == 0, "--word= is read as %s", v.word);
  for (int extra = 0; extra <= 1; extra++) {
    memset(line, 'x', sizeof line);
    memcpy(line, "--word ", 7);
    line[7 + OPTION_TEXT - 1 + extra] = 0;
    if (extra) refused(line, "--word", "1023 bytes", NULL);
    else accepted(line);
  }
}

static void test_word_tables(void) {
  char word[32];
  check(word_index("one|two|three", "two") == 1, "two is not number 1");
  check(word_index("one|two|three", "thre") == -1, "thre is found");
  check(word_index("one|two|three", "one|two") == -1, "one|two is found");
  check(word_index("one|two|three", "") == -1, "the empty word is found");
  word_at("one|two|three", 2, word, sizeof word);
  check(strcmp(word, "three") == 0, "word 2 is %s", word);
  word_at("one|two|three", 0, word, sizeof word);
  check(strcmp(word, "one") == 0, "word 0 is %s", word);
  const char *near = nearest_word("momentmu", "beta1|momentum|nesterov");
  check(near && strcmp(near, "momentum") == 0, "momentmu is near %s", near ? near : "nothing");
  near = nearest_word("lrr", "lr|rank");
  check(near && strcmp(near, "lr") == 0, "lrr is near %s", near ? near : "nothing");
  check(!nearest_word("zzzzzz", "beta1|momentum|nesterov"), "zzzzzz is near something");
  check(word_count("one|two") == 2 && word_count("|one|two") == 2, "one|two is not two words");
  check(word_index("|one|two", "two") == 1, "|one|two: two is not number 1");
}

/* ---- the command line ---- */

static void test_command_line(void) {
  accepted("");
  check(v.count == 5 && v.rate == 0.25 && v.word[0] == 0 && v.color == 1, "not the defaults");
  accepted("--count 1 --rate=.5 --word a --color red");
  check(v.count == 1 && v.rate == 0.5 && strcmp(v.word, "a") == 0 && v.color == 0, "not all read");
  refused("--count 1 --rate 0 --count 2", "--count is given twice", "1 and 2", "keep one");
  refused("--count 1 --count=1", "--count is given twice", NULL, NULL);
  refused("--count", "--count needs a value", NULL, NULL);
  refused("--count --rate 1", "--count needs a value", NULL, NULL);
  refused("count 1", "\"count\"", "--name value", NULL);
  refused("--count 1 2", "\"2\"", "--name value", NULL);
  refused("-count 1", "\"-count\"", NULL, NULL);
  refused("--", "\"--\"", NULL, NULL);
  refused("--=3", "there is no option", NULL, NULL);
  refused("--cuont 1", "there is no option --cuont", "did you mean --count?", "--help");
  refused("--colour red", "did you mean --color?", NULL, NULL);
  refused("--zzzzzzzz 1", "there is no option --zzzzzzzz", NULL, NULL);
  check(!strstr(err.text, "did you mean"), "--zzzzzzzz: a far guess: %s", err.text);
  refused("--momentum 0.5", "--momentum is an option of someone else", "not in use", NULL);
  refused("--momentun 0.5", "there is no option --momentun", NULL, NULL);
  refused("--Count 1", "there is no option --Count", "did you mean --count?", NULL);
}

/* ---- option files ---- */

static char folder[] = "/tmp/test_options.XXXXXX";

static const char *path_of(const char *name) {
  static char path[2][128];
  static int turn;
  turn = !turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  return path[turn];
}

static void write_bytes(const char *name, const char *bytes, size_t size) {
  if (file_write(path_of(name), bytes, size, &err)) {
    fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
}

/* Writes a file and replaces every $ in it by the folder. */
static void write_option_file(const char *name, const char *text) {
  char out[4096];
  size_t used = 0;
  for (; *text; text++)
    if (*text == '$') used += (size_t)snprintf(out + used, sizeof out - used, "%s", folder);
    else out[used++] = *text;
  write_bytes(name, out, used);
}

static const char *with_file(const char *before, const char *name, const char *after) {
  static char line[512];
  snprintf(line, sizeof line, "%s @%s %s", before, path_of(name), after);
  return line;
}

static void test_files(void) {
  write_option_file("a", "# a comment\n\n  count = 1e3   # behind a value\n\trate=0.5\r\n"
                         "--color = red\nword = x#y  \n");
  accepted(with_file("", "a", ""));
  check(v.count == 1000 && v.rate == 0.5 && v.color == 0 && strcmp(v.word, "x#y") == 0,
        "file a is read as count %lld rate %g color %d word \"%s\"", (long long)v.count, v.rate,
        v.color, v.word);
  accepted(with_file("--count 7", "a", ""));
  check(v.count == 7 && v.rate == 0.5, "the file wins over the command line before it");
  accepted(with_file("", "a", "--count 8"));
  check(v.count == 8 && v.rate == 0.5, "the file overrides a command line option after it");
  static const char *const quoted[][2] = {
      {"\"runs/q1\" # the \"best\" run", "runs/q1"}, {"\"x #y\"", "x #y"},
      {"\"a\"b\" \t# c", "a\"b"},                 {"\"a\"#b\"", "a\"#b"},
      {"\" ahead\"\r", " ahead"},                  {"\"\" # \"none\"", ""},
  };
  for (int i = 0; i < COUNT(quoted); i++) {
    char text[64];
    snprintf(text, sizeof text, "word = %s\n", quoted[i][0]);
    write_option_file("a", text);
    accepted(with_file("", "a", ""));
    check(strcmp(v.word, quoted[i][1]) == 0, "%s is read as \"%s\"", quoted[i][0], v.word);
  }
  write_option_file("blank", "word =\ncount 9");
  accepted(with_file("--word=", "blank", ""));
  check(v.word[0] == 0 && v.count == 9, "a line without = or without end is lost");
  write_option_file("empty", "");
  accepted(with_file("", "empty", ""));
}

static void test_nested_files(void) {
  write_option_file("a", "count = 1000\n");
  write_option_file("b", "@$/a\nrate = 0.125\n");
  write_option_file("c", "rate = 0.75\n@$/b\n");
  accepted(with_file("", "b", ""));
  check(v.rate == 0.125 && v.count == 1000, "a nested file is not read");
  accepted(with_file("", "c", ""));
  check(v.rate == 0.125, "a later file does not override an earlier one: rate %g", v.rate);
  write_option_file("self", "@$/self\n");
  refused(with_file("", "self", ""), "/self", "more than 8 levels deep", NULL);
  write_option_file("ping", "@$/pong\n");
  write_option_file("pong", "@$/ping\n");
  refused(with_file("", "ping", ""), "more than 8 levels deep", NULL, NULL);
  for (int i = 0; i < 10; i++) { /* chain 9 names chain 8 names ... chain 0 */
    char name[16], text[64];
    snprintf(name, sizeof name, "chain%d", i);
    snprintf(text, sizeof text, i ? "@$/chain%d\n" : "count = 77\n", i - 1);
    write_option_file(name, text);
  }
  accepted(with_file("", "chain8", ""));
  check(v.count == 77, "a chain of 9 files is not read to its end");
  refused(with_file("", "chain9", ""), "more than 8 levels deep", NULL, NULL);
  write_option_file("lost", "@$/nowhere\n");
  refused(with_file("", "lost", ""), "/nowhere", "cannot be opened", NULL);
}

static void test_bad_files(void) {
  refused(with_file("", "nowhere", ""), "/nowhere", "cannot be opened", NULL);
  write_option_file("twice", "count = 1\n# here\ncount = 2\n");
  refused(with_file("", "twice", ""), "/twice", "--count is given twice", "1 and 2");
  write_option_file("word", "count = 1\ncount\n");
  refused(with_file("", "word", ""), "/word, line 2", "\"count\"", "name = value");
  write_option_file("nameless", "= 3\n");
  refused(with_file("", "nameless", ""), "/nameless, line 1", NULL, NULL);
  write_option_file("typo", "cuont = 3\n");
  refused(with_file("", "typo", ""), "/typo", "did you mean --count?", NULL);
  write_option_file("range", "count = 3e6\n");
  refused(with_file("", "range", ""), "/range", "3e6", "0 to 2000000");
  write_bytes("zero", "count = 1\0\n", 11);
  refused(with_file("", "zero", ""), "/zero", "zero bytes", NULL);
  refused("@/", "is a folder", NULL, NULL);
  refused("@", "cannot be", NULL, NULL);
}

/* ---- options without effect, earlier words ---- */

static void test_needs(void) {
  refused("--shade 0.1", "the command line: --shade has no effect with --color green",
          "it needs --color red or light-blue", NULL);
  accepted("--shade 0.1 --color red");
  check(v.shade == 0.1, "--shade is read as %g", v.shade);
  accepted("--color light-blue --shade 0.1");
  refused("--color red --count 0 --shade 0.5", "--shade has no effect with --count 0", NULL, NULL);
  check(!strstr(err.text, "it needs"), "what --count must not be is called a need: %s", err.text);
  accepted("--color red --depth 2");
  refused("--depth 2", "--shade has no effect with --color green", NULL, NULL);
  refused("--color red --word x --depth 2", "--depth has no effect with --word x", NULL, NULL);
  refused("--tone 2", "--tone has no effect without --word", NULL, NULL);
  accepted("--tone 2 --word x");
  write_option_file("void", "shade = 0.1\ncount = 7\n");
  accepted(with_file("", "void", ""));
  check(v.shade == 0.5 && v.count == 7, "an option without effect in a file: shade %g", v.shade);
  accepted(with_file("--color red", "void", ""));
  check(v.shade == 0.1, "with --color red the file's shade is %g", v.shade);
  refused(with_file("--shade 0.2", "void", ""), "--shade has no effect", NULL, NULL);
}

/* The written options are exactly those that have an effect. */
static void test_needs_written(void) {
  static const char *const lines[] = {"--color green", "--color red"};
  for (int i = 0; i < COUNT(lines); i++) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    accepted(lines[i]);
    options_write(out, sets);
    fclose(out);
    check((strstr(text, "\nshade = ") != NULL) == (i == 1), "%s: shade in: %s", lines[i], text);
    check(strstr(text, "\nrate = ") != NULL, "%s: no rate in: %s", lines[i], text);
    free(text);
  }
}

static void test_unused_set(void) {
  Values got;
  const OptionSet set[] = {
      {.title = "test", .rows = rows, .values = &got, .unused = "nothing here is used"}, {0}};
  Settings s = {0};
  char *argv[] = {"program", "--count", "3", NULL};
  settings_read(&s, 3, argv, &err);
  check(options_apply(set, others, &s, &err) == -1 &&
            strstr(err.text, "--count has no effect: nothing here is used"),
        "an unused table: %s", err.text);
  settings_free(&s);
  settings_preset(&s, FROM_PRESET, "preset", "count=3", &err);
  check(options_apply(set, others, &s, &err) == 0 && got.count == 3, "a preset is refused: %s",
        err.text);
  settings_free(&s);
}

static void test_renamed(void) {
  refused("--color rot", "--color rot is now named --color red", NULL, NULL);
  refused("--color hellblau", "now named --color light-blue", NULL, NULL);
  refused("--color hell", "choose one of red|green|light-blue", NULL, NULL);
  write_option_file("renamed", "color = hellblau\n");
  accepted(with_file("", "renamed", ""));
  check(v.color == LIGHT_BLUE, "an earlier word in a file is read as number %d", v.color);
  Settings s = {0}; /* as in a checkpoint */
  settings_add(&s, FROM_PRESET, "a checkpoint", "color", "rot", &err);
  check(options_apply(sets, others, &s, &err) == 0 && v.color == RED,
        "an earlier word of a checkpoint is read as number %d", v.color);
  settings_free(&s);
}

/* ---- precedence ---- */

static void test_precedence(void) {
  static const char *names[] = {"preset", "tuned", "file", "command line"};
  Settings s = {0};
  Values got;
  const OptionSet set[] = {{.title = "test", .rows = rows, .values = &got}, {0}};
  char file[160], *argv[] = {"program", file, "--count", "4", NULL};
  OptionSource source = FROM_PRESET;
  write_option_file("p", "count = 3\nrate = 0.3\n");
  snprintf(file, sizeof file, "@%s", path_of("p"));
  settings_read(&s, 4, argv, &err); /* given first, but has priority */
  settings_preset(&s, FROM_TUNED, "tuned", "count=2 rate=0.2  word=t", &err);
  settings_preset(&s, FROM_PRESET, "preset", "count=1 rate=0.1 word=p color=red", &err);
  check(options_apply(set, others, &s, &err) == 0, "four sources: %s", err.text);
  check(got.count == 4, "count comes from the %s", names[got.count - 1]);
  check(got.rate == 0.3, "rate is %g, not the file's 0.3", got.rate);
  check(strcmp(got.word, "t") == 0, "word is %s, not the tuned t", got.word);
  check(got.color == 0, "color is not the preset's");
  const char *found = settings_find(&s, "count", &source);
  check(found && strcmp(found, "4") == 0 && source == FROM_COMMAND_LINE, "settings_find: count");
  found = settings_find(&s, "word", &source);
  check(found && strcmp(found, "t") == 0 && source == FROM_TUNED, "settings_find: word");
  check(!settings_find(&s, "nothing", NULL), "settings_find: nothing is found");
  char *more[] = {"program", file, NULL};
  write_option_file("q", "rate = 0.7\n");
  snprintf(file, sizeof file, "@%s", path_of("q"));
  settings_read(&s, 2, more, &err);
  found = settings_find(&s, "rate", NULL);
  check(found && strcmp(found, "0.7") == 0, "settings_find: the later of two files does not win");
  check(options_apply(set, others, &s, &err) == 0 && got.rate == 0.7,
        "the later of two files does not win: rate %g", got.rate);
  settings_free(&s);
}

/* ---- the whole program's options ---- */

static int read_config(Config *c, const char *a, const char *b, const char *d) {
  char *argv[] = {"train", (char *)a, (char *)b, (char *)d, NULL};
  return config_read(c, 1 + (a != NULL) + (b != NULL) + (d != NULL), argv, &err);
}

/* Values that are hard to write exactly: none is a round decimal, some are at the limits. */
static void awkward(const Option *row, int k, char *out, size_t size) {
  static const double reals[] = {0.1, 1 / 3.0, 1e-8, 3.0e-45, 0.1 + 0.2, 1 / 49.0, 123456789.125};
  static const double ints[] = {3, 1234567, 9007199254740991.0};
  static const char *words[] = {"plain", "two words", "a=b", "x#y", "-", "--dashes", "@at",
                                "", "a #b", "#c", " ahead", "behind "};
  if (row->type == OPTION_WORD) snprintf(out, size, "%s", words[k % COUNT(words)]);
  else if (row->type == OPTION_CHOICE) {
    word_at(row->choices, k % word_count(row->choices), out, size);
  } else {
    double x = row->type == OPTION_INT ? ints[k % COUNT(ints)] : reals[k % COUNT(reals)];
    x = x < row->min ? row->min : x > row->max ? row->max : x;
    snprintf(out, size, "%.17g", x);
  }
}

/* Writes the options of `from`, reads them into `to` (the same optimizer) and compares those that
   have an effect. */
static void check_round_trip(const Config *from, Config *to, int k) {
  char path[160], *argv[] = {"train", path, NULL};
  Settings s = {0};
  snprintf(path, sizeof path, "@%s", path_of("written"));
  FILE *out = fopen(path + 1, "w");
  options_write(out, from->sets);
  fclose(out);
  check(settings_read(&s, 2, argv, &err) == 0 && options_apply(to->sets, NULL, &s, &err) == 0,
        "%s, values %d: the written options are refused: %s", from->method->name, k, err.text);
  settings_free(&s);
  for (int set = 0; from->sets[set].rows; set++)
    for (const Option *row = from->sets[set].rows; row->name; row++) {
      char was[OPTION_TEXT], is[OPTION_TEXT], why[OPTION_TEXT + 256];
      if (option_is_void(from->sets, row, why, sizeof why)) continue; /* not written */
      const char *a = (const char *)from->sets[set].values + row->at;
      const char *b = (const char *)to->sets[set].values + row->at;
      size_t size = row->type == OPTION_WORD ? strlen(a) + 1
                    : row->type == OPTION_CHOICE ? sizeof(int) : sizeof(double);
      option_show(row, from->sets[set].values, was, sizeof was);
      option_show(row, to->sets[set].values, is, sizeof is);
      check(memcmp(a, b, size) == 0, "%s: --%s \"%s\" comes back from its file as \"%s\"",
            from->method->name, row->name, was, is);
    }
}

static void test_round_trip(const Optimizer *method) {
  Config from, to;
  for (int k = 0; k <= 12; k++) {
    if (read_config(&from, "--optimizer", method->name, NULL) ||
        read_config(&to, "--optimizer", method->name, NULL)) {
      check(0, "--optimizer %s: %s", method->name, err.text);
      return;
    }
    for (int set = 0; k > 0 && from.sets[set].rows; set++) /* k = 0: the defaults */
      for (const Option *row = from.sets[set].rows; row->name; row++) {
        char value[OPTION_TEXT];
        awkward(row, k - 1, value, sizeof value);
        check(option_set(row, from.sets[set].values, value, "test", &err) == 0, "%s: %s",
              method->name, err.text);
      }
    check_round_trip(&from, &to, k);
    config_free(&from);
    config_free(&to);
  }
}

/* Every condition names an option that some run has, so that a typing error is found. */
static void test_conditions(const Option *row) {
  for (const char *at = row->needs; at && *at;) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "!="), at);
    const Option *other = config_option(name);
    check(other != NULL, "--%s needs --%s, which is not an option", row->name, name);
    at += strcspn(at, "!=");
    at += strspn(at, "!=");
    for (; other && other->type == OPTION_CHOICE && *at && *at != ','; at += *at == '|') {
      char word[64];
      size_t span = strcspn(at, "|,");
      int known = 0;
      snprintf(word, sizeof word, "%.*s", (int)span, at);
      for (const Optimizer *const *o = optimizers; *o && !known; o++) {
        const Option *choice = option_find((*o)->options, name);
        known = choice && word_index(choice->choices, word) >= 0;
      }
      check(known || word_index(other->choices, word) >= 0, "--%s needs --%s %s: not a choice",
            row->name, name, word);
      at += span;
    }
    at += strcspn(at, ",");
    at += strspn(at, ", ");
  }
}

/* A name must have one meaning, and every default must be a value that may be set. */
static void test_tables(const Optimizer *method) {
  Config c;
  if (read_config(&c, "--optimizer", method->name, NULL)) return;
  for (int set = 0; c.sets[set].rows; set++)
    for (const Option *row = c.sets[set].rows; row->name; row++) {
      int same = 0;
      for (int other = 0; c.sets[other].rows; other++)
        for (const Option *r = c.sets[other].rows; r->name; r++)
          same += strcmp(r->name, row->name) == 0;
      check(same == 1, "%s: --%s is in %d tables", method->name, row->name, same);
      check(row->help && *row->help, "%s: --%s has no help", method->name, row->name);
      test_conditions(row);
      check(option_set(row, c.sets[set].values, row->fallback, "default", &err) == 0,
            "%s: the default of --%s: %s", method->name, row->name, err.text);
    }
  config_free(&c);
}

static void refused_config(const char *a, const char *b, const char *c, const char *part) {
  Config config;
  check(read_config(&config, a, b, c) == -1, "%s %s %s is accepted", a, b ? b : "", c ? c : "");
  check(strstr(err.text, part) != NULL, "%s %s %s: the sentence lacks \"%s\": %s", a, b ? b : "",
        c ? c : "", part, err.text);
}

static void test_config(void) {
  Config c;
  check(read_config(&c, "--model", "micro", "--batch=3") == 0, "--model micro: %s", err.text);
  check(c.model.L == 6 && c.model.C == 384 && c.run.batch == 3, "preset and command line: L %lld",
        (long long)c.model.L);
  config_free(&c);
  check(read_config(&c, "--tokens=10000", "--batch=4", "--context=100") == 0, "%s", err.text);
  check(c.run.steps == 25, "10000 tokens are %lld steps of 400", (long long)c.run.steps);
  config_free(&c);
  static const struct {
    const char *steps, *warmup;
    int64_t expected;
  } cases[] = {{"--steps=300", "--seed=1", 150}, /* adamw's on nano */
               {"--steps=100", "--seed=1", 50},
               {"--steps=1", "--seed=1", 0},
               {"--steps=3000", "--seed=1", 1500},
               {"--steps=100", "--warmup=7", 7},
               {"--steps=100", "--warmup-fraction=0.1", 10}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check(read_config(&c, cases[i].steps, cases[i].warmup, NULL) == 0, "%s", err.text);
    check(c.schedule.warmup == cases[i].expected, "%s %s: warm-up %lld", cases[i].steps,
          cases[i].warmup, (long long)c.schedule.warmup);
    config_free(&c);
  }
  refused_config("--optimizer", "moun", NULL, "did you mean muon?");
  refused_config("--model", "nanno", NULL, "did you mean nano?");
  refused_config("--heads", "3", NULL, "does not divide --channels");
  refused_config("--batch=2", "--micro-batch=3", NULL, "--micro-batch 3");
  refused_config("--steps=5", "--tokens=5000", NULL, "use one of them");
  refused_config("--warmup=1", "--warmup-fraction=0.1", NULL, "use one of them");
  refused_config("--warmup=10", "--steps=10", NULL, "--warmup 10");
  refused_config("--ns-steps", "3", NULL, "--ns-steps is an option of muon");
  refused_config("--bacth", "3", NULL, "did you mean --batch?");
  refused_config("--optimizer=adamw", "--beta1=1", NULL, "0 to below 1 is allowed");
}

/* config_read of a line of words. */
static int read_train_line(Config *c, const char *line) {
  char text[512], *argv[16] = {"train"};
  int argc = 1;
  snprintf(text, sizeof text, "%s", line);
  for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
  return config_read(c, argc, argv, &err);
}

/* Lines with an option that has no effect, the reason, and a line where the option has one. */
static void test_void(void) {
  static const struct {
    const char *line, *reason, *good;
  } cases[] = {
      {"--optimizer adamw --aux-lr 0.1", "adamw updates every parameter itself",
       "--optimizer adamw --scope matrices --aux-lr 0.1"},
      {"--optimizer lion --aux-eps 0.1", "lion updates every parameter itself",
       "--optimizer muon --aux-eps 0.1"},
      {"--optimizer adamw --qkv-split 1", "adamw updates each weight alone",
       "--optimizer muon --qkv-split 1"},
      {"--schedule cosine --decay-fraction 0.5", "it needs --schedule wsd",
       "--schedule wsd --decay-fraction 0.5"},
      {"--schedule constant --final-lr 0.5", "no effect with --schedule constant",
       "--schedule linear --final-lr 0.5"},
      {"--order sequential --data-seed 2", "it needs --order shuffle", "--data-seed 2"},
      {"--val-fraction 0.2", "no effect with --data austen", "--data x.txt --val-fraction 0.2"},
      {"--data x.txt --val y.txt --val-fraction 0.2", "no effect with --val y.txt",
       "--data x.txt --val-fraction 0.2"},
      {"--val-every 0 --val-tokens 9", "no effect with --val-every 0", "--val-tokens 9"},
      {"--keep 0 --save-every 2", "no effect with --keep 0", "--keep 1 --save-every 2"},
      {"--overwrite on", "no effect without --out", "--out x --overwrite on"},
      {"--optimizer muon --orthogonalize svd --ns-steps 3", "needs --orthogonalize newton-schulz",
       "--optimizer muon --ns-steps 3"},
      {"--optimizer muon --orthogonalize converged --ns-schedule you", "with --orthogonalize conv",
       "--optimizer muon --ns-schedule converged"},
      {"--optimizer low-rank-muon --inner svd --ns-steps 3", "it needs --inner newton-schulz",
       "--optimizer low-rank-muon --ns-steps 3"},
      {"--optimizer low-rank-muon --power-iterations 2", "it needs --construction power",
       "--optimizer low-rank-muon --construction power --power-iterations 2"},
      {"--optimizer root --coefficients fitted --ns-schedule you", "with --coefficients fitted",
       "--optimizer root --coefficients published --ns-schedule you"},
      {"--optimizer scion --weight-decay 0.1", "no effect with --form constrained",
       "--optimizer scion --form unconstrained --weight-decay 0.1"},
      {"--optimizer scion --head-norm adamw --head-radius 9", "it needs --head-norm sign",
       "--optimizer scion --head-radius 9"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    Config c;
    check(read_train_line(&c, cases[i].line) == -1, "%s is accepted", cases[i].line);
    check(strstr(err.text, cases[i].reason) != NULL, "%s: %s", cases[i].line, err.text);
    check(read_train_line(&c, cases[i].good) == 0, "%s: %s", cases[i].good, err.text);
    config_free(&c);
  }
}

/* A config.txt of an earlier version lists all options and has earlier words. */
static void test_old_config(void) {
  Config c;
  char line[256];
  write_option_file("old", "optimizer = adamw\naux-lr = 0.1\nschedule = cosine\n"
                           "decay-fraction = 0.5\nqkv-split = heads\noverwrite = off\n");
  snprintf(line, sizeof line, "@%s --seed 2", path_of("old"));
  check(read_train_line(&c, line) == 0, "an old config.txt: %s", err.text);
  check(c.optimizer.aux_lr == 0.003 && c.schedule.decay_fraction == 0.6,
        "options without effect of an old config.txt are kept");
  config_free(&c);
  write_option_file("old", "optimizer = muon\northogonalize = exact\n");
  snprintf(line, sizeof line, "@%s", path_of("old"));
  check(read_train_line(&c, line) == 0, "orthogonalize = exact in a file: %s", err.text);
  config_free(&c);
  check(read_train_line(&c, "--optimizer muon --orthogonalize exact") == -1 &&
            strstr(err.text, "--orthogonalize converged"), "--orthogonalize exact: %s", err.text);
  check(read_train_line(&c, "--optimizer muon --ns-schedule exact") == -1 &&
            strstr(err.text, "--ns-schedule converged"), "--ns-schedule exact: %s", err.text);
  check(read_train_line(&c, "--optimizer low-rank-muon --inner exact") == -1 &&
            strstr(err.text, "--inner svd"), "--inner exact: %s", err.text);
}

static void test_help(void) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  options_help(out, &sets[0]);
  fclose(out);
  for (const Option *row = rows; row->name; row++)
    check(strstr(text, row->name) && strstr(text, row->help), "the help lacks --%s", row->name);
  check(strstr(text, "--count 5") && !strstr(text, "2e+06") && strstr(text, "[0 to 1]"),
        "a wide range is shown, or a narrow one is not: %s", text);
  check(strstr(text, "[red, green, light-blue]") != NULL, "the help lacks the choices: %s", text);
  check(strstr(text, "only with --color red or") && strstr(text, "only without") &&
            strstr(text, "[0 to 9; only with --word]"), "the help lacks a need: %s", text);
  free(text);
}

int main(void) {
  if (!mkdtemp(folder)) {
    perror(folder);
    return 1;
  }
  test_ints();
  test_reals();
  test_choices();
  test_words();
  test_word_tables();
  test_command_line();
  test_files();
  test_nested_files();
  test_bad_files();
  test_needs();
  test_needs_written();
  test_unused_set();
  test_renamed();
  test_precedence();
  for (const Optimizer *const *o = optimizers; *o; o++) {
    test_tables(*o);
    test_round_trip(*o);
  }
  test_config();
  test_void();
  test_old_config();
  test_help();
  static const char *const names[] = {"a", "b", "c", "p", "q", "blank", "empty", "self", "ping",
                                      "pong", "lost", "twice", "word", "nameless", "typo",
                                      "range", "zero", "written", "void", "renamed", "old",
                                      "chain0", "chain1", "chain2", "chain3",
                                      "chain4", "chain5", "chain6", "chain7", "chain8", "chain9"};
  for (int i = 0; i < COUNT(names); i++) unlink(path_of(names[i]));
  rmdir(folder);
  return check_report("options");
}
