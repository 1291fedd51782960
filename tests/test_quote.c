/* What files and names may hold, and what becomes of it in each kind of output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/quote.h"
#include "tests/check.h"

typedef void (*Quote)(FILE *out, const char *text);

static char *quoted(Quote quote, const char *text) {
  char *out;
  size_t size;
  FILE *memory = open_memstream(&out, &size);
  quote(memory, text);
  fclose(memory);
  return out;
}

static void expect(const char *name, Quote quote, const char *text, const char *wanted) {
  char *got = quoted(quote, text);
  check(strcmp(got, wanted) == 0, "%s: \"%s\" becomes \"%s\", not \"%s\"", name, text, got, wanted);
  free(got);
}

static void test_texts(void) {
  expect("terminal", quote_terminal, "a\033[2Jb\tc\n", "a\\x1b[2Jb\\x09c\\x0a");
  expect("terminal", quote_terminal, "\xC2\x9B" "31m\x9B\x7F", "\\xc2\\x9b31m\\x9b\\x7f");
  expect("terminal", quote_terminal, "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80",
         "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80");
  expect("terminal", quote_terminal, "\xC0\x80\xED\xA0\x80\xE2\x82",
         "\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82");
  expect("HTML", quote_html, "<script a=\"b\" c='d'>&\033\n",
         "&lt;script a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;\xEF\xBF\xBD\n");
  expect("Markdown", quote_markdown, "a|b<c>&\n", "a\\|b&lt;c>&amp; ");
  expect("gnuplot", quote_gnuplot, "it's @a_{b} `c` 50%\n\\", "'it''s @a_{b} `c` 50% \\'");
  expect("gnuplot's tic", quote_gnuplot_tic, "50%s", "'50%%s'");
  expect("shell", quote_shell, "", "''");
  expect("shell", quote_shell, "runs/muon-nano", "runs/muon-nano");
  expect("shell", quote_shell, "it's $HOME", "'it'\\''s $HOME'");
  expect("path", quote_path, "-x", "./-x");
  expect("path", quote_path, "@a b", "./'@a b'");
}

/* What a shell makes of a quoted word is the word. */
static void test_shell(void) {
  static const char *const words[] = {"a b", "$(false)", "`false`", "a'b\"c\\d", "~", "*", "a;b",
                                      "#x", "!x", "\xC3\xA4|&<>", "x=y", "{a,b}"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char command[256], got[64] = "", *word = quoted(quote_shell, words[i]);
    snprintf(command, sizeof command, "printf %%s %s", word);
    FILE *pipe = popen(command, "r");
    if (pipe && !fgets(got, sizeof got, pipe)) got[0] = 0;
    check(pipe && pclose(pipe) == 0 && strcmp(got, words[i]) == 0, "%s: a shell reads \"%s\"", word,
          got);
    free(word);
  }
}

/* Any bytes: nothing that controls a terminal, HTML or gnuplot's string gets through. */
static void test_bytes(void) {
  char text[4] = "";
  for (unsigned i = 1; i < 1 << 16; i++) {
    text[0] = (char)(i >> 8 ? i >> 8 : i & 255);
    text[1] = i >> 8 ? (char)(i & 255) : 0;
    text[2] = text[1] ? 'x' : 0;
    static const Quote quotes[] = {quote_terminal, quote_html, quote_markdown, quote_gnuplot};
    for (int q = 0; q < 4; q++) {
      char *got = quoted(quotes[q], text);
      int bad = 0;
      for (const char *c = got; *c; c++)
        bad |= (unsigned char)*c < (q == 1 ? 9 : 32) || *c == 0x7F || *c == '\033' ||
               (q == 1 && *c == '<') ||
               ((unsigned char)c[0] == 0xC2 && (unsigned char)c[1] < 0xA0);
      if (bad || (i & 0xFFF) == 1)
        check(!bad, "quote %d: bytes %02x %02x become \"%s\"", q, text[0] & 255, text[1] & 255,
              got);
      free(got);
    }
  }
}

static void test_cut(void) {
  char small[8];
  quote_path_text(small, sizeof small, "a name that is too long");
  check(strlen(small) < sizeof small, "a path is cut to its room: %s", small);
}

int main(void) {
  test_texts();
  test_shell();
  test_bytes();
  test_cut();
  return check_report("quote");
}
